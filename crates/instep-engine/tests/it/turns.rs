//! One account's turn by itself: what an event leads to, in how many calls, and what it may not do.

use std::time::Duration;

use instep_contract::{Call, Fault, Reinstall, Store};
use instep_engine::{AccountReport, Begin, Need, Trouble};
use instep_model::{Field, Fields, Identity, Value};

use crate::bench::{Bench, block_on};

fn one(title: &str) -> Vec<String> {
    vec![title.to_owned()]
}

fn calls(reports: &[AccountReport], account: &str) -> u64 {
    let own = reports.iter().filter(|one| one.account.as_str() == account);
    own.map(|one| one.calls).sum()
}

#[test]
fn an_event_is_read_and_carried_to_every_other_account() {
    let bench = Bench::new(&["tw", "vik", "file"]);
    bench.settle();
    let id = bench.make(0, "a");
    bench.told(0, &id);
    assert_eq!((bench.titles(1), bench.titles(2)), (one("a"), one("a")));
    bench.edit(1, "a", Field::Title, Some("b"));
    bench.told(1, &bench.id(1, "b"));
    assert_eq!((bench.titles(0), bench.titles(2)), (one("b"), one("b")));
    bench.delete(2, "b");
    // By then nothing of it is left to be found by its title.
    let gone = block_on(bench.store.mappings_of_tasks(&bench.hub_ids())).expect("read");
    let file = gone.iter().find(|pair| pair.account.as_str() == "file");
    bench.told(
        2,
        &file.and_then(|pair| pair.remote.clone()).expect("paired"),
    );
    assert!(bench.titles(0).is_empty() && bench.titles(1).is_empty());
    assert!(bench.round().changes.is_empty(), "nothing is left to do");
}

#[test]
fn what_we_wrote_ourselves_is_read_once_and_writes_nothing() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let id = bench.make(0, "a");
    bench.told(0, &id);
    let written = (bench.seats[0].remote.tasks(), bench.seats[1].remote.tasks());
    let reports = bench.told(1, &bench.id(1, "a"));
    let after = (bench.seats[0].remote.tasks(), bench.seats[1].remote.tasks());
    assert_eq!(written, after);
    assert_eq!(calls(&reports, "tw"), 0, "{reports:#?}");
    // One asks who answers; a connector that is kept knows that.
    assert_eq!(calls(&reports, "vik"), 2, "{reports:#?}");
}

#[test]
fn an_account_that_has_not_met_the_hub_is_left_alone() {
    let bench = Bench::new(&["tw", "vik"]);
    let id = bench.make(0, "a");
    for begin in [Begin::Items(vec![id]), Begin::Work, Begin::Look] {
        let report = bench.turn(0, &begin);
        assert_eq!(
            (report.accounts[0].trouble.clone(), report.accounts[0].calls),
            (None, 0)
        );
    }
    assert!(bench.hub_ids().is_empty());
}

#[test]
fn s15_an_unknown_item_waits_while_a_create_is_in_doubt() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let there = bench.make(1, "b");
    let id = bench.make(0, "a");
    bench.order(1, Call::Create, Fault::TimedOut(Duration::from_secs(20)));
    bench.told(0, &id);
    let report = bench.turn(1, &Begin::Items(vec![there.clone()]));
    let trouble = Some(Trouble::InDoubt { count: 1 });
    assert_eq!(report.accounts[0].trouble, trouble);
    bench.settle();
    bench.told(1, &there);
    assert_eq!(bench.titles(0), ["a", "b"]);
    assert_eq!(bench.titles(1), ["a", "b"]);
}

#[test]
fn i9_an_older_hub_looks_at_everything_first() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let before = bench.store.snapshot();
    bench.make(1, "a");
    bench.settle();
    bench.edit(0, "a", Field::Title, Some("b"));
    bench.store.restore(&before);
    block_on(bench.store.forget_cursors()).expect("forgotten");
    for report in bench.told(0, &bench.id(0, "b")) {
        assert_eq!(report.trouble, Some(Trouble::Behind));
    }
    assert_eq!((bench.titles(0), bench.titles(1)), (one("b"), one("a")));
}

#[test]
fn i9_a_marked_task_that_the_hub_forgot_is_not_made_again() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let before = bench.store.snapshot();
    bench.make(1, "a");
    bench.settle();
    bench.store.restore(&before);
    bench.told(0, &bench.id(0, "a"));
    assert_eq!(bench.titles(1), one("a"));
    bench.settle();
    assert_eq!((bench.titles(0), bench.titles(1)), (one("a"), one("a")));
}

#[test]
fn i9_nothing_is_met_anew_before_the_markers_that_tell_who_is_who() {
    let bench = Bench::new(&["tw", "vik", "file"]);
    bench.settle();
    let before = bench.store.snapshot();
    bench.make(1, "a");
    bench.settle();
    bench.store.restore(&before);
    block_on(bench.store.forget_cursors()).expect("forgotten");
    bench.order(0, Call::Observe, Fault::Unavailable);
    let report = bench.round();
    assert!(report.accounts.iter().all(|one| one.trouble.is_some()));
    bench.settle();
    for at in 0..3 {
        assert_eq!(bench.titles(at), one("a"));
    }
}

#[test]
fn s5_a_turn_says_and_writes_nothing_where_another_server_answers() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    let now = bench.hand.now();
    let other = Identity("vik#2".to_owned());
    let remote = &bench.seats[1].remote;
    remote.reinstall(now, other, Reinstall::Empty);
    let theirs = bench.make(1, "b");
    bench.edit(0, "a", Field::Title, Some("again"));
    let need = Trouble::NeedsYou(Need::NewServer { pairs: 1 });
    for (at, item) in [(0, bench.id(0, "again")), (1, theirs)] {
        let reports = bench.told(at, &item);
        assert!(reports.iter().any(|one| one.trouble == Some(need.clone())));
        assert_eq!((bench.titles(0), bench.titles(1)), (one("again"), one("b")));
    }
}

#[test]
fn s17_a_note_is_read_before_it_is_written_over() {
    let bench = Bench::new(&["tw", "vik", "file"]);
    let file = bench.make(2, "a");
    bench.settle();
    let there = bench.id(1, "a");
    let remote = &bench.seats[1].remote;
    let note = remote.add_note(bench.hand.now(), &there, "first");
    bench.settle();
    bench.hand.advance(60);
    assert!(remote.edit_note(bench.hand.now(), &there, &note, "by a person there"));
    let task = bench.hub_ids()[0];
    let reword = |fields: &mut Fields| {
        let mut notes = fields.annotations();
        notes
            .values_mut()
            .for_each(|note| note.text = "by a person here".to_owned());
        fields.set(Field::Annotations, Some(Value::Annotations(notes)));
    };
    bench.hand.advance(60);
    block_on(bench.engine().edit_task(task, reword)).expect("edited");
    bench.told(2, &file);
    let conflicts = bench.store.all_conflicts();
    let told: Vec<Field> = conflicts.iter().map(|one| one.field).collect();
    assert_eq!(told, [Field::Annotations], "neither text is lost unseen");
}
