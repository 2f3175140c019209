//! One field after another, changed on either side, alone and beside another.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::compare::{alike, equal};
use crate::server::{Server, id_of};
use crate::world::{Version, World, account, pass_time, text};

/// An edit of a field in Taskwarrior, by its command line.
const HERE: [(&str, &[&str]); 14] = [
    ("title", &["modify", "another title"]),
    ("priority set", &["modify", "priority:H"]),
    ("priority cleared", &["modify", "priority:"]),
    ("due set", &["modify", "due:2028-05-05T10:11:12Z"]),
    ("due cleared", &["modify", "due:"]),
    ("scheduled", &["modify", "scheduled:2028-05-05"]),
    ("project", &["modify", "project:Other.Below"]),
    ("project cleared", &["modify", "project:"]),
    ("tag added", &["modify", "+added"]),
    ("tag removed", &["modify", "-old"]),
    ("annotation added", &["annotate", "noted here"]),
    ("annotation removed", &["denotate", "old note"]),
    ("done", &["done"]),
    ("dependency removed", &["modify", "depends:"]),
];

type Click = fn(&Server, i64, i64);

/// An edit of a field in Vikunja, by its API; it gets the task and another one.
const THERE: [(&str, Click); 14] = [
    ("title", |s, id, _| {
        s.patch(id, json!({"title": "a title from there"}))
    }),
    ("priority set", |s, id, _| {
        s.patch(id, json!({"priority": 2}))
    }),
    ("priority cleared", |s, id, _| {
        s.patch(id, json!({"priority": 0}))
    }),
    ("due set", |s, id, _| {
        s.patch(id, json!({"due_date": "2028-06-06T06:06:06Z"}))
    }),
    ("due cleared", |s, id, _| {
        s.patch(id, json!({"due_date": "0001-01-01T00:00:00Z"}))
    }),
    ("start", |s, id, _| {
        s.patch(id, json!({"start_date": "2028-06-06T06:06:06Z"}))
    }),
    ("project", |s, id, _| {
        s.patch(id, json!({"project_id": s.make_project("Made there", 0)}))
    }),
    ("project cleared", |s, id, _| {
        s.patch(id, json!({"project_id": s.inbox()}))
    }),
    ("label added", |s, id, _| {
        s.add_label(id, s.label("clicked"))
    }),
    ("label removed", |s, id, _| {
        s.remove_label(id, s.label("old"))
    }),
    ("comment", |s, id, _| s.comment(id, "<p>noted there</p>")),
    ("done", |s, id, _| s.patch(id, json!({"done": true}))),
    ("relation added", |s, id, other| s.wait_for(id, other)),
    ("relation removed", |s, id, _| {
        let task = s.task(id).expect("it is there");
        let first = id_of(&task["related_tasks"]["blocked"][0]);
        s.no_longer_wait_for(id, first);
    }),
];

/// A pair in step with one full task for each edit of both lists, and the task each waits for.
fn full(version: Version) -> World {
    let world = World::new(version);
    let count = HERE.len() * THERE.len();
    let mut tasks = vec![
        json!({"uuid": uuid(count), "description": "first", "status": "pending"}),
        json!({"uuid": uuid(count + 1), "description": "another", "status": "pending"}),
    ];
    tasks.extend((0..count).map(|n| {
        json!({
            "uuid": uuid(n), "description": title(n), "status": "pending", "priority": "L",
            "due": "20280101T100000Z", "project": "Old.Place", "tags": ["keep", "old"],
            "annotations": [
                {"entry": "20260101T100000Z", "description": "old note"},
                {"entry": "20260102T100000Z", "description": "kept"},
            ],
            "depends": [uuid(count)],
        })
    }));
    world.import(&tasks);
    world.settle();
    world
}

fn title(number: usize) -> String {
    format!("full {number:03}")
}

fn uuid(number: usize) -> String {
    format!("f0110000-0000-4000-8000-{number:012x}")
}

fn marker(world: &World, title: &str) -> i64 {
    text(&world.row(title), "vikunja_id")
        .parse()
        .expect("a marker")
}

