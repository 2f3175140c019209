//! What an event about one item leads to: the same whether a round for that item alone carries it, or
//! each account's turn does.

use std::time::Duration;

use instep_contract::{Call, Fault, Look, Reinstall, Store};
use instep_engine::{AccountReport, Need, Trouble};
use instep_model::{Field, Fields, Identity, RemoteId, Value};

use crate::bench::{Bench, block_on};

/// Tells of an item of the account at this place; answers every report of what follows.
type Tell = fn(&Bench, usize, &RemoteId) -> Vec<AccountReport>;

/// Every case, in both frames.
macro_rules! cases {
    ($($case:ident,)*) => {
        mod in_a_round_of_its_own {
            $(#[test] fn $case() {
                super::$case(|bench, at, item| bench.event_now(at, item).accounts);
            })*
        }
        mod in_turns {
            $(#[test] fn $case() {
                super::$case(|bench, at, item| bench.told_now(at, item));
            })*
        }
    };
}

cases! {
    it_is_read_and_carried_to_every_other_account,
    an_account_that_has_not_met_the_hub_is_left_alone,
    how_long_it_took_is_told,
    s15_an_unknown_item_waits_while_a_create_is_in_doubt,
    i9_an_older_hub_looks_at_everything_first,
    i9_a_marked_task_that_the_hub_forgot_is_not_made_again,
    i1_an_edit_is_no_older_than_a_deletion_that_nobody_looked_for,
    s5_nothing_is_taken_from_another_server_or_written_there,
    s5_an_id_that_another_server_gave_anew_says_nothing_of_our_task,
    s17_a_note_is_read_before_it_is_written_over,
}

fn one(title: &str) -> Vec<String> {
    vec![title.to_owned()]
}

fn it_is_read_and_carried_to_every_other_account(tell: Tell) {
    let bench = Bench::new(&["tw", "vik", "file"]);
    bench.settle();
    let id = bench.make(0, "a");
    tell(&bench, 0, &id);
    assert_eq!((bench.titles(1), bench.titles(2)), (one("a"), one("a")));
    bench.edit(1, "a", Field::Title, Some("b"));
    tell(&bench, 1, &bench.id(1, "b"));
    assert_eq!((bench.titles(0), bench.titles(2)), (one("b"), one("b")));
    let file = bench.id(2, "b");
    bench.delete(2, "b");
    tell(&bench, 2, &file);
    assert!(bench.titles(0).is_empty() && bench.titles(1).is_empty());
    assert!(bench.round().changes.is_empty(), "nothing is left to do");
}

fn an_account_that_has_not_met_the_hub_is_left_alone(tell: Tell) {
    let bench = Bench::new(&["tw", "vik"]);
    let id = bench.make(0, "a");
    for report in tell(&bench, 0, &id) {
        assert_eq!((report.trouble, report.calls), (None, 0));
    }
    assert!(bench.hub_ids().is_empty());
}

fn how_long_it_took_is_told(tell: Tell) {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let id = bench.make(0, "a");
    // Another writer is in the way once, and is waited for.
    bench.order(0, Call::Read, Fault::Busy);
    let reports = tell(&bench, 0, &id);
    assert!(reports[0].duration > Duration::ZERO, "{reports:#?}");
    assert_eq!(bench.titles(1), one("a"));
}

fn s15_an_unknown_item_waits_while_a_create_is_in_doubt(tell: Tell) {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let there = bench.make(1, "b");
    let id = bench.make(0, "a");
    bench.order(1, Call::Create, Fault::TimedOut(Duration::from_secs(20)));
    tell(&bench, 0, &id);
    let reports = tell(&bench, 1, &there);
    let trouble = Some(Trouble::InDoubt { count: 1 });
    let mut own = reports.iter().filter(|one| one.account.as_str() == "vik");
    assert!(own.any(|one| one.trouble == trouble), "{reports:#?}");
    bench.settle();
    tell(&bench, 1, &there);
    assert_eq!(bench.titles(0), ["a", "b"]);
    assert_eq!(bench.titles(1), ["a", "b"]);
}

