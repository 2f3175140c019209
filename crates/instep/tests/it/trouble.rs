//! Commands that tell of trouble and help out of it, as a person meets them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, ChildStdout, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::home::Home;
use crate::server;

/// Text that must never be told.
const CANARIES: [&str; 5] = [
    "Canary title",
    "canary remark",
    "CanaryProject",
    "canarytag",
    "0123456789abcdef0123456789abcdef",
];

struct Watching {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Watching {
    fn start(home: &Home, args: &[&str]) -> Self {
        let program = assert_cmd::cargo::cargo_bin("instep");
        let mut command = home.command(&program);
        command.args(args).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line
    }

    /// How it ends when a person presses Ctrl-C.
    fn interrupt(mut self) -> Option<i32> {
        let pid = i32::try_from(self.child.id()).expect("an id");
        let pid = Pid::from_raw(pid).expect("a process");
        kill_process(pid, Signal::INT).expect("it runs");
        self.child.wait().expect("it ended").code()
    }
}

#[test]
fn a_watched_status_tells_each_change_as_a_line() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    let mut watching = Watching::start(&home, &["status", "--watch", "--json"]);
    let tasks = |line: &str| -> Value {
        let status: Value = serde_json::from_str(line).expect("a line of JSON");
        status["tasks"].clone()
    };
    assert_eq!(tasks(&watching.line()), 2);
    home.good(&["add", "Call the bank"]);
    assert_eq!(tasks(&watching.line()), 3);
    assert_eq!(watching.interrupt(), Some(130));
}

#[test]
fn a_watched_status_in_a_pipe_is_told_once_per_change() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    let mut watching = Watching::start(&home, &["status", "-w"]);
    let first = watching.line();
    assert!(first.starts_with("● in step"), "{first}");
    for _ in 0..2 {
        watching.line();
    }
    home.good(&["add", "Call the bank"]);
    let next = watching.line();
    assert!(next.starts_with("● waiting"), "{next}");
    assert_eq!(watching.interrupt(), Some(130));
}

/// UX: no secret, no text of a task and no id of one leaves with a report, whatever the log holds.
#[test]
fn a_bug_report_holds_no_secret_and_no_text_of_a_task() {
    let (home, server) = server::in_step();
    home.task(&[
        "add",
        "Canary title",
        "project:CanaryProject",
        "+canarytag",
        "due:2031-01-01",
    ]);
    home.task(&["/Canary/", "annotate", "canary remark"]);
    home.good(&["sync"]);
    let uuid = home.task(&["_get", "1.uuid"]).trim().to_owned();
    let token = server.vikunja.token().to_owned();
    let config = home.read(".config/instep/config.toml");
    home.secret(
        ".config/instep/config.toml",
        &format!("{config}project = [\"CanaryProject\"]\n"),
    );
    let log = home.path(".local/state/instep/instep.log");
    let line = format!(
        "2026-11-22T03:45:17Z WARN instep: pushed \"Canary title\" {uuid} with {token} to \
         http://ann:{token}@host/api/v2/tasks/17 canarytag canary remark CanaryProject 7 ms\n"
    );
    fs::write(&log, line).expect("a log");

    let told = home.good(&["bugreport"]).stdout;
    let json = home.good(&["bugreport", "--json"]).stdout;
    let saved = home.good(&["bugreport", "--out", "report.txt"]).stdout;
    let file = home.read("report.txt");
    let path = home.path("report.txt").display().to_string();
    let home_dir = path.trim_end_matches("/report.txt").to_owned();
    for text in [&told, &json, &saved, &file] {
        let mut canaries: Vec<&str> = CANARIES.to_vec();
        canaries.extend([token.as_str(), uuid.as_str(), "/tasks/17"]);
        for canary in canaries {
            assert!(!text.contains(canary), "{canary} in {text}");
        }
        assert!(!text.contains(&home_dir), "{text}");
    }
    for part in [
        "Instep 0.1.0",
        "secret file",
        "account tw: taskwarrior",
        "7 ms",
    ] {
        assert!(file.contains(part), "{part} in {file}");
    }
    let mode = fs::metadata(home.path("report.txt")).expect("a file");
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let again = home.instep(&["bugreport", "--out", "report.txt"]);
    assert_eq!(again.code, 1, "{}", again.whole());
    assert_eq!(home.read("report.txt"), file, "nothing is written over");
}

#[test]
fn doctor_mends_what_is_safe_and_says_so() {
    let home = Home::with_two_accounts();
    home.good(&["hook", "uninstall"]);
    home.good(&["sync"]);
    let found = home.good(&["doctor", "--offline"]).stdout;
    assert!(found.contains("→ instep hook install"), "{found}");
    let mended = home.good(&["doctor", "--offline", "--fix"]).stdout;
    assert!(
        mended.starts_with("Mended     ✓ installed the hook of tw\n"),
        "{mended}"
    );
    assert!(mended.contains("all is well."), "{mended}");
}

#[test]
fn a_repair_without_a_word_writes_nothing_and_says_how_to_give_it() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    let asked = home.instep(&["repair", "file"]);
    assert_eq!(asked.code, 5, "{}", asked.whole());
    assert!(
        asked.stdout.contains("instep repair file --yes"),
        "{}",
        asked.stdout
    );
    let done = home.good(&["repair", "file", "--yes"]);
    assert!(
        done.stderr.contains("file: 2 pairs ended, 2 found"),
        "{}",
        done.whole()
    );
    let plan = home.good(&["sync", "-n"]).stdout;
    assert!(plan.contains("nothing to do"), "{plan}");
    let none = home.good(&["retry"]).stdout;
    assert_eq!(none, "nothing to try again\n");
}
