//! What Taskwarrior's hook file calls: `instep hook` in a program of its own, without the rest of
//! Instep, whose loading would cost more than all that it does.

mod hook;

use std::ffi::OsString;
use std::io::{IsTerminal, stdin};
use std::process::ExitCode;

use instep_app::HookCall;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    match HookCall::of(&args, || stdin().is_terminal()) {
        Some(call) => {
            hook::answer(&call);
            ExitCode::SUCCESS
        }
        None => {
            eprintln!(
                "instep-hook is what Taskwarrior calls: it tells Instep which tasks changed\n\
                 \u{2192} see `instep hook --help`"
            );
            ExitCode::from(2)
        }
    }
}
