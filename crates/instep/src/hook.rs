//! `instep hook` and the hook itself, as Taskwarrior calls them: before arguments are parsed, a log or a
//! runtime is started, or anything else that costs time. Whatever happens in it, the program ends well and
//! says nothing.

use std::io::stdin;
use std::panic::{catch_unwind, set_hook};

use instep_app::HookCall;
use nix::sys::signal::{SigSet, Signal};

/// Would end the program before the change is stored: a key pressed, a terminal closed, a file that
/// may not grow.
const HELD_OFF: [Signal; 5] = [
    Signal::SIGHUP,
    Signal::SIGINT,
    Signal::SIGQUIT,
    Signal::SIGTERM,
    Signal::SIGXFSZ,
];

/// Carries a call out.
pub(crate) fn answer(call: &HookCall) {
    set_hook(Box::new(|_| {}));
    let _ = catch_unwind(|| {
        if let Some(report) = call.read(&mut stdin().lock()) {
            hold_off_signals();
            call.tell(&report);
        }
    });
}

/// Lets none of the signals in that would end the program early.
pub(crate) fn hold_off_signals() {
    let signals: SigSet = HELD_OFF.into_iter().collect();
    let _ = signals.thread_block();
}
