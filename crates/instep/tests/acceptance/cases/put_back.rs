//! A side whose owner puts an older copy of its database back: nobody deleted what that lacks, and
//! nobody edited what it shows.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::compare::{Before, equal};
use crate::server::{Server, id_of};
use crate::world::{Version, World, account, pass_time, text};

/// How much earlier an older copy was last written than what it takes the place of.
const EARLIER: Duration = Duration::from_secs(4);

/// Eight tasks in step.
fn in_step(version: Version) -> World {
    let world = World::beside(Server::double(), version);
    let tasks: Vec<Value> = (0..8)
        .map(|n| json!({"description": format!("task {n}"), "status": "pending"}))
        .collect();
    world.import(&tasks);
    world.settle();
    world
}

/// What happens on both sides after the copy was made.
fn go_on(world: &World) {
    let there = |title: &str| {
        let tasks = world.server.tasks();
        let task = tasks.iter().find(|task| task["title"] == title);
        id_of(task.expect("a task of that title"))
    };
    let add = [
        "add",
        "renew the passport",
        "due:2030-02-02",
        "priority:H",
        "+urgent",
    ];
    assert_eq!(world.task(&add).code, 0);
    world.server.make(json!({ "title": "made there" }));
    world.change(&world.row("task 1"), &["modify", "renamed here"]);
    world
        .server
        .patch(there("task 2"), json!({ "title": "renamed there" }));
    world.change(&world.row("task 3"), &["done"]);
    world.server.patch(there("task 4"), json!({ "done": true }));
    world.change(&world.row("task 5"), &["delete"]);
    world.server.delete(there("task 6"));
    world.settle();
    equal(world);
}

/// The sync stops for the person, twice, and neither side is touched.
fn is_asked(world: &World, name: &str) {
    let before = Before::note(world);
    for _ in 0..2 {
        let ended = world.instep(&["sync", "--json"]);
        assert_eq!(ended.code, 5, "{ended:#?}");
        let reply = ended.json();
        assert_eq!(account(&reply, name)["error"]["code"], "older_state");
    }
    before.rows_are_untouched(world);
    before.tasks_are_untouched(world);
}

/// Titles, states, dates and tags as Taskwarrior shows them, sorted.
fn shown(world: &World) -> Vec<String> {
    let rows = world.rows().into_iter().map(|row| {
        let told =
            ["description", "status", "due", "priority"].map(|key| text(&row, key).to_owned());
        format!(
            "{} {}",
            told.join(" "),
            row.get("tags").unwrap_or(&Value::Null)
        )
    });
    let mut shown: Vec<String> = rows.collect();
    shown.sort();
    shown
}

/// I6: an older database of Vikunja.
pub(crate) fn an_older_vikunja(version: Version) {
    let world = in_step(version);
    let copy = world.server.copy();
    world.server.pass_minute();
    go_on(&world);
    let wanted = shown(&world);
    world.server.pass_minute();
    world.server.put_back(&copy);
    is_asked(&world, "vikunja");
    world.settle();
    equal(&world);
    assert_eq!(shown(&world), wanted);
    world.is_in_step();
}

/// I1, I2: the same, and somebody makes tasks there before the next sync, under ids of ours.
pub(crate) fn an_older_vikunja_that_gives_its_ids_out_anew(version: Version) {
    let world = in_step(version);
    let copy = world.server.copy();
    world.server.pass_minute();
    go_on(&world);
    let mut wanted = shown(&world);
    let known: Vec<i64> = world.server.tasks().iter().map(id_of).collect();
    world.server.pass_minute();
    world.server.put_back(&copy);
    for title in ["feed the cat", "call the bank"] {
        let id = world.server.make(json!({ "title": title }));
        assert!(known.contains(&id), "{title} got an id of ours");
        wanted.push(format!("{title} pending   null"));
    }
    wanted.sort();
    is_asked(&world, "vikunja");
    world.settle();
    equal(&world);
    assert_eq!(shown(&world), wanted);
    world.is_in_step();
}

/// I6: an older database of Taskwarrior.
pub(crate) fn an_older_taskwarrior(version: Version) {
    a_taskwarrior_put_back(version, |data, kept| replace(kept, data));
}

/// I6, S5: the same, by way of another directory.
pub(crate) fn an_older_directory_of_taskwarrior(version: Version) {
    a_taskwarrior_put_back(version, |data, kept| {
        fs::rename(data, data.with_extension("before")).expect("it can go");
        fs::rename(kept, data).expect("it can come back");
    });
}

