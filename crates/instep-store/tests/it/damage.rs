//! What opening says of files that cannot be used, and who may read those that it makes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use instep_contract::{CommitObservation, Cursor, Store, StoreError};
use instep_model::{AccountId, Identity, UserId};
use instep_store::{HubStore, OpenError};
use sqlx::{Connection, Executor};

use crate::samples::{at, filled, fresh, numbered};

/// What becomes of a file.
type Damage = fn(&mut Vec<u8>);

async fn open(path: &Path) -> Result<HubStore, OpenError> {
    HubStore::open(path, UserId::new("me")).await
}

/// Makes a hub of 200 tasks at `path`, all of it in the main file.
async fn make(path: &Path) {
    let store = open(path).await.expect("a new hub opens");
    filled(&store, 200).await;
    store.close().await;
}

/// Runs SQL on the file behind the store's back.
async fn tamper(path: &Path, sql: &'static str) {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}", path.display());
    let mut on = sqlx::AnyConnection::connect(&url).await.expect("connects");
    on.execute(sql).await.expect("runs");
    on.close().await.expect("closes");
}

#[tokio::test]
async fn what_is_no_database_is_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    for content in ["{\"tasks\": []}\n", "x", "SQLite format 3"] {
        fs::write(&path, content).expect("written");
        let answer = open(&path).await;
        assert!(
            matches!(answer, Err(OpenError::NotADatabase { .. })),
            "{content}: {answer:?}"
        );
        let left = fs::read_to_string(&path).expect("read");
        assert_eq!(left, content);
    }
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    let damages: [(&str, Damage); 3] = [
        ("zeros in the middle", |bytes| {
            let middle = bytes.len() / 2;
            bytes[4096..middle].fill(0);
        }),
        ("noise behind the first page", |bytes| {
            bytes[4096..].fill(0xa5)
        }),
        ("cut short", |bytes| bytes.truncate(5000)),
    ];
    for (name, damage) in damages {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("hub.db");
        make(&path).await;
        let mut bytes = fs::read(&path).expect("read");
        damage(&mut bytes);
        fs::write(&path, &bytes).expect("written");
        // As after a crash: only then is the file read through.
        fs::write(dir.path().join("hub.db.open"), "open\n").expect("written");
        for time in ["first", "second"] {
            let answer = open(&path).await;
            assert!(
                matches!(&answer, Err(OpenError::Corrupt { path: named, .. }) if *named == path),
                "{name}, the {time} time: {answer:?}"
            );
        }
        assert_eq!(fs::read(&path).expect("read"), bytes, "{name}");
    }
}

