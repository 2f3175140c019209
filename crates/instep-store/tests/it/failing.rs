//! A transaction that fails in the middle or at its end: nothing of it is kept, and whoever
//! comes next is not held up by it.

use instep_contract::{Store, StoreError};
use sqlx::{Connection, Executor};

use crate::samples::{Fresh, adopted, at, claim, filled, fresh, numbered};

/// The task whose write fails.
const UNLUCKY: u32 = 7;

/// The database gives the whole transaction up by itself, as it does where the disk fails or is
/// full in the middle of a statement.
const GIVEN_UP: &str = "SELECT RAISE(ROLLBACK, 'disk I/O error')";

/// The statement goes well, and the commit does not: a reference that is looked at only then.
const FAILS_AT_COMMIT: &str = "INSERT INTO late_child VALUES (1)";

/// Has the database fail in this way at a write of [`UNLUCKY`].
async fn with_failure(how: &str) -> Fresh {
    let hub = fresh().await;
    filled(&hub, 3).await;
    let path = hub.dir.path().join("hub.db");
    let url = format!("sqlite://{}", path.display());
    let sql = format!(
        "CREATE TABLE late_parent (id INTEGER PRIMARY KEY); \
         CREATE TABLE late_child (parent REFERENCES late_parent (id) \
             DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER fails AFTER INSERT ON tasks WHEN new.id = '{}' BEGIN {how}; END;",
        numbered(UNLUCKY)
    );
    let mut on = sqlx::AnyConnection::connect(&url).await.expect("connects");
    on.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql)))
        .await
        .expect("runs");
    on.close().await.expect("closes");
    hub
}

async fn check(how: &str) {
    let hub = with_failure(how).await;
    for time in ["first", "second"] {
        let failing = [adopted(4), adopted(UNLUCKY)];
        let answer = hub.commit_merge(None, &failing, at(1)).await;
        assert!(answer.is_err(), "{how}, the {time} time: {answer:?}");

        // Before anything else is written: what fails leaves nothing, not even half of itself.
        let kept = hub.tasks(&[numbered(4), numbered(UNLUCKY)]).await;
        assert_eq!(kept.expect("read"), [], "{how}, the {time} time");
        another_process_can_write(&hub).await;
    }
    let lease = claim(&hub).await;
    let approved = hub.approve_held(&lease, at(2)).await;
    assert_eq!(approved.expect("another step goes on"), 0);
    let stored = hub.commit_merge(None, &[adopted(4)], at(2)).await;
    stored.expect("what does not fail is stored");
    assert_eq!(hub.tasks(&[numbered(4)]).await.expect("read").len(), 1);
    assert_eq!(hub.integrity().await.expect("read"), Vec::<String>::new());
    hub.close().await;
    let closed = hub.tasks(&[numbered(4)]).await;
    assert!(
        matches!(closed, Err(StoreError::Unavailable { .. })),
        "{closed:?}"
    );
}

/// No lock was left behind.
async fn another_process_can_write(hub: &Fresh) {
    let url = format!("sqlite://{}", hub.dir.path().join("hub.db").display());
    let mut on = sqlx::AnyConnection::connect(&url).await.expect("connects");
    let sql = "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK;";
    on.execute(sql).await.expect("nobody writes");
    on.close().await.expect("closes");
}

#[tokio::test]
async fn a_transaction_that_the_database_gave_up_is_over() {
    check(GIVEN_UP).await;
}

#[tokio::test]
async fn a_transaction_whose_commit_failed_is_over() {
    check(FAILS_AT_COMMIT).await;
}
