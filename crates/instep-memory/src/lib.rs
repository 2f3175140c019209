//! Memory that is not needed now, given back to the system. Nothing else is done here: it is the only
//! crate with unsafe code, and stays as small as it is.

mod code;
mod heap;

pub use code::give_back_code;
pub use heap::give_back;

/// Held by whoever measures what the process holds.
#[cfg(all(test, target_os = "linux"))]
static MEASURING: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Kilobytes that this process holds.
#[cfg(all(test, target_os = "linux"))]
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    kilobytes.expect("a size").parse().expect("a number")
}
