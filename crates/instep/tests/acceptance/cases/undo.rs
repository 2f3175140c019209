//! What a person undoes is their own step.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::compare::equal;
use crate::server::Server;
use crate::world::{Version, World, pass_time, text};

use super::daemon::{Daemon, all_marked, met, until};

/// In a second Taskwarrior holds one note of a task.
const NEXT_SECOND: Duration = Duration::from_millis(1100);

/// What the server made of each task, as a row of Taskwarrior holds it.
const CHANGES: [(&str, &str); 6] = [
    ("title of the server", "home"),
    ("label", "there"),
    ("done", "completed"),
    ("comment", "said there"),
    ("made", "pending"),
    ("kept there", "pending"),
];

/// What the person does next with some of the tasks, in Taskwarrior.
const LATER: [(&str, &[&str]); 3] = [
    ("title of the server", &["modify", "+later"]),
    ("label", &["modify", "+after"]),
    ("comment", &["annotate", "heard here"]),
];

fn is_here(world: &World) -> bool {
    let rows = world.all_rows();
    let holds = |(title, part): &(&str, &str)| {
        let mut rows = rows.iter().filter(|row| text(row, "description") == *title);
        rows.any(|row| json!(row).to_string().contains(part))
    };
    let alive = world.rows();
    let is_deleted = alive
        .iter()
        .all(|row| text(row, "description") != "deleted");
    is_deleted && CHANGES.iter().all(holds)
}

/// Whether the person's own step is taken back on both sides.
fn is_undone(world: &World) -> bool {
    let tasks = world.server.tasks();
    let there = tasks.iter().find(|task| task["title"] == "own");
    let here = json!(world.row("own"));
    let mut sides = [there.expect("a task"), &here].into_iter();
    sides.all(|own| !own.to_string().contains("mine"))
}

fn change_there(server: &Server, id: impl Fn(&str) -> i64) {
    server.make(json!({"title": "made"}));
    server.patch(id("title"), json!({"title": "title of the server"}));
    server.add_label(id("label"), server.label("there"));
    server.patch(id("done"), json!({"done": true}));
    server.delete(id("deleted"));
    server.comment(id("comment"), "<p>said there</p>");
}

/// S31: Taskwarrior 3 takes back with a person's step whatever was written since.
pub(crate) fn what_an_undo_takes_along_is_put_back(version: Version) {
    if version == Version::Two {
        // There each of our writes is a step of its own, which one sees.
        return;
    }
    for with_daemon in [false, true] {
        let world = met(version);
        for title in [
            "own", "title", "label", "done", "comment", "deleted", "kept",
        ] {
            world.task(&["add", title, "+home"]);
        }
        world.settle();
        until("all are marked", || all_marked(&world));
        let id = |title: &str| {
            let tasks = world.server.tasks();
            let task = tasks.iter().find(|task| task["title"] == title);
            task.and_then(|task| task["id"].as_i64()).expect("an id")
        };
        // An edit that beats a deletion has us open it again, behind the person's own step.
        world.change(&world.row("kept"), &["delete"]);
        let kept = json!({"title": "kept there"});
        world.server.patch(id("kept"), kept);
        world.change(&world.row("own"), &["modify", "+mine"]);
        world.settle();
        let daemon = with_daemon.then(|| Daemon::start(&world));
        daemon.iter().for_each(|daemon| daemon.hear(&world));
        change_there(&world.server, id);
        let is_here = || is_here(&world);
        let settle = |what: &str, is_there: &dyn Fn() -> bool| match with_daemon {
            true => until(what, is_there),
            false => {
                world.settle();
                assert!(is_there(), "{what}: {:?}", world.all_rows());
            }
        };
        settle("what the server changed", &is_here);
        // What is written is in the journal of Taskwarrior, and marked, before the undo.
        until("all are marked", || all_marked(&world));
        // The person's note is to have a second of its own.
        pass_time(Instant::now(), NEXT_SECOND);
        let rows = LATER.map(|(title, _)| world.row(title));
        let undone = world.task(&["undo"]);
        assert_eq!(undone.code, 0, "{undone:?}");
        // The person goes on, with the very tasks.
        for (row, (_, step)) in rows.iter().zip(LATER) {
            world.change(row, step);
        }
        if !with_daemon {
            assert!(!is_here(), "the undo took nothing of ours along");
        }
        settle("what the undo took along", &is_here);
        settle("the person's own step", &|| is_undone(&world));
        settle("what the person went on with", &|| {
            let labels = json!(world.server.tasks()).to_string();
            let comments = json!(world.server.comments(id("comment"))).to_string();
            let marks = ["later", "after"].map(|label| labels.contains(label));
            marks == [true; 2] && comments.contains("heard here")
        });
        drop(daemon);
        world.settle();
        equal(&world);
        world.is_in_step();
    }
}
