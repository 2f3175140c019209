//! A side that is busy with somebody else while the program writes to it: what a person does in
//! the meantime counts.

use std::fs::{self, File};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use instep_doubles::vikunja::Fault;
use serde_json::{Value, json};

use crate::compare::equal;
use crate::proxy::beat;
use crate::server::{Server, id_of};
use crate::world::{Version, World, text};

const FILE: &str = "tasks.json";
const LOCK: &str = "tasks.json.lock";

/// How long the program is given to get where it waits.
const WAIT: Duration = Duration::from_secs(20);

/// For how many looks in a row a file is open to a program that waits at it.
const STEADY: usize = 30;

/// Comes back once a program waits for a lock: once it has read all that it reads before it writes.
fn wait_at(lock: &Path, program: &Child) {
    let held = format!("/proc/{}/fd", program.id());
    let lock = fs::canonicalize(lock).expect("it is there");
    let start = Instant::now();
    let mut seen = 0;
    while seen < STEADY {
        assert!(start.elapsed() < WAIT, "the program did not come so far");
        let open = fs::read_dir(&held).expect("the program runs").flatten();
        let mut open = open.filter_map(|file| fs::read_link(file.path()).ok());
        seen = if open.any(|file| file == lock) {
            seen + 1
        } else {
            0
        };
        beat();
    }
}

/// Vikunja stores nothing for now, as when its database is locked.
fn busy(world: &World) {
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        world.server.fail(Fault::status(500).method(method));
    }
}

/// A sync that cannot write to Vikunja says so, and another is due.
fn waits(world: &World) {
    let ended = world.instep(&["sync", "--yes"]);
    assert!(matches!(ended.code, 3 | 6), "{ended:#?}");
}

fn there(world: &World, title: &str) -> Option<Value> {
    let tasks = world.server.tasks();
    tasks.into_iter().find(|task| task["title"] == title)
}

/// What was to be written to a busy server is deleted meanwhile: it goes there as well, and nothing
/// is made there first.
pub(crate) fn a_deletion_while_the_server_is_busy(version: Version) {
    let world = World::beside(Server::double(), version);
    for title in ["edited", "kept"] {
        world.task(&["add", title]);
    }
    world.settle();
    busy(&world);
    world.change(&world.row("edited"), &["modify", "priority:H"]);
    world.task(&["add", "new"]);
    waits(&world);
    world.change(&world.row("edited"), &["delete"]);
    world.change(&world.row("new"), &["delete"]);
    waits(&world);
    assert!(there(&world, "edited").is_some_and(|task| task["priority"] == 0));
    world.server.recover();
    world.settle();
    assert_eq!(there(&world, "edited"), None);
    assert_eq!(there(&world, "new"), None);
    assert!(there(&world, "kept").is_some());
    equal(&world);
    world.is_in_step();
}

/// S16: a deletion that a busy server refused does not take an edit with it that was made there
/// meanwhile.
pub(crate) fn s16_an_edit_where_a_deletion_waits(version: Version) {
    let world = World::beside(Server::double(), version);
    for title in ["edited", "deleted"] {
        world.task(&["add", title]);
    }
    world.settle();
    busy(&world);
    for title in ["edited", "deleted"] {
        world.change(&world.row(title), &["delete"]);
    }
    waits(&world);
    world.server.recover();
    let edited = there(&world, "edited").expect("it is there");
    world.server.patch(id_of(&edited), json!({ "priority": 3 }));
    world.settle();
    assert_eq!(there(&world, "deleted"), None);
    assert!(there(&world, "edited").is_some_and(|task| task["priority"] == 3));
    let row = world.row("edited");
    assert_eq!(
        (text(&row, "status"), text(&row, "priority")),
        ("pending", "H")
    );
    equal(&world);
    world.is_in_step();
}

/// S16: a deletion that waits for a file's lock does not take an entry with it that its owner edits
/// meanwhile.
pub(crate) fn s16_an_edited_entry_where_a_deletion_waits(version: Version) {
    let world = World::new(version);
    let list = |first: &str| {
        let tasks = json!([
            {"id": 1, "name": first, "done": false},
            {"id": 2, "name": "deleted", "done": false},
            {"id": 3, "name": "kept", "done": false},
        ]);
        tasks.to_string()
    };
    world.write(FILE, &list("one"));
    let add = ["account", "add", "file", "--name", "file", "--path", FILE];
    world.good(&add);
    world.settle();
    for title in ["one", "deleted"] {
        world.change(&world.row(title), &["delete"]);
    }
    // Whoever reads holds the lock together with others; whoever writes waits for it alone.
    let lock = File::create(world.path(LOCK)).expect("a lock file");
    lock.lock_shared().expect("nobody holds it");
    let mut sync = world.start_sync();
    wait_at(&world.path(LOCK), &sync);
    world.write(FILE, &list("edited"));
    lock.unlock().expect("it was held");
    sync.wait().expect("it ends");
    for _ in 0..2 {
        world.settle();
    }
    let entries: Vec<Value> = serde_json::from_str(&world.read(FILE)).expect("a list");
    let mut names: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["name"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["edited", "kept"]);
    assert_eq!(text(&world.row("edited"), "status"), "pending");
    assert!(there(&world, "edited").is_some());
    assert_eq!(there(&world, "deleted"), None);
    equal(&world);
    world.is_in_step();
}
