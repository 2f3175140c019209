//! The suite that every connector passes.

use instep_connectors::files::{FileConnector, Settings};
use instep_contract::connector_suite::{Case, Outcome, Subject, check};
use instep_model::{TimeZone, Timestamp};

async fn run(settings: impl Fn() -> Settings) {
    let mut held = 0;
    for (number, case) in Case::ALL.iter().enumerate() {
        let subject = Subject {
            open: async || FileConnector::open(settings()),
            label: format!("run {number}"),
            zone: TimeZone::UTC,
            now: Timestamp::UNIX_EPOCH,
        };
        held += usize::from(check(*case, &subject).await == Outcome::Held);
    }
    assert!(held >= 15, "only {held} cases were about a file");
}

#[tokio::test]
async fn one_account_seen_by_two_processes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tasks.json");
    run(|| Settings::new(&path, dir.path().join("private"))).await;
}

#[tokio::test]
async fn two_accounts_that_know_nothing_of_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tasks.json");
    let opened = std::cell::Cell::new(0);
    run(|| {
        opened.set(opened.get() + 1);
        let private = format!("private-{}", opened.get() % 2);
        Settings::new(&path, dir.path().join(private))
    })
    .await;
}

#[tokio::test]
async fn a_file_that_counts_priorities_from_the_top() {
    let dir = tempfile::tempdir().unwrap();
    run(|| Settings {
        priority_high_is_one: true,
        ..Settings::new(dir.path().join("tasks.json"), dir.path().join("private"))
    })
    .await;
}
