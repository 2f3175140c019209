//! Faults that `doctor` finds, each with the command that mends it, and those that `--fix` mends.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use instep_api::socket::{DaemonHello, MAX_ANSWER_BYTES, Said, frame};
use instep_api::{Check, CheckStatus};
use instep_app::{doctor, mend};
use reqwest::Method;
use serde_json::Value as Json;

use crate::plant::Hub;
use crate::world::{World, mode};

const LONG: Duration = Duration::from_secs(3 * 3600);

/// What the doctor finds under this id, without asking any service.
async fn found(world: &World, id: &str) -> Vec<Check> {
    let checks = doctor(&world.places, true).await.checks;
    checks.into_iter().filter(|check| check.id == id).collect()
}

/// Wants one problem, which says this and is mended so.
async fn check(world: &World, id: &str, says: &str, fix: &str) {
    let found = found(world, id).await;
    let [problem] = &found[..] else {
        panic!("{id}: {found:?}");
    };
    assert_ne!(problem.status, CheckStatus::Ok, "{problem:?}");
    assert!(problem.message.contains(says), "{problem:?}");
    let told = problem.fix.as_deref().unwrap_or_default();
    assert!(told.contains(fix), "{problem:?}");
}

async fn in_step() -> World {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    world
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// Says who it is to whoever asks, as often as it is asked.
fn stand_in(world: &World, version: &str) {
    world.places.make_runtime_dir().expect("a directory");
    let [socket, _] = world.places.sockets();
    let listener = UnixListener::bind(socket).expect("a socket");
    let hello = Said::Hello(DaemonHello {
        version: version.to_owned(),
        pid: 4711,
        http: None,
        http_taken: None,
    });
    let answer = frame(&hello, MAX_ANSWER_BYTES).expect("a frame");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a caller");
            let mut header = [0; 4];
            stream.read_exact(&mut header).expect("a header");
            let mut body = vec![0; u32::from_be_bytes(header) as usize];
            stream.read_exact(&mut body).expect("a body");
            stream.write_all(&answer).expect("an answer");
        }
    });
}

#[tokio::test]
async fn a_daemon_of_another_version_is_found() {
    let world = in_step().await;
    let quiet = found(&world, "program.daemon").await;
    assert_eq!(quiet[0].status, CheckStatus::Ok);
    assert!(quiet[0].message.starts_with("no daemon runs"), "{quiet:?}");
    stand_in(&world, "0.0.9");
    check(
        &world,
        "program.daemon_version",
        "version 0.0.9",
        "kill 4711; instep serve",
    )
    .await;
}

