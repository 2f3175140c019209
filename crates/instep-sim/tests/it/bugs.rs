//! Planted bugs are found: an oracle that sees nothing would let all of them pass.

use std::collections::BTreeSet;

use instep_sim::{Bug, Schedule, play, shrink};

/// Seeds within which each of the bugs below is found.
const SEEDS: u64 = 300;

/// The first seed that finds the bug; one that fails by itself finds nothing.
fn find(bug: Bug) -> Option<u64> {
    (0..SEEDS).find(|seed| {
        let schedule = Schedule::draw(*seed);
        play(&schedule, Some(bug), false).breach.is_some()
            && play(&schedule, None, false).breach.is_none()
    })
}

#[test]
fn bugs_that_show_often_are_found_soon() {
    let soon = [
        Bug::HubTramples,
        Bug::TagsTaken,
        Bug::UnheldCleared,
        Bug::CreatedWithoutDue,
        Bug::NobodyAdopted,
        Bug::NobodyWoken,
        Bug::PairNotStored,
        Bug::CreatedTwice,
        Bug::DeleteSwallowed,
        Bug::UpdateSwallowed,
        Bug::ClosedHidden,
        Bug::NoteTwice,
        Bug::ReadOnlyWritten,
        Bug::WriteOnlyRead,
        Bug::ScopeIgnored,
        Bug::LeaseShared,
        Bug::EventStoredAgain,
        Bug::RehearsalWrites,
        Bug::RehearsalRemembers,
    ];
    for bug in soon {
        assert!(find(bug).is_some(), "{bug} stays hidden for {SEEDS} seeds");
    }
}

#[test]
fn every_invariant_of_this_level_has_a_bug() {
    let covered: BTreeSet<&str> = Bug::ALL.iter().map(|bug| bug.invariant()).collect();
    for invariant in [
        "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I13", "I15", "I16", "I19", "S27",
        "S29",
    ] {
        assert!(covered.contains(invariant), "{invariant}");
    }
    assert!(Bug::ALL.len() >= 60, "{}", Bug::ALL.len());
}

#[test]
fn a_failing_schedule_shrinks_to_a_few_steps() {
    let bug = Bug::CreatedTwice;
    let seed = find(bug).expect("the bug shows often");
    let schedule = Schedule::draw(seed);
    let short = shrink(&schedule, Some(bug));
    assert!(short.len() < schedule.len() / 4, "{short}");
    let (long, short) = (
        play(&schedule, Some(bug), false),
        play(&short, Some(bug), false),
    );
    let invariant = |outcome: instep_sim::Outcome| outcome.breach.map(|breach| breach.invariant);
    assert_eq!(invariant(long), invariant(short));
}
