//! An account is removed and added again: it goes on where it was.

use serde_json::{Value, json};

use crate::compare::equal;
use crate::server::id_of;
use crate::world::{Version, World, text};

/// S6: the pairs of a removed account lie dormant, and its place finds them again under any name. So
/// an edit made meanwhile is an edit, and a deletion a deletion; nothing is doubled or revived.
pub(crate) fn an_account_is_removed_and_added_again(version: Version) {
    let world = World::new(version);
    let plain = |n: usize| json!({ "description": title(n), "status": "pending" });
    world.import(&(0..12).map(plain).collect::<Vec<Value>>());
    world.settle();

    world.good(&["account", "remove", "tw"]);
    change_both_sides(&world, 0);
    let added = world.told(&["account", "add", "taskwarrior", "--name", "work"]);
    let notes = added["notes"].to_string();
    assert!(notes.contains("12 pairs are remembered"), "{added:#}");
    is_as_left(&world, 0);

    world.good(&["account", "remove", "vikunja"]);
    change_both_sides(&world, 4);
    // The account that stayed goes on meanwhile.
    world.settle();
    let (url, token) = (world.proxy.url(), world.path("token"));
    let token = token.to_str().expect("a path in UTF-8");
    let service = ["vikunja", "--url", &url, "--secret-file", token];
    world.good(&[&["account", "add"], &service[..]].concat());
    is_as_left(&world, 4);
}

fn title(number: usize) -> String {
    format!("task {number:05}")
}

/// One task is retitled and one deleted on each side, each of them another.
fn change_both_sides(world: &World, first: usize) {
    let there = |title: &str| {
        let tasks = world.server.tasks();
        let found = tasks.iter().find(|task| task["title"] == title);
        id_of(found.unwrap_or_else(|| panic!("{title} is in Vikunja")))
    };
    let here = format!("here {first}");
    world.change(&world.row(&title(first)), &["modify", &here]);
    world.change(&world.row(&title(first + 1)), &["delete"]);
    let retitled = json!({ "title": format!("there {first}") });
    world.server.patch(there(&title(first + 2)), retitled);
    world.server.delete(there(&title(first + 3)));
}

/// What was changed on either side has crossed, and nothing else has.
fn is_as_left(world: &World, first: usize) {
    let reply = world.told(&["sync"]);
    let rows = equal(world).rows;
    let titles: Vec<&str> = rows.iter().map(|row| text(row, "description")).collect();
    for made in [format!("here {first}"), format!("there {first}")] {
        assert!(titles.contains(&&*made), "{titles:?} {reply:#}");
    }
    for n in first..first + 4 {
        assert!(!titles.contains(&&*title(n)), "{n}: {titles:?} {reply:#}");
    }
    assert_eq!(titles.len(), 12 - (first / 4 + 1) * 2, "{titles:?}");
    world.is_in_step();
}
