//! A file of tasks whose entries have few keys: what is set elsewhere arrives in it, and a key that
//! an entry did not have yet takes nothing away.

use serde_json::{Value, json};

use crate::compare::equal;
use crate::world::{Version, World, text};

const FILE: &str = "tasks.json";

/// A world whose third account is a file of two bare tasks, one with a key of its owner's.
fn bare(version: Version) -> World {
    let world = World::new(version);
    let tasks = json!([{"id": 1, "name": "one", "color": "red"}, {"id": 2, "name": "two"}]);
    world.write(FILE, &tasks.to_string());
    let add = ["account", "add", "file", "--name", "file", "--path", FILE];
    world.good(&add);
    world.settle();
    world
}

fn entries(world: &World) -> Vec<Value> {
    serde_json::from_str(&world.read(FILE)).expect("a list of tasks")
}

fn entry(world: &World, id: usize) -> Value {
    let found = entries(world).into_iter().find(|entry| entry["id"] == id);
    found.unwrap_or_else(|| panic!("no entry {id}"))
}

/// Sets what a file can hold, one after the other, in both Taskwarrior and Vikunja.
fn fill(world: &World) {
    world.change(&world.row("one"), &["modify", "priority:H", "+here"]);
    world.settle();
    let id: i64 = text(&world.row("one"), "vikunja_id")
        .parse()
        .expect("a marker");
    world
        .server
        .patch(id, json!({"description": "<p>noted there</p>"}));
    world.change(&world.row("two"), &["done"]);
    world.settle();
}

/// All three sides still have all of it.
fn is_full(world: &World, name: &str) {
    let sides = equal(world);
    let row = sides
        .rows
        .iter()
        .find(|row| text(row, "description") == name);
    let row = row.unwrap_or_else(|| panic!("no {name} in Taskwarrior"));
    assert_eq!(text(row, "priority"), "H", "{row:?}");
    assert_eq!(row.get("tags"), Some(&json!(["here"])), "{row:?}");
    let noted = sides
        .tasks
        .values()
        .filter(|task| task["description"] == "<p>noted there</p>");
    assert_eq!(noted.count(), 1);
    let one = entry(world, 1);
    assert_eq!(one["name"], name);
    assert_eq!(one["priority"], 3, "{one}");
    assert_eq!(one["tag"], "here", "{one}");
    assert_eq!(one["description"], "noted there", "{one}");
    assert_eq!(one["color"], "red", "{one}");
    assert_eq!(entry(world, 2)["done"], true);
    assert_eq!(text(&world.row("two"), "status"), "completed");
    world.is_in_step();
}

/// What is set elsewhere arrives in an entry that had no key for it, and outlives its owner's edits.
pub(crate) fn what_is_set_elsewhere_arrives_in_a_bare_entry(version: Version) {
    let world = bare(version);
    fill(&world);
    is_full(&world, "one");
    // The owner edits something else, as an editor and as a program write it.
    for (from, to) in [("one", "eins"), ("eins", "uno")] {
        let text = world.read(FILE);
        world.write(
            FILE,
            &text.replace(&format!("\"{from}\""), &format!("\"{to}\"")),
        );
        world.settle();
        is_full(&world, to);
    }
    // A new task has no empty keys of the owner's.
    world.task(&["add", "three"]);
    world.settle();
    let three = entry(&world, 3);
    assert_eq!(three["name"], "three");
    assert_eq!(three.get("color"), None, "{three}");
    // And a key that the owner takes out takes its value away.
    let text = world.read(FILE);
    let without = text.replace(", \"priority\": 3", "");
    let without = without.replace(",\"priority\":3", "");
    assert_ne!(text, without, "{text}");
    world.write(FILE, &without);
    world.settle();
    assert_eq!(world.row("uno").get("priority"), None);
    equal(&world);
    world.is_in_step();
}

/// I6: an older state of the file, brought back by us from a backup or by its owner, does not know
/// the keys that came later.
pub(crate) fn an_older_file_takes_no_later_key_away(version: Version) {
    let world = bare(version);
    let older = world.read(FILE);
    fill(&world);
    for damaged in ["", "[{\"id\": 1, \"na", "{}"] {
        world.write(FILE, damaged);
        world.settle();
        is_full(&world, "one");
    }
    world.write(FILE, &older);
    world.settle();
    is_full(&world, "one");
    // Somebody who saves what was read before that, with an edit.
    world.write(FILE, &older.replace("\"one\"", "\"eins\""));
    world.settle();
    is_full(&world, "eins");
}
