//! Memory that was freed. The allocator of glibc keeps it for the next time, wherever anything that is
//! still in use lies above it: a program that read ten thousand tasks once holds room for them as long
//! as it runs.

/// Gives back what can be given; answers whether anything could. Takes a few milliseconds for each
/// hundred megabytes, in which nobody allocates. Does nothing where the allocator is not glibc's.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back() -> bool {
    #[expect(unsafe_code, reason = "the allocator is a C library")]
    // SAFETY: `malloc_trim` asks nothing of its caller: it takes the allocator's own locks, and what is
    // allocated stays where it is (malloc_trim(3), "MT-Safe").
    let released = unsafe { libc::malloc_trim(0) };
    released != 0
}

/// Gives back what can be given; answers whether anything could. Does nothing where the allocator is not
/// glibc's.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() -> bool {
    false
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    /// Kilobytes that this process holds.
    fn resident() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        kilobytes.expect("a size").parse().expect("a number")
    }

    #[test]
    fn what_was_freed_below_something_in_use_is_given_back() {
        let mut pieces: Vec<Vec<u8>> = (0..200_000).map(|_| vec![1; 200]).collect();
        let last = pieces.pop();
        drop(pieces);
        let before = resident();
        assert!(super::give_back());
        let after = resident();
        assert!(after + 20_000 < before, "{before} kB, then {after} kB");
        drop(last);
    }
}