fn a_taskwarrior_put_back(version: Version, put_back: impl Fn(&Path, &Path)) {
    let world = in_step(version);
    let (data, kept) = (world.path(".task"), world.path("copy"));
    fs::create_dir(&kept).expect("a folder");
    replace(&data, &kept);
    pass_time(Instant::now(), EARLIER);
    go_on(&world);
    let wanted = shown(&world);
    put_back(&data, &kept);
    is_asked(&world, "tw");
    let preview = world.instep(&["sync", "-n", "--json"]).json();
    let steps = preview["plan"].as_array().expect("a plan").iter();
    let mut steps = steps.filter(|step| step["account"] == "tw" && step["side"] == "remote");
    assert!(
        steps.all(|step| step["why"] == "tw was put back to an older copy"),
        "{preview:#}"
    );
    world.settle();
    equal(&world);
    assert_eq!(shown(&world), wanted);
    world.is_in_step();
}

/// I6: the same, written into the files that are there, as `cp` does, so that they stay the same
/// files and were written now; and Vikunja has an edit and a deletion that no sync has seen.
pub(crate) fn an_older_taskwarrior_written_over(version: Version) {
    let world = in_step(version);
    let (data, kept) = (world.path(".task"), world.path("copy"));
    fs::create_dir(&kept).expect("a folder");
    replace(&data, &kept);
    pass_time(Instant::now(), EARLIER);
    go_on(&world);
    let mut wanted = shown(&world);
    let there = |title: &str| -> i64 {
        let row = world.row(title);
        text(&row, "vikunja_id").parse().expect("a marker")
    };
    let (renamed, deleted) = (there("task 0"), there("task 7"));
    for name in files(&kept) {
        fs::copy(kept.join(&name), data.join(&name)).expect("a copy");
    }
    world
        .server
        .patch(renamed, json!({ "title": "renamed meanwhile" }));
    world.server.delete(deleted);
    is_asked(&world, "tw");
    world.settle();
    equal(&world);
    wanted.retain(|row| !row.starts_with("task 7 "));
    for row in &mut wanted {
        *row = row.replace("task 0 ", "renamed meanwhile ");
    }
    wanted.sort();
    assert_eq!(shown(&world), wanted);
    world.is_in_step();
}

/// I9: an older hub. What was made since is known by its marker, retitled or not, and what was
/// deleted since is not made again.
pub(crate) fn an_older_hub(version: Version) {
    let world = in_step(version);
    let (data, kept) = (world.path(".local/share/instep"), world.path("copy"));
    fs::create_dir(&kept).expect("a folder");
    replace(&data, &kept);
    world.server.pass_minute();
    go_on(&world);
    // Times are of whole seconds on both sides: these are the later edits.
    pass_time(Instant::now(), EARLIER);
    world.change(&world.row("renew the passport"), &["modify", "passport"]);
    let made = world.server.tasks();
    let made = made.iter().find(|task| task["title"] == "made there");
    let id = id_of(made.expect("it is there"));
    world
        .server
        .patch(id, json!({ "title": "made and retitled" }));
    replace(&kept, &data);
    // One task alone waits until everything was looked at.
    let before = Before::note(&world);
    let pulled = world.instep(&["pull", "vikunja", &id.to_string()]);
    assert_eq!(pulled.code, 1, "{pulled:#?}");
    assert!(pulled.stdout.contains("instep sync"), "{pulled:#?}");
    before.rows_are_untouched(&world);
    before.tasks_are_untouched(&world);
    world.settle();
    equal(&world);
    let rows = world.rows();
    let mut titles: Vec<&str> = rows.iter().map(|row| text(row, "description")).collect();
    titles.sort_unstable();
    let expected = [
        "made and retitled",
        "passport",
        "renamed here",
        "renamed there",
        "task 0",
        "task 3",
        "task 4",
        "task 7",
    ];
    assert_eq!(titles, expected);
    world.is_in_step();
}

/// Puts copies of all files of one folder in the place of another's, with their times.
fn replace(from: &Path, to: &Path) {
    let (wanted, stale) = (files(from), files(to));
    for name in stale {
        fs::remove_file(to.join(name)).expect("a file can go");
    }
    for name in wanted {
        fs::copy(from.join(&name), to.join(&name)).expect("a copy");
        let written = from.join(&name).metadata().and_then(|file| file.modified());
        let copy = File::options().append(true).open(to.join(&name));
        let copy = copy.expect("the copy opens");
        let kept = copy.set_modified(written.expect("a time"));
        kept.expect("its time is kept");
    }
}

fn files(folder: &Path) -> Vec<OsString> {
    let entries = fs::read_dir(folder).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    names.filter(|name| folder.join(name).is_file()).collect()
}
