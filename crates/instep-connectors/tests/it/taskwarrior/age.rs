//! A database whose files were replaced by an older copy, and what only looks like one.

use std::fs::File;
use std::path::Path;

use instep_contract::{Connector, ConnectorError, Look, Observation};
use serde_json::json;

use super::world::{World, look, uuid, worlds};

/// Three tasks of long ago, in files that were written a minute ago.
fn of_long_ago(world: &World) {
    let row = |number: u128| {
        json!({
            "uuid": uuid(number).to_string(),
            "description": format!("t{number}"),
            "status": "pending",
            "entry": "20260101T000000Z",
            "modified": "20260101T000000Z",
        })
    };
    let rows: Vec<String> = (1..=3).map(|number| row(number).to_string()).collect();
    world.import(&rows.join("\n"));
    world.age();
}

/// Puts copies of all files of one directory in the place of another's.
fn copy(world: &World, times: Times, from: &str, to: &str) {
    let (from, to) = (world.path(from), world.path(to));
    std::fs::create_dir_all(&to).unwrap();
    let names = |at: &Path| {
        let entries = std::fs::read_dir(at).unwrap();
        entries.map(|entry| entry.unwrap().file_name())
    };
    let stale: Vec<_> = names(&to).collect();
    for name in names(&from) {
        // Beside the old one first, whose number it would get otherwise.
        let beside = to.join("beside");
        std::fs::copy(from.join(&name), &beside).unwrap();
        if times == Times::Kept {
            let written = from.join(&name).metadata().unwrap().modified().unwrap();
            let file = File::options().append(true).open(&beside).unwrap();
            file.set_modified(written).unwrap();
        }
        std::fs::rename(&beside, to.join(&name)).unwrap();
    }
    for name in stale.iter().filter(|name| !from.join(name).exists()) {
        std::fs::remove_file(to.join(name)).unwrap();
    }
}

/// What becomes of the times of files that are copied.
#[derive(Clone, Copy, PartialEq)]
enum Times {
    Kept,
    Lost,
}

async fn again(world: &World, first: &Observation) -> Observation {
    look(&mut world.open(), Some(first)).await
}

/// I6: a task made since is missing then, and one changed since shows its old title.
#[tokio::test]
async fn i6_an_older_copy_that_was_put_back_is_told() {
    for world in worlds() {
        of_long_ago(&world);
        copy(&world, Times::Kept, "data", "copy");
        world.task(&["add", "later"]);
        world.task(&[&uuid(1).to_string(), "modify", "renamed"]);
        let seen = look(&mut world.open(), None).await;
        assert!(!seen.went_back);
        copy(&world, Times::Kept, "copy", "data");
        for _ in 0..2 {
            let back = again(&world, &seen).await;
            assert!(back.went_back, "on {}", world.major);
            assert_eq!(back.gone.len(), 1);
        }
        let mut opened = world.open();
        let whole = opened.observe(Some(&seen.cursor), Look::Everything);
        let whole = whole.await.unwrap();
        assert!(whole.went_back);
        assert!(!again(&world, &whole).await.went_back);
    }
}

/// The one file of 3 never becomes another by itself, so that a copy shows without its times.
#[tokio::test]
async fn i6_a_copy_that_was_put_back_without_its_times_is_told_on_3() {
    let world = World::new(3);
    of_long_ago(&world);
    copy(&world, Times::Kept, "data", "copy");
    world.task(&["add", "later"]);
    let seen = look(&mut world.open(), None).await;
    copy(&world, Times::Lost, "copy", "data");
    assert!(again(&world, &seen).await.went_back);
}