/// A row and its task, by the row's uuid.
fn pair(world: &World, number: usize) -> (crate::world::Row, Value) {
    let rows = world.all_rows();
    let row = rows
        .into_iter()
        .find(|row| text(row, "uuid") == uuid(number))
        .expect("a row");
    let id = text(&row, "vikunja_id").parse().expect("a marker");
    (row, world.server.task(id).expect("a task"))
}

/// Whether a row and its task show the edit of this name made in Taskwarrior.
fn shows_here(name: &str, world: &World, task: &Value) -> bool {
    let labels = task["labels"].to_string();
    let comments = || format!("{:?}", world.server.comments(id_of(task)));
    let path = || {
        let projects = world.server.projects();
        world
            .server
            .path(&projects, task["project_id"].as_i64().unwrap_or_default())
    };
    match name {
        "title" => task["title"] == "another title",
        "priority set" => task["priority"] == 3,
        "priority cleared" => task["priority"] == 0,
        "due set" => task["due_date"] == "2028-05-05T10:11:12Z",
        "due cleared" => task["due_date"] == "0001-01-01T00:00:00Z",
        "scheduled" => task["start_date"] == "2028-05-04T22:00:00Z",
        "project" => path() == ["Other", "Below"],
        "project cleared" => path().is_empty(),
        "tag added" => labels.contains("\"added\""),
        "tag removed" => !labels.contains("\"old\"") && labels.contains("\"keep\""),
        "annotation added" => comments().contains("noted here"),
        "annotation removed" => !comments().contains("old note") && comments().contains("kept"),
        "done" => task["done"] == true,
        "dependency removed" => task["related_tasks"]["blocked"].is_null(),
        _ => false,
    }
}

/// Whether a row shows the edit of this name made in Vikunja.
fn shows_there(name: &str, row: &crate::world::Row, other: &str) -> bool {
    let has = |key: &str, value: &str| {
        row.get(key)
            .is_some_and(|held| held.to_string().contains(value))
    };
    match name {
        "title" => text(row, "description") == "a title from there",
        "priority set" => text(row, "priority") == "M",
        "priority cleared" => !row.contains_key("priority"),
        "due set" => text(row, "due") == "20280606T060606Z",
        "due cleared" => !row.contains_key("due"),
        "start" => text(row, "scheduled") == "20280606T060606Z",
        "project" => text(row, "project") == "Made there",
        "project cleared" => !row.contains_key("project"),
        "label added" => has("tags", "\"clicked\""),
        "label removed" => !has("tags", "\"old\"") && has("tags", "\"keep\""),
        "comment" => has("annotations", "noted there") && has("annotations", "kept"),
        "done" => text(row, "status") == "completed",
        "relation added" => has("depends", other),
        "relation removed" => !row.contains_key("depends"),
        _ => false,
    }
}

pub(crate) fn each_field_travels_alone(version: Version) {
    let world = full(version);
    for (number, (_, args)) in HERE.iter().enumerate() {
        world.change(&world.row(&title(number)), args);
    }
    let another = marker(&world, "another");
    for (at, (_, click)) in THERE.iter().enumerate() {
        let number = HERE.len() + at;
        click(&world.server, marker(&world, &title(number)), another);
    }
    let reply = world.settle();
    assert_eq!(account(&reply, "vikunja")["conflicts"], 0, "{reply:#}");
    for (number, (name, _)) in HERE.iter().enumerate() {
        let (_, task) = pair(&world, number);
        assert!(
            shows_here(name, &world, &task),
            "{name} did not arrive: {task:#}"
        );
    }
    let other = text(&world.row("another"), "uuid").to_owned();
    for (at, (name, _)) in THERE.iter().enumerate() {
        let (row, _) = pair(&world, HERE.len() + at);
        assert!(
            shows_there(name, &row, &other),
            "{name} did not arrive: {row:#?}"
        );
    }
    equal(&world);
    world.is_in_step();
}

/// Fields by which two edits would stand against each other, or where one carries the other.
fn same_field(here: &str, there: &str) -> bool {
    let field = |name: &str| {
        match name.split(' ').next().unwrap_or_default() {
            "scheduled" | "start" => "start",
            "dependency" | "relation" => "depends",
            word => ["title", "priority", "due", "project", "done"]
                .into_iter()
                .find(|f| *f == word)
                .unwrap_or(""),
        }
        .to_owned()
    };
    let (here, there) = (field(here), field(there));
    // Elements of a set merge, whatever is done to others of them.
    here == there && !here.is_empty()
}

