//! A task file that something happens to between two syncs: emptied, damaged, overwritten, odd.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use expect_test::expect;

use crate::home::{Ended, Home, TWO_TASKS};

/// Everything beside the task file, with its content and its time.
fn beside(home: &Home) -> Vec<(String, u64, SystemTime, Vec<u8>)> {
    let dir = home.path("tasks.json");
    let dir = dir.parent().expect("a directory");
    let entries = fs::read_dir(dir).expect("a directory");
    let mut found: Vec<_> = entries
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.file_name().to_string_lossy().contains("tasks.json"))
        .map(|entry| {
            let facts = entry.metadata().expect("its facts");
            let name = entry.file_name().to_string_lossy().into_owned();
            let written = facts.modified().expect("a time");
            let bytes = fs::read(entry.path()).expect("its content");
            (name, facts.ino(), written, bytes)
        })
        .collect();
    found.sort();
    found
}

fn pending(home: &Home) -> String {
    home.task(&["status:pending", "count"]).trim().to_owned()
}

/// Two tasks that came from the file and two from Taskwarrior, in step after several syncs that
/// wrote to each side.
fn lived_in() -> Home {
    let home = Home::with_two_accounts();
    home.task(&["add", "Call the bank"]);
    home.good(&["sync", "--yes"]);
    home.task(&["add", "Book dentist"]);
    home.good(&["sync"]);
    home.task(&["/bank/", "modify", "priority:H"]);
    home.good(&["sync"]);
    let text = home.read("tasks.json").replace("Buy milk", "Buy oat milk");
    home.write("tasks.json", &text);
    home.good(&["sync"]);
    assert_eq!(pending(&home), "4");
    home
}

