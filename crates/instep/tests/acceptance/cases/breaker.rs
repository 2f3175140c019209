//! A server that is down costs nothing: the breaker opens, work waits, and drains once it is back
//! (S33).

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::proxy::beat;
use crate::world::{Version, World, account};

use super::daemon::{Daemon, all_marked, met, until};

/// Nobody answers there.
const NOBODY: &str = "http://127.0.0.1:1";

/// How long the breaker stays open in these cases, by the config.
const OPEN_SECS: u64 = 4;

const WAIT: Duration = Duration::from_secs(30);

/// In step, one task on both sides, and these lines in the config.
fn world(version: Version, config: &str) -> World {
    let world = World::new(version);
    world.task(&["add", "first"]);
    world.settle();
    let path = ".config/instep/config.toml";
    let known = world.read(path);
    world.write(path, &format!("{known}\n{config}\n"));
    world.good(&["config", "check"]);
    world
}

fn usual(version: Version) -> World {
    world(version, &format!("[breaker]\nopen_secs = {OPEN_SECS}"))
}

fn breaker(world: &World) -> Value {
    let status = world.told(&["status"]);
    account(&status, "vikunja")["breaker"].clone()
}

/// Syncs while nobody answers; how many calls were made.
fn failed(world: &World) -> usize {
    world.proxy.passed();
    let ended = world.instep(&["sync", "--json"]);
    assert_eq!(ended.code, 6, "{ended:#?}");
    world.proxy.passed().len()
}

fn titles(world: &World) -> Vec<String> {
    let mut tasks = world.server.tasks();
    tasks.sort_by_key(|task| task["id"].as_i64());
    let titles = tasks.iter().filter_map(|task| task["title"].as_str());
    titles.map(str::to_owned).collect()
}

/// The third failed call opens it; the fourth is not made, by any process; one call finds out, and
/// what waited arrives in order and once.
pub(crate) fn s33_a_server_that_is_down_costs_nothing(version: Version) {
    let world = usual(version);
    world.proxy.point_to(NOBODY);
    for failures in 1..=3 {
        assert_eq!(failed(&world), 1, "one call fails");
        assert_eq!(breaker(&world)["failures"], failures);
    }
    let open = breaker(&world);
    assert_eq!(open["state"], "open", "{open}");
    let opened = Instant::now();
    let left = open["retry_in_s"].as_u64().expect("a countdown");
    assert!(left <= OPEN_SECS, "{open}");
    assert_eq!(failed(&world), 0, "the fourth call is not made");
    let told = world.instep(&["sync"]);
    assert!(told.stdout.contains("next probe in"), "{told:#?}");
    assert!(told.stdout.contains("instep ping vikunja"), "{told:#?}");

    for title in ["second", "third", "fourth"] {
        world.task(&["add", title]);
        let uuid = world.row(title)["uuid"].as_str().expect("one").to_owned();
        let reply = world.told(&["push", &uuid]);
        if opened.elapsed() < Duration::from_secs(OPEN_SECS) {
            assert_eq!(reply["outcome"], "queued", "{reply:#}");
            assert_eq!(reply["reason"], "circuit_open", "{reply:#}");
        }
    }
    let doctor = world.instep(&["doctor", "--json"]).json();
    let checks = doctor["checks"].as_array().expect("checks");
    let shown = checks
        .iter()
        .find(|one| one["id"] == "account.vikunja.breaker");
    let shown = shown.expect("it is shown");
    let message = shown["message"].as_str().expect("words");
    assert!(message.contains("circuit open: "), "{message}");
    assert_eq!(shown["fix"], "instep ping vikunja");

    world.proxy.point_to(&world.server.url);
    world.proxy.passed();
    let start = Instant::now();
    loop {
        let ended = world.instep(&["sync", "--json"]);
        let passed = world.proxy.passed();
        if ended.code == 0 {
            assert!(
                passed[0].contains("/user"),
                "one call finds out: {passed:?}"
            );
            break;
        }
        assert!(passed.is_empty() && start.elapsed() < WAIT, "{passed:?}");
        beat();
    }
    assert_eq!(titles(&world), ["first", "second", "third", "fourth"]);
    let closed = breaker(&world);
    assert_eq!(
        (&closed["state"], &closed["failures"]),
        (&"closed".into(), &0.into())
    );
    world.is_in_step();
}