pub(crate) fn each_field_travels_beside_another(version: Version) {
    let world = full(version);
    let another = marker(&world, "another");
    let other = text(&world.row("another"), "uuid").to_owned();
    let rows = world.rows();
    let pairs: Vec<(usize, usize)> = (0..HERE.len())
        .flat_map(|here| (0..THERE.len()).map(move |there| (here, there)))
        .filter(|(here, there)| !same_field(HERE[*here].0, THERE[*there].0))
        .filter(|(here, there)| everything() || (here * 5 + there * 3) % 13 == 0)
        .collect();
    let number = |(here, there): (usize, usize)| here * THERE.len() + there;
    for &(here, there) in &pairs {
        let row = rows
            .iter()
            .find(|row| text(row, "uuid") == uuid(number((here, there))));
        let row = row.expect("it is there");
        world.change(row, HERE[here].1);
        let id = text(row, "vikunja_id").parse().expect("a marker");
        (THERE[there].1)(&world.server, id, another);
    }
    let reply = world.settle();
    assert_eq!(account(&reply, "vikunja")["conflicts"], 0, "{reply:#}");
    for (here, there) in pairs {
        let (row, task) = pair(&world, number((here, there)));
        let (here, there) = (HERE[here].0, THERE[there].0);
        assert!(
            shows_here(here, &world, &task),
            "{here} beside {there} was lost: {task:#}"
        );
        assert!(
            shows_there(there, &row, &other),
            "{there} beside {here} was lost: {row:#?}"
        );
    }
    assert_eq!(alike(&world).rows.len(), rows.len());
    world.is_in_step();
}

/// Whether every pair of edits is tried, or a choice of them.
fn everything() -> bool {
    crate::world::size("INSTEP_TEST_TASKS", 0) >= 200
}

pub(crate) fn a_delete_travels(version: Version) {
    let world = full(version);
    let gone = marker(&world, &title(0));
    world.change(&world.row(&title(0)), &["delete"]);
    world.server.delete(marker(&world, &title(1)));
    world.good(&["sync"]);
    assert_eq!(world.server.task(gone), None);
    assert_eq!(text(&world.row(&title(1)), "status"), "deleted");
    equal(&world);
    world.is_in_step();
}

pub(crate) fn the_loser_of_a_conflict_is_kept(version: Version) {
    let world = full(version);
    // The later one wins, either way round; less than two seconds apart is too close to tell.
    world.change(&world.row(&title(0)), &["modify", "earlier here"]);
    world
        .server
        .patch(marker(&world, &title(1)), json!({"title": "earlier there"}));
    let (first, second) = (marker(&world, "earlier here"), uuid(1));
    let early = Instant::now();
    pass_time(early, Duration::from_secs(3));
    world.server.patch(first, json!({"title": "later there"}));
    let ended = world.task(&[&second, "modify", "later here"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let reply = world.settle();
    assert_eq!(account(&reply, "vikunja")["conflicts"], 2, "{reply:#}");
    let titles = |world: &World| [0, 1].map(|n| text(&pair(world, n).0, "description").to_owned());
    assert_eq!(titles(&world), ["later there", "later here"]);
    equal(&world);
    let conflicts = world.told(&["conflicts"]);
    let conflicts = conflicts["conflicts"]
        .as_array()
        .expect("conflicts")
        .clone();
    assert_eq!(conflicts.len(), 2);
    for conflict in &conflicts {
        let word = |key: &str| conflict[key].as_str().unwrap_or_default();
        let keep = match word("kept") {
            "hub" => word("account"),
            _ => "hub",
        };
        let lost = if keep == "hub" {
            word("hub")
        } else {
            word("remote")
        };
        assert!(lost.starts_with("earlier"), "{conflict:#}");
        world.good(&["conflicts", "resolve", word("id"), "--keep", keep]);
    }
    world.settle();
    assert_eq!(titles(&world), ["earlier here", "earlier there"]);
    equal(&world);
    world.is_in_step();
}
