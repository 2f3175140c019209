//! A service whose owner put an older copy back: it gives its ids out anew, and nobody deleted what
//! the copy lacks.

use instep_contract::{Call, Copy, Fault};
use instep_engine::RoundReport;
use instep_model::{Direction, Field, Need, Trouble};

use crate::bench::Bench;

/// Five tasks on both sides, a copy of the server, and then a task more that it does not know.
fn with_copy() -> (Bench, Copy) {
    let bench = Bench::new(&["tw", "vik"]);
    for title in ["a", "b", "c", "d", "e"] {
        bench.make(0, title);
    }
    bench.settle();
    let copy = bench.seats[1].remote.copy();
    bench.make_with(0, "renew the passport", &[(Field::Priority, "3")]);
    bench.settle();
    (bench, copy)
}

/// The copy is back, and somebody made a task that got the id of ours.
fn with_stranger(title: &str, priority: &str) -> Bench {
    let (bench, copy) = with_copy();
    let known = bench.id(1, "renew the passport");
    bench.seats[1].remote.put_back_unseen(&copy);
    let given = bench.make_with(1, title, &[(Field::Priority, priority)]);
    assert_eq!(given, known, "the id is given out anew");
    bench
}

const BOTH: [&str; 7] = [
    "a",
    "b",
    "c",
    "d",
    "e",
    "feed the cat",
    "renew the passport",
];

fn check_both(bench: &Bench) {
    for at in [0, 1] {
        assert_eq!(bench.titles(at), BOTH, "at {at}");
        assert_eq!(bench.field(at, "renew the passport", Field::Priority), "3");
        assert_eq!(bench.field(at, "feed the cat", Field::Priority), "1");
    }
    assert!(bench.sync().changes.is_empty());
}

/// I1: a stranger under a known id is no edit of the task that had it.
#[test]
fn i1_an_item_under_an_id_that_was_given_out_anew_is_another_task() {
    let bench = with_stranger("feed the cat", "1");
    bench.settle();
    check_both(&bench);
}

/// I6: it shows that the service went back, so that what else it lacks was deleted by nobody.
#[test]
fn i6_a_stranger_under_a_known_id_stops_the_account() {
    let mut bench = with_stranger("feed the cat", "1");
    bench.options.accept = false;
    let there = bench.titles(1);
    assert!(asks(&bench.round()));
    assert_eq!(bench.titles(0).len(), 6);
    assert!(bench.titles(0).contains(&BOTH[6].to_owned()));
    assert_eq!(bench.titles(1), there);
}

#[test]
fn i1_an_event_about_a_stranger_says_nothing_of_the_task_that_had_its_id() {
    let bench = with_stranger("feed the cat", "1");
    bench.event(1, &bench.id(1, "feed the cat"));
    bench.settle();
    check_both(&bench);
}

/// I1: the same where the task that had the id had come from there.
#[test]
fn i1_a_stranger_is_no_edit_of_what_came_to_us_under_its_id() {
    for by_event in [false, true] {
        let bench = Bench::new(&["tw", "vik"]);
        for title in ["a", "b", "c", "d"] {
            bench.make(1, title);
        }
        bench.settle();
        let copy = bench.seats[1].remote.copy();
        let known = bench.make(1, "renew the passport");
        bench.settle();
        bench.seats[1].remote.put_back_unseen(&copy);
        let given = bench.make(1, "feed the cat");
        assert_eq!(given, known, "the id is given out anew");
        if by_event {
            bench.event(1, &given);
        }
        bench.settle();
        for at in [0, 1] {
            let titles = bench.titles(at);
            assert_eq!(titles[4..], BOTH[5..], "at {at}, {by_event}");
        }
    }
}

/// S16: what is deleted is what was paired, and not what has its id now, even where it looks alike.
#[test]
fn s16_a_stranger_is_not_deleted_for_the_task_that_had_its_id() {
    for by_event in [false, true] {
        let bench = with_stranger("renew the passport", "3");
        let row = bench.id(0, "renew the passport");
        bench.delete(0, "renew the passport");
        if by_event {
            bench.event(0, &row);
        }
        bench.settle();
        for at in [0, 1] {
            assert!(
                bench.titles(at).contains(&BOTH[6].to_owned()),
                "at {at}, {by_event}"
            );
            assert_eq!(bench.titles(at).len(), 6);
        }
    }
}

/// I2: what we make may get an id that a task of ours had before the copy was put back.
#[test]
fn i2_a_new_item_takes_the_id_of_one_that_is_gone() {
    for lost in [false, true] {
        let (bench, copy) = with_copy();
        let known = bench.id(1, "renew the passport");
        bench.delete(1, "renew the passport");
        bench.settle();
        bench.seats[1].remote.put_back_unseen(&copy);
        bench.make(0, "feed the cat");
        if lost {
            bench.order(1, Call::Create, Fault::ReplyLost(1));
        }
        bench.settle();
        assert_eq!(bench.id(1, "feed the cat"), known);
        for at in [0, 1] {
            assert_eq!(bench.titles(at), BOTH[..6], "at {at}, {lost}");
        }
        assert!(bench.sync().changes.is_empty());
    }
}

/// A server with an older copy put back, told as such: since then a task was made, one renamed, one
/// moved, one done, one deleted, some of it on either side.
fn gone_back(kept: &str) -> Bench {
    let bench = Bench::new(&["tw", "vik", "file"]);
    for title in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        bench.make(0, title);
    }
    bench.make(1, "of theirs");
    bench.settle();
    let at = bench
        .seats
        .iter()
        .position(|seat| seat.account.name == kept);
    let at = at.expect("an account");
    let copy = bench.seats[at].remote.copy();
    bench.make(0, "later here");
    bench.make(1, "later there");
    bench.edit(0, "a", Field::Title, Some("A"));
    bench.edit(1, "b", Field::Priority, Some("3"));
    bench.edit(0, "c", Field::Project, Some("home"));
    bench.edit(1, "d", Field::Status, Some("done"));
    bench.delete(0, "e");
    bench.delete(1, "of theirs");
    bench.settle();
    bench.seats[at].remote.put_back(&copy);
    bench
}

