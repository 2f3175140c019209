//! What happens while a look or a push goes on: it is carried at once, and what the look shows of it
//! is not believed (S11).

use std::pin::pin;

use instep_contract::{Call, Delivery, Fault, Look, Moment, Store};
use instep_engine::{Begin, RoundReport};
use instep_model::{Field, Operation, RemoteId};

use crate::bench::{Bench, block_on, go_on, path};

const TW: usize = 0;
const VIK: usize = 1;

/// Both accounts in step, with these tasks.
fn bench(titles: &[&str]) -> Bench {
    let mut bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    for title in titles {
        bench.make(TW, title);
    }
    bench.settle();
    // Everything is listed, so that whatever is old in it would show.
    bench.options.look = Look::Everything;
    bench
}

/// A look at everything in the server, held before or after it has read; `during` happens then, as
/// far as it leads to by itself, and is all done before the look goes on.
fn look_held(bench: &Bench, moment: Moment, during: impl FnOnce()) -> RoundReport {
    bench.shut(VIK, Call::Observe, moment);
    let engine = bench.engine();
    let mut member = bench.member(VIK);
    let mut look = pin!(engine.run_turn(&mut member, &Begin::Look, &bench.options));
    go_on(look.as_mut());
    during();
    go_on(look.as_mut());
    bench.open(VIK);
    block_on(look)
}

/// What a hook leads to: the item is read, in a turn of its own account.
fn hook(bench: &Bench, item: RemoteId) {
    let report = bench.turn(TW, &Begin::Items(vec![item]));
    assert_eq!(report.accounts[0].trouble, None);
}

fn webhook(bench: &Bench, item: &RemoteId) {
    let delivery = Delivery {
        account: bench.seats[VIK].account.id.clone(),
        id: None,
        items: vec![item.clone()],
    };
    block_on(bench.store.accept(&[delivery], bench.hand.now())).expect("accepted");
}

fn waiting(bench: &Bench) -> usize {
    let account = &bench.seats[VIK].account.id;
    block_on(bench.store.events(account, 9))
        .expect("read")
        .len()
}

/// Both accounts show these titles, now and after rounds that have nothing to do.
fn assert_in_step(bench: &Bench, titles: &[&str]) {
    for _ in 0..2 {
        for at in [TW, VIK] {
            assert_eq!(bench.titles(at), titles);
        }
        assert_eq!(bench.hub_ids().len(), titles.len());
        let report = bench.round();
        assert!(report.changes.is_empty(), "{report:#?}");
    }
}

const MOMENTS: [Moment; 2] = [Moment::Before, Moment::After];

#[test]
fn an_edit_is_carried_before_the_look_ends_and_not_undone_by_it() {
    for moment in MOMENTS {
        let bench = bench(&["a", "other"]);
        let report = look_held(&bench, moment, || {
            bench.edit(TW, "a", Field::Title, Some("b"));
            hook(&bench, bench.id(TW, "b"));
        });
        let titles: Vec<&str> = report
            .changes
            .iter()
            .map(|one| one.title.as_str())
            .collect();
        assert_eq!(titles, ["b"], "{moment:?}: {report:#?}");
        assert_in_step(&bench, &["b", "other"]);
    }
}

#[test]
fn what_is_carried_does_not_wait_for_the_look() {
    let bench = bench(&["a"]);
    bench.shut(VIK, Call::Observe, Moment::After);
    let engine = bench.engine();
    let mut member = bench.member(VIK);
    let mut look = pin!(engine.run_turn(&mut member, &Begin::Look, &bench.options));
    go_on(look.as_mut());
    hook(&bench, bench.make(TW, "new"));
    go_on(look.as_mut());
    assert_eq!(bench.titles(VIK), ["a", "new"]);
    let theirs = bench.make(VIK, "theirs");
    webhook(&bench, &theirs);
    go_on(look.as_mut());
    assert_eq!((bench.hub_ids().len(), waiting(&bench)), (3, 0));
    bench.open(VIK);
    let report = block_on(look);
    assert_eq!(report.accounts[0].trouble, None);
    bench.turn(TW, &Begin::Work);
    bench.turn(VIK, &Begin::Work);
    assert_in_step(&bench, &["a", "new", "theirs"]);
}

