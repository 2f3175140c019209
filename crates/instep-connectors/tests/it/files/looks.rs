//! What a look reports: changes, deletions with evidence, and nothing where nothing happened.

use std::time::{Duration, SystemTime};

use instep_contract::{Connector, ConnectorError, Look};
use instep_model::{Field, Status};

use super::bench::{Bench, create, delete, finish, gone, ids};

const TWO: &str = r#"[
  {"id": 1, "name": "one", "comment": "", "description": "", "priority": 1, "tag": "", "done": false},
  {"id": 2, "name": "two", "comment": "", "description": "", "priority": 3, "tag": "a,b", "done": true}
]
"#;

#[tokio::test]
async fn every_field_arrives() {
    let mut bench = Bench::with(TWO);
    let seen = bench.all().await;
    assert!(seen.complete);
    assert_eq!(ids(&seen.tasks), ["1", "2"]);
    let two = &seen.tasks[1].fields;
    assert_eq!(two.title(), "two");
    assert_eq!(two.status(), Status::Done);
    assert_eq!(two.number(Field::Priority), 3);
    assert_eq!(two.tags().into_iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn only_what_changed_is_reported() {
    let mut bench = Bench::with(TWO);
    let first = bench.all().await;
    bench.put(TWO.replace("\"one\"", "\"uno\""));
    let seen = bench.changes(&first.cursor).await;
    assert_eq!(ids(&seen.tasks), ["1"]);
    assert_eq!(seen.tasks[0].fields.title(), "uno");
    assert!(seen.gone.is_empty() && !seen.complete);
    let quiet = bench.changes(&seen.cursor).await;
    assert!(quiet.tasks.is_empty() && quiet.gone.is_empty());
}

#[tokio::test]
async fn a_removed_entry_is_gone_from_a_complete_listing() {
    let mut bench = Bench::with(TWO);
    let first = bench.all().await;
    let (_, rest) = TWO.split_once("},\n").unwrap();
    bench.put(format!("[\n{rest}"));
    let seen = bench.changes(&first.cursor).await;
    assert_eq!(gone(&seen), ["1"]);
    assert!(bench.changes(&seen.cursor).await.gone.is_empty());
}

/// S10: a settled file with the same look is not opened at all.
#[tokio::test]
async fn an_untouched_file_is_not_opened() {
    let mut bench = Bench::with(TWO);
    let then = SystemTime::now() - Duration::from_secs(60);
    let age = |bench: &Bench| {
        let file = std::fs::File::options().write(true).open(bench.path());
        file.unwrap().set_modified(then).unwrap();
    };
    age(&bench);
    let first = bench.all().await;
    // The same length and times: only reading it could tell.
    bench.put(TWO.replace("\"one\"", "\"uno\""));
    age(&bench);
    let seen = bench.changes(&first.cursor).await;
    assert!(seen.tasks.is_empty(), "it was opened");
    let full = bench
        .connector
        .observe(Some(&first.cursor), Look::Everything)
        .await;
    assert_eq!(full.unwrap().tasks[0].fields.title(), "uno");
}

/// S10: a file written a moment before it was read may be written again in the same tick.
#[tokio::test]
async fn a_file_just_written_is_read_again() {
    let mut bench = Bench::with(TWO);
    let first = bench.all().await;
    let written = std::fs::metadata(bench.path()).unwrap().modified().unwrap();
    bench.put(TWO.replace("\"one\"", "\"uno\""));
    let file = std::fs::File::options().write(true).open(bench.path());
    file.unwrap().set_modified(written).unwrap();
    assert_eq!(ids(&bench.changes(&first.cursor).await.tasks), ["1"]);
}

#[tokio::test]
async fn a_deletion_between_our_create_and_the_next_look_is_seen() {
    let mut bench = Bench::with(TWO);
    let first = bench.all().await;
    bench.one(create("three")).await;
    bench.put(TWO);
    bench.reopen();
    let seen = bench.changes(&first.cursor).await;
    assert_eq!(gone(&seen), ["3"]);
    assert!(gone(&bench.changes(&seen.cursor).await).is_empty());
    assert_eq!(
        bench.one(create("four")).await.id.as_str(),
        "4",
        "3 is not given again"
    );
}

#[tokio::test]
async fn no_id_is_given_twice() {
    let mut bench = Bench::with(TWO);
    let first = bench.all().await;
    bench.one(delete("2")).await;
    let seen = bench.changes(&first.cursor).await;
    assert_eq!(gone(&seen), ["2"]);
    bench.reopen();
    bench.changes(&seen.cursor).await;
    assert_eq!(bench.one(create("three")).await.id.as_str(), "3");
}

#[tokio::test]
async fn another_file_is_another_identity() {
    let mut bench = Bench::with(TWO);
    let first = bench.all().await;
    let other = Bench::with(TWO);
    bench.connector = instep_connectors::files::FileConnector::open(other.settings());
    let refused = bench
        .connector
        .observe(Some(&first.cursor), Look::Changes)
        .await;
    assert!(
        matches!(refused, Err(ConnectorError::CursorInvalid)),
        "{refused:?}"
    );
    assert_ne!(bench.all().await.identity, first.identity);
}

#[tokio::test]
async fn our_own_write_is_reported_as_it_was_stored() {
    let mut bench = Bench::with(TWO);
    let first = bench.all().await;
    let held = bench.one(finish("1")).await.held.unwrap();
    let seen = bench.changes(&first.cursor).await;
    assert!(seen.tasks[0].same_content(&held));
}
