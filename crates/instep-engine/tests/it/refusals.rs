//! What was refused: tried again after its wait, parked in the end, and carried as soon as the
//! reason is gone.

use instep_contract::Look;
use instep_engine::{NextTry, Problem, RoundReport};
use instep_model::{Direction, Field, Mapping, MappingState, Timestamp, Value};

use crate::bench::{Bench, block_on, path};

/// A bench whose server refuses the task `bad`, and what its first round says of that.
fn refusing() -> (Bench, Problem) {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "good");
    bench.settle();
    bench.seats[1].remote.refuse(Some("bad"));
    bench.make(0, "bad");
    let report = bench.round_now();
    let problem = only_problem(&report).expect("it is refused");
    assert_eq!(problem.title, "bad");
    (bench, problem)
}

/// What the server refused in this round, which is one thing at most.
fn only_problem(report: &RoundReport) -> Option<Problem> {
    let problems = &report.accounts[1].problems;
    assert!(problems.len() <= 1, "{problems:?}");
    problems.first().cloned()
}

fn next_try(problem: &Problem) -> Timestamp {
    match problem.next {
        NextTry::At(at) => at,
        other => panic!("it is tried again: {other:?}"),
    }
}

/// Lets time pass up to this moment.
fn pass_to(bench: &Bench, at: Timestamp) {
    let secs = at.duration_since(bench.hand.now()).as_secs();
    bench.hand.advance(secs + 1);
}

#[test]
fn a_refused_item_is_tried_again_when_its_wait_is_over_and_not_before() {
    let (bench, problem) = refusing();
    let calls = bench.round_now().accounts[1].calls;
    let at = next_try(&problem);
    let now = bench.hand.now();
    assert!(at > now && at.duration_since(now).as_secs() <= 2, "{at}");
    bench.seats[1].remote.refuse(None);
    let quiet = bench.round_now();
    assert_eq!(only_problem(&quiet), None);
    assert_eq!(quiet.accounts[1].calls, calls, "a wait costs no call");
    assert_eq!(bench.titles(1), ["good"]);
    pass_to(&bench, at);
    let report = bench.round_now();
    assert_eq!(only_problem(&report), None);
    assert_eq!(bench.titles(1), ["bad", "good"]);
    let pairs = bench.store.all_mappings();
    let clean =
        |pair: &&Mapping| (pair.attempts, pair.failing_since, &pair.last_error) == (0, None, &None);
    assert_eq!(pairs.iter().filter(clean).count(), pairs.len());
}

#[test]
fn waits_grow_until_the_item_is_parked() {
    let (mut bench, mut problem) = refusing();
    let mut longest = 0;
    let mut tries = 1;
    while let NextTry::At(at) = problem.next {
        let wait = at.duration_since(bench.hand.now()).as_secs();
        assert!(
            wait <= (1 << tries.min(10)).min(900),
            "{wait} s after {tries}"
        );
        longest = longest.max(wait);
        pass_to(&bench, at);
        problem = only_problem(&bench.round_now()).expect("it is refused again");
        tries += 1;
    }
    assert_eq!((tries, problem.next), (25, NextTry::Parked));
    assert!(longest > 60, "{longest}");
    // The same reason is written down once.
    let journal = bench.store.all_journal();
    let told = journal.iter().filter(|line| line.cause.contains("refuses"));
    assert_eq!(told.count(), 1);

    bench.hand.advance(30 * 86_400);
    bench.seats[1].remote.refuse(None);
    assert_eq!(only_problem(&bench.round_now()), None);
    assert_eq!(bench.titles(1), ["good"], "it is parked");
    bench.options.look = Look::Everything;
    bench.sync();
    assert_eq!(bench.titles(1), ["bad", "good"]);
}

#[test]
fn what_has_failed_for_a_week_is_parked() {
    let (bench, _) = refusing();
    bench.hand.advance(7 * 86_400);
    let problem = only_problem(&bench.round_now()).expect("it is refused again");
    assert_eq!(problem.next, NextTry::Parked);
}