/// A person does not have to wait for the moment.
pub(crate) fn a_ping_finds_out_at_once(version: Version) {
    let world = world(version, "[breaker]\nfailures = 1\nopen_secs = 3600");
    world.proxy.point_to(NOBODY);
    assert_eq!(failed(&world), 1, "by the config one failure is enough");
    assert_eq!(breaker(&world)["state"], "open");
    assert_eq!(world.instep(&["ping", "vikunja"]).code, 6);
    assert_eq!(failed(&world), 0);
    world.proxy.point_to(&world.server.url);
    let answer = world.told(&["ping", "vikunja"]);
    assert_eq!(answer["was_probe"], true, "{answer}");
    assert_eq!(breaker(&world)["state"], "closed");
    world.settle();
}

/// The environment wins over the config, and can turn it off.
pub(crate) fn the_environment_sets_it(version: Version) {
    let world = world(version, "[breaker]\nfailures = 1");
    world.proxy.point_to(NOBODY);
    let sync = |set: &[(&str, &str)]| {
        world.proxy.passed();
        let ended = world.instep_with(&["sync"], set);
        assert_eq!(ended.code, 6, "{ended:#?}");
        world.proxy.passed().len()
    };
    let two = [("INSTEP_BREAKER_FAILURES", "2")];
    assert_eq!((sync(&two), sync(&two), sync(&two)), (1, 1, 0));
    let off = [("INSTEP_BREAKER", "off")];
    assert_eq!((sync(&off), sync(&off)), (1, 1));
    let nonsense = [("INSTEP_BREAKER_OPEN_SECS", "soon")];
    assert_eq!(world.instep_with(&["sync"], &nonsense).code, 7);
}

/// A person's pause holds for sync and push, not for edits in the hub.
pub(crate) fn a_pause_holds_until_it_ends(version: Version) {
    let world = usual(version);
    world.told(&["pause", "vikunja"]);
    world.good(&["add", "later"]);
    world.proxy.passed();
    let reply = world.told(&["sync"]);
    assert_eq!(account(&reply, "vikunja")["state"], "paused", "{reply:#}");
    let status = world.told(&["status"]);
    assert_eq!(account(&status, "vikunja")["state"], "paused", "{status:#}");
    assert!(world.proxy.passed().is_empty());
    world.told(&["resume"]);
    world.settle();
    assert_eq!(titles(&world), ["first", "later"]);
}

/// The hub knows the task, however it came there.
fn is_in_hub(world: &World, title: &str) -> bool {
    let listed = world.told(&["list"]);
    let tasks = listed["tasks"].as_array().expect("tasks");
    tasks.iter().any(|task| task["title"] == title)
}

/// A daemon stays away from what is paused meanwhile, and is there the moment that ends: nobody waits
/// for the hour that was asked for.
pub(crate) fn a_daemon_heeds_a_pause_and_its_end(version: Version) {
    let world = met(version);
    let _daemon = Daemon::start(&world);
    world.task(&["add", "first"]);
    until("it is there", || titles(&world) == ["first"]);
    until("it is marked", || all_marked(&world));
    for account in [&["vikunja"][..], &[]] {
        let pause = [&["pause"], account, &["--for", "1h"]].concat();
        world.told(&pause);
        world.proxy.passed();
        let title = format!("while {} is paused", account.join(""));
        world.task(&["add", &title]);
        if !account.is_empty() {
            // Taskwarrior goes on telling.
            until("the hub has it", || is_in_hub(&world, &title));
        }
        let passed = world.proxy.passed();
        assert!(passed.is_empty(), "{passed:?}");
        world.told(&["resume"]);
        until("it is there", || titles(&world).contains(&title));
        until("it is marked", || all_marked(&world));
    }
}

/// A ping that is answered has the daemon drain at once what waited.
pub(crate) fn a_daemon_heeds_a_ping(version: Version) {
    let world = world(version, "[breaker]\nfailures = 1\nopen_secs = 3600");
    world.good(&["hook", "install"]);
    let _daemon = Daemon::start(&world);
    world.proxy.point_to(NOBODY);
    world.task(&["add", "second"]);
    until("it is open", || breaker(&world)["state"] == "open");
    world.proxy.point_to(&world.server.url);
    world.told(&["ping", "vikunja"]);
    until("it is there", || titles(&world) == ["first", "second"]);
    assert_eq!(breaker(&world)["state"], "closed");
}
