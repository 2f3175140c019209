//! What the system permits: too little of it is named, and ends nothing in silence.

use std::process::{Command, Output};

use crate::home::Home;

/// Runs the program through a shell that permits less.
fn limited(home: &Home, limit: &str, args: &str) -> Output {
    let program = assert_cmd::cargo::cargo_bin("instep");
    Command::new("sh")
        .arg("-c")
        .arg(format!("{limit} && exec '{}' {args}", program.display()))
        .env("HOME", home.path(""))
        .current_dir(home.path(""))
        .output()
        .expect("a shell")
}

/// Too few open files are named as what they are, before anything is touched.
#[test]
fn a_low_limit_of_open_files_is_named() {
    let home = Home::with_two_accounts();
    for limit in ["ulimit -n 8", "ulimit -n 12"] {
        let ended = limited(&home, limit, "sync --json");
        let told = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert_eq!(ended.status.code(), Some(7), "{told}");
        assert!(told.contains("the limit of open files"), "{told}");
        assert!(told.contains("ulimit -n 1024"), "{told}");
    }
    // What the system permits is taken where less is given.
    let ended = limited(&home, "ulimit -S -n 12", "status");
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
}

/// A file that may not grow is told; the process is not ended by a signal.
#[test]
fn a_limit_of_the_size_of_files_is_told() {
    let home = Home::with_two_accounts();
    home.task(&["add", "Call the bank"]);
    let ended = limited(&home, "ulimit -f 8", "sync --yes --json");
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(told.contains("no space is left"), "{told}");
    home.good(&["sync", "--yes"]);
}
