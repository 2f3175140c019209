//! Work that may end its process: by a signal, by memory that ran out, by whatever else no program can
//! catch. Done in a process of its own it ends that alone.

/// Does the work in a copy of this process and waits for its end, however that comes about. Where there
/// can be none (more than one thread, no room for another process, no Linux) the work is done here.
///
/// Nothing of what the work changes in memory is seen afterwards.
#[cfg(target_os = "linux")]
pub fn in_child(work: impl FnOnce()) {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use nix::errno::Errno;
    use nix::sys::wait::waitpid;
    use nix::unistd::{ForkResult, fork};

    if !is_alone() {
        return work();
    }
    #[expect(unsafe_code, reason = "a copy of a process is not safe in general")]
    // SAFETY: this thread is the only one, so no other can hold a lock that the copy would wait for, or
    // have left anything half done in it.
    let forked = unsafe { fork() };
    match forked {
        Ok(ForkResult::Parent { child }) => while waitpid(child, None) == Err(Errno::EINTR) {},
        Ok(ForkResult::Child) => {
            // Nothing of the copy goes on behind the work.
            let ended = catch_unwind(AssertUnwindSafe(work));
            std::process::exit(i32::from(ended.is_err()));
        }
        Err(_) => work(),
    }
}

/// Does the work here.
#[cfg(not(target_os = "linux"))]
pub fn in_child(work: impl FnOnce()) {
    work();
}

/// Whether this thread is the only one of its process. It stays so until it starts another.
#[cfg(target_os = "linux")]
fn is_alone() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}