/// The same, written into the files that are there, as `cp` does: they stay the same files and were
/// written now. One command is enough.
#[tokio::test]
async fn i6_a_copy_written_over_the_files_is_told() {
    let first = uuid(1).to_string();
    for changes in [
        vec![vec![&first as &str, "modify", "renamed"]],
        vec![vec![&first as &str, "done"]],
        vec![vec![&first as &str, "delete"]],
        vec![vec!["add", "later"], vec!["later", "modify", "+tagged"]],
    ] {
        for world in worlds() {
            of_long_ago(&world);
            copy(&world, Times::Lost, "data", "copy");
            for change in &changes {
                world.task(change);
            }
            let seen = look(&mut world.open(), None).await;
            write_over(&world);
            for _ in 0..2 {
                let back = again(&world, &seen).await;
                assert!(back.went_back, "{changes:?} on {}", world.major);
            }
            // The clock of a copy tells nothing.
            world.age();
            let back = again(&world, &seen).await;
            assert!(back.went_back, "{changes:?} on {}", world.major);
            assert!(!again(&world, &back).await.went_back);
        }
    }
}

/// On 3 a task that was added and no more is known as well: its number was given out.
#[tokio::test]
async fn i6_a_copy_without_an_added_task_is_told_on_3() {
    let world = World::new(3);
    of_long_ago(&world);
    copy(&world, Times::Lost, "data", "copy");
    world.task(&["add", "later"]);
    let seen = look(&mut world.open(), None).await;
    write_over(&world);
    // Somebody goes on with it.
    world.task(&[&uuid(2).to_string(), "modify", "+tagged"]);
    assert!(again(&world, &seen).await.went_back);
}

/// Writes the copy into the files of the data directory, whose numbers they keep.
fn write_over(world: &World) {
    for entry in std::fs::read_dir(world.path("copy")).unwrap() {
        let entry = entry.unwrap();
        let to = world.data().join(entry.file_name());
        std::fs::write(to, std::fs::read(entry.path()).unwrap()).unwrap();
    }
}

/// S5: the same tasks in another directory are the same database, an older one or not.
#[tokio::test]
async fn s5_a_copy_of_the_whole_directory_is_no_other_database() {
    for world in worlds() {
        of_long_ago(&world);
        copy(&world, Times::Lost, "data", "copy");
        let seen = look(&mut world.open(), None).await;
        exchange(&world);
        let moved = again(&world, &seen).await;
        assert_ne!(moved.identity, seen.identity);
        assert_eq!(moved.known_as, Some(seen.identity));
        assert!(!moved.went_back && moved.gone.is_empty());
        assert_eq!(again(&world, &moved).await.known_as, None);

        copy(&world, Times::Lost, "data", "copy");
        world.task(&["add", "later"]);
        let seen = look(&mut world.open(), None).await;
        exchange(&world);
        let back = again(&world, &seen).await;
        assert_eq!(back.known_as, Some(seen.identity), "on {}", world.major);
        assert!(back.went_back, "on {}", world.major);
    }
}

/// S5: where no task is one that was known, it is another.
#[tokio::test]
async fn s5_other_tasks_in_another_directory_are_another_database() {
    for world in worlds() {
        copy(&world, Times::Kept, "data", "copy");
        of_long_ago(&world);
        let seen = look(&mut world.open(), None).await;
        exchange(&world);
        world.task(&["add", "of somebody else"]);
        let other = world
            .open()
            .observe(Some(&seen.cursor), Look::Changes)
            .await;
        assert!(
            matches!(other, Err(ConnectorError::CursorInvalid)),
            "{other:?}"
        );
    }
}

/// Makes the copy the data directory, as whoever moves directories about does.
fn exchange(world: &World) {
    std::fs::rename(world.path("data"), world.path("before")).unwrap();
    std::fs::rename(world.path("copy"), world.path("data")).unwrap();
    std::fs::remove_dir_all(world.path("before")).unwrap();
}

/// S31: taking back a step of one's own is nothing of the kind.
#[tokio::test]
async fn s31_undone_steps_are_no_older_copy() {
    for world in worlds() {
        of_long_ago(&world);
        for title in ["later", "later still", "last"] {
            world.task(&["add", title]);
        }
        world.task(&[&uuid(1).to_string(), "modify", "renamed"]);
        let seen = look(&mut world.open(), None).await;
        for _ in 0..4 {
            world.task(&["undo"]);
        }
        let undone = again(&world, &seen).await;
        assert!(!undone.went_back, "on {}", world.major);
        assert_eq!((undone.gone.len(), undone.tasks.len()), (3, 1));
    }
}

