//! The hub's database is gone: the sides find each other again.

use std::fs;

use serde_json::json;

use crate::compare::{Before, equal};
use crate::seeds;
use crate::server::id_of;
use crate::world::{Version, World, size, text};

/// I9: no state, no deletes and no blind creates.
pub(crate) fn the_hub_is_lost(version: Version) {
    let world = World::new(version);
    let count = size("INSTEP_TEST_TASKS", 40);
    world.import(&seeds::for_taskwarrior("task", count / 2));
    tell_apart(&world);
    seeds::in_vikunja(&world.server, "other", count / 2);
    for task in world.server.tasks() {
        // What Taskwarrior holds less finely is another matter.
        if task["priority"].as_i64() > Some(3) {
            world.server.patch(id_of(&task), json!({ "priority": 3 }));
        }
    }
    world.settle();
    let rows = equal(&world).rows.len();
    let before = lose_hub(&world);
    let reply = world.settle();
    before.rows_are_untouched(&world);
    before.tasks_are_untouched(&world);
    assert_eq!(equal(&world).rows.len(), rows, "{reply:#}");
    world.is_in_step();
    // Again, and with an edit made while the hub was away.
    world.change(&world.row("task 00018"), &["modify", "+late"]);
    let before = lose_hub(&world);
    let reply = world.settle();
    before.rows_are_untouched(&world);
    assert_eq!(equal(&world).rows.len(), rows, "{reply:#}");
    let tags = world.row("task 00018")["tags"].to_string();
    assert!(tags.contains("late"), "{tags}");
    world.is_in_step();
}

/// Removes the hub's database; both sides as they are then.
fn lose_hub(world: &World) -> Before {
    fs::remove_dir_all(world.path(".local/share/instep")).expect("the hub was there");
    Before::note(world)
}

/// Odd titles stand on both sides and would meet as equal: here they are told apart.
fn tell_apart(world: &World) {
    for row in world.rows() {
        if seeds::ODD.contains(&text(&row, "description")) {
            let title = format!("description:here {}", &text(&row, "uuid")[30..]);
            world.change(&row, &["modify", &title]);
        }
    }
}
