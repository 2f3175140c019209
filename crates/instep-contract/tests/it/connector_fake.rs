//! The connector suite, held by every kind of fake.

use instep_contract::connector_suite::{Case, Outcome, Subject, check};
use instep_contract::{Calm, FakeRemote, Profile};
use instep_model::{Identity, TimeZone, Timestamp};

/// Runs the suite and answers the cases that the profile lacks.
async fn lacking(profile: Profile) -> Vec<Case> {
    let now = Timestamp::from_second(1_900_000_000).expect("a moment in range");
    let remote = FakeRemote::new(profile, Identity("fake".to_owned()));
    let subject = Subject {
        open: async || remote.connect(Calm(now)),
        label: "suite".to_owned(),
        zone: TimeZone::UTC,
        now,
    };
    let mut lacking = Vec::new();
    for case in Case::ALL {
        if check(*case, &subject).await == Outcome::Lacking {
            lacking.push(*case);
        }
    }
    lacking
}

#[tokio::test]
async fn a_server_keeps_the_contract() {
    let lacking = lacking(Profile::server()).await;
    assert_eq!(lacking, [Case::AlreadyExists, Case::Revives, Case::Markers]);
}

#[tokio::test]
async fn a_database_keeps_the_contract() {
    let lacking = lacking(Profile::database()).await;
    assert_eq!(
        lacking,
        [
            Case::Birth,
            Case::FindsNote,
            Case::Parent,
            Case::Collections
        ]
    );
}

#[tokio::test]
async fn a_file_keeps_the_contract() {
    let lacking = lacking(Profile::file()).await;
    assert_eq!(
        lacking,
        [
            Case::Birth,
            Case::Revives,
            Case::FindsNote,
            Case::Notes,
            Case::Depends,
            Case::Parent,
            Case::Markers,
            Case::Collections,
        ]
    );
}