/// S31: nor is what Taskwarrior does to its own journals, with steps taken back beside it.
#[tokio::test]
async fn what_taskwarrior_forgets_by_itself_is_no_older_copy() {
    let add: &[&str] = &["add", "later"];
    let undo: &[&str] = &["undo"];
    let list: &[&str] = &["rc.gc=1", "list"];
    let purge: &[&str] = &["status:deleted", "purge"];
    let sync: &[&str] = &["sync"];
    for (since, major) in [
        (vec![undo, undo, undo, undo], 0),
        (vec![add, add, undo, undo, undo, undo, undo], 0),
        (vec![undo, undo, undo, list], 0),
        (vec![list, purge, undo], 0),
        (vec![undo, sync], 3),
        (vec![sync, purge, sync], 3),
    ] {
        for world in worlds() {
            if major > 0 && world.major != major {
                continue;
            }
            of_long_ago(&world);
            let server = world.path("server");
            std::fs::create_dir_all(&server).unwrap();
            let sync = format!("rc.sync.local.server_dir={}", server.display());
            world.task(add);
            world.task(&[&uuid(1).to_string(), "modify", "renamed"]);
            world.task(&[&uuid(2).to_string(), "done"]);
            world.task(&[&uuid(3).to_string(), "delete"]);
            let seen = look(&mut world.open(), None).await;
            let since: Vec<Vec<&str>> = since
                .iter()
                .map(|args| [&[sync.as_str()], *args].concat())
                .collect();
            for args in &since {
                world.task(args);
            }
            let back = again(&world, &seen).await;
            assert!(!back.went_back, "{since:?} on {}", world.major);
        }
    }
}

/// Whoever removes the journals of 2.6 puts nothing back, with an edit beside it that kept its
/// time.
#[tokio::test]
async fn journals_that_were_removed_are_no_older_copy() {
    let world = World::new(2);
    of_long_ago(&world);
    world.task(&["add", "later"]);
    let seen = look(&mut world.open(), None).await;
    for journal in ["undo.data", "backlog.data"] {
        std::fs::remove_file(world.data().join(journal)).unwrap();
    }
    let pending = world.data().join("pending.data");
    let text = std::fs::read_to_string(&pending).unwrap();
    std::fs::write(&pending, text.replace("\"t1\"", "\"by hand\"")).unwrap();
    let back = again(&world, &seen).await;
    assert!(!back.went_back);
    assert_eq!(back.tasks.len(), 1);
    // The journals begin again.
    world.task(&["add", "another"]);
    assert!(!again(&world, &seen).await.went_back);
}

/// A clock that was set back writes files that look older; but tasks of before tell of later
/// changes than those files can hold.
#[tokio::test]
async fn a_clock_that_was_set_back_is_no_older_copy() {
    for world in worlds() {
        of_long_ago(&world);
        world.task(&["add", "of a clock that was ahead"]);
        world.task(&[&uuid(1).to_string(), "modify", "renamed"]);
        let seen = look(&mut world.open(), None).await;
        world.task(&["undo"]);
        world.age();
        assert!(!again(&world, &seen).await.went_back, "on {}", world.major);
    }
}

/// Files that look older and hold all that there was, and more.
#[tokio::test]
async fn a_copy_that_lacks_nothing_is_taken_as_it_is() {
    for world in worlds() {
        of_long_ago(&world);
        let seen = look(&mut world.open(), None).await;
        copy(&world, Times::Kept, "data", "copy");
        copy(&world, Times::Kept, "copy", "data");
        world.age();
        assert!(!again(&world, &seen).await.went_back, "on {}", world.major);
    }
}
