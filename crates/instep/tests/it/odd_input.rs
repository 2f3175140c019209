//! Texts and dates that programs trip over, through the program, each Taskwarrior, a server and a
//! file: nothing is lost, nothing breaks, and what one place cannot hold is left out there alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::home::{Ended, Home};
use crate::server::Server;

const TITLES: [&str; 22] = [
    "tab\there",
    "escape \u{1b}[31mred",
    "bell \u{7} and delete \u{7f}",
    "\u{202e}turned round",
    "שלום עולם",
    "👩‍👩‍👧 and \u{1f1e9}\u{1f1ea}",
    "-leading",
    "--help",
    "rc.hooks=off",
    "project:Home +tag due:tomorrow",
    "'; rm -rf / #",
    "[1] (or) and",
    "\\u0041 \\n",
    "\"quoted\" and 'single'",
    "C:\\new\\table",
    "100% %s",
    "e\u{301} beside \u{e9}",
    "status:completed",
    "/a/b/",
    "uuid:1234",
    "&amp; <b>",
    "null",
];

/// A home with a Taskwarrior of this version, a task file and a server, none with any task.
fn three_accounts(major: u32) -> (Home, Server) {
    let (home, server) = (Home::with_taskwarrior(major), Server::start());
    home.good(&["init", "--yes"]);
    home.write("tasks.json", "[]");
    home.good(&["account", "add", "file", "--path", "tasks.json"]);
    assert_eq!(server.add_to(&home).code, 0);
    (home, server)
}

fn add(home: &Home, title: &str, more: &[&str]) -> String {
    let mut args = vec!["add", "--json"];
    args.extend(more);
    args.extend(["--", title]);
    let added = home.good(&args).json();
    added["task"]["id"].as_str().expect("an id").to_owned()
}

fn listed(home: &Home) -> Vec<Value> {
    let reply = home.good(&["list", "--json"]).json();
    reply["tasks"].as_array().expect("tasks").clone()
}

fn task_of<'a>(tasks: &'a [Value], id: &str) -> &'a Value {
    let mut tasks = tasks.iter();
    tasks
        .find(|task| task["id"] == id)
        .expect("the task is there")
}

