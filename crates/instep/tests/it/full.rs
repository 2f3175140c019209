//! A drive that is full while the program runs: nothing is told as done that was not stored, whoever asks
//! hears of it, and everything goes on by itself once there is room.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use serde_json::{Value, json};

use crate::home::{Ended, Home};
use crate::serving::{Serving, program, until};

/// No file of the process grows beyond this, or any does again.
fn room(pid: Pid, bytes: Option<u64>) {
    let limit = Rlimit {
        current: bytes,
        maximum: None,
    };
    prlimit(Some(pid), Resource::Fsize, limit).expect("a limit");
}

/// Tasks whose titles alone are more than the drive takes.
fn make_many(home: &Home) {
    let tasks: Vec<Value> = (0..60)
        .map(|number| json!({ "description": format!("hog {number} {}", "x".repeat(4_000)) }))
        .collect();
    home.write("many.json", &Value::from(tasks).to_string());
    home.task(&["rc.hooks=0", "import", "many.json"]);
}

#[test]
fn a_change_that_was_not_stored_is_not_told() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    make_many(&home);
    let limited = |args: &str| {
        let run = format!("ulimit -f 200; exec '{}' {args}", program().display());
        let mut command = home.command("sh".as_ref());
        command.arg("-c").arg(run);
        command.output().expect("a shell")
    };
    let ended = limited("sync");
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(!told.contains("hog"), "{told}");
    let ended = limited("sync --json");
    let told: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    for account in told["accounts"].as_array().expect("accounts") {
        let nothing = json!({ "created": 0, "updated": 0, "deleted": 0 });
        assert_eq!(account["hub"], nothing, "{account}");
        assert_eq!(account["remote"], nothing, "{account}");
    }
    assert!(!home.good(&["list"]).stdout.contains("hog"));
    home.good(&["sync"]);
    assert!(home.good(&["list"]).stdout.contains("hog 59"));
}

fn health(status: &Ended) -> String {
    let at = status.json()["daemon"]["http"].clone();
    let mut stream = TcpStream::connect(at.as_str().expect("an address")).expect("it listens");
    let asked = "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(asked.as_bytes()).expect("asked");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn what_the_daemon_could_not_store_is_told_until_it_can() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    home.good(&["hook", "install"]);
    let mut serve: Command = home.command(program());
    serve.args(["serve", "--listen", "127.0.0.1:0"]);
    let serving = Serving::start(&home, &mut serve);
    let status = || home.instep(&["status", "--json"]);
    until("all is well", || status().code == 0);
    assert!(health(&status()).starts_with("HTTP/1.1 200"));
    room(serving.pid(), Some(4_096));
    make_many(&home);
    until("a failure is told", || status().code == 1);
    let told = status().json();
    let accounts = told["accounts"].as_array().expect("accounts");
    let failed = accounts.iter().find(|one| one["error"].is_object());
    let failed = failed.unwrap_or_else(|| panic!("{told:#}"));
    assert_eq!(failed["state"], "needs_you", "{failed}");
    let why = failed["why"].as_str().expect("why");
    assert!(why.contains("→ "), "{why}");
    home.task(&["add", "Told"]);
    let is_told = |told: &Value| {
        let problems = told["problems"].as_array().expect("a list");
        let mut whats = problems.iter().filter_map(|one| one["what"].as_str());
        whats.any(|what| what.contains("hook"))
    };
    until("the hook's report is told", || is_told(&status().json()));
    let shown = home.instep(&["status"]).stdout;
    assert!(shown.starts_with("● needs you"), "{shown}");
    let answer = health(&status());
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains(r#""not_stored":[""#), "{answer}");
    room(serving.pid(), None);
    until("all is well again", || {
        home.read("tasks.json").contains("hog 59") && status().code == 0
    });
    assert!(home.read("tasks.json").contains("Told"));
    let told = status().json();
    assert_eq!(told["problems"], json!([]));
    assert!(health(&status()).starts_with("HTTP/1.1 200"));
}