#[test]
fn what_is_made_meanwhile_is_not_taken_for_deleted() {
    for moment in MOMENTS {
        let bench = bench(&["a"]);
        look_held(&bench, moment, || hook(&bench, bench.make(TW, "new")));
        bench.turn(TW, &Begin::Work);
        assert_in_step(&bench, &["a", "new"]);
        // What no look has shown yet is missed by the next one all the same.
        let bench = self::bench(&["a"]);
        look_held(&bench, moment, || hook(&bench, bench.make(TW, "new")));
        bench.delete(VIK, "new");
        let mut bench = bench;
        bench.options.look = Look::Changes;
        bench.settle();
        assert_in_step(&bench, &["a"]);
    }
}

#[test]
fn what_is_deleted_meanwhile_does_not_come_back() {
    for moment in MOMENTS {
        let bench = bench(&["a", "b", "c", "d"]);
        let item = bench.id(TW, "a");
        look_held(&bench, moment, || {
            bench.delete(TW, "a");
            hook(&bench, item);
        });
        assert_in_step(&bench, &["b", "c", "d"]);
    }
}

#[test]
fn an_edit_there_after_the_event_was_dealt_with_is_not_overlooked() {
    for moment in MOMENTS {
        let bench = bench(&["a"]);
        bench.shut(VIK, Call::Observe, moment);
        let engine = bench.engine();
        let mut member = bench.member(VIK);
        let mut look = pin!(engine.run_turn(&mut member, &Begin::Look, &bench.options));
        go_on(look.as_mut());
        bench.edit(VIK, "a", Field::Title, Some("b"));
        webhook(&bench, &bench.id(VIK, "b"));
        go_on(look.as_mut());
        assert_eq!(waiting(&bench), 0);
        bench.edit(VIK, "b", Field::Title, Some("c"));
        bench.open(VIK);
        block_on(look);
        bench.turn(TW, &Begin::Work);
        assert_in_step(&bench, &["c"]);
    }
}

#[test]
fn a_deletion_there_after_the_event_was_dealt_with_is_not_overlooked() {
    for moment in MOMENTS {
        let bench = bench(&["a", "b", "c", "d"]);
        look_held(&bench, moment, || {
            bench.edit(VIK, "a", Field::Due, Some("2027-03-01"));
            webhook(&bench, &bench.id(VIK, "a"));
        });
        let item = bench.id(VIK, "a");
        look_held(&bench, moment, || {
            bench.delete(VIK, "a");
            webhook(&bench, &item);
        });
        bench.turn(TW, &Begin::Work);
        assert_in_step(&bench, &["b", "c", "d"]);
    }
}

#[test]
fn s14_a_create_whose_answer_is_lost_meanwhile_is_found_again() {
    for moment in MOMENTS {
        let bench = bench(&["a"]);
        look_held(&bench, moment, || {
            bench.order(VIK, Call::Create, Fault::ReplyLost(1));
            hook(&bench, bench.make(TW, "new"));
        });
        bench.settle();
        assert_in_step(&bench, &["a", "new"]);
    }
}

#[test]
fn a_project_that_is_made_meanwhile_is_not_made_again() {
    for moment in MOMENTS {
        let bench = bench(&["a"]);
        look_held(&bench, moment, || {
            let item = bench.make_with(TW, "new", &[(Field::Project, "Garden")]);
            hook(&bench, item);
        });
        let known = block_on(bench.store.account_state(&bench.seats[VIK].account.id));
        let known = known.expect("read").collections;
        let paths = known.iter().filter_map(|one| one.path.as_ref());
        assert_eq!(
            paths.filter(|path| **path == self::path("Garden")).count(),
            1
        );
        let item = bench.make_with(TW, "other", &[(Field::Project, "Garden")]);
        hook(&bench, item);
        bench.turn(VIK, &Begin::Work);
        let effects = bench.seats[VIK].remote.take_effects();
        let is_project =
            |operation: &Operation| matches!(operation, Operation::CreateCollection { .. });
        let made = effects.iter().filter(|one| is_project(&one.operation));
        assert_eq!(made.count(), 1, "{moment:?}");
    }
}

