//! Programs that save what they read before our last write, and people who take a write of ours
//! back: the one must lose nothing, the other must be believed.

use instep_contract::Cursor;
use instep_model::{Field, Status};

use super::bench::{Bench, create, delete, finish, gone, ids, rename};

fn line(id: u32, name: &str, done: bool) -> String {
    format!("{{\"id\": {id}, \"name\": \"{name}\", \"tag\": \"\", \"done\": {done}}}")
}

fn list(lines: &[String]) -> String {
    format!("[\n  {}\n]\n", lines.join(",\n  "))
}

/// Ten tasks, and what a program read of them before we wrote.
async fn ten() -> (Bench, Vec<String>, Cursor) {
    let lines: Vec<String> = (1..=10)
        .map(|id| line(id, &format!("task {id}"), false))
        .collect();
    let mut bench = Bench::with(list(&lines));
    let cursor = bench.all().await.cursor;
    (bench, lines, cursor)
}

#[tokio::test]
async fn a_stale_save_takes_nothing_back() {
    let (mut bench, mut lines, _) = ten().await;
    bench
        .apply(&[
            create("ours"),
            finish("3"),
            delete("7"),
            rename("4", "task 4", "renamed"),
        ])
        .await;
    let cursor = bench.all().await.cursor;
    // It read before our write, edits one task, removes one and adds one with the id we gave.
    lines[0] = line(1, "theirs", false);
    lines.remove(1);
    lines.push(line(11, "also theirs", false));
    bench.put(list(&lines));

    let seen = bench.changes(&cursor).await;
    assert_eq!(
        ids(&seen.tasks),
        ["1", "12"],
        "its own edits and nothing else"
    );
    assert_eq!(seen.tasks[0].fields.title(), "theirs");
    assert_eq!(seen.tasks[1].fields.title(), "also theirs");
    assert_eq!(gone(&seen), ["2"]);
    assert!(bench.connector.is_behind());
    assert!(bench.notices()[0].contains("had read an older version"));
    assert_eq!(bench.read("11").await.unwrap().fields.title(), "ours");

    bench.reopen();
    let again = bench.changes(&seen.cursor).await;
    assert!(again.tasks.is_empty() && again.gone.is_empty(), "{again:?}");
    bench.connector.settle().await.unwrap();
    assert!(!bench.connector.is_behind());
    let after = bench.text();
    for name in ["ours", "theirs", "also theirs", "renamed"] {
        assert!(after.contains(&format!("\"{name}\"")), "{name}: {after}");
    }
    let settled = bench.changes(&again.cursor).await;
    assert!(
        settled.tasks.is_empty() && settled.gone.is_empty(),
        "{settled:?}"
    );
    let all = bench.all().await.tasks;
    assert_eq!(all.len(), 10);
    let three = all.iter().find(|task| task.id.as_str() == "3").unwrap();
    assert_eq!(three.fields.status(), Status::Done);
    assert!(
        all.iter()
            .all(|task| !["2", "7"].contains(&task.id.as_str()))
    );
}

#[tokio::test]
async fn the_next_write_sets_a_stale_file_right() {
    let (mut bench, mut lines, _) = ten().await;
    bench.one(create("ours")).await;
    lines[0] = line(1, "theirs", false);
    bench.put(list(&lines));
    let held = bench.one(finish("11")).await.held.unwrap();
    assert_eq!(held.fields.title(), "ours");
    assert!(bench.text().contains("\"theirs\""));
}

/// A program that writes the list its own way, in another order of keys.
#[tokio::test]
async fn a_stale_save_is_known_in_another_layout() {
    let (mut bench, mut lines, _) = ten().await;
    bench.one(create("ours")).await;
    let cursor = bench.all().await.cursor;
    lines[0] = line(1, "theirs", false);
    let list: serde_json::Value = serde_json::from_str(&list(&lines)).unwrap();
    bench.put(serde_json::to_string(&list).unwrap());
    let seen = bench.changes(&cursor).await;
    assert_eq!(ids(&seen.tasks), ["1"]);
    assert!(seen.gone.is_empty());
}

#[tokio::test]
async fn who_only_takes_our_write_back_is_believed() {
    let (mut bench, lines, _) = ten().await;
    let before = list(&lines);
    for (ours, undone) in [(create("ours"), "11"), (finish("3"), "3")] {
        bench.one(ours).await;
        let cursor = bench.all().await.cursor;
        bench.put(&before);
        let seen = bench.changes(&cursor).await;
        let told = seen
            .tasks
            .iter()
            .map(|task| task.id.as_str())
            .chain(gone(&seen));
        assert_eq!(told.collect::<Vec<_>>(), [undone]);
        assert!(!bench.connector.is_behind());
    }
}

#[tokio::test]
async fn a_persons_own_versions_come_and_go() {
    let (mut bench, mut lines, _) = ten().await;
    bench.one(finish("9")).await;
    lines[8] = line(9, "task 9", true);
    for (name, other) in [("a", "x"), ("b", "y"), ("task 1", "z")] {
        let cursor = bench.all().await.cursor;
        lines[0] = line(1, name, false);
        lines[1] = line(2, other, false);
        bench.put(list(&lines));
        let seen = bench.changes(&cursor).await;
        assert_eq!(ids(&seen.tasks), ["1", "2"], "{name}");
        assert_eq!(
            seen.tasks[0].fields.get(Field::Title),
            Some(&super::bench::text(name))
        );
    }
}

/// What cannot be told from a stale save is put back once; doing it again is believed.
#[tokio::test]
async fn what_was_put_back_can_be_taken_away_again() {
    let (mut bench, mut lines, _) = ten().await;
    bench.one(create("ours")).await;
    lines[0] = line(1, "edited", false);
    bench.put(list(&lines));
    bench.all().await;
    bench.connector.settle().await.unwrap();
    let cursor = bench.all().await.cursor;
    bench.put(list(&lines));
    assert_eq!(gone(&bench.changes(&cursor).await), ["11"]);
}

/// Both gave the ids 11 and 12: a task of theirs that moves must not land on another of ours.
#[tokio::test]
async fn ids_that_both_gave_are_given_once() {
    let (mut bench, mut lines, _) = ten().await;
    bench.apply(&[create("ours"), create("ours too")]).await;
    let cursor = bench.all().await.cursor;
    lines.push(line(11, "theirs", false));
    bench.put(list(&lines));
    let seen = bench.changes(&cursor).await;
    assert_eq!((ids(&seen.tasks), gone(&seen)), (vec!["13"], vec![]));
    bench.connector.settle().await.unwrap();
    assert_eq!(bench.all().await.tasks.len(), 13);
}
