//! What a service refuses is set aside alone, and carried as soon as it can be.

use serde_json::{Value, json};

use crate::compare::equal;
use crate::seeds;
use crate::server::id_of;
use crate::world::{Version, World, account};

/// A project is archived while a task of it is edited, another deleted and a third made: the rest
/// goes on, and nothing says that all is in step.
fn refused(version: Version) -> (World, i64) {
    let world = World::new(version);
    world.import(&seeds::for_taskwarrior("task", 20));
    for title in ["edited", "deleted"] {
        world.task(&["rc.hooks=0", "add", title, "project:Frozen"]);
    }
    world.settle();
    let there = world.server.tasks();
    let called = |title: &str| there.iter().find(|task| task["title"] == title);
    let (edited, deleted) = (called("edited"), called("deleted"));
    let (edited, deleted) = (edited.expect("it is there"), deleted.expect("it is there"));
    let project = edited["project_id"].as_i64();
    let project = project.expect("the task lies in a project");
    world.server.archive(project, true);
    world.change(&world.row("edited"), &["modify", "priority:H"]);
    world.change(&world.row("deleted"), &["delete"]);
    world.task(&["add", "made", "project:Frozen"]);
    world.task(&["add", "elsewhere"]);
    let ended = world.instep(&["sync", "--json"]);
    assert_eq!(ended.code, 3, "{ended:#?}");
    let reply = ended.json();
    let vikunja = account(&reply, "vikunja");
    assert_eq!(
        (&vikunja["skipped"], &vikunja["state"]),
        (&json!(3), &json!("waiting"))
    );
    let status = world.instep(&["status", "--json"]);
    assert_eq!(status.code, 3, "{status:#?}");
    assert_eq!(status.json()["not_carried"], 3, "{status:#?}");
    let said = world.instep(&["status"]).stdout;
    assert!(
        said.starts_with("● waiting · 3 tasks not carried"),
        "{said}"
    );
    assert!(there_is(&world, "elsewhere"));
    assert!(world.server.task(id_of(deleted)).is_some());
    let frozen = world.server.task(id_of(edited)).expect("it is there");
    assert_eq!(frozen["priority"], 0);
    (world, project)
}

fn there_is(world: &World, title: &str) -> bool {
    let tasks = world.server.tasks();
    tasks.iter().any(|task| task["title"] == title)
}

fn priority(world: &World, title: &str) -> Value {
    let tasks = world.server.tasks();
    let found = tasks.iter().find(|task| task["title"] == title);
    found.map_or(Value::Null, |task| task["priority"].clone())
}

/// S33: the project is opened again: the next plain sync carries everything.
pub(crate) fn a_project_is_archived_and_opened(version: Version) {
    let (world, project) = refused(version);
    world.server.archive(project, false);
    world.good(&["sync"]);
    assert!(there_is(&world, "made") && !there_is(&world, "deleted"));
    assert_ne!(priority(&world, "edited"), 0);
    equal(&world);
    world.is_in_step();
    let status = world.told(&["status"]);
    assert_eq!(status["not_carried"], 0, "{status:#}");
}

/// S33: the command that is named tries one task at once and tells what came of it; what the project
/// still refuses is told again.
pub(crate) fn one_refused_task_is_asked_for(version: Version) {
    let (world, project) = refused(version);
    let listed = world.told(&["list"]);
    let tasks = listed["tasks"].as_array().expect("tasks");
    let edited = tasks.iter().find(|task| task["title"] == "edited");
    let id = edited.and_then(|task| task["id"].as_str()).expect("an id");
    let shown = world.good(&["show", id]).stdout;
    let command = format!("instep push {}", &id[..8]);
    assert!(shown.contains(&command), "{shown}");
    let again = world.instep(&["push", &id[..8]]);
    assert_eq!(again.code, 3, "{again:#?}");
    assert!(again.stdout.contains(&command), "{}", again.stdout);
    world.server.archive(project, false);
    world.good(&["push", &id[..8]]);
    assert_ne!(priority(&world, "edited"), 0);
    world.good(&["sync"]);
    equal(&world);
}
