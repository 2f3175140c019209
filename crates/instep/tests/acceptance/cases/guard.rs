//! Deletions that look wrong stop before the first one; what is plainly meant goes through.

use serde_json::{Value, json};

use crate::compare::{Before, equal};
use crate::seeds;
use crate::server::{Server, id_of};
use crate::world::{Row, Version, World, text};

/// A pair in step, with this many tasks.
fn in_step(version: Version, count: usize) -> World {
    let world = World::new(version);
    world.import(&seeds::for_taskwarrior("task", count));
    world.settle();
    equal(&world);
    world
}

/// The sync stops for the person: exit 5, and nothing is deleted on either side.
fn is_held(world: &World, args: &[&str]) -> Value {
    let before = Before::note(world);
    let args: Vec<&str> = ["sync", "--json"].iter().chain(args).copied().collect();
    let ended = world.instep(&args);
    assert_eq!(ended.code, 5, "{ended:#?}");
    before.rows_are_untouched(world);
    before.tasks_are_untouched(world);
    ended.json()
}

fn open_rows(world: &World) -> Vec<Row> {
    let rows = world.rows();
    rows.into_iter()
        .filter(|row| text(row, "status") == "pending")
        .collect()
}

/// S28: half of an account.
pub(crate) fn half_of_the_tasks_vanish(version: Version) {
    let world = in_step(version, 100);
    for task in world.server.tasks().iter().take(50) {
        world.server.delete(id_of(task));
    }
    is_held(&world, &[]);
    is_held(&world, &["--yes"]);
    world.good(&["sync", "--max-delete", "50"]);
    assert_eq!(equal(&world).rows.len(), 50);
    world.is_in_step();
    // The other way round.
    for row in open_rows(&world).iter().take(25) {
        world.change(row, &["delete"]);
    }
    is_held(&world, &[]);
    world.good(&["sync", "--max-delete", "25"]);
    assert_eq!(equal(&world).rows.len(), 25);
}

/// S4, S28: what vanished is refused instead, and is there again, on either side.
pub(crate) fn vanished_tasks_are_brought_back(version: Version) {
    let world = in_step(version, 40);
    for task in world.server.tasks().iter().take(20) {
        world.server.delete(id_of(task));
    }
    is_held(&world, &[]);
    let told = world.good(&["restore", "--collection", "vikunja"]).stdout;
    let told: Vec<&str> = told.split_whitespace().collect();
    let told = told.join(" ");
    assert_eq!(
        told.matches("you refused its deletion").count(),
        20,
        "{told}"
    );
    world.settle();
    assert_eq!(equal(&world).rows.len(), 40);
    world.is_in_step();
    let before = open_rows(&world);
    let rows = &before[..before.len() / 2];
    for row in rows {
        world.change(row, &["delete"]);
    }
    is_held(&world, &[]);
    let none = world.instep(&["restore", "--collection", "vikunja"]);
    assert_eq!(none.code, 2, "{none:#?}");
    // One project first, then the rest.
    let project = rows.iter().map(|row| text(row, "project"));
    let project = project.max().expect("a row").to_owned();
    let part = world.instep(&["restore", "--collection", &format!("tw/{project}")]);
    assert_eq!(part.code, 5, "the others are still on hold: {part:#?}");
    let back = |row: &&Row| text(row, "project") == project;
    assert_eq!(
        open_rows(&world).iter().filter(back).count(),
        before.iter().filter(back).count()
    );
    world.good(&["restore", "--collection", "tw"]);
    world.settle();
    assert_eq!(equal(&world).rows.len(), 40);
    world.is_in_step();
}

/// S28: all of a collection that held five or more.
pub(crate) fn a_project_is_emptied(version: Version) {
    let world = in_step(version, 60);
    let project = world.server.make_project("Emptied", 0);
    let tasks: Vec<Value> = (0..6)
        .map(|n| json!({"title": format!("in it {n}")}))
        .collect();
    let ids = world.server.make_all(project, &tasks);
    world.settle();
    for id in ids {
        world.server.delete(id);
    }
    is_held(&world, &[]);
    assert_eq!(world.rows().len(), 66);
    world.good(&["sync", "--max-delete", "6"]);
    assert_eq!(equal(&world).rows.len(), 60);

    // In Taskwarrior a project is no more than a value of its tasks.
    for n in 0..6 {
        world.task(&["add", "project:Other", &format!("in the other {n}")]);
    }
    world.settle();
    for n in 0..6 {
        let row = world.row(&format!("in the other {n}"));
        world.change(&row, &["delete"]);
    }
    is_held(&world, &[]);
    assert_eq!(world.server.tasks().len(), 66);
    world.good(&["restore", "--collection", "tw/Other"]);
    world.settle();
    assert_eq!(equal(&world).rows.len(), 66);
}

/// S5: the same address, another server behind it, with nothing in it.
pub(crate) fn an_empty_new_server(version: Version) {
    let world = in_step(version, 60);
    let fresh = Server::double();
    world.proxy.point_to(&fresh.url);
    world.write_token(&fresh.token);
    let rows = world.rows();
    let ended = world.instep(&["sync", "--json"]);
    assert_eq!(ended.code, 5, "{ended:#?}");
    let now = world.rows();
    assert_eq!(now.len(), rows.len());
    assert!(now.iter().all(|row| text(row, "status") != "deleted"));
    assert_eq!(
        fresh.tasks().len(),
        0,
        "nothing is made before the person agrees"
    );
    assert_eq!(world.server.tasks().len(), 60);
}

/// S28: counted over the hour, however they arrive.
pub(crate) fn deletions_one_by_one(version: Version) {
    let world = World::new(version);
    let tasks: Vec<Value> = (0..60)
        .map(|n| json!({"description": format!("plain {n:02}"), "status": "pending"}))
        .collect();
    world.import(&tasks);
    world.settle();
    let tasks = world.server.tasks();
    let mut held_at = None;
    for (number, task) in tasks.iter().enumerate().take(20) {
        world.server.delete(id_of(task));
        let ended = world.instep(&["sync", "--json"]);
        if ended.code == 5 {
            held_at = Some(number + 1);
            break;
        }
        assert_eq!(ended.code, 0, "{ended:#?}");
        assert_eq!(world.rows().len(), 60 - number - 1);
    }
    // 20 % of 60 are 12; the thirteenth is one too many.
    assert_eq!(held_at, Some(13));
    assert_eq!(world.rows().len(), 60 - 12);
    is_held(&world, &[]);
}

/// A person's own few deletions need no question.
pub(crate) fn few_deletions_go_through(version: Version) {
    let world = in_step(version, 60);
    for row in open_rows(&world).iter().take(3) {
        world.change(row, &["delete"]);
    }
    for task in world.server.tasks().iter().rev().take(3) {
        world.server.delete(id_of(task));
    }
    let reply = world.told(&["sync"]);
    let sides = equal(&world);
    assert_eq!(sides.rows.len(), 54, "{reply:#}");
    world.is_in_step();
}