#[tokio::test]
async fn a_file_that_was_cut_to_nothing_is_damaged_while_its_log_is_there() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    fs::write(&path, "").expect("written");
    fs::write(dir.path().join("hub.db-wal"), "frames").expect("written");
    let answer = open(&path).await;
    assert!(
        matches!(answer, Err(OpenError::Corrupt { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn an_empty_file_is_a_new_hub() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    fs::write(&path, "").expect("written");
    let store = open(&path).await.expect("opens");
    assert!(store.integrity().await.expect("read").is_empty());
}

#[tokio::test]
async fn a_hub_of_a_newer_program_is_left_to_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    make(&path).await;
    tamper(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99, 'later', 1, x'00', 0)",
    )
    .await;
    let answer = open(&path).await;
    assert!(
        matches!(
            answer,
            Err(OpenError::TooNew {
                found: 99,
                known: 7
            })
        ),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_hub_of_an_older_program_is_brought_up_to_date() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    make(&path).await;
    let store = open(&path).await.expect("opens");
    let before = store.summary().await.expect("read");
    store.close().await;
    for sql in [
        "DELETE FROM _sqlx_migrations WHERE version > 1",
        "DROP INDEX journal_by_account",
        "DROP INDEX mappings_parked",
        "DROP INDEX conflicts_open",
        "DROP INDEX tasks_linked",
        "DROP INDEX mappings_linked",
        "DROP INDEX mappings_unseen",
        "ALTER TABLE mappings DROP COLUMN unseen",
        "ALTER TABLE tasks DROP COLUMN linked",
        "ALTER TABLE mappings DROP COLUMN linked",
        "ALTER TABLE work DROP COLUMN waits_since",
        "ALTER TABLE work DROP COLUMN waits_until",
        "ALTER TABLE mappings ADD COLUMN next_attempt_at TEXT",
        "DROP TABLE events",
        "DROP TABLE deliveries",
        "DROP TABLE access",
    ] {
        tamper(&path, sql).await;
    }
    let store = open(&path).await.expect("opens");
    assert_eq!(store.summary().await.expect("read"), before);
    store.close().await;
    // Fails where a step left them out.
    tamper(&path, "DROP INDEX journal_by_account").await;
    tamper(&path, "DROP INDEX mappings_parked").await;
    tamper(&path, "DROP INDEX conflicts_open").await;
    tamper(&path, "DROP INDEX tasks_linked").await;
    tamper(&path, "DROP INDEX mappings_linked").await;
    tamper(&path, "DROP INDEX mappings_unseen").await;
    tamper(&path, "UPDATE work SET waits_since = waits_until").await;
    tamper(&path, "DELETE FROM events").await;
    tamper(&path, "DELETE FROM deliveries").await;
    tamper(&path, "DELETE FROM access").await;
}

#[tokio::test]
async fn a_damaged_row_is_named_and_never_guessed() {
    let damages = [
        "UPDATE tasks SET body = '{' WHERE id LIKE '%01'",
        "UPDATE tasks SET body = '{\"fields\":{\"due\":\"soon\"},\"modified\":\"2026-01-01T00:00:00Z\"}'",
        "UPDATE tasks SET body = '{\"fields\":{\"colour\":\"red\"},\"modified\":\"2026-01-01T00:00:00Z\"}'",
        "UPDATE tasks SET version = -1",
        "UPDATE tasks SET version = 'x'",
    ];
    for sql in damages {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("hub.db");
        make(&path).await;
        tamper(&path, sql).await;
        let store = open(&path).await.expect("opens");
        let answer = store.tasks(&[numbered(1)]).await;
        assert!(
            matches!(answer, Err(StoreError::Corrupt { .. })),
            "{sql}: {answer:?}"
        );
    }
}

/// It is only told, and a newer program knows of more.
#[tokio::test]
async fn a_hindrance_of_an_unknown_kind_leaves_the_account_readable() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    make(&path).await;
    let vik = AccountId::new("vik");
    let before = open(&path).await.expect("opens");
    let known = before.account_state(&vik).await.expect("read");
    before.close().await;
    tamper(
        &path,
        r#"UPDATE accounts SET trouble = '{"kind":"eclipse"}'"#,
    )
    .await;
    let store = open(&path).await.expect("opens");
    let state = store.account_state(&vik).await.expect("read");
    assert!(
        matches!(state.trouble, Some(instep_model::Trouble::Failed { .. })),
        "{:?}",
        state.trouble
    );
    assert_eq!(state.identity, known.identity);
}

#[tokio::test]
async fn an_unknown_mapping_state_is_damage() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    make(&path).await;
    tamper(&path, "UPDATE mappings SET state = 'lost'").await;
    let store = open(&path).await.expect("opens");
    let answer = store.mappings(Some(&AccountId::new("vik"))).await;
    assert!(
        matches!(answer, Err(StoreError::Corrupt { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_directory_that_refuses_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("file/hub.db");
    fs::write(dir.path().join("file"), "in the way").expect("written");
    let answer = open(&path).await;
    assert!(
        matches!(answer, Err(OpenError::Unavailable { .. })),
        "{answer:?}"
    );
}

/// Every path that the hub makes, in a process whose umask hides nothing.
#[test]
fn nobody_else_can_read_what_is_made() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("new/deeper/hub.db");
    crate::processes::child("modes", &path)
        .umask_nothing()
        .output_of_success();
    let mut seen = Vec::new();
    audit(&dir.path().join("new"), &mut seen);
    for name in [
        "hub.db",
        "hub.db-wal",
        "hub.db-shm",
        "hub.db.open",
        "vik.lock",
    ] {
        assert!(
            seen.iter().any(|path| path.ends_with(name)),
            "{name} of {seen:?}"
        );
    }
}

fn audit(path: &Path, seen: &mut Vec<String>) {
    let about = fs::metadata(path).expect("is there");
    let mode = about.permissions().mode() & 0o777;
    let expected = if about.is_dir() { 0o700 } else { 0o600 };
    assert_eq!(mode, expected, "{}: {mode:o}", path.display());
    seen.push(path.display().to_string());
    if about.is_dir() {
        for entry in fs::read_dir(path).expect("listed") {
            audit(&entry.expect("an entry").path(), seen);
        }
    }
}

#[tokio::test]
async fn only_a_shutdown_that_was_not_clean_is_looked_into() {
    let dir = tempfile::tempdir().expect("a directory");
    let (path, mark) = (dir.path().join("hub.db"), dir.path().join("hub.db.open"));
    let said = || fs::read_to_string(&mark).expect("read");
    let first = open(&path).await.expect("opens");
    let second = open(&path).await.expect("opens beside it");
    assert_eq!(said(), "open\n");
    first.close().await;
    drop(first);
    assert_eq!(said(), "open\n", "one of them is still there");
    drop(second);
    assert!(said().starts_with("closed "), "{:?}", said());
}

#[tokio::test]
async fn opening_again_changes_nothing() {
    let hub = fresh().await;
    filled(&hub, 3).await;
    let path = hub.dir.path().join("hub.db");
    let again = open(&path).await.expect("opens beside the first");
    assert_eq!(again.tasks(&[numbered(1)]).await.expect("read").len(), 1);
    again.close().await;
    let before = hub.list_tasks(&Default::default()).await.expect("read");
    assert_eq!(before.len(), 3);
}

/// I9: an older copy that was put back is not believed to know how far it had come.
#[tokio::test]
async fn i9_another_file_in_the_place_of_the_hub_is_noticed() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    let cursor = async |store: &HubStore| {
        let state = store.account_state(&AccountId::new("vik")).await;
        state.expect("read").cursor
    };
    let end = CommitObservation {
        identity: Identity("a server".to_owned()),
        cursor: Cursor(vec![1]),
        collections: None,
        sweep: false,
        shows_all: false,
        joined: true,
        reviews: Vec::new(),
        at: at(1),
    };
    let store = open(&path).await.expect("opens");
    let lease = store
        .claim_lease(&AccountId::new("vik"), "me", Duration::from_secs(9), at(0))
        .await
        .expect("free");
    store
        .commit_observation(&lease, &end)
        .await
        .expect("stored");
    store.release_lease(lease).await.expect("given back");
    assert!(cursor(&store).await.is_some());
    store.close().await;
    drop(store);

    let copy = dir.path().join("copy");
    fs::copy(&path, &copy).expect("copied");
    let store = open(&path).await.expect("opens");
    assert!(!store.was_replaced(), "it is the same file");
    assert!(cursor(&store).await.is_some());
    store.close().await;
    drop(store);

    fs::rename(&copy, &path).expect("put back");
    let store = open(&path).await.expect("opens");
    assert!(store.was_replaced());
    assert!(cursor(&store).await.is_none());
    store.close().await;
    drop(store);
    let store = open(&path).await.expect("opens");
    assert!(!store.was_replaced(), "that was told once");
    store.close().await;
}
