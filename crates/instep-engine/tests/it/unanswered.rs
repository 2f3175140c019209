//! What we wrote without hearing the answer is nobody's edit, whoever takes it back meanwhile.

use std::pin::pin;
use std::time::Duration;

use instep_contract::{Call, Fault, Moment};
use instep_model::{Field, Value};

use crate::bench::{Bench, go_on};

const TW: usize = 0;
const VIK: usize = 1;

/// A field, what it held, what a person made of it before thinking better of it, and the call that
/// carries that to the server.
const EDITS: [(Field, &str, &str, Call); 5] = [
    (Field::Priority, "3", "1", Call::Update),
    (Field::Priority, "", "3", Call::Update),
    (Field::Status, "", "done", Call::Update),
    (Field::Tags, "home", "home,urgent", Call::AddTag),
    (Field::Tags, "home,urgent", "home", Call::RemoveTag),
];

fn value(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A task at both accounts that holds this, at rest.
fn bench_with(field: Field, held: &str) -> Bench {
    let bench = Bench::new(&["tw", "vik"]);
    let more: Vec<(Field, &str)> = value(held).map(|held| (field, held)).into_iter().collect();
    bench.make_with(TW, "a", &more);
    bench.settle();
    bench
}

/// Kills a round once a call of this kind at `at` stands at this moment.
fn kill(bench: &Bench, at: usize, call: Call, moment: Moment) {
    bench.shut(at, call, moment);
    let mut members = [bench.member(TW), bench.member(VIK)];
    let engine = bench.engine();
    {
        let mut round = pin!(engine.run_round(&mut members, &bench.options));
        go_on(round.as_mut());
    }
    bench.open(at);
    // Its leases run out.
    bench.hand.advance(600);
}

/// A round in which so many calls of this kind at the server go wrong in this way.
fn round_with(bench: &Bench, call: Call, fault: Fault, count: usize) {
    for _ in 0..count {
        bench.order(VIK, call, fault);
    }
    bench.round_now();
    bench.seats[VIK].orders.lock().expect("free").clear();
}

fn held(bench: &Bench, field: Field) -> [String; 2] {
    [TW, VIK].map(|at| bench.field(at, "a", field))
}

#[test]
fn s14_what_is_taken_back_after_a_kill_stays_taken_back() {
    for (here, there) in [(TW, VIK), (VIK, TW)] {
        for (field, before, after, call) in EDITS {
            let call = if there == VIK { call } else { Call::Update };
            for moment in [Moment::Before, Moment::After] {
                let bench = bench_with(field, before);
                bench.edit(here, "a", field, value(after));
                kill(&bench, there, call, moment);
                bench.edit(here, "a", field, value(before));
                bench.settle();
                let seen = held(&bench, field);
                assert_eq!(seen, [before; 2], "{after}, {moment:?} {call:?} at {there}");
            }
        }
    }
}

/// The server says nothing, and does it; or does it only when the edit was taken back already.
#[test]
fn s14_what_is_taken_back_after_a_lost_answer_stays_taken_back() {
    let late = Duration::from_secs(25);
    for fault in [
        Fault::ReplyLost(1),
        Fault::TimedOut(late),
        Fault::Slow(late),
    ] {
        for (field, before, after, call) in EDITS {
            let bench = bench_with(field, before);
            bench.edit(TW, "a", field, value(after));
            // It is tried again at once.
            round_with(&bench, call, fault, 5);
            bench.edit(TW, "a", field, value(before));
            bench.settle();
            assert_eq!(held(&bench, field), [before; 2], "{after}, {fault:?}");
        }
    }
}

/// A look in between shows nothing of it yet, and there is nothing left to carry: it comes all the same.
#[test]
fn s14_what_lands_after_a_look_in_vain_is_taken_back_there() {
    for (field, before, after, call) in EDITS {
        let bench = bench_with(field, before);
        bench.edit(TW, "a", field, value(after));
        round_with(&bench, call, Fault::TimedOut(Duration::from_secs(25)), 50);
        let back = value(before).map(|text| Value::parse(field, text).expect("canonical"));
        let id = bench.id(TW, "a");
        let person = &bench.seats[TW].remote;
        assert!(person.edit(bench.hand.now(), &id, field, back.as_ref()));
        bench.round_now();
        assert_eq!(
            held(&bench, field),
            [before; 2],
            "{after} has landed too soon"
        );
        bench.settle();
        assert_eq!(held(&bench, field), [before; 2], "{after}");
    }
}

/// What certainly never arrived is no excuse at all, however soon a person writes the same there.
#[test]
fn the_same_edit_there_after_a_refusal_is_an_edit() {
    let faults = [
        Fault::NotSent,
        Fault::Unavailable,
        Fault::Throttled(Some(Duration::from_secs(1))),
        Fault::Rejected(0),
        Fault::Stale(0),
        Fault::Busy,
    ];
    for fault in faults {
        for (field, before, after, call) in EDITS {
            let bench = bench_with(field, before);
            bench.edit(TW, "a", field, value(after));
            round_with(&bench, call, fault, 20);
            for (at, text) in [(TW, before), (VIK, after)] {
                let text = value(text).map(|text| Value::parse(field, text).expect("canonical"));
                let id = bench.id(at, "a");
                bench.hand.advance(1);
                let person = &bench.seats[at].remote;
                assert!(person.edit(bench.hand.now(), &id, field, text.as_ref()));
            }
            bench.hand.advance(5);
            bench.round_now();
            bench.hand.advance(3600);
            bench.settle();
            assert_eq!(held(&bench, field), [after; 2], "{fault:?}");
        }
    }
}

/// The answer took too long, and nobody has looked at the account since: the item is read by itself.
#[test]
fn s14_what_is_deleted_after_a_time_out_stays_deleted() {
    for (field, before, after, call) in EDITS {
        let bench = bench_with(field, before);
        bench.edit(TW, "a", field, value(after));
        for _ in 0..10 {
            bench.order(VIK, call, Fault::TimedOut(Duration::from_secs(1)));
        }
        let id = bench.id(TW, "a");
        bench.told_now(TW, &id);
        bench.seats[VIK].orders.lock().expect("free").clear();
        bench.hand.advance(40);
        bench.delete(TW, "a");
        bench.told_now(TW, &id);
        bench.settle();
        assert_eq!(bench.titles(TW), [""; 0], "{after}");
        assert_eq!(bench.titles(VIK), [""; 0], "{after}");
    }
}

/// What a person deletes after we carried an edit of it is no edit against that deletion.
#[test]
fn s14_what_is_deleted_after_a_kill_stays_deleted() {
    for (here, there) in [(TW, VIK), (VIK, TW)] {
        for (field, before, after, call) in EDITS {
            let call = if there == VIK { call } else { Call::Update };
            let bench = bench_with(field, before);
            bench.edit(here, "a", field, value(after));
            kill(&bench, there, call, Moment::After);
            bench.delete(here, "a");
            bench.settle();
            assert_eq!(bench.titles(TW), [""; 0], "{after} at {there}");
            assert_eq!(bench.titles(VIK), [""; 0], "{after} at {there}");
        }
    }
}

/// What never arrived is no excuse: long afterwards a person may write the same there.
#[test]
fn the_same_edit_there_much_later_is_an_edit() {
    for (field, before, after, call) in EDITS {
        let bench = bench_with(field, before);
        bench.edit(TW, "a", field, value(after));
        kill(&bench, VIK, call, Moment::Before);
        bench.edit(TW, "a", field, value(before));
        bench.settle();
        bench.edit(VIK, "a", field, value(after));
        bench.settle();
        assert_eq!(held(&bench, field), [after; 2]);
    }
}

/// What was answered is the server's from then on: whoever sets it back there has edited it.
#[test]
fn what_was_answered_and_is_set_back_there_is_an_edit() {
    for (field, before, after, _) in EDITS {
        let bench = bench_with(field, before);
        bench.edit(TW, "a", field, value(after));
        bench.round_now();
        bench.edit(TW, "a", field, value(before));
        bench.round_now();
        bench.edit(VIK, "a", field, value(after));
        bench.round_now();
        bench.settle();
        assert_eq!(held(&bench, field), [after; 2]);
    }
}

/// A note beside the task, too: the service gave it an id that we never heard of.
#[test]
fn s14_a_note_that_is_taken_back_after_a_kill_stays_taken_back() {
    for (here, there, call) in [(TW, VIK, Call::AddNote), (VIK, TW, Call::Update)] {
        for moment in [Moment::Before, Moment::After] {
            let bench = bench_with(Field::Priority, "3");
            let id = bench.id(here, "a");
            let person = &bench.seats[here].remote;
            person.add_note(bench.hand.now(), &id, "wrong");
            kill(&bench, there, call, moment);
            let added = person.task(&id).expect("alive").notes[0].id.clone();
            person.remove_note(bench.hand.now(), &id, &added);
            bench.settle();
            for at in [TW, VIK] {
                let task = bench.seats[at].remote.task(&bench.id(at, "a"));
                let notes = task.expect("alive").notes;
                assert_eq!(notes, [], "at {at}, {moment:?} {call:?}");
            }
        }
    }
}

/// A later write of the same was answered, all within a moment: whoever writes the first value there
/// now is somebody else.
#[test]
fn the_same_edit_there_after_a_later_answer_is_an_edit() {
    let bench = bench_with(Field::Priority, "3");
    bench.edit(TW, "a", Field::Priority, Some("1"));
    round_with(&bench, Call::Update, Fault::Failed, 50);
    let (here, there) = (bench.id(TW, "a"), bench.id(VIK, "a"));
    let person = &bench.seats[TW].remote;
    assert!(person.edit(bench.hand.now(), &here, Field::Priority, None));
    bench.round_now();
    bench.hand.advance(3);
    let first = Value::parse(Field::Priority, "1").expect("canonical");
    let person = &bench.seats[VIK].remote;
    assert!(person.edit(bench.hand.now(), &there, Field::Priority, Some(&first)));
    bench.round_now();
    bench.settle();
    assert_eq!(held(&bench, Field::Priority), ["1"; 2]);
}

/// It arrived, somebody changed it there, and whoever wrote it took it back after that.
#[test]
fn what_is_taken_back_after_another_edit_there_is_the_later_word() {
    for (title, winner) in [("the hub", TW), ("the server", VIK)] {
        let bench = bench_with(Field::Priority, "3");
        bench.edit(TW, "a", Field::Priority, Some("1"));
        kill(&bench, VIK, Call::Update, Moment::After);
        let edits = [(VIK, "5"), (TW, "3")];
        let edits = if winner == TW {
            edits
        } else {
            [edits[1], edits[0]]
        };
        for (at, text) in edits {
            bench.edit(at, "a", Field::Priority, Some(text));
        }
        bench.settle();
        let expected = if winner == TW { "3" } else { "5" };
        assert_eq!(bench.field(VIK, "a", Field::Priority), expected, "{title}");
    }
}

/// The same of tags, each by itself: what was there before is an element like every other.
#[test]
fn a_tag_that_is_taken_back_after_others_were_set_there_is_gone() {
    // What it held, what was sent of it, what was made of that there, what was made of what was sent
    // here, and what stays.
    let edits = [
        ("home", "home,urgent", "garden,home", "home", "garden,home"),
        ("home", "urgent", "garden", "home", "garden,home"),
        ("home", "urgent", "garden", "work", "garden,work"),
        (
            "home,urgent",
            "home",
            "garden",
            "home,urgent",
            "garden,urgent",
        ),
    ];
    for (here, there) in [(TW, VIK), (VIK, TW)] {
        for (before, sent, other, back, stays) in edits {
            for first in [here, there] {
                let bench = bench_with(Field::Tags, before);
                bench.edit(here, "a", Field::Tags, Some(sent));
                let call = match there {
                    TW => Call::Update,
                    _ if sent == "home" => Call::RemoveTag,
                    _ => Call::AddTag,
                };
                kill(&bench, there, call, Moment::After);
                let mut edits = [(here, back), (there, other)];
                if first == there {
                    edits.reverse();
                }
                for (at, tags) in edits {
                    bench.edit(at, "a", Field::Tags, Some(tags));
                }
                bench.settle();
                let told = format!("{before}, {sent}, {other}, {back} from {here}");
                assert_eq!(held(&bench, Field::Tags), [stays; 2], "{told}");
            }
        }
    }
}

/// The same of the text of a note, which is one value.
#[test]
fn what_a_note_said_before_is_the_later_word_after_another_edit_there() {
    for (here, there, call) in [(TW, VIK, Call::EditNote), (VIK, TW, Call::Update)] {
        for winner in [here, there] {
            let bench = bench_with(Field::Priority, "3");
            let says = |at: usize, text: &str| {
                bench.hand.advance(60);
                let (remote, id) = (&bench.seats[at].remote, bench.id(at, "a"));
                let note = remote.task(&id).expect("alive").notes[0].id.clone();
                assert!(remote.edit_note(bench.hand.now(), &id, &note, text));
            };
            let (remote, id) = (&bench.seats[here].remote, bench.id(here, "a"));
            remote.add_note(bench.hand.now(), &id, "one");
            bench.settle();
            says(here, "two");
            kill(&bench, there, call, Moment::After);
            let mut edits = [(here, "one"), (there, "three")];
            if winner == here {
                edits.reverse();
            }
            for (at, text) in edits {
                says(at, text);
            }
            bench.settle();
            let stays = if winner == here { "one" } else { "three" };
            for at in [TW, VIK] {
                let task = bench.seats[at].remote.task(&bench.id(at, "a"));
                let notes = task.expect("alive").notes;
                let texts: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
                assert_eq!(texts, [stays], "at {at}, {call:?}");
            }
        }
    }
}

/// Nobody can tell a write that never arrived from one that was taken back there: it goes out once more,
/// and the journal says what that wrote over.
#[test]
fn what_is_written_once_more_after_a_lost_answer_is_told() {
    for (field, before, after, call) in EDITS {
        let bench = bench_with(field, before);
        bench.edit(TW, "a", field, value(after));
        kill(&bench, VIK, call, Moment::After);
        bench.edit(VIK, "a", field, value(before));
        bench.settle();
        assert_eq!(held(&bench, field), [after; 2]);
        let journal = bench.store.all_journal();
        let told: Vec<_> = journal
            .iter()
            .filter(|line| line.cause.contains("again"))
            .map(|line| (line.field, line.from.as_deref().unwrap_or_default()))
            .collect();
        assert_eq!(told, [(Some(field), before)], "{after}");
    }
}

/// It never arrived, was taken back here, and somebody wrote the same there long afterwards, before any
/// look: that looks like ours, and is written over. Whoever wrote it finds it among the conflicts. Where
/// it was ours, nobody is told of any.
#[test]
fn the_same_edit_there_before_any_look_is_remembered() {
    for moment in [Moment::Before, Moment::After] {
        for (before, after) in [("3", "1"), ("", "3")] {
            let bench = bench_with(Field::Priority, before);
            bench.edit(TW, "a", Field::Priority, value(after));
            kill(&bench, VIK, Call::Update, moment);
            bench.edit(TW, "a", Field::Priority, value(before));
            if moment == Moment::Before {
                bench.edit(VIK, "a", Field::Priority, value(after));
            }
            bench.settle();
            assert_eq!(held(&bench, Field::Priority), [before; 2], "{after}");
            let conflicts = bench.store.all_conflicts();
            let lost: Vec<_> = conflicts
                .iter()
                .map(|one| one.remote.as_ref().map(ToString::to_string))
                .collect();
            let expected = match moment {
                Moment::Before => vec![Some(after.to_owned())],
                Moment::After => vec![],
            };
            assert_eq!(lost, expected, "{before} to {after}");
        }
    }
}