const SINCE: [&str; 9] = [
    "A",
    "b",
    "c",
    "d",
    "f",
    "g",
    "h",
    "later here",
    "later there",
];

fn check_since(bench: &Bench, what: &str) {
    for at in 0..3 {
        assert_eq!(bench.titles(at), SINCE, "{what}, at {at}");
        assert_eq!(bench.field(at, "b", Field::Priority), "3", "{what}, {at}");
        assert_eq!(bench.field(at, "c", Field::Project), "home", "{what}, {at}");
        assert_eq!(bench.field(at, "d", Field::Status), "done", "{what}, {at}");
    }
}

fn asks(report: &RoundReport) -> bool {
    report.accounts.iter().any(|account| {
        matches!(
            account.trouble,
            Some(Trouble::NeedsYou(Need::OlderState { .. }))
        )
    })
}

/// I6: what an older copy lacks was deleted by nobody, and what it shows was edited by nobody.
#[test]
fn i6_nothing_of_an_older_copy_is_believed_before_a_person_says_so() {
    for kept in ["tw", "vik", "file"] {
        let mut bench = gone_back(kept);
        let hub = bench.store.all_tasks();
        let titles: Vec<_> = (0..3).map(|at| bench.titles(at)).collect();
        bench.options.accept = false;
        for _ in 0..2 {
            assert!(asks(&bench.round()), "{kept}");
        }
        assert_eq!(bench.store.all_tasks(), hub, "{kept}");
        let after: Vec<_> = (0..3).map(|at| bench.titles(at)).collect();
        assert_eq!(after, titles, "{kept}");
    }
}

#[test]
fn i6_the_hub_is_carried_again_to_where_an_older_copy_was_put_back() {
    for kept in ["tw", "vik", "file"] {
        let bench = gone_back(kept);
        bench.settle();
        check_since(&bench, kept);
        assert!(bench.sync().changes.is_empty(), "{kept}");
    }
}

/// What somebody does after the copy was put back is an edit like any other.
#[test]
fn i1_an_edit_of_an_older_copy_is_kept_when_the_hub_is_carried_again() {
    let bench = gone_back("vik");
    bench.edit(1, "f", Field::Priority, Some("5"));
    bench.make(1, "new there");
    bench.delete(0, "g");
    bench.settle();
    for at in 0..3 {
        let titles = bench.titles(at);
        assert!(titles.contains(&"new there".to_owned()), "at {at}");
        assert!(!titles.contains(&"g".to_owned()), "at {at}");
        assert_eq!(titles.len(), SINCE.len(), "at {at}: {titles:?}");
        assert_eq!(bench.field(at, "f", Field::Priority), "5", "at {at}");
    }
}

#[test]
fn s28_a_number_that_does_not_cover_an_older_state_takes_nothing_over() {
    let mut bench = gone_back("vik");
    bench.options.accept = false;
    bench.options.max_delete = Some(2);
    let before = bench.titles(0);
    assert!(asks(&bench.round()));
    assert_eq!(bench.titles(0), before);
}

#[test]
fn s28_a_person_can_take_an_older_state_over() {
    let mut bench = gone_back("vik");
    bench.options.accept = false;
    bench.options.max_delete = Some(9);
    bench.settle();
    for at in 0..3 {
        let titles = bench.titles(at);
        assert_eq!(titles, ["a", "b", "c", "d", "f", "g", "h"], "at {at}");
        assert_eq!(bench.field(at, "b", Field::Priority), "", "at {at}");
    }
}

/// S29: nobody deleted there what is missing, so that it is made again.
#[test]
fn s29_where_we_only_write_an_older_copy_is_brought_up_to_the_hub() {
    let mut bench = Bench::new(&["tw", "vik"]);
    bench.seats[1].account.direction = Direction::ToRemote;
    for title in ["a", "b", "c"] {
        bench.make(0, title);
    }
    bench.settle();
    let copy = bench.seats[1].remote.copy();
    bench.make(0, "later");
    bench.edit(0, "a", Field::Title, Some("A"));
    bench.settle();
    bench.seats[1].remote.put_back(&copy);
    bench.settle();
    assert_eq!(bench.titles(1), ["A", "b", "c", "later"]);
}

/// I1: whoever gives an item another id by hand loses nothing that it cannot hold.
#[test]
fn i1_a_pair_goes_along_with_a_new_id() {
    let bench = Bench::new(&["tw", "vik"]);
    for title in ["a", "b", "c"] {
        bench.make_with(0, title, &[(Field::Wait, "2027-01-01T08:00:00Z")]);
    }
    bench.settle();
    let known = bench.hub_ids();
    bench.unmake(1, "a");
    bench.make(1, "a");
    // One that is alike in its title alone is another.
    bench.unmake(1, "b");
    bench.make_with(1, "b", &[(Field::Priority, "3")]);
    bench.settle();
    let ids = bench.hub_ids();
    assert_eq!(ids.iter().filter(|id| known.contains(id)).count(), 2);
    assert_eq!(bench.titles(0), ["a", "b", "c"]);
    assert_eq!(bench.titles(1), ["a", "b", "c"]);
    assert_eq!(bench.field(0, "a", Field::Wait), "2027-01-01T08:00:00Z");
    assert_eq!(bench.field(0, "b", Field::Wait), "");
}