fn exported(home: &Home) -> Vec<Value> {
    let text = home.task(&["rc.json.array=on", "export"]);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// Text that Taskwarrior shows as it was, apart from what it has no place for.
fn visible(text: &str) -> String {
    text.chars()
        .filter(|c| *c == '\t' || !c.is_control())
        .collect()
}

fn texts_travel(major: u32) {
    let (home, _server) = three_accounts(major);
    let long = "long ".repeat(13_000) + "end";
    let notes = "line\n".repeat(13_000) + "end";
    let mut ids: Vec<(String, &str)> = TITLES
        .iter()
        .map(|title| (add(&home, title, &[]), *title))
        .collect();
    ids.push((add(&home, &long, &[]), &long));
    ids.push((add(&home, "long notes", &["--notes", &notes]), "long notes"));
    home.good(&["sync", "--yes"]);
    let (hub, rows) = (listed(&home), exported(&home));
    let file: Vec<Value> = serde_json::from_str(&home.read("tasks.json")).expect("a list");
    for (id, title) in &ids {
        let task = task_of(&hub, id);
        assert_eq!(task["title"], *title);
        assert_eq!(
            task["accounts"].as_object().map(|all| all.len()),
            Some(3),
            "{title:?}"
        );
        assert!(
            file.iter().any(|entry| entry["name"] == *title),
            "{title:?} in the file"
        );
        let row = rows.iter().find(|row| row["uuid"] == id.as_str());
        let shown = row.and_then(|row| row["description"].as_str());
        assert_eq!(
            shown,
            Some(visible(title).as_str()),
            "in Taskwarrior {major}"
        );
    }
    assert_eq!(
        (hub.len(), rows.len(), file.len()),
        (ids.len(), ids.len(), ids.len())
    );
    let quiet = home.good(&["sync", "--full"]);
    assert!(quiet.stdout.contains("nothing to do"), "{}", quiet.whole());
    assert!(
        home.good(&["sync", "-n"])
            .stdout
            .starts_with("nothing to do")
    );
}

#[test]
fn odd_texts_travel_with_taskwarrior_2() {
    texts_travel(2);
}

#[test]
fn odd_texts_travel_with_taskwarrior_3() {
    texts_travel(3);
}

/// S2: a date that Taskwarrior could not read back would stop all its commands: it is left out there,
/// told once, and everything else of the task goes across.
fn dates_travel(major: u32) {
    let (home, _server) = three_accounts(major);
    let good = [
        "1980-02-29",
        "2028-02-29",
        "2026-03-29T02:30",
        "2026-10-25T02:30",
        "2038-01-19T03:14:08Z",
        "2106-02-07T06:28:16Z",
        "9999-12-30",
    ];
    let bad = ["0001-01-02", "1969-12-31", "1979-12-30"];
    let held = |due: &&str| {
        (
            add(&home, &format!("due {due}"), &["--due", due]),
            (*due).to_owned(),
        )
    };
    let good: Vec<(String, String)> = good.iter().map(held).collect();
    let bad: Vec<(String, String)> = bad.iter().map(held).collect();
    let told = home.good(&["sync", "--yes"]);
    let notes = told.stderr.lines();
    let notes = notes.filter(|note| note.contains("Taskwarrior cannot hold the due of"));
    assert_eq!(notes.count(), bad.len(), "{}", told.whole());
    let again = home.good(&["sync"]);
    assert_eq!(again.stderr, "", "{}", again.whole());
    let (hub, rows) = (listed(&home), exported(&home));
    for (id, due) in &good {
        let accounts = &task_of(&hub, id)["accounts"];
        assert_eq!(accounts.as_object().map(|all| all.len()), Some(3), "{due}");
        let row = rows.iter().find(|row| row["uuid"] == id.as_str());
        assert!(row.is_some_and(|row| row["due"].is_string()), "{due}");
    }
    for (id, due) in &bad {
        let task = task_of(&hub, id);
        assert_eq!(task["left_out"]["tw"], json!(["due"]), "{due}: {task}");
        let accounts = &task["accounts"];
        assert_eq!(accounts.as_object().map(|all| all.len()), Some(3), "{due}");
        let row = rows.iter().find(|row| row["uuid"] == id.as_str());
        assert!(row.is_some_and(|row| row["due"].is_null()), "{due}");
        let shown = home.good(&["show", id]).stdout;
        assert!(shown.contains("tw: cannot hold the due"), "{shown}");
    }
    assert_eq!(rows.len(), good.len() + bad.len());
    for (id, _) in &bad {
        home.good(&["edit", id, "--due", "2030-01-01"]);
    }
    home.good(&["sync"]);
    let rows = exported(&home);
    assert!(rows.iter().all(|row| row["due"].is_string()), "{rows:?}");
    assert!(
        home.good(&["sync", "-n"])
            .stdout
            .starts_with("nothing to do")
    );
}

#[test]
fn odd_dates_travel_with_taskwarrior_2() {
    dates_travel(2);
}

#[test]
fn odd_dates_travel_with_taskwarrior_3() {
    dates_travel(3);
}

/// Says what stands in the way, and how it ended.
fn refused(ended: &Ended, code: i32, words: &[&str]) {
    assert_eq!(ended.code, code, "{}", ended.whole());
    for word in words {
        assert!(ended.whole().contains(word), "{word} in {}", ended.whole());
    }
    assert!(ended.whole().contains("help:"), "{}", ended.whole());
}

#[test]
fn a_taskwarrior_that_is_missing_or_old_is_said() {
    let home = Home::new();
    home.good(&["init", "--yes"]);
    home.good(&["account", "remove", "tw"]);
    for (answer, word) in [
        ("2.5.3", "2.5.3"),
        ("hello", "does not answer as Taskwarrior"),
    ] {
        home.write("old-task", &format!("#!/bin/sh\necho '{answer}'\n"));
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(home.path("old-task"), mode).expect("a mode");
        let added = home.instep(&["account", "add", "taskwarrior", "--program", "./old-task"]);
        refused(&added, 7, &[word]);
    }
    let added = home.instep(&["account", "add", "taskwarrior", "--program", "no-such-task"]);
    refused(&added, 7, &["no-such-task"]);
}

#[test]
fn a_key_that_the_config_does_not_know_is_named_and_harms_nothing() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    let path = home.good(&["config", "path"]).stdout;
    let path = path.trim().trim_start_matches("~/").to_owned();
    let text = format!("intervall = \"5m\"\n{}", home.read(&path));
    home.write(&path, &text);
    assert_eq!(home.instep(&["sync"]).code, 0);
    let told = home.instep(&["config", "check"]);
    assert!(told.whole().contains("intervall"), "{}", told.whole());
    let told = home.instep(&["doctor", "--offline"]);
    assert!(told.whole().contains("intervall"), "{}", told.whole());
}
