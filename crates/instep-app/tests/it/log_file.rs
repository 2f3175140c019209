//! The log file: its owner's alone, never a link's target, never longer than it may be, whole lines
//! only, and no reason for anybody to stop.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use instep_app::{LogFile, Places};
use tempfile::TempDir;

/// A log file in a home, that may hold so many bytes.
fn log(home: &TempDir, max_bytes: u64) -> LogFile {
    LogFile::at(home.path().join("state/instep.log"), max_bytes)
}

fn write(log: &LogFile, line: &str) {
    let mut log: &LogFile = log;
    log.write_all(format!("{line}\n").as_bytes())
        .expect("logging never fails");
}

fn mode(path: &Path) -> u32 {
    let found = fs::symlink_metadata(path).expect("it is there");
    found.permissions().mode() & 0o777
}

fn numbered(log: &LogFile, number: u32) -> PathBuf {
    PathBuf::from(format!("{}.{number}", log.path().display()))
}

#[test]
fn lies_in_the_state_directory() {
    let places = Places::under(Path::new("/ann"));
    let path = LogFile::of(&places).path().to_owned();
    assert_eq!(path, Path::new("/ann/.local/state/instep/instep.log"));
}

#[test]
fn is_its_owners_alone_even_where_it_was_not() {
    let home = TempDir::new().expect("a directory");
    let log = log(&home, 1000);
    log.prepare().expect("it can be made");
    assert_eq!(mode(log.path()), 0o600);
    assert_eq!(mode(&home.path().join("state")), 0o700);
    let open = fs::Permissions::from_mode(0o666);
    fs::set_permissions(log.path(), open).expect("its mode can be set");
    write(&log, "one");
    assert_eq!(mode(log.path()), 0o600);
}

#[test]
fn is_moved_aside_and_five_are_kept() {
    let home = TempDir::new().expect("a directory");
    let log = log(&home, 20);
    log.prepare().expect("it can be made");
    // Two of these fit, a third does not.
    for number in 0..20 {
        write(&log, &format!("line {number:03}"));
    }
    let text = |path: &Path| fs::read_to_string(path).expect("it is there");
    assert_eq!(text(log.path()), "line 018\nline 019\n");
    assert_eq!(text(&numbered(&log, 1)), "line 016\nline 017\n");
    assert_eq!(text(&numbered(&log, 4)), "line 010\nline 011\n");
    assert!(!numbered(&log, 5).exists());
    assert_eq!(mode(&numbered(&log, 4)), 0o600);
}

#[test]
fn is_moved_aside_in_time_while_others_are_started() {
    let home = TempDir::new().expect("a directory");
    let log = log(&home, 20);
    log.prepare().expect("it can be made");
    let is_over = AtomicBool::new(false);
    let mut longest = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let ended = Command::new("true").status();
                assert!(ended.expect("it runs").success());
            }
        });
        for number in 0..2000 {
            write(&log, &format!("line {number:04}"));
            let found = fs::metadata(log.path());
            longest = found.map_or(longest, |found| longest.max(found.len()));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(longest, 20);
}

#[test]
fn a_line_stays_one_and_moves_no_cursor() {
    let home = TempDir::new().expect("a directory");
    let log = log(&home, 1000);
    log.prepare().expect("it can be made");
    write(&log, "a\nforged line\x1b[2J");
    let text = fs::read_to_string(log.path()).expect("it is there");
    assert_eq!(text, "a forged line [2J\n");
}

#[test]
fn what_bears_its_name_is_refused_with_a_remedy_and_left_alone() {
    type Plant = fn(&Path);
    let plant: [(&str, Plant); 4] = [
        ("it is a link", |path| {
            let target = path.with_file_name("precious");
            fs::write(&target, "mine").expect("a file");
            symlink(target, path).expect("a link");
        }),
        ("it is a link", |path| {
            symlink(path.with_file_name("nothing"), path).expect("a link");
        }),
        ("Is a directory", |path| {
            fs::create_dir(path).expect("a directory");
        }),
        ("it is a pipe", |path| {
            let made = Command::new("mkfifo").arg(path).status();
            assert!(made.expect("mkfifo runs").success());
        }),
    ];
    for (why, plant) in plant {
        let home = TempDir::new().expect("a directory");
        let log = log(&home, 1000);
        fs::create_dir(home.path().join("state")).expect("a directory");
        plant(log.path());
        let failure = log.prepare().expect_err("it is no log file");
        assert!(failure.why.contains(why), "{failure:?}");
        assert!(failure.help.contains("mv "), "{failure:?}");
        write(&log, "lost");
        let precious = home.path().join("state/precious");
        if precious.exists() {
            assert_eq!(fs::read_to_string(precious).expect("it is there"), "mine");
        }
        assert!(!home.path().join("state/nothing").exists());
    }
}

#[test]
fn lines_that_could_not_be_written_are_counted_once_they_can() {
    let home = TempDir::new().expect("a directory");
    let log = log(&home, 1000);
    fs::create_dir_all(log.path()).expect("a directory in its place");
    write(&log, "lost");
    write(&log, "lost too");
    fs::remove_dir(log.path()).expect("it can be removed");
    write(&log, "kept");
    write(&log, "kept too");
    let text = fs::read_to_string(log.path()).expect("it is there");
    let wanted = "\n(2 lines of this process could not be written)\nkept\nkept too\n";
    assert_eq!(text, wanted);
}

#[test]
fn a_directory_in_the_way_of_older_files_does_not_let_it_grow() {
    let home = TempDir::new().expect("a directory");
    let log = log(&home, 20);
    log.prepare().expect("it can be made");
    fs::create_dir_all(numbered(&log, 1).join("full")).expect("a directory");
    fs::create_dir_all(numbered(&log, 2).join("full")).expect("a directory");
    for number in 0..20 {
        write(&log, &format!("line {number:03}"));
    }
    let text = fs::read_to_string(log.path()).expect("it is there");
    assert!(text.len() <= 20 && text.ends_with("line 019\n"), "{text}");
}

#[test]
fn writers_beside_each_other_tear_and_lose_no_line() {
    const WRITERS: usize = 8;
    const LINES: usize = 200;
    let home = TempDir::new().expect("a directory");
    // Each has a handle of its own, as each process has.
    let writers = (0..WRITERS).map(|writer| {
        let log = log(&home, 64 * 1024);
        log.prepare().expect("it can be made");
        std::thread::spawn(move || {
            for line in 0..LINES {
                write(&log, &format!("{writer} {line} {}", "x".repeat(100)));
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    for writer in writers {
        writer.join().expect("it ends well");
    }
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let files = fs::read_dir(home.path().join("state")).expect("it can be read");
    for file in files.flatten() {
        for line in fs::read_to_string(file.path()).expect("text").lines() {
            let (head, rest) = line.rsplit_once(' ').expect("a whole line");
            assert_eq!(rest.len(), 100, "{line}");
            *found.entry(head.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(found.len(), WRITERS * LINES);
    assert!(found.values().all(|count| *count == 1));
}