#[test]
fn a_failure_beside_the_look_is_not_the_looks() {
    let bench = bench(&["a"]);
    let report = look_held(&bench, Moment::Before, || {
        bench.order(VIK, Call::Create, Fault::Unavailable);
        hook(&bench, bench.make(TW, "new"));
    });
    assert_eq!(report.accounts[0].trouble, None);
    // The push after the look has carried it.
    assert_in_step(&bench, &["a", "new"]);
}

#[test]
fn i6_a_listing_that_lacks_what_was_just_written_is_not_believed() {
    let bench = bench(&["a", "b", "c", "d"]);
    bench.order(VIK, Call::Observe, Fault::Lie(0));
    let report = look_held(&bench, Moment::After, || {
        bench.edit(TW, "a", Field::Due, Some("2027-03-01"));
        hook(&bench, bench.id(TW, "a"));
    });
    assert!(report.accounts[0].trouble.is_some(), "{report:#?}");
    bench.settle();
    assert_in_step(&bench, &["a", "b", "c", "d"]);
}

#[test]
fn a_push_makes_way_for_what_is_newer() {
    let bench = bench(&["z"]);
    let old: Vec<String> = (10..30).map(|number| format!("old {number}")).collect();
    for title in &old {
        hook(&bench, bench.make(TW, title));
    }
    bench.seats[VIK].remote.take_effects();
    bench.shut(VIK, Call::Create, Moment::After);
    let engine = bench.engine();
    let mut member = bench.member(VIK);
    let mut push = pin!(engine.run_turn(&mut member, &Begin::Work, &bench.options));
    go_on(push.as_mut());
    hook(&bench, bench.make(TW, "new"));
    bench.edit(VIK, "z", Field::Title, Some("zz"));
    webhook(&bench, &bench.id(VIK, "zz"));
    bench.open(VIK);
    let report = block_on(push);
    assert_eq!(
        (report.accounts[0].trouble.clone(), waiting(&bench)),
        (None, 0)
    );
    let effects = bench.seats[VIK].remote.take_effects();
    let made = effects.iter().filter_map(|one| match &one.operation {
        Operation::Create(draft) => Some(draft.fields.title().to_owned()),
        _ => None,
    });
    let made: Vec<String> = made.collect();
    let place = made.iter().position(|title| title == "new");
    assert_eq!(
        place,
        Some(3),
        "after the one call that was under way: {made:?}"
    );
    assert_eq!(made.len(), 21, "each once: {made:?}");
    bench.turn(TW, &Begin::Work);
    let mut all: Vec<&str> = old.iter().map(String::as_str).collect();
    all.splice(0..0, ["new"]);
    all.push("zz");
    assert_in_step(&bench, &all);
}

#[test]
fn a_round_leaves_the_other_accounts_to_others() {
    let bench = bench(&["a"]);
    bench.shut(VIK, Call::Observe, Moment::After);
    let engine = bench.engine();
    let mut members = vec![bench.member(TW), bench.member(VIK)];
    let mut round = pin!(engine.run_round(&mut members, &bench.options));
    go_on(round.as_mut());
    // Nobody waits for a lease here: it is free, or there is trouble.
    hook(&bench, bench.make(TW, "new"));
    go_on(round.as_mut());
    assert_eq!(bench.titles(VIK), ["a", "new"]);
    bench.open(VIK);
    let report = block_on(round);
    let troubles: Vec<_> = report.accounts.iter().map(|one| &one.trouble).collect();
    assert_eq!(troubles, [&None, &None]);
    assert_in_step(&bench, &["a", "new"]);
}

#[test]
fn s16_a_round_looks_again_where_somebody_else_had_the_account() {
    let bench = bench(&["a", "b", "c", "d"]);
    let looks = |between: &dyn Fn(&Bench)| {
        bench.shut(VIK, Call::Observe, Moment::After);
        let engine = bench.engine();
        let mut members = vec![bench.member(TW), bench.member(VIK)];
        let mut round = pin!(engine.run_round(&mut members, &bench.options));
        go_on(round.as_mut());
        between(&bench);
        bench.open(VIK);
        block_on(round).accounts[TW].calls
    };
    let alone = looks(&|_| {});
    let disturbed = looks(&|bench| {
        bench.turn(TW, &Begin::Work);
    });
    assert_eq!((alone, disturbed), (1, 2));
}