#[tokio::test]
async fn a_daemon_that_does_not_answer_is_found() {
    let world = in_step().await;
    let path = world.places.daemon_lock();
    fs::write(&path, "process 4711\n").expect("a lock");
    let held = File::open(&path).expect("a lock");
    held.try_lock().expect("nobody has it");
    check(&world, "program.daemon", "does not answer", "kill -9 4711").await;
    drop(held);
    // A process that another test starts at this moment has it open until it runs.
    let began = Instant::now();
    loop {
        let free = found(&world, "program.daemon").await;
        if free[0].status == CheckStatus::Ok {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{free:?}");
    }
}

#[tokio::test]
async fn work_that_stands_still_is_found_and_carried() {
    let world = in_step().await;
    let hub = Hub::of(&world).await;
    let vikunja = hub.account("vikunja").await;
    let id = "account.vikunja.stuck";
    let pair = hub.pairs(&vikunja).await.remove(0);
    hub.old_work(&pair, Duration::from_secs(60)).await;
    assert!(
        found(&world, id).await.is_empty(),
        "it has only begun to wait"
    );
    world.sync().await;
    hub.old_work(&pair, LONG).await;
    check(&world, id, "1 change and 0 events", "instep sync vikunja").await;
    world.sync().await;
    assert!(found(&world, id).await.is_empty());
}

#[tokio::test]
async fn an_event_that_nobody_takes_is_found_and_settled() {
    let world = in_step().await;
    let hub = Hub::of(&world).await;
    let vikunja = hub.account("vikunja").await;
    let id = "account.vikunja.stuck";
    hub.old_event(&vikunja, LONG).await;
    check(&world, id, "0 changes and 1 event", "instep sync vikunja").await;
    world.sync().await;
    assert!(found(&world, id).await.is_empty());
}

#[tokio::test]
async fn a_report_that_nobody_takes_is_found() {
    let world = in_step().await;
    let spool = world.places.data().join("spool");
    fs::create_dir_all(&spool).expect("a directory");
    set_mode(&spool, 0o700);
    let report = spool.join("1700000000000-a.json");
    fs::write(&report, "{}").expect("a report");
    let young = found(&world, "storage.spool").await;
    assert_eq!(young[0].status, CheckStatus::Ok, "{young:?}");
    make_old(&report);
    check(&world, "storage.spool", "1 event", "instep sync").await;
    world.sync().await;
    assert!(found(&world, "storage.spool").await.is_empty());
}

fn make_old(path: &Path) {
    let file = File::open(path).expect("it is there");
    let then = SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
    file.set_modified(then).expect("a time");
}

#[tokio::test]
async fn wrong_modes_are_found_and_mended() {
    let world = in_step().await;
    let data = world.places.data().to_owned();
    set_mode(&data, 0o755);
    set_mode(&world.places.hub(), 0o644);
    assert_eq!(found(&world, "storage.modes").await.len(), 2);
    // Whoever opens the hub closes its directory.
    set_mode(&data, 0o755);
    let mended = mend(&world.places).await;
    assert_eq!((mode(&data), mode(&world.places.hub())), (0o700, 0o600));
    let closed = mended.iter();
    let closed = closed.filter(|told| told.starts_with("closed to others"));
    assert_eq!(closed.count(), 2, "{mended:?}");
    let modes = found(&world, "storage.modes").await;
    assert_eq!(modes[0].status, CheckStatus::Ok);
}

#[tokio::test]
async fn a_config_and_a_secret_that_others_can_read_are_found_and_closed() {
    let world = in_step().await;
    let config = world.places.config().to_owned();
    let token = world.path("token");
    set_mode(&token, 0o644);
    let id = "account.vikunja.secret";
    check(&world, id, "open to others", "chmod 600").await;
    set_mode(&config, 0o644);
    check(&world, "config.mode", "open to others", "chmod 600").await;
    mend(&world.places).await;
    assert_eq!((mode(&config), mode(&token)), (0o600, 0o600));
    for id in ["config.valid", id] {
        assert_eq!(found(&world, id).await[0].status, CheckStatus::Ok, "{id}");
    }
}

#[tokio::test]
async fn a_hook_and_markers_that_are_missing_are_found_and_mended() {
    let world = in_step().await;
    let taskrc = fs::read_to_string(world.path(".taskrc")).expect("a taskrc");
    let mut bare: Vec<&str> = taskrc.lines().collect();
    bare.retain(|line| !line.starts_with("uda.vikunja_id"));
    fs::write(world.path(".taskrc"), bare.join("\n") + "\n").expect("a taskrc");
    check(&world, "account.tw.hook", "hook", "instep hook install").await;
    check(&world, "account.tw.markers", "vikunja_id", "task config").await;
    let mended = mend(&world.places).await;
    assert!(
        mended.contains(&"installed the hook of tw".to_owned()),
        "{mended:?}"
    );
    let hook = found(&world, "account.tw.hook").await;
    assert_eq!(hook[0].status, CheckStatus::Ok, "{hook:?}");
    assert!(found(&world, "account.tw.markers").await.is_empty());
    assert!(mend(&world.places).await.is_empty(), "no more to mend");
}

#[tokio::test]
async fn what_killed_processes_left_is_found_and_removed() {
    let world = in_step().await;
    let state = world.places.state();
    let (old, young) = (state.join("scratch-old"), state.join("scratch-young"));
    for dir in [&old, &young] {
        fs::create_dir(dir).expect("a directory");
        fs::write(dir.join("hub.db"), "a copy").expect("a file");
    }
    make_old(&old);
    let (says, fix) = ("1 temporary file", "instep doctor --fix");
    check(&world, "storage.leftovers", says, fix).await;
    mend(&world.places).await;
    assert!(!old.exists() && young.exists());
    assert!(found(&world, "storage.leftovers").await.is_empty());
}

#[tokio::test]
async fn a_directory_that_is_missing_is_made() {
    let world = in_step().await;
    fs::remove_dir_all(world.places.state()).expect("it was there");
    let mended = mend(&world.places).await;
    let made = format!("made {}", world.places.state().display());
    assert!(mended.contains(&made), "{mended:?}");
    assert_eq!(mode(world.places.state()), 0o700);
}

/// A webhook that is not there is found where the config says at what address there should be one.
#[tokio::test]
async fn a_webhook_that_is_missing_is_found() {
    let world = in_step().await;
    let id = "account.vikunja.webhooks";
    let look = async || {
        let checks = doctor(&world.places, false).await.checks;
        let mut own = checks.into_iter().filter(|check| check.id == id);
        own.next()
            .map(|check| (check.status, check.message, check.fix))
    };
    assert_eq!(
        look().await,
        None,
        "nobody said where the service could post to"
    );
    let config = fs::read_to_string(world.places.config()).expect("a config");
    let config = format!("{config}\n[daemon]\npublic_url = \"https://box.example\"\n");
    fs::write(world.places.config(), config).expect("a config");
    let fix = Some("instep webhook install vikunja".to_owned());
    let (status, message, told) = look().await.expect("a check");
    assert_eq!(
        (status, told),
        (CheckStatus::Note, fix.clone()),
        "{message}"
    );
    let app = world.open().await;
    let installed = app.webhook_install(Some("vikunja"), None, false).await;
    installed.expect("installed");
    app.close().await;
    let (status, message, _) = look().await.expect("a check");
    assert_eq!(status, CheckStatus::Ok, "{message}");

    let user = world.web(Method::GET, "api/v1/user", Json::Null).await;
    let inbox = &user["settings"]["default_project_id"];
    let hooks = format!("api/v1/projects/{inbox}/webhooks");
    let listed = world.web(Method::GET, &hooks, Json::Null).await;
    let hook = format!("{hooks}/{}", listed[0]["id"]);
    world.web(Method::DELETE, &hook, Json::Null).await;
    let (status, message, told) = look().await.expect("a check");
    assert_eq!((status, told), (CheckStatus::Problem, fix), "{message}");
    assert_eq!(message, "vikunja: 0 of 1 webhook in place");
}
