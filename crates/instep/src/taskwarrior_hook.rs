//! What Taskwarrior's hook is: `instep hook` in a program of its own, without the rest of Instep, whose
//! loading would cost more than all that it does. `instep hook install` puts a copy of it among the hooks.
//!
//! The program that Taskwarrior waits for does nothing but wait for another, which does the work: a hook
//! that does not exit with 0 makes `task` fail, and nothing that ends the work early is the hook's end.

mod hook;

use std::ffi::OsString;
use std::fs::File;
use std::io::{IsTerminal, Write, stderr, stdin};
use std::process::ExitCode;

use instep_api::Exit;
use instep_app::{HOOK_MARK, HookCall};
use rustix::stdio::{dup2_stderr, dup2_stdout};

fn main() -> ExitCode {
    hook::hold_off_signals();
    let mut args = std::env::args_os();
    let name = args.next().unwrap_or_default();
    let args: Vec<OsString> = args.collect();
    let Some(call) = HookCall::of(&args, || stdin().is_terminal()) else {
        // Nobody is left to be told where this cannot be.
        let _ = writeln!(
            stderr(),
            "error: this is what Taskwarrior calls\n  why:  {HOOK_MARK}\n  help: instep hook status"
        );
        return ExitCode::from(Exit::Usage.code());
    };
    instep_unsafe::in_child(|| {
        fall_silent();
        hook::answer(&call.with_carried(&name));
    });
    ExitCode::SUCCESS
}

/// Whatever is still said, such as by a library that gives up, is said to nobody.
fn fall_silent() {
    let Ok(nowhere) = File::options().write(true).open("/dev/null") else {
        return;
    };
    let _ = dup2_stdout(&nowhere);
    let _ = dup2_stderr(&nowhere);
}
