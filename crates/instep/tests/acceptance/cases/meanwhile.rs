//! A person who types at the very moment in which the program writes to Taskwarrior.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::compare::equal;
use crate::world::{Row, Version, World, text};

/// When the person's command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    BeforeImport,
    AfterImport,
}

/// What the person types, and what then has to be in Taskwarrior.
const EDITS: [(&str, &str, &str); 7] = [
    ("modify +typed", "tags", "typed"),
    ("modify due:2028-05-05T10:11:12Z", "due", "20280505T101112Z"),
    ("modify project:Typed.Here", "project", "Typed.Here"),
    ("append a typed title", "description", "a typed title"),
    ("annotate typed", "annotations", "typed"),
    ("done", "status", "completed"),
    ("modify priority:L", "priority", "L"),
];

/// Puts a program before Taskwarrior that runs the person's words, once for each file of them,
/// right before or after the next import. With a file `lock` the database is locked after that
/// import, until `locked` goes; with a file `kill` whoever started the import dies right after it.
fn interrupt(world: &World) {
    let link = world.path("bin/task");
    let task = fs::read_link(&link).expect("a link to Taskwarrior");
    let (task, before, after) = (task.display(), world.path("before"), world.path("after"));
    let home = world.path("");
    let home = home.display();
    let person = |words: &std::path::Path| {
        let words = words.display();
        format!(
            "if [ -f '{words}' ]; then mv '{words}' '{words}.run'; \
             '{task}' rc.hooks=0 $(cat '{words}.run') </dev/null >/dev/null 2>&1; fi"
        )
    };
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *import*)\n\
         if [ -f '{home}/locked' ]; then echo 'database is locked' >&2; exit 2; fi\n\
         {}\n'{task}' \"$@\"\ncode=$?\n{}\n\
         if [ -f '{home}/lock' ]; then mv '{home}/lock' '{home}/locked'; fi\n\
         if [ -f '{home}/kill' ]; then mv '{home}/kill' '{home}/killed'; kill -9 $PPID; fi\n\
         exit $code;; esac\nexec '{task}' \"$@\"\n",
        person(&before),
        person(&after),
    );
    fs::remove_file(&link).expect("the link can go");
    // Another process writes it: what this one has open for writing while a case beside it forks
    // cannot be started.
    let written = Command::new("sh")
        .args(["-c", "printf '%s' \"$1\" >\"$0\" && chmod 755 \"$0\""])
        .arg(&link)
        .arg(script)
        .status();
    assert!(written.expect("a shell").success(), "a script is written");
}

/// S1, S16: nothing that is typed is lost, neither what an import would replace nor what the
/// reading after it shows; both sides end equal.
pub(crate) fn s01_an_edit_typed_while_we_write_crosses(version: Version) {
    let world = written_by_program(version);
    for moment in [Moment::BeforeImport, Moment::AfterImport] {
        for (words, _, _) in EDITS {
            world.task(&["add", &title(moment, words)]);
        }
    }
    world.settle();
    interrupt(&world);
    for moment in [Moment::BeforeImport, Moment::AfterImport] {
        for (words, key, value) in EDITS {
            let told = title(moment, words);
            let row = world.row(&told);
            let (uuid, id) = (text(&row, "uuid"), text(&row, "vikunja_id"));
            let id: i64 = id.parse().expect("a marker");
            let due = json!({"start_date": "2028-06-06T06:06:06Z", "priority": 3});
            world.server.patch(id, due);
            let file = match moment {
                Moment::BeforeImport => "before",
                Moment::AfterImport => "after",
            };
            world.write(file, &format!("{uuid} {words}"));
            for _ in 0..3 {
                world.settle();
            }
            assert!(
                world.path(&format!("{file}.run")).exists(),
                "{told} was typed"
            );
            fs::remove_file(world.path(&format!("{file}.run"))).expect("a file can go");
            let rows = world.all_rows();
            let row = rows.iter().find(|row| text(row, "uuid") == uuid);
            let row = row.unwrap_or_else(|| panic!("{told} is gone"));
            let said = row.get(key).map(ToString::to_string).unwrap_or_default();
            // Two edits of one field at once are a conflict; the loser is kept for the person.
            let lost = key == "priority" && moment == Moment::BeforeImport && !said.contains(value);
            if lost {
                let conflicts = world.good(&["conflicts"]).stdout;
                assert!(conflicts.contains(&told), "{told}: {conflicts}");
            } else {
                assert!(said.contains(value), "{told}: {row:?}");
            }
            assert_eq!(text(row, "scheduled"), "20280606T060606Z", "{told}");
        }
    }
    equal(&world);
    world.is_in_step();
}