#[test]
fn a_clock_that_was_set_back_does_not_make_an_item_wait() {
    let (bench, _) = refusing();
    bench.seats[1].remote.refuse(None);
    bench.hand.advance(-365 * 86_400);
    bench.sync();
    assert_eq!(bench.titles(1), ["bad", "good"]);
}

#[test]
fn an_edit_is_tried_at_once() {
    let (bench, problem) = refusing();
    let task = problem.task;
    let before = bench.hand.now();
    let engine = bench.engine();
    let edit = engine.edit_task(task, |fields| {
        fields.set(Field::Title, Value::Text("better".to_owned()));
    });
    block_on(edit).expect("edited");
    assert_eq!(bench.hand.now(), before);
    assert_eq!(only_problem(&bench.round_now()), None);
    assert_eq!(bench.titles(1), ["better", "good"]);
}

#[test]
fn who_asks_for_a_task_has_it_tried_at_once_whether_it_waits_or_is_parked() {
    for parked in [false, true] {
        let (bench, problem) = refusing();
        if parked {
            bench.hand.advance(7 * 86_400);
            bench.round_now();
        }
        let again = only_problem(&bench.push(problem.task)).expect("it is refused again");
        assert_eq!(again.title, "bad");
        bench.seats[1].remote.refuse(None);
        let report = bench.push(problem.task);
        assert_eq!(only_problem(&report), None);
        assert_eq!(bench.titles(1), ["bad", "good"], "parked: {parked}");
    }
}

/// Everything that the server refused while the project was archived goes there once it is open
/// again: an edit, a task that was to be made, one that was to be deleted.
#[test]
fn what_an_archived_project_refused_is_carried_when_it_is_opened() {
    for parked in [false, true] {
        let bench = Bench::new(&["tw", "vik"]);
        let place = (Field::Project, "Work");
        bench.make_with(0, "edited", &[place]);
        bench.make_with(0, "deleted", &[place]);
        bench.make(0, "elsewhere");
        bench.settle();
        let remote = &bench.seats[1].remote;
        let work = remote.collection(bench.hand.now(), &path("Work"));
        remote.archive(&work, true);
        bench.round();
        bench.edit(0, "edited", Field::Priority, Some("3"));
        bench.delete(0, "deleted");
        bench.make_with(0, "made", &[place]);
        bench.edit(0, "elsewhere", Field::Priority, Some("3"));
        let report = bench.round_now();
        assert_eq!(report.accounts[1].problems.len(), 3);
        assert_eq!(bench.field(1, "elsewhere", Field::Priority), "3");
        if parked {
            bench.hand.advance(7 * 86_400);
            let report = bench.round_now();
            let next: Vec<NextTry> = report.accounts[1]
                .problems
                .iter()
                .map(|one| one.next)
                .collect();
            assert_eq!(next, [NextTry::Parked; 3]);
        }
        remote.archive(&work, false);
        bench.round_now();
        assert_eq!(bench.titles(1), ["edited", "elsewhere", "made"]);
        assert_eq!(bench.field(1, "edited", Field::Priority), "3");
        let pairs = bench.store.all_mappings();
        let refused = pairs
            .iter()
            .filter(|pair| pair.state == MappingState::Error);
        assert_eq!(refused.count(), 0);
    }
}

/// S29: what was deleted there is made again only by who asks for it.
#[test]
fn s29_what_was_deleted_where_we_only_write_is_made_again_by_who_asks_for_it() {
    let mut bench = Bench::new(&["tw", "vik"]);
    bench.seats[1].account.direction = Direction::ToRemote;
    bench.make(0, "a");
    bench.settle();
    bench.delete(1, "a");
    bench.settle();
    assert!(bench.titles(1).is_empty());
    bench.push(bench.hub_ids()[0]);
    assert_eq!(bench.titles(1), ["a"]);
    bench.settle();
    assert_eq!(bench.titles(1), ["a"]);
}
