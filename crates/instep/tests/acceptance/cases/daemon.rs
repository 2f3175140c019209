//! The daemon and Taskwarrior's hook: what is typed is there at once, however many type at once and
//! whoever dies meanwhile.

use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::compare::equal;
use crate::proxy::beat;
use crate::server::id_of;
use crate::world::{Version, World, size, text};

/// How long anything that happens at once may take on a machine that does much else.
const SOON: Duration = Duration::from_secs(20);

/// A daemon that runs.
pub(crate) struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts one, and waits until it answers.
    pub(crate) fn start(world: &World) -> Self {
        let mut command = world.program(&["serve", "--listen", "127.0.0.1:0"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("the program starts");
        let daemon = Self { child };
        until("the daemon answers", || running(world));
        daemon
    }

    /// Has Vikunja tell it what changes there.
    pub(crate) fn hear(&self, world: &World) {
        let status = world.told(&["status"]);
        let at = status["daemon"]["http"]
            .as_str()
            .expect("an address")
            .to_owned();
        let url = format!("http://{at}");
        world.good(&["webhook", "install", "--public-url", &url]);
    }

    /// Kills it.
    fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ended");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // One that was killed is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn running(world: &World) -> bool {
    let status = world.instep(&["status", "--json"]);
    status.json()["daemon"]["running"] == true
}

pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < SOON, "{what}: not after {SOON:?}");
        beat();
    }
}

/// A world in which both sides have met, with the hook.
pub(crate) fn met(version: Version) -> World {
    let world = World::new(version);
    world.good(&["sync", "--yes"]);
    world.good(&["hook", "install"]);
    world
}

pub(crate) fn titles(world: &World) -> Vec<String> {
    let tasks = world.server.tasks();
    let title = |task: &serde_json::Value| task["title"].as_str().unwrap_or_default().to_owned();
    let mut titles: Vec<String> = tasks.iter().map(title).collect();
    titles.sort();
    titles
}

/// Every row bears the id of its task.
pub(crate) fn all_marked(world: &World) -> bool {
    let rows = world.rows();
    rows.iter().all(|row| !text(row, "vikunja_id").is_empty())
}

