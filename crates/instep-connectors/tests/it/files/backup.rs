//! Files that come back from a backup: an old copy takes no later change back and deletes nothing,
//! and nobody's look brings it back.

use instep_contract::{Connector, ConnectorError, Cursor, Look};
use instep_model::Status;
use sha2::{Digest, Sha256};

use super::bench::{Bench, create, delete, finish, gone, ids, rename};

const THREE: &str = r#"[
  {"id": 1, "name": "one", "done": false, "mine": [1, 2]},
  {"id": 2, "name": "two", "done": false},
  {"id": 3, "name": "three", "done": false}
]
"#;

/// A file whose newest backup lacks a new task, two edits and a deletion of ours, and then an edit
/// and a new task of a person that were synced as well.
async fn ahead_of_its_backup() -> (Bench, Cursor) {
    let mut bench = Bench::with(THREE);
    bench.all().await;
    bench
        .apply(&[
            create("ours"),
            rename("1", "one", "uno"),
            finish("2"),
            delete("3"),
        ])
        .await;
    let edited = bench.text().replace("uno", "eins");
    bench.put(&edited);
    let cursor = bench.all().await.cursor;
    assert_eq!(bench.names().last().unwrap(), "tasks.json.lock");
    (bench, cursor)
}

/// What the file says, in one line.
async fn said(bench: &mut Bench) -> String {
    let tasks = bench.all().await.tasks;
    let words = tasks.iter().map(|task| {
        let done = match task.fields.status() {
            Status::Done => " done",
            _ => "",
        };
        format!("{} {}{done}", task.id, task.fields.title())
    });
    words.collect::<Vec<_>>().join(", ")
}

async fn check(damage: Option<&[u8]>) {
    let (mut bench, cursor) = ahead_of_its_backup().await;
    match damage {
        Some(bytes) => bench.put(bytes),
        None => std::fs::remove_file(bench.path()).unwrap(),
    }
    let before = bench.names();
    let seen = bench.changes(&cursor).await;
    assert!(seen.tasks.is_empty() && seen.gone.is_empty(), "{seen:?}");
    assert_eq!(said(&mut bench).await, "1 eins, 2 two done, 4 ours");
    assert_eq!(bench.names(), before, "a look moves nothing");
    let notices = bench.notices();
    assert!(notices[0].contains("tasks.json.backup"), "{notices:?}");
    assert!(bench.connector.is_behind());

    bench.connector.settle().await.unwrap();
    let notices = bench.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("was brought back from"), "{notices:?}");
    assert!(notices[0].contains("were put in again"), "{notices:?}");
    assert!(
        bench.text().contains("\"mine\": [1, 2]"),
        "{}",
        bench.text()
    );
    let settled = bench.changes(&seen.cursor).await;
    assert!(settled.tasks.is_empty() && settled.gone.is_empty());
    assert_eq!(said(&mut bench).await, "1 eins, 2 two done, 4 ours");
    assert!(!bench.connector.is_behind());
    let aside = bench.names().iter().any(|name| name.contains(".damaged-"));
    assert_eq!(aside, damage.is_some());
}

#[tokio::test]
async fn a_backup_takes_no_later_change_back_and_deletes_nothing() {
    check(Some(b"")).await;
    check(Some(b"[{\"id\": 1, \"name\": \"on")).await;
    check(Some(b"\xff\xfe")).await;
    check(Some(b"{}")).await;
    check(None).await;
}

/// What a kill between bringing the backup back and setting it right leaves behind.
#[tokio::test]
async fn a_recovery_cut_short_is_known_afterwards() {
    let (mut bench, cursor) = ahead_of_its_backup().await;
    let old = std::fs::read_to_string(bench.dir.path().join("tasks.json.backup")).unwrap();
    let ledger = bench.dir.path().join("private/ledger.json");
    let text = std::fs::read_to_string(&ledger).unwrap();
    let mut kept: serde_json::Value = serde_json::from_str(&text).unwrap();
    let hash = Sha256::digest(&old);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    kept["recovered"] = hash.into();
    std::fs::write(&ledger, kept.to_string()).unwrap();
    bench.put(&old);
    bench.reopen();
    let seen = bench.changes(&cursor).await;
    assert!(seen.tasks.is_empty() && seen.gone.is_empty(), "{seen:?}");
    assert!(bench.connector.is_behind());
    bench.connector.settle().await.unwrap();
    assert_eq!(said(&mut bench).await, "1 eins, 2 two done, 4 ours");

    // The same copy, put there by a person, means what it says.
    let cursor = bench.all().await.cursor;
    bench.put(&old);
    let seen = bench.changes(&cursor).await;
    assert_eq!((ids(&seen.tasks).len(), gone(&seen)), (3, vec!["4"]));
}

/// Without the memory nobody can tell how old a backup is; then it is not used unasked.
#[tokio::test]
async fn without_its_memory_a_damaged_file_waits_for_a_person() {
    let (mut bench, cursor) = ahead_of_its_backup().await;
    std::fs::remove_dir_all(bench.dir.path().join("private")).unwrap();
    bench.reopen();
    bench.put("torn");
    let looked = bench.connector.observe(Some(&cursor), Look::Changes).await;
    let written = bench.connector.apply(&[create("new")]).await;
    for error in [looked.unwrap_err(), written.unwrap_err()] {
        let ConnectorError::Setup { what, help } = &error else {
            panic!("{error:?}");
        };
        assert!(what.contains("which changes its backup lacks"), "{what}");
        assert!(help.contains("tasks.json.backup"), "{help}");
    }
    assert_eq!(bench.text(), "torn");
}

/// A person's edit that nobody has seen yet is in no version that is known, and still counts.
#[tokio::test]
async fn an_edit_that_only_the_backup_holds_is_taken() {
    let (mut bench, cursor) = ahead_of_its_backup().await;
    let backup = bench.dir.path().join("tasks.json.backup");
    let unseen = bench.text().replace("ours", "theirs");
    std::fs::write(&backup, unseen).unwrap();
    bench.put("");
    let seen = bench.changes(&cursor).await;
    assert_eq!((ids(&seen.tasks), gone(&seen)), (vec!["4"], vec![]));
    assert_eq!(seen.tasks[0].fields.title(), "theirs");
}
