//! Several threads and processes at one file, and locks that somebody holds.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use instep_safefile::{Error, FileLock, LockError, SafeFile};

use crate::{Place, options, version};

const CONTENDER: &str = env!("CARGO_BIN_EXE_safefile-contender");

/// Runs the holder until it says that it holds `lock`; it ends when its input is closed.
fn holder(lock: &std::path::Path) -> Child {
    let mut child = Command::new(CONTENDER)
        .arg("hold")
        .arg(lock)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the contender starts");
    let mut line = String::new();
    let output = child.stdout.take().expect("its output");
    BufReader::new(output).read_line(&mut line).expect("a line");
    assert_eq!(line, "held\n");
    child
}

fn expect_lines(bytes: &[u8], tags: usize, count: usize) {
    let text = String::from_utf8(bytes.to_vec()).expect("text");
    let lines: BTreeSet<&str> = text.lines().collect();
    assert_eq!(
        text.lines().count(),
        tags * count,
        "no line twice, none missing"
    );
    for tag in 0..tags {
        for number in 0..count {
            assert!(
                lines.contains(format!("{tag}-{number}").as_str()),
                "{tag}-{number} is lost"
            );
        }
    }
}

#[test]
fn eight_threads_of_a_hundred_updates_keep_all_eight_hundred() {
    let place = Place::new(options().verify(|_| Ok(())));
    let path = place.at("tasks.txt");
    thread::scope(|scope| {
        for tag in 0..8 {
            let path = &path;
            scope.spawn(move || {
                let options = options()
                    .verify(|_| Ok(()))
                    .lock_timeout(Duration::from_secs(120));
                let file = SafeFile::open(path, options).expect("a file name");
                for number in 0..100 {
                    let line = format!("{tag}-{number}\n");
                    file.update::<Error>(|old| Ok([old, line.as_bytes()].concat()))
                        .expect("an update");
                }
            });
        }
    });
    expect_lines(&place.bytes("tasks.txt"), 8, 100);
}

#[test]
fn four_processes_of_twenty_five_updates_keep_all_hundred() {
    let place = Place::new(options());
    let path = place.at("tasks.txt");
    let contenders: Vec<Child> = (0..4)
        .map(|tag| {
            let mut command = Command::new(CONTENDER);
            command
                .arg("append")
                .arg(&path)
                .args([&tag.to_string(), "25"]);
            command.spawn().expect("the contender starts")
        })
        .collect();
    for mut contender in contenders {
        assert!(contender.wait().expect("it ends").success());
    }
    expect_lines(&place.bytes("tasks.txt"), 4, 25);
}

#[test]
fn a_held_lock_times_out_and_names_its_holder() {
    let place = Place::new(options().lock_timeout(Duration::from_millis(300)));
    place.file.save(&version("1")).unwrap();
    let mut child = holder(&place.at("tasks.txt.lock"));
    let started = Instant::now();
    for outcome in [
        place.file.save(&version("2")).map(drop),
        place.file.read().map(drop),
    ] {
        let Err(Error::LockTimeout {
            holder: Some(holder),
            waited,
            ..
        }) = outcome
        else {
            panic!("{outcome:?}")
        };
        assert_eq!(holder.pid, child.id());
        assert!(!holder.host.is_empty());
        assert!(waited >= Duration::from_millis(300) && waited < Duration::from_secs(5));
    }
    assert!(started.elapsed() >= Duration::from_millis(600));
    assert_eq!(place.bytes("tasks.txt"), version("1"));
    drop(child.stdin.take());
    child.wait().unwrap();
    place.file.save(&version("2")).unwrap();
}

#[test]
fn the_kernel_frees_the_lock_of_a_killed_holder() {
    let place = Place::new(options());
    let lock = place.at("hub.lock");
    let mut child = holder(&lock);
    assert!(matches!(
        FileLock::try_acquire(&lock),
        Err(LockError::Timeout { .. })
    ));
    child.kill().unwrap();
    child.wait().unwrap();
    let held = FileLock::acquire(&lock, Duration::from_secs(5)).unwrap();
    assert_eq!(held.path(), lock.canonicalize().unwrap());
}

#[test]
fn a_lock_file_stays_and_forgets_its_holder() {
    let place = Place::new(options());
    let lock = place.at("hub.lock");
    let held = FileLock::try_acquire(&lock).unwrap();
    assert!(place.bytes("hub.lock").starts_with(b"pid "));
    drop(held);
    assert_eq!(place.bytes("hub.lock"), b"");
}

#[test]
fn a_waiter_gets_the_lock_when_the_holder_lets_go() {
    let place = Place::new(options());
    let lock = place.at("hub.lock");
    let mut child = holder(&lock);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| FileLock::acquire(&lock, Duration::from_secs(30)));
        drop(child.stdin.take());
        assert!(waiter.join().expect("no panic").is_ok());
    });
    child.wait().unwrap();
}

#[test]
fn a_lock_on_the_file_itself_is_waited_for() {
    let place = Place::new(options().lock_timeout(Duration::from_millis(200)));
    place.file.save(&version("1")).unwrap();
    let theirs = std::fs::File::open(place.at("tasks.txt")).unwrap();
    theirs.lock().unwrap();
    let refused = place.file.save(&version("2"));
    let Err(Error::LockTimeout { path, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(path, place.at("tasks.txt").canonicalize().unwrap());
    drop(theirs);
    place.file.save(&version("2")).unwrap();
}

#[test]
fn what_lies_in_the_place_of_a_lock_is_said() {
    let place = Place::new(options());
    std::fs::create_dir(place.at("tasks.txt.lock")).unwrap();
    let refused = place.file.save(&version("1"));
    assert!(
        matches!(refused, Err(Error::NotAFile { .. })),
        "{refused:?}"
    );
}
