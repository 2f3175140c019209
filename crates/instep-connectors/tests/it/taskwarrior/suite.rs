//! The suite that every connector runs.

use instep_connectors::taskwarrior::TaskwarriorConnector;
use instep_contract::connector_suite::{Case, Outcome, Subject, check};
use instep_model::{TimeZone, Timestamp};

use super::world::{World, worlds};

async fn run(world: &World, hooks: bool) {
    let open = async || {
        let mut settings = world.settings();
        settings.run_hooks = hooks;
        TaskwarriorConnector::open(settings).unwrap()
    };
    let subject = Subject {
        open,
        label: "suite".into(),
        zone: TimeZone::UTC,
        now: Timestamp::now(),
    };
    for case in Case::ALL {
        let outcome = check(*case, &subject).await;
        let lacking = [
            Case::Birth,
            Case::FindsNote,
            Case::Parent,
            Case::Collections,
        ];
        let expected = if lacking.contains(case) {
            Outcome::Lacking
        } else {
            Outcome::Held
        };
        assert_eq!(outcome, expected, "{case:?} on {}", world.major);
    }
}

#[tokio::test]
async fn every_promise_is_kept_on_both_versions() {
    for world in worlds() {
        run(&world, false).await;
    }
}

#[tokio::test]
async fn every_promise_is_kept_through_the_command_line_of_3() {
    // With the person's hooks on, writes go through the program on both versions.
    run(&World::new(3), true).await;
}
