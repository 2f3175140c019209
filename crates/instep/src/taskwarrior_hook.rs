//! What Taskwarrior's hook file calls: `instep hook` in a program of its own, without the rest of
//! Instep, whose loading would cost more than all that it does.

mod hook;

use std::ffi::OsString;
use std::io::{IsTerminal, Write, stderr, stdin};
use std::process::ExitCode;

use instep_api::Exit;
use instep_app::HookCall;

/// What a person reads who calls it.
const MEANT_FOR_TASKWARRIOR: &str = "\
error: instep-hook is what Taskwarrior calls to say which tasks changed
  help: instep hook status";

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match HookCall::of(&args, || stdin().is_terminal()) {
        Some(call) => {
            hook::answer(&call);
            ExitCode::SUCCESS
        }
        None => {
            // Nobody is left to be told where this cannot be.
            let _ = writeln!(stderr(), "{MEANT_FOR_TASKWARRIOR}");
            ExitCode::from(Exit::Usage.code())
        }
    }
}
