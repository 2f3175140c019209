//! Three accounts of one person: Taskwarrior, Vikunja and a file of tasks.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::compare::equal;
use crate::server::id_of;
use crate::world::{Row, Version, World, pass_time, size, text};

/// A world with a task file of this many tasks as its third account.
fn with_file(version: Version, count: usize) -> World {
    let world = World::new(version);
    let tasks: Vec<Value> = (1..=count)
        .map(|n| {
            json!({
                "id": n, "name": title(n), "comment": "", "description": "",
                "priority": 1 + n % 3, "tag": format!("f{}", n % 4), "done": n % 10 == 0
            })
        })
        .collect();
    write_file(&world, &tasks);
    world.good(&[
        "account",
        "add",
        "file",
        "--name",
        "file",
        "--path",
        "tasks.json",
    ]);
    world
}

fn title(number: usize) -> String {
    format!("in the file {number:05}")
}

fn write_file(world: &World, tasks: &[Value]) {
    let text = serde_json::to_string_pretty(tasks).expect("JSON");
    world.write("tasks.json", &text);
}

fn read_file(world: &World) -> Vec<Value> {
    serde_json::from_str(&world.read("tasks.json")).expect("a list of tasks")
}

/// Changes one task of the file as its owner does, with an editor.
fn edit_file(world: &World, title: &str, change: impl Fn(&mut Value)) {
    let mut tasks = read_file(world);
    let found = tasks.iter_mut().find(|task| task["name"] == title);
    change(found.unwrap_or_else(|| panic!("{title} is not in the file")));
    write_file(world, &tasks);
}

/// S26: the hub is lost while a new title has not come to every side.
pub(crate) fn the_hub_is_lost_beside_new_titles(version: Version) {
    let world = with_file(version, 12);
    world.settle();
    // The later title counts, and two that are less than two seconds apart are not told apart.
    pass_time(Instant::now(), Duration::from_secs(3));
    world.change(&world.row(&title(1)), &["modify", "renamed here"]);
    let tasks = world.server.tasks();
    let there = tasks.iter().find(|task| task["title"] == title(2));
    let id = id_of(there.expect("a task"));
    world.server.patch(id, json!({ "title": "renamed there" }));
    fs::remove_dir_all(world.path(".local/share/instep")).expect("the hub was there");
    world.settle();
    let rows = equal(&world).rows;
    assert_eq!(rows.len(), 12, "{rows:?}");
    for title in ["renamed here", "renamed there"] {
        let found = rows.iter().filter(|row| text(row, "description") == title);
        assert_eq!(found.count(), 1, "{title}");
    }
    file_is_equal(&world, &rows);
    world.is_in_step();
}

/// The file and Taskwarrior hold the same: title, done, and priority and tags as far as the file
/// can hold them (it has three priorities and no fewer).
fn file_is_equal(world: &World, rows: &[Row]) {
    let tasks = read_file(world);
    let held: BTreeMap<&str, &Value> = tasks
        .iter()
        .map(|task| (task["name"].as_str().unwrap_or_default(), task))
        .collect();
    assert_eq!(held.len(), tasks.len(), "a title stands twice in the file");
    assert_eq!(tasks.len(), rows.len(), "the file holds them all");
    for row in rows {
        let task = held
            .get(text(row, "description"))
            .unwrap_or_else(|| panic!("no {row:?}"));
        assert_eq!(task["done"], text(row, "status") == "completed", "{row:?}");
        let mut tags: Vec<&str> = task["tag"]
            .as_str()
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .collect();
        tags.retain(|tag| !tag.is_empty());
        tags.sort_unstable();
        let own = row
            .get("tags")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let own: Vec<&str> = own.iter().filter_map(Value::as_str).collect();
        assert_eq!(tags, own, "{row:?}");
        match text(row, "priority") {
            "L" => assert_eq!(task["priority"], 1, "{row:?}"),
            "M" => assert_eq!(task["priority"], 2, "{row:?}"),
            "H" => assert_eq!(task["priority"], 3, "{row:?}"),
            _ => {}
        }
    }
}