/// S28: all of an account is more than is deleted by mistake of nobody.
#[test]
fn s28_an_emptied_file_stops_at_the_guard() {
    let home = lived_in();
    home.write("tasks.json", "[]");
    let before = beside(&home);
    let asked = home.instep(&["sync", "-n"]);
    assert_eq!(asked.code, 5, "{}", asked.whole());
    for _ in 0..2 {
        expect![[r#"
            exit 5
            stdout:
            ! 4 of 4 tasks vanished from file; deleting them elsewhere looks wrong, so it is
              on hold
              why:  with what vanished there within the hour, that is more than a person
                    usually deletes
              now:  nothing of it was deleted; everything else goes on
              help: it was you: instep sync file --max-delete 4
                    bring them back: instep restore --collection file
            ! needs you · nothing changed · 2 accounts · N ms
              4 changes of file wait for your word
        "#]]
        .assert_eq(&home.instep(&["sync"]).whole());
        assert_eq!(pending(&home), "4");
        assert_eq!(
            home.good(&["list", "--json"]).json()["tasks"]
                .as_array()
                .map(Vec::len),
            Some(4)
        );
    }
    assert_eq!(beside(&home), before);
    home.good(&["sync", "--max-delete", "4"]);
    assert_eq!(pending(&home), "0");
}

/// S28, with a first sync and nothing else behind it.
#[test]
fn s28_an_emptied_file_stops_at_the_guard_after_one_sync() {
    let home = Home::with_two_accounts();
    home.task(&["add", "Call the bank"]);
    home.good(&["sync", "--yes"]);
    home.write("tasks.json", "[]\n");
    assert_eq!(home.instep(&["sync"]).code, 5);
    assert_eq!(pending(&home), "3");
    assert_eq!(home.read("tasks.json"), "[]\n");
}

/// I9, I19: an old backup takes nothing back, and only a real sync brings it back.
#[test]
fn i19_a_damaged_file_is_left_alone_by_looks_and_mended_by_a_sync() {
    for damage in [
        Some(""),
        Some(&TWO_TASKS[..40]),
        Some("{\"tasks\": []}"),
        None,
    ] {
        let home = lived_in();
        match damage {
            Some(text) => home.write("tasks.json", text),
            None => fs::remove_file(home.path("tasks.json")).expect("it was there"),
        }
        let before = beside(&home);
        let looks: [&[&str]; 4] = [
            &["sync", "-n"],
            &["doctor"],
            &["status"],
            &["doctor", "--offline"],
        ];
        for look in looks {
            let ended = home.instep(look);
            assert!([0, 1].contains(&ended.code), "{look:?} {}", ended.whole());
            assert_eq!(beside(&home), before, "{look:?} on {damage:?}");
        }
        let told = home.good(&["sync"]);
        assert!(
            told.whole().contains("tasks.json.backup"),
            "{}",
            told.whole()
        );
        assert_eq!(pending(&home), "4", "{damage:?}");
        let text = home.read("tasks.json");
        for title in [
            "Buy oat milk",
            "Water the plants",
            "Call the bank",
            "Book dentist",
        ] {
            assert!(text.contains(title), "{title} after {damage:?}: {text}");
        }
        assert!(
            home.good(&["sync", "-n"])
                .stdout
                .starts_with("nothing to do")
        );
        assert_eq!(home.task(&["/bank/", "priority:H", "count"]).trim(), "1");
    }
}

/// I19: trying an account moves nothing, also where there is something to be mended.
#[test]
fn i19_adding_an_account_only_looks() {
    let home = Home::new();
    home.good(&["init", "--yes"]);
    home.write("tasks.json", "");
    home.write("tasks.json.backup", TWO_TASKS);
    let before = beside(&home);
    home.good(&["account", "add", "file", "--path", "tasks.json"]);
    assert_eq!(beside(&home), before);
}

/// One bad entry is left alone and told; the rest goes on.
#[test]
fn an_entry_that_is_no_task_is_told_and_left_alone() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    let bad = r#"{"id": 7, "name": ["no", "text"], "keep": {"b": 1, "a": [2, 3]}}"#;
    let text = home.read("tasks.json");
    let end = text.rfind(']').expect("the end of the list");
    home.write(
        "tasks.json",
        &format!("{},\n  {bad}\n]\n", text[..end].trim_end()),
    );
    home.task(&["add", "Call the bank"]);
    let ended: Ended = home.instep(&["sync"]);
    assert!(ended.whole().contains("entry 3"), "{}", ended.whole());
    assert!(
        ended.whole().contains("`name` is not a text"),
        "{}",
        ended.whole()
    );
    let text = home.read("tasks.json");
    assert!(
        text.contains(bad) && text.contains("Call the bank"),
        "{text}"
    );
    assert_eq!(pending(&home), "3");
}

/// S27: a file holds no projects, so what is typed into one for a project belongs there.
#[test]
fn s27_what_is_typed_into_a_file_for_a_project_is_of_that_project() {
    let home = Home::new();
    home.write("club.json", TWO_TASKS);
    home.good(&["init", "--yes"]);
    home.task(&["add", "project:Home", "Paint"]);
    let add = ["account", "add", "file", "--path", "club.json"];
    home.good(&[&add[..], &["--project", "Club"]].concat());
    home.good(&["sync", "--yes"]);
    let text = home.read("club.json");
    let end = text.rfind(']').expect("the end of the list");
    let typed = format!(
        "{},\n  {{\"id\": 9, \"name\": \"Typed\"}}\n]\n",
        text[..end].trim_end()
    );
    home.write("club.json", &typed);
    home.good(&["sync"]);
    let count = home.task(&["project:Club", "status:pending", "count"]);
    assert_eq!(count.trim(), "3");
    assert!(!home.read("club.json").contains("Paint"));
    let again = home.good(&["sync"]);
    assert!(again.stdout.contains("nothing to do"), "{}", again.whole());
}

/// A file that is only read from is never written: not to mend it, and not to bring tasks back.
#[test]
fn a_file_that_is_only_read_from_is_never_written() {
    let home = Home::new();
    home.write("tasks.json", TWO_TASKS);
    home.good(&["init", "--yes"]);
    let add = ["account", "add", "file", "--path", "tasks.json"];
    home.good(&[&add[..], &["--direction", "from-remote"]].concat());
    home.good(&["sync", "--yes"]);
    home.write("tasks.json", &TWO_TASKS.replace("Buy milk", "Buy oat milk"));
    home.good(&["sync"]);
    for found in ["", TWO_TASKS, "[]"] {
        home.write("tasks.json", found);
        home.instep(&["sync"]);
        assert_eq!(home.read("tasks.json"), found);
    }
    let refused = home.instep(&["restore", "--collection", "file"]);
    assert_eq!(refused.code, 2, "{}", refused.whole());
    assert!(refused.stderr.contains("from-remote"), "{}", refused.stderr);
    let refused = home.instep(&["add", "Ring", "--to", "file"]);
    assert_eq!(refused.code, 2, "{}", refused.whole());
    assert_eq!(home.read("tasks.json"), "[]");
    assert!(!home.good(&["list"]).stdout.contains("Ring"));
}
