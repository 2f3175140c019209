//! What no hook tells of: taken back, purged, pulled from another replica, written by another program.
//! The daemon sees that the files changed.

use std::time::{Duration, Instant};

use crate::proxy::beat;
use crate::world::{Ended, Version, World, text};

use super::daemon::{Daemon, all_marked, met, titles, until};

/// How soon a change is there that no hook told of.
const SOON: Duration = Duration::from_secs(1);

/// How long it may take on a machine that does much else at the moment.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often something is done, one of which has to be seen soon.
const TRIES: usize = 4;

/// A world without a hook, in which a task `first` is on both sides, and its daemon.
fn unheard(version: Version) -> (World, Daemon) {
    let world = met(version);
    world.good(&["hook", "uninstall"]);
    world.task(&["add", "first"]);
    world.settle();
    let daemon = Daemon::start(&world);
    // Its first look is over once it has carried something.
    world.task(&["add", "heard"]);
    until("it looks", || titles(&world) == ["first", "heard"]);
    until("it is marked", || all_marked(&world));
    (world, daemon)
}

/// Does something and waits until that is there; the best of several is soon.
fn is_soon(what: &str, mut act: impl FnMut(usize), is_there: impl Fn(usize) -> bool) {
    let took = (0..TRIES).map(|number| {
        act(number);
        let start = Instant::now();
        while !is_there(number) {
            assert!(start.elapsed() < PATIENCE, "{what}: try {number}");
            beat();
        }
        start.elapsed()
    });
    let took: Vec<Duration> = took.collect();
    let best = took.iter().min().expect("there were tries");
    assert!(*best <= SOON, "{what}: {took:?}");
}

fn ended_well(ended: Ended) {
    assert_eq!(ended.code, 0, "{ended:?}");
}

pub(crate) fn what_is_typed_without_a_hook_is_noticed(version: Version) {
    let (world, _daemon) = unheard(version);
    let title = |number: usize| format!("typed {number}");
    let typed = |number| ended_well(world.task(&["add", &title(number)]));
    is_soon("a task", typed, |number| {
        titles(&world).contains(&title(number))
    });
    until("all are marked", || all_marked(&world));
}

pub(crate) fn what_is_taken_back_is_noticed(version: Version) {
    let (world, _daemon) = unheard(version);
    let row = world.row("first");
    let change = |number| {
        let title = format!("second {number}");
        world.change(&row, &["modify", &title]);
        until("the change is there", || titles(&world).contains(&title));
        ended_well(world.task(&["undo"]));
    };
    is_soon("an undo", change, |_| titles(&world) == ["first", "heard"]);
}

/// The same where the hook told of what is taken back, which was read by itself: no look has shown it.
pub(crate) fn what_a_hook_told_and_is_taken_back_is_noticed(version: Version) {
    let world = met(version);
    world.task(&["add", "first"]);
    world.settle();
    let _daemon = Daemon::start(&world);
    world.task(&["add", "heard"]);
    until("it looks", || titles(&world) == ["first", "heard"]);
    until("it is marked", || all_marked(&world));
    let row = world.row("first");
    for number in 0..TRIES {
        let title = format!("second {number}");
        world.change(&row, &["modify", &title]);
        until("the change is there", || titles(&world).contains(&title));
        ended_well(world.task(&["undo"]));
        until("it is taken back", || titles(&world) == ["first", "heard"]);
    }
}

/// A purge leaves no trace in Taskwarrior, not even that the task was deleted.
pub(crate) fn what_is_purged_is_noticed(version: Version) {
    let (world, _daemon) = unheard(version);
    let title = |number: usize| format!("purged {number}");
    let purge = |number| {
        let title = title(number);
        ended_well(world.task(&["add", &title]));
        until("it is there", || titles(&world).contains(&title));
        until("it is marked", || all_marked(&world));
        let row = world.row(&title);
        world.change(&row, &["delete"]);
        world.change(&row, &["purge"]);
        let rows = world.all_rows();
        let is_left = rows.iter().any(|row| text(row, "description") == title);
        assert!(!is_left, "{rows:?}");
    };
    is_soon("a purge", purge, |number| {
        !titles(&world).contains(&title(number))
    });
}

pub(crate) fn what_another_program_writes_is_noticed(version: Version) {
    let (world, _daemon) = unheard(version);
    let title = |number: usize| format!("written {number}");
    let write = |number| world.import(&[serde_json::json!({ "description": title(number) })]);
    is_soon("an import", write, |number| {
        titles(&world).contains(&title(number))
    });
}

/// Another replica's changes, pulled by Taskwarrior's own sync. Version 2.6 syncs with a task server
/// alone, which is no part of any of this; what its pull writes it writes as an import does.
pub(crate) fn what_a_sync_pulls_is_noticed(version: Version) {
    if version == Version::Two {
        return;
    }
    let (world, _daemon) = unheard(version);
    let server = world.path("replicas");
    std::fs::create_dir(&server).expect("a folder");
    let sync = format!("rc.sync.local.server_dir={}", server.display());
    let other = world.path("other");
    std::fs::create_dir(&other).expect("a folder");
    let other = format!("rc.data.location={}", other.display());
    let on_other = |args: &[&str]| {
        let all: Vec<&str> = [other.as_str(), sync.as_str()]
            .into_iter()
            .chain(args.iter().copied())
            .collect();
        ended_well(world.task(&all));
    };
    ended_well(world.task(&[&sync, "sync"]));
    on_other(&["sync"]);
    let title = |number: usize| format!("pulled {number}");
    let pull = |number| {
        on_other(&["add", &title(number)]);
        on_other(&["sync"]);
        assert!(!titles(&world).contains(&title(number)));
        ended_well(world.task(&[&sync, "sync"]));
    };
    is_soon("a pull", pull, |number| {
        titles(&world).contains(&title(number))
    });
    // An edit there, of a task that came from here.
    on_other(&["sync"]);
    on_other(&["heard", "modify", "heard", "of"]);
    on_other(&["sync"]);
    ended_well(world.task(&[&sync, "sync"]));
    until("the edit is there", || {
        titles(&world).contains(&"heard of".to_owned())
    });
}