/// Case of I3: edits on all sides at once, equal within three rounds.
pub(crate) fn edits_on_three_sides_converge(version: Version) {
    let count = size("INSTEP_TEST_TASKS", 50).min(200);
    let world = with_file(version, count);
    world.settle();
    file_is_equal(&world, &equal(&world).rows);
    for n in (1..=count).filter(|n| n % 10 != 0) {
        let (title, round) = (title(n), n % 5);
        match round {
            0 => world.change(&world.row(&title), &["modify", "+here"]),
            1 => world.server.patch(
                id(&world, &title),
                json!({"due_date": "2028-02-02T10:00:00Z"}),
            ),
            2 => edit_file(&world, &title, |task| task["tag"] = "changed, twice".into()),
            3 => edit_file(&world, &title, |task| task["done"] = true.into()),
            _ => {
                // All three at once, a field each.
                world.change(&world.row(&title), &["modify", "project:Three.Sides"]);
                world.server.patch(
                    id(&world, &title),
                    json!({"start_date": "2028-03-03T10:00:00Z"}),
                );
                edit_file(&world, &title, |task| {
                    task["description"] = "noted in the file".into()
                });
            }
        }
    }
    world.task(&["add", "new here", "+new"]);
    world
        .server
        .make(json!({"title": "new there", "priority": 2}));
    let mut tasks = read_file(&world);
    let mut new = tasks[0].clone();
    new["id"] = (count + 1).into();
    new["name"] = "new in the file".into();
    new["done"] = false.into();
    tasks.push(new);
    write_file(&world, &tasks);
    for _ in 0..3 {
        world.good(&["sync", "--yes"]);
    }
    world.is_in_step();
    let sides = equal(&world);
    assert_eq!(sides.rows.len(), count + 3);
    file_is_equal(&world, &sides.rows);
    let noted = sides
        .tasks
        .values()
        .filter(|task| task["description"] == "<p>noted in the file</p>");
    assert_eq!(noted.count(), (1..=count).filter(|n| n % 5 == 4).count());
}

fn id(world: &World, title: &str) -> i64 {
    text(&world.row(title), "vikunja_id")
        .parse()
        .expect("a marker")
}

/// A task is deleted in one account and edited in another in the same moment: it lives on in all
/// three, with the edit, once.
pub(crate) fn s16_an_edit_beats_a_delete_among_three(version: Version) {
    let world = with_file(version, 30);
    world.settle();
    let item = |n: usize| id(&world, &title(n));
    // Deleted in Taskwarrior, edited in Vikunja, and so on round all pairs.
    let (second, third) = (item(2), item(3));
    world.change(&world.row(&title(1)), &["delete"]);
    world
        .server
        .patch(item(1), json!({"due_date": "2028-02-02T10:00:00Z"}));
    world.server.delete(second);
    world.change(&world.row(&title(2)), &["modify", "+late"]);
    world.server.delete(third);
    edit_file(&world, &title(3), |task| task["tag"] = "late".into());
    world.change(&world.row(&title(4)), &["delete"]);
    edit_file(&world, &title(4), |task| task["tag"] = "late".into());
    let mut tasks = read_file(&world);
    tasks.retain(|task| task["name"] != title(5) && task["name"] != title(6));
    write_file(&world, &tasks);
    world.change(&world.row(&title(5)), &["modify", "+late"]);
    world
        .server
        .patch(item(6), json!({"due_date": "2028-02-02T10:00:00Z"}));
    // And one that nobody edits.
    world.change(&world.row(&title(7)), &["delete"]);
    for _ in 0..3 {
        world.settle();
    }
    world.is_in_step();
    let sides = equal(&world);
    assert_eq!(sides.rows.len(), 29);
    file_is_equal(&world, &sides.rows);
    let row = |n: usize| {
        sides
            .rows
            .iter()
            .find(|row| text(row, "description") == title(n))
    };
    for n in 1..=6 {
        let row = row(n).unwrap_or_else(|| panic!("{n} was deleted though it was edited"));
        let edited = row.contains_key("due")
            || row["tags"]
                .as_array()
                .expect("tags")
                .contains(&"late".into());
        assert!(edited, "{n} lost its edit: {row:?}");
    }
    assert!(row(7).is_none(), "7 was deleted by a person");
}
