//! Code that has run. The system keeps it mapped long after, and with it what lies around it in the
//! file: most of what an idle program seems to hold is what only its start needed.

/// Lets go of the program's own code; answers whether it could. What is needed again is mapped again
/// from what the system has of the file, some microseconds for each 64 kB. Does nothing but on Linux.
#[cfg(target_os = "linux")]
pub fn give_back_code() -> bool {
    let (Ok(program), Ok(maps)) = (
        std::fs::read_link("/proc/self/exe"),
        std::fs::read_to_string("/proc/self/maps"),
    ) else {
        return false;
    };
    let program = program.to_string_lossy();
    let spans = maps.lines().filter_map(|line| code_of(line, &program));
    spans.map(let_go).fold(false, |any, done| any | done)
}

/// Does nothing.
#[cfg(not(target_os = "linux"))]
pub fn give_back_code() -> bool {
    false
}

/// Where a line of `/proc/self/maps` says that this program's code lies: what is mapped from its file
/// to be run, and so is never written to.
#[cfg(target_os = "linux")]
fn code_of(line: &str, program: &str) -> Option<std::ops::Range<usize>> {
    let rest = line.strip_suffix(program)?;
    let mut words = rest.strip_suffix(' ')?.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    if words.next()? != "r-xp" {
        return None;
    }
    let number = |text| usize::from_str_radix(text, 16).ok();
    Some(number(start)?..number(end)?)
}

#[cfg(target_os = "linux")]
fn let_go(span: std::ops::Range<usize>) -> bool {
    let start = std::ptr::without_provenance_mut(span.start);
    #[expect(unsafe_code, reason = "the system is asked about addresses")]
    // SAFETY: these pages are mapped from the program's own file, which nobody can write to while it
    // runs, and they cannot be written to here: what is let go of is read again from that same file
    // as it is needed (madvise(2), MADV_DONTNEED), by this thread and by every other.
    let answer = unsafe { libc::madvise(start, span.len(), libc::MADV_DONTNEED) };
    answer == 0
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{code_of, give_back_code, let_go};

    // How much less is held then is for the benchmark to tell: so small a program has it all back at once.
    #[test]
    fn code_goes_on_running_once_it_was_let_go_of() {
        assert!(give_back_code());
        let numbers: Vec<u64> = (0..1000).collect();
        assert_eq!(numbers.iter().sum::<u64>(), 499_500);
        assert!(give_back_code(), "and so again");
        assert!(!let_go(0x1000..0x2000), "nothing is mapped there");
    }

    #[test]
    fn only_this_programs_code_is_meant() {
        let line = |rights: &str, path: &str| {
            let line = format!("55c0a000-55c0b000 {rights} 00001000 fe:00 4711   {path}");
            code_of(&line, "/bin/a program")
        };
        assert_eq!(
            line("r-xp", "/bin/a program"),
            Some(0x55c0_a000..0x55c0_b000)
        );
        for (rights, path) in [
            ("r--p", "/bin/a program"),
            ("rw-p", "/bin/a program"),
            ("r-xp", "/lib/other"),
            ("r-xp", "/usr/bin/a program"),
            ("r-xp", "[vdso]"),
            ("r-xp", ""),
        ] {
            assert_eq!(line(rights, path), None, "{rights} {path}");
        }
    }
}
