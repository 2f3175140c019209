//! How many deletions look like a person's own (S28).

use instep_model::CollectionId;
use instep_sync::{Counts, Deletions, WINDOW_MINUTES, permits};
use proptest::prelude::*;

use crate::draw;

/// `home:3 7` is three in a collection and seven in none.
fn counts(text: &str) -> Counts {
    let parts = text
        .split_whitespace()
        .map(|part| match part.split_once(':') {
            Some((name, count)) => (
                Some(CollectionId::new(name)),
                count.parse().expect("a count"),
            ),
            None => (None, part.parse().expect("a count")),
        });
    parts.collect()
}

#[track_caller]
fn check(alive: &str, recent: &str, held: &str, new: &str, permitted: bool) {
    let deletions = Deletions {
        alive: counts(alive),
        recent: counts(recent),
        held: counts(held),
        new: counts(new),
        ..Deletions::default()
    };
    assert_eq!(permits(&deletions, None), permitted, "{deletions:?}");
}

#[test]
fn s28_more_than_ten_and_more_than_a_fifth_stop() {
    check("30", "", "", "10", true);
    check("30", "", "", "11", false);
    check("100", "", "", "20", true);
    check("100", "", "", "21", false);
    check("59", "", "", "11", true);
    check("59", "", "", "12", false);
    check("1000", "", "", "200", true);
    check("1000", "", "", "201", false);
    check("1000", "", "", "", true);
    check("", "", "", "", true);
}

#[test]
fn s28_all_of_an_account_stops_from_three_on() {
    check("1", "", "", "1", true);
    check("2", "", "", "2", true);
    check("3", "", "", "3", false);
    check("3", "", "", "2", true);
    check("10", "", "", "10", false);
    check("10", "", "", "9", true);
    check("1", "2", "", "1", false);
}

#[test]
fn s28_one_by_one_over_the_hour_counts_together() {
    check("21", "9", "", "1", true);
    check("20", "10", "", "1", false);
    check("81", "19", "", "1", true);
    check("80", "20", "", "1", false);
    assert_eq!(WINDOW_MINUTES, 60);
}

#[test]
fn s28_what_is_held_counts_too() {
    check("100", "", "19", "1", true);
    check("100", "", "20", "1", false);
    check("90", "10", "9", "1", true);
    check("90", "10", "10", "1", false);
    check("4", "", "2", "2", false);
}

#[test]
fn s28_a_collection_is_weighed_on_its_own() {
    // A fifth of a collection of twenty or more, though little of the account.
    check("home:20 980", "", "", "home:10", true);
    check("home:20 980", "", "", "home:11", false);
    check("home:19 981", "", "", "home:11", true);
    check("home:100 900", "", "", "home:20", true);
    check("home:100 900", "", "", "home:21", false);
    check("home:15 900", "home:5", "", "home:6", false);
    check("home:20 900", "", "home:5", "home:6", false);
    // All of one that held five or more.
    check("home:5 995", "", "", "home:5", false);
    check("home:5 995", "", "", "home:4", true);
    check("home:4 996", "", "", "home:4", true);
    check("home:2 996", "home:3", "", "home:2", false);
    check("home:5 996", "", "home:3", "home:2", false);
    // Tasks in no collection are no collection.
    check("5 home:995", "", "", "5", true);
    check("home:50 work:5 900", "", "", "home:2 work:5", false);
    check("home:50 work:6 900", "", "", "home:2 work:5", true);
}

#[test]
fn s28_what_the_hub_deleted_in_the_same_look_makes_it_no_less_empty() {
    let permitted = |alive: &str, new: &str, agreed: &str| {
        let deletions = Deletions {
            alive: counts(alive),
            new: counts(new),
            agreed: counts(agreed),
            ..Deletions::default()
        };
        permits(&deletions, None)
    };
    assert!(permitted("2", "2", ""));
    assert!(!permitted("2", "2", "1"));
    assert!(permitted("3", "2", "5"));
    assert!(permitted("home:4 90", "home:4", "90"));
    assert!(!permitted("home:4 90", "home:4", "home:1"));
    assert!(permitted("30", "10", "12"));
}

#[test]
fn s28_a_person_may_permit_more() {
    let deletions = |held: &str| Deletions {
        alive: counts("30"),
        held: counts(held),
        new: counts("25"),
        ..Deletions::default()
    };
    assert!(!permits(&deletions(""), None));
    assert!(!permits(&deletions(""), Some(24)));
    assert!(permits(&deletions(""), Some(25)));
    assert!(!permits(&deletions("3"), Some(27)));
    assert!(permits(&deletions("3"), Some(28)));
    assert!(!permits(&deletions(""), Some(0)));
}

proptest! {
    #![proptest_config(draw::tries(8_000))]

    #[test]
    fn s28_deleting_more_is_never_safer(
        alive in 0usize..300, recent in 0usize..40, held in 0usize..40, new in 1usize..120,
    ) {
        let deletions = |recent, held, new| Deletions {
            alive: Counts::from([(Some(CollectionId::new("home")), alive)]),
            recent: Counts::from([(Some(CollectionId::new("home")), recent)]),
            held: Counts::from([(Some(CollectionId::new("home")), held)]),
            new: Counts::from([(Some(CollectionId::new("home")), new)]),
            ..Deletions::default()
        };
        if !permits(&deletions(recent, held, new), None) {
            prop_assert!(!permits(&deletions(recent, held, new + 1), None));
            prop_assert!(!permits(&deletions(recent, held + 1, new), None));
        }
        // Whatever is spread over the hour is weighed as if it came at once.
        if new > 1 && recent + new <= alive {
            let spread = Deletions {
                alive: Counts::from([(Some(CollectionId::new("home")), alive - 1)]),
                ..deletions(recent + 1, held, new - 1)
            };
            prop_assert_eq!(permits(&deletions(recent, held, new), None), permits(&spread, None));
        }
        prop_assert!(permits(&deletions(recent, held, new), Some(new + held)));
    }
}
