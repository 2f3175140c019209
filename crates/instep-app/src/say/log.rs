//! What of a failure may stand in a log, where neither a secret nor a task's text ever does.

use instep_api::Failure;

/// The failures of whose reasons every word is ours, or the system's. The others may quote what a
/// service answered, and that may be what it was sent.
const PLAIN: [&str; 9] = [
    "lock_held",
    "taken_over",
    "task_changed",
    "hub_unavailable",
    "disk_full",
    "no_permission",
    "throttled",
    "in_doubt",
    "guard",
];

/// Which line of the config a failure is about, where it names one.
pub fn line_for_log(failure: &Failure) -> Option<usize> {
    let rest = failure.why.strip_prefix("line ")?;
    let (number, _) = rest.split_once(|c: char| !c.is_ascii_digit())?;
    number.parse().ok()
}

/// The reason of a failure as far as it may be logged; `instep status` tells all of it.
pub fn reason_for_log(failure: &Failure) -> Option<&str> {
    let is_plain = PLAIN.contains(&failure.code.as_str());
    is_plain.then_some(failure.why.as_str())
}
