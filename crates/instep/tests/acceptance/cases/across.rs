//! A full side meets an empty one: everything arrives, nothing else happens, and then it is quiet.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::compare::{Before, Sides, equal, taskwarrior_time, vikunja_time};
use crate::seeds;
use crate::world::{Version, World, account, pass_time, size, text};

/// How long Vikunja's time stamps may still move without showing it (S9).
const UNSETTLED: Duration = Duration::from_secs(3);

/// Comments in one listing of Vikunja, however many tasks it shows.
const LISTED_COMMENTS: usize = 50;

pub(crate) fn everything_in_taskwarrior_goes_across(version: Version) {
    let world = World::new(version);
    let count = size("INSTEP_TEST_TASKS", 40);
    world.import(&seeds::for_taskwarrior("from taskwarrior", count));
    world.watch_hooks();
    let before = Before::note(&world);
    let reply = world.told(&["sync", "--yes"]);
    let last_write = Instant::now();
    assert_eq!(
        account(&reply, "vikunja")["remote"]["created"],
        count,
        "{reply:#}"
    );
    world.is_in_step();
    before.rows_are_untouched(&world);
    assert_eq!(
        world.read("hooks.log"),
        "",
        "a hook was woken by our writes"
    );
    let sides = equal(&world);
    assert_eq!(sides.rows.len(), count);
    for row in sides
        .rows
        .iter()
        .filter(|row| text(row, "status") == "completed")
    {
        let id: i64 = text(row, "vikunja_id").parse().expect("a marker");
        let done_at = vikunja_time(&sides.tasks[&id]["done_at"]);
        assert_eq!(done_at, taskwarrior_time(text(row, "end")), "{row:?}");
    }
    is_quiet(&world, &sides, last_write);
}

pub(crate) fn everything_in_vikunja_goes_across(version: Version) {
    let world = World::new(version);
    let count = size("INSTEP_TEST_TASKS", 40);
    seeds::in_vikunja(&world.server, "from vikunja", count);
    world.watch_hooks();
    let before = Before::note(&world);
    let reply = world.told(&["sync", "--yes"]);
    let last_write = Instant::now();
    assert_eq!(
        account(&reply, "tw")["remote"]["created"],
        count,
        "{reply:#}"
    );
    world.is_in_step();
    before.tasks_are_untouched(&world);
    assert_eq!(
        world.read("hooks.log"),
        "",
        "a hook was woken by our writes"
    );
    let sides = equal(&world);
    assert_eq!(sides.rows.len(), count);
    for row in &sides.rows {
        let id: i64 = text(row, "vikunja_id").parse().expect("a marker");
        let task = &sides.tasks[&id];
        let entry = taskwarrior_time(text(row, "entry"));
        assert_eq!(entry, vikunja_time(&task["created"]), "{row:?}");
        if task["done"] == true && vikunja_time(&task["done_at"]).is_some() {
            let end = taskwarrior_time(text(row, "end"));
            assert_eq!(end, vikunja_time(&task["done_at"]), "{row:?}");
        }
    }
    the_hub_holds_the_rest(&world, &sides.tasks);
    is_quiet(&world, &sides, last_write);
    a_small_edit_here_leaves_the_rest_there(&world);
}

/// What Taskwarrior has no place for has arrived in the hub.
fn the_hub_holds_the_rest(world: &World, tasks: &BTreeMap<i64, Value>) {
    let list = world.told(&["list", "--all"]);
    let held = list["tasks"].as_array().expect("tasks");
    assert_eq!(held.len(), tasks.len());
    for (id, task) in tasks {
        let id = id.to_string();
        let found = held
            .iter()
            .find(|held| held["accounts"]["vikunja"] == id.as_str());
        let found = found.unwrap_or_else(|| panic!("{id} is not in the hub"));
        if task["percent_done"].as_f64() == Some(0.5) {
            assert_eq!(found["percent_done"], 50, "{found:#}");
            let notes = found["notes"].as_str().unwrap_or_default();
            assert_eq!(notes, "first **line**\n\n- one", "{found:#}");
        }
        if let Some(end) = vikunja_time(&task["end_date"]) {
            let shown: Option<jiff::Timestamp> =
                found["end"].as_str().and_then(|end| end.parse().ok());
            assert_eq!(shown, Some(end), "{found:#}");
            assert!(
                found["reminders"].to_string().contains("T07:00:00Z"),
                "{found:#}"
            );
        }
        let priority = task["priority"].as_i64().unwrap_or_default();
        assert_eq!(
            found["priority"].as_i64().unwrap_or_default(),
            priority,
            "{found:#}"
        );
    }
}

/// One edit of a title in Taskwarrior changes the title in Vikunja and nothing beside it.
fn a_small_edit_here_leaves_the_rest_there(world: &World) {
    let tasks = world.server.tasks();
    let rich = tasks
        .iter()
        .find(|task| task["percent_done"] == 0.5 && task["done"] == false);
    let mut rich = rich.expect("one with more than Taskwarrior holds").clone();
    let title = rich["title"].as_str().expect("a title");
    world.change(&world.row(title), &["modify", "priority:", "a new title"]);
    world.settle();
    let id = rich["id"].as_i64().expect("an id");
    let mut now = world
        .server
        .tasks()
        .into_iter()
        .find(|task| task["id"] == id)
        .expect("it");
    rich["title"] = "a new title".into();
    rich["priority"] = 0.into();
    for task in [&mut rich, &mut now] {
        task["updated"] = Value::Null;
    }
    assert_eq!(now, rich);
}

/// With nothing changed on either side, a sync is one call to Vikunja and writes nothing. Only
/// where the last two seconds of writes left tasks with more than fifty comments, which no listing
/// of Vikunja sends at once, the first such sync asks for the rest of them.
fn is_quiet(world: &World, sides: &Sides, last_write: Instant) {
    pass_time(last_write, UNSETTLED);
    let before = Before::note(world);
    if sides.comments() > LISTED_COMMENTS {
        let passed = quiet_sync(world);
        let rest = passed.iter().skip(1);
        let (mut rest, only) = (rest, "GET /api/v2/tasks?expand=comments");
        assert!(rest.all(|call| call.starts_with(only)), "{passed:#?}");
    }
    let passed = quiet_sync(world);
    assert_eq!(passed.len(), 1, "{passed:#?}");
    before.rows_are_untouched(world);
    before.tasks_are_untouched(world);
}

/// A sync that changes nothing; its calls, which it counts itself too.
fn quiet_sync(world: &World) -> Vec<String> {
    world.proxy.passed();
    let reply = world.told(&["sync"]);
    let passed = world.proxy.passed();
    let counted = &account(&reply, "vikunja")["remote_calls"];
    assert_eq!(*counted, passed.len(), "{reply:#}\n{passed:#?}");
    assert!(
        passed.iter().all(|call| call.starts_with("GET ")),
        "{passed:#?}"
    );
    passed
}
