//! Everything that `doctor` has to find between a real Taskwarrior and a server, one fault after the
//! other in one home: each is found, is told with a command, and is gone once it is mended.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use instep_api::{Check, CheckStatus};
use instep_app::doctor;
use instep_doubles::vikunja::Fault;

use crate::world::World;

/// Programs that a person runs to mend something.
const PROGRAMS: [&str; 9] = [
    "instep",
    "chmod",
    "mv",
    "df",
    "ls",
    "kill",
    "task",
    "systemctl",
    "timedatectl",
];

async fn looked(world: &World) -> Vec<Check> {
    let checks = doctor(&world.places, false).await.checks;
    for check in checks.iter().filter(|one| one.status != CheckStatus::Ok) {
        let fix = check.fix.as_deref().unwrap_or_default();
        let words: Vec<&str> = fix.split([' ', ';']).collect();
        let is_command = PROGRAMS.iter().any(|program| words.contains(program));
        assert!(is_command, "no command mends it: {check:?}");
    }
    checks
}

/// Wants something wrong under this id that says so and is mended so.
async fn finds(world: &World, id: &str, says: &str, fix: &str) {
    let checks = looked(world).await;
    let wrong = |one: &&Check| one.id == id && one.status != CheckStatus::Ok;
    let found: Vec<&Check> = checks.iter().filter(wrong).collect();
    let [one] = found[..] else {
        panic!("{id}: {checks:#?}");
    };
    assert!(one.message.contains(says), "{one:?}");
    let told = one.fix.as_deref().unwrap_or_default();
    assert!(told.contains(fix), "{one:?}");
}

async fn finds_nothing(world: &World, id: &str) {
    let checks = looked(world).await;
    let mut wrong = checks.iter().filter(|one| one.status != CheckStatus::Ok);
    assert!(wrong.all(|one| one.id != id), "{id}: {checks:#?}");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

fn config(world: &World) -> String {
    fs::read_to_string(world.places.config()).expect("a config")
}

fn configure(world: &World, text: &str) {
    fs::write(world.places.config(), text).expect("a config");
}

async fn in_step() -> World {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    world
}

#[tokio::test]
async fn a_wrong_config_and_wrong_modes_are_found() {
    let world = in_step().await;
    let good = config(&world);
    let keys = [
        ("timezon = 5\n", "", "did you mean `timezone`?"),
        (
            "pol_secs = 5\n",
            "",
            "line 1: did you mean `poll_secs` in `[daemon]`?",
        ),
        ("", "[daemon]\npol_secs = 5\n", "did you mean `poll_secs`?"),
        ("", "[breaker]\nopen_sec = 5\n", "did you mean `open_secs`?"),
    ];
    for (before, after, says) in keys {
        configure(&world, &format!("{before}{good}\n{after}"));
        finds(&world, "config.unknown_key", says, "instep config edit").await;
    }
    configure(&world, "timezone = \n");
    finds(&world, "config.valid", "line 1", "instep config edit").await;
    configure(&world, &good);
    finds_nothing(&world, "config.valid").await;
    finds_nothing(&world, "config.unknown_key").await;
    for (path, mode, id) in [
        (world.places.data().to_owned(), 0o700, "storage.modes"),
        (world.places.data().join("hub.db"), 0o600, "storage.modes"),
        (world.places.config().to_owned(), 0o600, "config.mode"),
        (world.path("token"), 0o600, "account.vikunja.reachable"),
    ] {
        set_mode(&path, mode | 0o055);
        finds(&world, id, "open to others", &format!("chmod {mode:o} ")).await;
        set_mode(&path, mode);
        finds_nothing(&world, id).await;
    }
}

#[tokio::test]
async fn a_dead_token_an_old_server_and_a_wrong_clock_are_found() {
    let world = in_step().await;
    world.secret("token", "tk_0000000000000000000000000000000000000000");
    let reachable = "account.vikunja.reachable";
    let login = "instep account login vikunja --secret-file";
    finds(&world, reachable, "rejected the saved secret", login).await;
    world.secret("token", world.vikunja.token());
    finds_nothing(&world, reachable).await;
    let clock = "account.vikunja.clock";
    for secs in [7_200, -86_400] {
        world.vikunja.clock().shift(secs);
        finds(&world, clock, "the server's clock is", "timedatectl").await;
        world.vikunja.clock().shift(-secs);
    }
    finds_nothing(&world, clock).await;
}

/// A server that fails, one that is paused, and what waits meanwhile.
#[tokio::test]
async fn an_unreachable_server_and_an_open_breaker_are_found() {
    let world = in_step().await;
    let breaker = "account.vikunja.breaker";
    let checks = looked(&world).await;
    let told = |checks: &[Check], id: &str| {
        let found = checks.iter().find(|one| one.id == id);
        found.map(|one| one.message.clone()).unwrap_or_default()
    };
    let closed = "vikunja: circuit closed, 0 failures in a row";
    assert_eq!(told(&checks, breaker), closed);
    let passed = told(&checks, "account.vikunja.pass");
    assert!(passed.contains("last pass "), "{passed}");
    assert!(passed.ends_with("0 changes and 0 events wait"), "{passed}");

    world.vikunja.set_fault(Fault::status(503));
    let reachable = "account.vikunja.reachable";
    for _ in 0..3 {
        finds(&world, reachable, "503", "instep ping vikunja").await;
    }
    world.vikunja.forget_requests();
    let open = "circuit open: 3 failures, next probe in ";
    finds(&world, breaker, open, "instep ping vikunja").await;
    assert!(world.vikunja.requests().is_empty(), "nobody waits for it");
    world.task(&["add", "Waits"]);
    let app = world.open().await;
    let request = instep_api::SyncRequest::default();
    app.sync(&request, &mut |_| {}).await.expect("a reply");
    // A sync carries nothing as long as it is open.
    let waiting = "account.vikunja.waiting";
    finds(&world, waiting, "1 change", "instep ping vikunja").await;
    finds(&world, breaker, world.vikunja.url(), "instep ping vikunja").await;
    world.vikunja.clear_faults();
    app.ping("vikunja").await.expect("an answer");
    let checks = looked(&world).await;
    assert_eq!(told(&checks, breaker), closed);

    app.pause(Some("vikunja"), Some(3_600))
        .await
        .expect("paused");
    world.vikunja.forget_requests();
    let paused = "account.vikunja.paused";
    finds(&world, paused, "paused by you", "instep resume vikunja").await;
    finds(&world, waiting, "1 change", "instep resume vikunja").await;
    assert!(world.vikunja.requests().is_empty(), "it is left alone");
    app.resume(None).await.expect("resumed");
    finds_nothing(&world, paused).await;
    finds(&world, waiting, "1 change", "instep sync vikunja").await;
    app.close().await;
}

#[tokio::test]
async fn an_account_that_never_was_synced_is_found() {
    let world = World::paired(2).await;
    let pass = "account.vikunja.pass";
    finds(&world, pass, "never synced", "instep sync vikunja").await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    finds_nothing(&world, pass).await;
}
