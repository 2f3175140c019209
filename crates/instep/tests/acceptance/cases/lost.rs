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
        // What Taskwarrior holds less finely is the next case.
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

/// I1, S2: what only one side holds, or holds more finely, is still there when the hub is lost.
pub(crate) fn what_one_side_holds_more_finely_survives(version: Version) {
    let world = World::new(version);
    let full = json!({
        "title": "a full task", "priority": 5, "percent_done": 0.25,
        "description": "<p>some <strong>text</strong></p>",
        "end_date": "2028-01-01T10:00:00Z",
        "reminders": [{"reminder": "2028-01-01T08:00:00Z"}],
    });
    world.server.make(full);
    let waiting = json!({
        "description": "waits", "status": "pending", "wait": "20300101T080000Z", "estimate": "2h",
    });
    world.import(&[waiting]);
    world.settle();
    let before = lose_hub(&world);
    world.settle();
    before.rows_are_untouched(&world);
    before.tasks_are_untouched(&world);
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