/// Adds this many tasks at the same moment, each by a `task` of its own.
fn add_at_once(world: &World, name: &str, count: usize) -> Vec<Child> {
    let add = |number| {
        let title = format!("{name} {number:03}");
        let mut command = world.taskwarrior(&["add", &title]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("Taskwarrior starts")
    };
    (0..count).map(add).collect()
}

fn all_added(adding: Vec<Child>) {
    for mut child in adding {
        assert!(child.wait().expect("it ended").success());
    }
}

/// What is typed is there before anybody looks, in few calls; its id is in Taskwarrior.
pub(crate) fn what_is_typed_is_there_at_once(version: Version) {
    let world = met(version);
    let _daemon = Daemon::start(&world);
    let calls = |typed: &dyn Fn(), is_there: &dyn Fn() -> bool| {
        world.proxy.passed();
        typed();
        until("it is there", is_there);
        until("it is marked", || all_marked(&world));
        world.proxy.passed()
    };
    let made = calls(&|| drop(world.task(&["add", "typed"])), &|| {
        titles(&world) == ["typed"]
    });
    let posts = made.iter().filter(|call| call.starts_with("POST")).count();
    assert_eq!(posts, 1, "{made:?}");
    assert!(made.len() <= 3, "{made:?}");

    let row = world.row("typed");
    let changed = calls(
        &|| world.change(&row, &["modify", "typed again", "+home"]),
        &|| {
            let task = &world.server.tasks()[0];
            task["title"] == "typed again" && task["labels"][0]["title"] == "home"
        },
    );
    // One of them makes the label.
    assert!(changed.len() <= 5, "{changed:?}");

    world.change(&world.row("typed again"), &["done"]);
    until("it is done there", || {
        world.server.tasks()[0]["done"] == true
    });
    world.change(&world.row("typed again"), &["delete"]);
    until("it is gone there", || world.server.tasks().is_empty());
    world.is_in_step();
}

/// What changes in Vikunja is in Taskwarrior before anybody looks, by one call each.
pub(crate) fn what_changes_there_is_here_at_once(version: Version) {
    let world = met(version);
    let daemon = Daemon::start(&world);
    daemon.hear(&world);
    let has = |title: &str, key: &str, value: &str| {
        let rows = world.rows();
        let mut named = rows.iter().filter(|row| text(row, "description") == title);
        named.any(|row| {
            row.get(key)
                .is_some_and(|held| held.to_string().contains(value))
        })
    };
    let id = world.server.make(serde_json::json!({ "title": "there" }));
    until("it is here", || has("there", "vikunja_id", &id.to_string()));
    // Whatever else was told of its beginning has been read by then.
    world.good(&["sync"]);
    world.proxy.passed();
    world
        .server
        .patch(id, serde_json::json!({ "title": "changed there" }));
    until("the title is here", || {
        has("changed there", "status", "pending")
    });
    let passed = world.proxy.passed();
    assert!(
        passed.iter().all(|call| call.starts_with("GET")),
        "{passed:?}"
    );
    assert_eq!(passed.len(), 1, "{passed:?}");
    let label = world.server.label("from there");
    world.server.add_label(id, label);
    until("the label is here", || {
        has("changed there", "tags", "from there")
    });
    world.server.comment(id, "<p>said there</p>");
    until("the comment is here", || {
        has("changed there", "annotations", "said there")
    });
    world.server.patch(id, serde_json::json!({ "done": true }));
    until("it is done here", || {
        has("changed there", "status", "completed")
    });
    world.server.delete(id);
    until("it is gone here", || world.rows().is_empty());
    let project = world.server.make_project("Made later", 0);
    world.good(&["sync"]);
    let id = world
        .server
        .make_all(project, &[serde_json::json!({ "title": "in it" })])[0];
    until("a later project is heard of", || {
        has("in it", "vikunja_id", &id.to_string())
    });
    drop(daemon);
    world.is_in_step();
}

/// A tag finds its label although somebody renamed or deleted the one that the daemon knew.
pub(crate) fn a_tag_whose_label_was_changed_finds_another(version: Version) {
    let world = met(version);
    let daemon = Daemon::start(&world);
    daemon.hear(&world);
    let labels = |title: &str| {
        let tasks = world.server.tasks();
        let task = tasks.iter().find(|task| task["title"] == title);
        let labels = task.map(|task| task["labels"].to_string());
        labels.unwrap_or_default()
    };
    world.task(&["add", "first", "+tag"]);
    until("the label is there", || labels("first").contains("\"tag\""));

    world
        .server
        .rename_label(world.server.label("tag"), "named anew");
    world.task(&["add", "second", "+tag"]);
    until("it has another", || labels("second").contains("\"tag\""));
    assert!(!labels("second").contains("named anew"));

    world.server.delete_label(world.server.label("tag"));
    world.task(&["add", "third", "+tag"]);
    until("it has a new one", || labels("third").contains("\"tag\""));
    until("all are marked", || all_marked(&world));
    let tagged = |title| world.row(title)["tags"].to_string().contains("\"tag\"");
    assert!(tagged("third"));
    drop(daemon);
    world.good(&["sync", "--full"]);
    world.is_in_step();
}

/// A hundred at once while the daemon runs, while none does, and while it is killed: each is there
/// once.
pub(crate) fn many_at_once_are_there_once(version: Version) {
    let world = met(version);
    let count = size("INSTEP_TEST_AT_ONCE", 20);
    let daemon = Daemon::start(&world);
    // Their webhooks come while they are added.
    daemon.hear(&world);
    all_added(add_at_once(&world, "up", count));
    until("all are there", || titles(&world).len() == count);

    let adding = add_at_once(&world, "killed", count);
    daemon.kill();
    all_added(adding);
    all_added(add_at_once(&world, "down", count));
    let daemon = Daemon::start(&world);
    let mut all: Vec<String> = world
        .rows()
        .iter()
        .map(|row| text(row, "description").to_owned())
        .collect();
    all.sort();
    assert_eq!(all.len(), 3 * count, "Taskwarrior has them all");
    until("all are there", || titles(&world).len() >= all.len());
    until("all are marked", || all_marked(&world));
    drop(daemon);
    assert_eq!(titles(&world), all);
    world.settle();
    equal(&world);
}

/// The daemon dies again and again while somebody types: nothing is lost, nothing doubled.
pub(crate) fn a_daemon_that_is_killed_loses_nothing(version: Version) {
    let world = met(version);
    let kills = size("INSTEP_TEST_DAEMON_KILLS", 5);
    for number in 0..kills {
        let daemon = Daemon::start(&world);
        all_added(add_at_once(&world, &format!("round {number}"), 2));
        if let Some(row) = world.rows().first() {
            let title = format!("title:changed {number}");
            world.change(row, &["modify", &title]);
        }
        if let Some(task) = world.server.tasks().last() {
            let priority = 1 + number % 3;
            world
                .server
                .patch(id_of(task), serde_json::json!({ "priority": priority }));
        }
        thread::yield_now();
        daemon.kill();
    }
    let daemon = Daemon::start(&world);
    until("all are there", || titles(&world).len() >= 2 * kills);
    drop(daemon);
    world.settle();
    equal(&world);
    assert_eq!(titles(&world).len(), 2 * kills);
}

/// The command line goes by the daemon, and there is one for a data directory.
pub(crate) fn the_command_line_goes_by_the_daemon(version: Version) {
    let world = met(version);
    let daemon = Daemon::start(&world);
    let second = world.instep(&["serve"]);
    assert_eq!(second.code, 8, "{second:?}");
    assert!(second.stderr.contains("already"), "{second:?}");

    world.good(&["add", "by the command line"]);
    until("it is everywhere", || {
        titles(&world) == ["by the command line"] && all_marked(&world) && world.rows().len() == 1
    });
    world.good(&["sync"]);
    assert_eq!(
        world.instep(&["status", "--json"]).json()["daemon"]["pid"],
        daemon.child.id()
    );
    world.good(&["account", "rename", "vikunja", "phone"]);
    world.good(&["add", "after another config", "--to", "phone"]);
    assert_eq!(
        titles(&world),
        ["after another config", "by the command line"]
    );

    let pid = daemon.child.id().to_string();
    let ended = std::process::Command::new("kill")
        .args(["-TERM", &pid])
        .status();
    assert!(ended.expect("kill runs").success());
    until("it ends when it is told to", || !running(&world));
    world.good(&["add", "without it", "--to", "phone"]);
    assert_eq!(titles(&world).len(), 3);
}