/// I3: a person who takes our write back at once is heard, although all is as it was before it.
pub(crate) fn what_is_taken_back_at_once_crosses(version: Version) {
    let world = written_by_program(version);
    world.task(&["add", "a value", "priority:L"]);
    world.task(&["add", "a life"]);
    world.settle();
    interrupt(&world);
    let (value, life) = (world.row("a value"), world.row("a life"));
    let there = |row: &Row| -> i64 { text(row, "vikunja_id").parse().expect("a marker") };

    world.server.patch(there(&value), json!({ "priority": 3 }));
    let words = format!("{} modify priority:L", text(&value, "uuid"));
    world.write("after", &words);
    world.settle();
    assert!(world.path("after.run").exists(), "it was typed");
    world.settle();
    assert_eq!(text(&world.row("a value"), "priority"), "L");
    equal(&world);

    fs::remove_file(world.path("after.run")).expect("a file can go");
    world.server.delete(there(&life));
    let words = format!("{} modify status:pending end:", text(&life, "uuid"));
    world.write("after", &words);
    world.settle();
    assert!(world.path("after.run").exists(), "it was typed");
    world.settle();
    assert_eq!(text(&world.row("a life"), "status"), "pending");
    equal(&world);
    world.is_in_step();
}

/// S1, S16: an edit that an import replaced, and the program is killed before it could look back.
pub(crate) fn an_edit_overwritten_by_a_write_that_is_killed_crosses(version: Version) {
    let world = overwritten(version, "kill");
    assert!(world.path("killed").exists(), "it was killed");
    has_both(&world);
}

/// S1, S16: an edit that an import replaced, and from then on the database is locked.
pub(crate) fn an_edit_overwritten_before_a_lock_crosses(version: Version) {
    let world = overwritten(version, "lock");
    fs::remove_file(world.path("locked")).expect("it was locked");
    has_both(&world);
}

/// A task that a sync gave a due date of Vikunja's, which took back what was typed at the same
/// moment; then came what the file of this name stands for.
fn overwritten(version: Version, then: &str) -> World {
    let world = written_by_program(version);
    world.task(&["add", "a task"]);
    world.settle();
    interrupt(&world);
    let row = world.row("a task");
    let id: i64 = text(&row, "vikunja_id").parse().expect("a marker");
    world
        .server
        .patch(id, json!({ "due_date": "2028-06-06T06:06:06Z" }));
    let words = format!("{} modify +typed project:Typed", text(&row, "uuid"));
    world.write("before", &words);
    world.write(then, "");
    world.instep(&["sync", "--yes"]);
    assert!(world.path("before.run").exists(), "it was typed");
    let row = world.row("a task");
    assert_eq!(text(&row, "due"), "20280606T060606Z", "{row:?}");
    assert_eq!(row.get("tags"), None, "{row:?}");
    world
}

/// The next syncs have what was typed on both sides, beside what it met.
fn has_both(world: &World) {
    for _ in 0..2 {
        world.settle();
    }
    let row = world.row("a task");
    assert_eq!(text(&row, "due"), "20280606T060606Z", "{row:?}");
    assert_eq!(row.get("tags"), Some(&json!(["typed"])), "{row:?}");
    assert_eq!(text(&row, "project"), "Typed", "{row:?}");
    equal(world);
    world.is_in_step();
}

/// Taskwarrior 3 is written through its program only where a person's hooks run.
fn written_by_program(version: Version) -> World {
    let world = World::new(version);
    let config = world.read(".config/instep/config.toml");
    let hooked = config.replace(
        "kind = \"taskwarrior\"",
        "kind = \"taskwarrior\"\nrun_hooks = true",
    );
    assert_ne!(config, hooked, "{config}");
    world.write(".config/instep/config.toml", &hooked);
    world
}

fn title(moment: Moment, words: &str) -> String {
    let place = match moment {
        Moment::BeforeImport => "before",
        Moment::AfterImport => "after",
    };
    let words = words.replace([':', '+', '.'], " ");
    format!("{place} {words}")
}
