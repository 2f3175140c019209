//! Other programs on the same file: those that lock, and those that do not.

use std::time::Duration;

use instep_connectors::files::FileConnector;
use instep_contract::{Connector, ConnectorError};
use instep_model::{Field, RemoteId};
use instep_safefile::FileLock;

use super::bench::{Bench, create, delete, finish, gone, ids, rename};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_writers_of_ten_tasks_each_make_fifty() {
    let bench = Bench::empty();
    let mut writers = Vec::new();
    for writer in 0..5 {
        let mut settings = bench.settings();
        settings.lock_timeout = Duration::from_secs(60);
        writers.push(tokio::spawn(async move {
            let mut connector = FileConnector::open(settings);
            for number in 0..10 {
                let made = connector
                    .apply(&[create(&format!("{writer}-{number}"))])
                    .await;
                made.unwrap().remove(0).unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let mut bench = bench;
    let tasks = bench.all().await.tasks;
    assert_eq!(tasks.len(), 50);
    let titles: std::collections::BTreeSet<&str> =
        tasks.iter().map(|task| task.fields.title()).collect();
    assert_eq!(titles.len(), 50);
    let expected: Vec<String> = (1..=50).map(|id| id.to_string()).collect();
    assert_eq!(ids(&tasks), expected);
}

#[tokio::test]
async fn a_write_of_others_between_look_and_apply_is_kept() {
    let mut bench = Bench::with(
        "[\n{\"id\": 1, \"name\": \"one\", \"done\": false},\n\
         {\"id\": 2, \"name\": \"two\", \"done\": false}\n]\n",
    );
    let first = bench.all().await;
    bench.put(
        "[\n{\"id\": 1, \"name\": \"uno\", \"done\": false},\n\
         {\"id\": 3, \"name\": \"three\", \"done\": false}\n]\n",
    );
    let batch = [
        rename("1", "one", "eins"),
        finish("1"),
        finish("2"),
        create("four"),
    ];
    let answers = bench.apply(&batch).await;
    assert!(
        matches!(answers[0], Err(ConnectorError::Stale { .. })),
        "{:?}",
        answers[0]
    );
    assert!(answers[1].is_ok());
    assert!(
        matches!(answers[2], Err(ConnectorError::Gone { .. })),
        "{:?}",
        answers[2]
    );
    assert_eq!(answers[3].as_ref().unwrap().id.as_str(), "4");
    let seen = bench.changes(&first.cursor).await;
    assert_eq!(ids(&seen.tasks), ["1", "3", "4"]);
    assert_eq!(seen.tasks[0].fields.title(), "uno");
    assert_eq!(gone(&seen), ["2"]);
}

#[tokio::test]
async fn s16_an_edit_after_the_reading_stops_a_deletion() {
    let list = |name: &str| {
        format!(
            "[\n{{\"id\": 1, \"name\": \"{name}\", \"done\": false}},\n\
             {{\"id\": 2, \"name\": \"two\", \"done\": false}}\n]\n"
        )
    };
    let mut bench = Bench::with(list("one"));
    let both = [RemoteId::new("1"), RemoteId::new("2")];
    bench.connector.read(&both).await.unwrap();
    bench.put(list("edited"));
    let deletions = [delete("1"), delete("2")];
    // Somebody has the file locked, so that the engine sends the batch again.
    let lock = bench.dir.path().join("tasks.json.lock");
    let held = FileLock::acquire(lock, Duration::from_secs(5));
    assert!(bench.connector.apply(&deletions).await.is_err());
    drop(held);
    let answers = bench.apply(&deletions).await;
    assert!(
        matches!(answers[0], Err(ConnectorError::Stale { .. })) && answers[1].is_ok(),
        "{answers:?}"
    );
    assert_eq!(bench.read("1").await.unwrap().fields.title(), "edited");
    assert_eq!(bench.read("2").await, None);
    // Read with the edit, it can go.
    bench.connector.read(&both).await.unwrap();
    bench.one(delete("1")).await;
    assert_eq!(bench.read("1").await, None);
}

#[tokio::test]
async fn who_holds_the_lock_is_named() {
    let mut bench = Bench::with("[{\"id\": 1, \"name\": \"one\", \"done\": false}]\n");
    let before = bench.text();
    let held = FileLock::acquire(
        bench.dir.path().join("tasks.json.lock"),
        Duration::from_secs(5),
    );
    let refused = bench.connector.apply(&[finish("1")]).await;
    let Err(ConnectorError::Unavailable { reason }) = &refused else {
        panic!("{refused:?}");
    };
    assert!(reason.contains(&std::process::id().to_string()), "{reason}");
    drop(held);
    assert_eq!(bench.text(), before);
    bench.one(finish("1")).await;
}

/// S14: a create whose answer was lost is found by its content, and made only once.
#[tokio::test]
async fn a_create_in_doubt_is_found_by_its_content() {
    let mut bench = Bench::with("[{\"id\": 4, \"name\": \"other\", \"tag\": \"x\"}]\n");
    let mut sent = super::bench::draft(super::bench::titled("in doubt"));
    sent.fields.set(Field::Tags, super::bench::tags(&["x"]));
    let sent = [
        instep_model::Operation::Create(sent),
        create("other"),
        create("never"),
    ];
    let made = bench.one(sent[0].clone()).await.id;
    bench.reopen();
    let since = instep_model::Timestamp::UNIX_EPOCH;
    let found = bench.connector.find(&sent, since).await.unwrap();
    let ids: Vec<Vec<&str>> = found
        .iter()
        .map(|found| found.iter().map(|applied| applied.id.as_str()).collect())
        .collect();
    assert_eq!(ids, [vec![made.as_str()], vec!["4"], vec![]]);
}