fn i9_an_older_hub_looks_at_everything_first(tell: Tell) {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let before = bench.store.snapshot();
    bench.make(1, "a");
    bench.settle();
    bench.edit(0, "a", Field::Title, Some("b"));
    bench.store.restore(&before);
    block_on(bench.store.forget_cursors()).expect("forgotten");
    for (at, title) in [(0, "b"), (1, "a")] {
        for report in tell(&bench, at, &bench.id(at, title)) {
            assert_eq!(report.trouble, Some(Trouble::Behind));
        }
        assert_eq!((bench.titles(0), bench.titles(1)), (one("b"), one("a")));
    }
}

fn i9_a_marked_task_that_the_hub_forgot_is_not_made_again(tell: Tell) {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let before = bench.store.snapshot();
    bench.make(1, "a");
    bench.settle();
    bench.store.restore(&before);
    for _ in 0..2 {
        tell(&bench, 0, &bench.id(0, "a"));
        assert_eq!(bench.titles(1), one("a"));
    }
    bench.settle();
    assert_eq!((bench.titles(0), bench.titles(1)), (one("a"), one("a")));
}

fn i1_an_edit_is_no_older_than_a_deletion_that_nobody_looked_for(tell: Tell) {
    let mut bench = Bench::new(&["vik", "file"]);
    bench.make(0, "a");
    bench.settle();
    bench.delete(1, "a");
    let task = bench.hub_ids()[0];
    let notes = Value::Text("meanwhile".to_owned());
    let edit = |fields: &mut Fields| fields.set(Field::Notes, Some(notes.clone()));
    block_on(bench.engine().edit_task(task, edit)).expect("edited");
    bench.hand.advance(60);
    tell(&bench, 0, &bench.id(0, "a"));
    bench.options.look = Look::Everything;
    bench.settle();
    assert_eq!((bench.titles(0), bench.titles(1)), (one("a"), one("a")));
}

fn s5_nothing_is_taken_from_another_server_or_written_there(tell: Tell) {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.settle();
    let other = Identity("vik#2".to_owned());
    let remote = &bench.seats[1].remote;
    remote.reinstall(bench.hand.now(), other, Reinstall::Empty);
    let theirs = bench.make(1, "b");
    bench.edit(0, "a", Field::Title, Some("again"));
    let new = bench.make(0, "c");
    let need = Trouble::NeedsYou(Need::NewServer { pairs: 1 });
    for (at, item) in [(0, bench.id(0, "again")), (0, new), (1, theirs)] {
        let reports = tell(&bench, at, &item);
        assert!(reports.iter().any(|one| one.trouble == Some(need.clone())));
        assert_eq!(bench.titles(0), ["again", "c"]);
        assert_eq!(bench.titles(1), one("b"));
    }
}

fn s5_an_id_that_another_server_gave_anew_says_nothing_of_our_task(tell: Tell) {
    let bench = Bench::new(&["tw", "vik", "file"]);
    let id = bench.make(1, "a");
    bench.settle();
    let other = Identity("vik#2".to_owned());
    let remote = &bench.seats[1].remote;
    remote.reinstall(bench.hand.now(), other, Reinstall::Empty);
    let again = bench.make(1, "b");
    assert_eq!(again, id, "the new server gives the same id");
    let reports = tell(&bench, 1, &again);
    let need = Some(Trouble::NeedsYou(Need::NewServer { pairs: 1 }));
    let mut own = reports.iter().filter(|one| one.account.as_str() == "vik");
    assert!(own.any(|one| one.trouble == need), "{reports:#?}");
    assert_eq!((bench.titles(0), bench.titles(2)), (one("a"), one("a")));
}

fn s17_a_note_is_read_before_it_is_written_over(tell: Tell) {
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
    bench.hand.advance(60);
    tell(&bench, 2, &file);
    let conflicts = bench.store.all_conflicts();
    let met: Vec<Field> = conflicts.iter().map(|one| one.field).collect();
    assert_eq!(met, [Field::Annotations], "neither text is lost unseen");
}
