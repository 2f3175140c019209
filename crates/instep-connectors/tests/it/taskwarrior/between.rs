//! A person's edit at the worst moment: between our reading and our import, or between our import
//! and the reading after it.

use instep_connectors::taskwarrior::{Settings, TaskwarriorConnector};
use instep_contract::{Connector, ConnectorError};
use instep_model::{Change, Edit, Field, Operation, RemoteTask, Value};

use super::world::{
    World, apply, create, edit, id, look, read, tags, text, titled, update, uuid, when, worlds,
};

/// When the person's command runs.
#[derive(Debug, Clone, Copy)]
enum Moment {
    BeforeImport,
    AfterImport,
}

const MOMENTS: [Moment; 2] = [Moment::BeforeImport, Moment::AfterImport];

/// The connector on a program that lets a person run `edit` once, at `moment` of the next import.
fn interrupted(world: &World, moment: Moment, edit: &str) -> TaskwarriorConnector {
    let armed = world.path("armed");
    std::fs::write(&armed, "").unwrap();
    let person = format!(
        "if [ -f '{armed}' ]; then rm '{armed}'; '{task}' rc.confirmation=0 rc.bulk=0 \
         rc.recurrence.confirmation=no rc.hooks=0 {edit} </dev/null >/dev/null 2>&1; fi",
        armed = armed.display(),
        task = world.program.display(),
    );
    let (before, after) = match moment {
        Moment::BeforeImport => (person.as_str(), ""),
        Moment::AfterImport => ("", person.as_str()),
    };
    let body = format!(
        "case \"$*\" in *import*)\n{before}\n'{task}' \"$@\"\ncode=$?\n{after}\nexit $code;; \
         esac\nexec '{task}' \"$@\"",
        task = world.program.display(),
    );
    world.script(&world.path("shim"), &body);
    let settings = Settings {
        program: world.path("shim"),
        // Only writes through the program can be interrupted; on 3 it writes where hooks run.
        run_hooks: true,
        ..world.settings()
    };
    TaskwarriorConnector::open(settings).unwrap()
}

/// The connector on a program that lets a person tag the task in the second before the first import,
/// so that 3 notes two times with that import. It finds the database locked at the
/// imports from the second to the one numbered `last`; with `blind` also at the first reading after
/// an import.
pub(super) fn locked_out(world: &World, last: u32, blind: bool) -> TaskwarriorConnector {
    let task = format!("'{}'", world.program.display());
    let (count, armed) = (world.path("count"), world.path("blind"));
    let (count, armed) = (count.display(), armed.display());
    let arm = if blind {
        // What is read without the program is not read where a file is missing.
        let closed = world.data().join("completed.data");
        format!("touch '{armed}'; rm -f '{}'", closed.display())
    } else {
        ":".to_owned()
    };
    let body = format!(
        "locked() {{ echo 'database is locked' >&2; exit 2; }}\n\
         case \"$*\" in\n\
         *import*) echo >>'{count}'; n=$(wc -l <'{count}')\n\
         if [ $n -gt 1 ]; then [ $n -gt {last} ] || locked; exec {task} \"$@\"; fi\n\
         {task} rc.confirmation=0 rc.hooks=0 {uuid} modify +raced </dev/null >/dev/null 2>&1\n\
         s=$(date +%s); while [ $(date +%s) = $s ]; do :; done\n\
         {task} \"$@\"; code=$?; {arm}; exit $code;;\n\
         *export*) if [ -f '{armed}' ]; then rm '{armed}'; locked; fi;;\n\
         esac\nexec {task} \"$@\"",
        uuid = uuid(1),
    );
    world.script(&world.path("shim"), &body);
    let settings = Settings {
        program: world.path("shim"),
        run_hooks: true,
        ..world.settings()
    };
    TaskwarriorConnector::open(settings).unwrap()
}

pub(super) async fn assert_both(world: &World) {
    let now = read(&mut world.open(), 1).await;
    let raced = tags(&["raced"]);
    let told = format!("on {}", world.major);
    assert_eq!(now.fields.get(Field::Tags), raced.as_ref(), "{told}");
    let ours = number(3);
    assert_eq!(now.fields.get(Field::Priority), ours.as_ref(), "{told}");
}

fn was_run(world: &World) -> bool {
    !world.path("armed").exists()
}

fn number(number: u32) -> Option<Value> {
    Some(Value::Number(number))
}

/// What we carry there: a priority and a due date.
fn ours(priority_before: u32) -> Edit {
    edit(&[
        (Field::Priority, number(priority_before), number(3)),
        (Field::Due, None, when("2027-05-05T00:00:00Z")),
    ])
}

/// The write that [`carry`] makes.
pub(super) fn carried() -> Operation {
    Operation::Update {
        id: id(1),
        edit: ours(0),
    }
}

pub(super) async fn carry(
    connector: &mut TaskwarriorConnector,
) -> Result<RemoteTask, ConnectorError> {
    let applied = apply(connector, carried()).await?;
    Ok(applied.held.expect("an answer tells what was stored"))
}

#[tokio::test]
async fn an_edit_of_something_else_stays_beside_our_write() {
    // The person's words, and the field that has to tell of them.
    let edits = [
        ("modify +raced", Field::Tags),
        ("modify project:Home.Garden", Field::Project),
        ("modify retitled", Field::Title),
        ("modify wait:2027-01-01", Field::Wait),
        ("done", Field::Status),
        ("start", Field::StartedAt),
    ];
    for moment in MOMENTS {
        for (words, field) in edits {
            for world in worlds() {
                let told = format!("{words} {moment:?} on {}", world.major);
                create(&mut world.open(), titled(1, "task")).await;
                let before = read(&mut world.open(), 1).await;
                let person = format!("{} {words}", uuid(1));
                let mut connector = interrupted(&world, moment, &person);
                let held = carry(&mut connector).await.unwrap();
                assert!(was_run(&world), "{told}");
                assert_eq!(
                    held.fields.get(Field::Priority),
                    number(3).as_ref(),
                    "{told}"
                );
                let due = when("2027-05-05T00:00:00Z");
                assert_eq!(held.fields.get(Field::Due), due.as_ref(), "{told}");
                // The base is what was stored: the edit is still to be found.
                let unedited = before.fields.get(field);
                assert_eq!(held.fields.get(field), unedited, "{told}");
                let now = read(&mut world.open(), 1).await;
                assert_eq!(
                    now.fields.get(Field::Priority),
                    number(3).as_ref(),
                    "{told}"
                );
                assert_eq!(now.fields.get(Field::Due), due.as_ref(), "{told}");
                assert_ne!(now.fields.get(field), unedited, "{told}");
            }
        }
    }
}

#[tokio::test]
async fn an_annotation_and_a_link_made_meanwhile_stay() {
    for moment in MOMENTS {
        for (words, count) in [("annotate raced", (1, 0)), ("modify depends:OTHER", (0, 1))] {
            for world in worlds() {
                create(&mut world.open(), titled(1, "task")).await;
                create(&mut world.open(), titled(2, "other")).await;
                let words = words.replace("OTHER", &uuid(2).to_string());
                let mut connector = interrupted(&world, moment, &format!("{} {words}", uuid(1)));
                let held = carry(&mut connector).await.unwrap();
                assert!(held.notes.is_empty() && held.depends.is_empty());
                let now = read(&mut world.open(), 1).await;
                let found = (now.notes.len(), now.depends.len());
                assert_eq!(found, count, "{words} {moment:?} on {}", world.major);
            }
        }
    }
}

#[tokio::test]
async fn an_edit_is_put_back_until_it_has_arrived() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        carry(&mut locked_out(&world, 3, false)).await.unwrap();
        assert_both(&world).await;
    }
}

#[tokio::test]
async fn an_edit_that_could_not_be_put_back_is_by_the_next_write() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        let mut connector = locked_out(&world, 6, false);
        carry(&mut connector).await.unwrap();
        assert_eq!(
            read(&mut world.open(), 1).await.fields.get(Field::Tags),
            None
        );
        assert!(connector.apply(&[]).await.unwrap().is_empty());
        assert_both(&world).await;
        let calls = connector.calls();
        connector.apply(&[]).await.unwrap();
        assert_eq!(connector.calls(), calls, "nothing is left to do");
    }
}

#[tokio::test]
async fn an_edit_is_put_back_by_the_repeat_of_a_write_that_failed_half_way() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        let mut connector = locked_out(&world, 1, true);
        let busy = carry(&mut connector).await;
        assert!(matches!(busy, Err(ConnectorError::Busy)), "{busy:?}");
        carry(&mut connector).await.unwrap();
        assert_both(&world).await;
    }
}

#[tokio::test]
async fn what_a_person_takes_away_meanwhile_stays_away() {
    for moment in MOMENTS {
        for world in worlds() {
            let mut draft = titled(1, "task");
            draft.fields.set(Field::Tags, tags(&["kept", "dropped"]));
            draft.fields.set(Field::Wait, when("2027-01-01T00:00:00Z"));
            create(&mut world.open(), draft).await;
            let person = format!("{} modify -dropped wait:", uuid(1));
            carry(&mut interrupted(&world, moment, &person))
                .await
                .unwrap();
            let now = read(&mut world.open(), 1).await;
            assert_eq!(now.fields.get(Field::Tags), tags(&["kept"]).as_ref());
            assert_eq!(now.fields.get(Field::Wait), None, "{moment:?}");
            assert_eq!(now.fields.get(Field::Priority), number(3).as_ref());
        }
    }
}

#[tokio::test]
async fn s01_a_write_never_answers_with_an_edit_made_since() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        let person = format!("{} modify priority:L due:2027-06-06T00:00:00Z", uuid(1));
        let held = carry(&mut interrupted(&world, Moment::AfterImport, &person))
            .await
            .unwrap();
        assert_eq!(held.fields.get(Field::Priority), number(3).as_ref());
        let due = when("2027-05-05T00:00:00Z");
        assert_eq!(held.fields.get(Field::Due), due.as_ref());
        let now = read(&mut world.open(), 1).await;
        assert_eq!(now.fields.get(Field::Priority), number(1).as_ref());
    }
}

#[tokio::test]
async fn s01_an_edit_that_goes_back_to_what_was_there_is_an_edit_on_2_6() {
    let world = World::new(2);
    let mut draft = titled(1, "task");
    draft.fields.set(Field::Priority, number(1));
    create(&mut world.open(), draft).await;
    let person = format!("{} modify priority:L", uuid(1));
    let mut connector = interrupted(&world, Moment::AfterImport, &person);
    let held = update(&mut connector, 1, ours(1)).await.held.unwrap();
    assert_eq!(held.fields.get(Field::Priority), number(3).as_ref());
    let now = read(&mut world.open(), 1).await;
    assert_eq!(now.fields.get(Field::Priority), number(1).as_ref());
}

#[tokio::test]
async fn an_edit_of_what_we_write_stays_for_a_merge() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        let person = format!("{} modify priority:L +raced", uuid(1));
        let answer = carry(&mut interrupted(&world, Moment::BeforeImport, &person)).await;
        assert!(
            matches!(answer, Err(ConnectorError::Stale { .. })),
            "{answer:?} on {}",
            world.major
        );
        let now = read(&mut world.open(), 1).await;
        assert_eq!(now.fields.get(Field::Priority), number(1).as_ref());
        assert_eq!(now.fields.get(Field::Tags), tags(&["raced"]).as_ref());
        let due = when("2027-05-05T00:00:00Z");
        assert_eq!(now.fields.get(Field::Due), due.as_ref());
    }
}

#[tokio::test]
async fn s16_an_edit_that_our_deletion_did_not_know_opens_the_task_again() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        let person = format!("{} modify retitled", uuid(1));
        let mut connector = interrupted(&world, Moment::BeforeImport, &person);
        let answer = apply(&mut connector, Operation::Delete { id: id(1) }).await;
        assert!(
            matches!(answer, Err(ConnectorError::Stale { .. })),
            "{answer:?} on {}",
            world.major
        );
        assert_eq!(read(&mut world.open(), 1).await.fields.title(), "retitled");
    }
}

#[tokio::test]
async fn s16_an_edit_after_the_reading_stops_a_deletion() {
    for world in worlds() {
        let mut connector = world.open();
        for number in [1, 2] {
            create(&mut connector, titled(number, "task")).await;
        }
        let deletions = [1, 2].map(|number| Operation::Delete { id: id(number) });
        connector.read(&[id(1), id(2)]).await.unwrap();
        world.task(&[&uuid(1).to_string(), "annotate", "late"]);
        let answers = connector.apply(&deletions).await.unwrap();
        assert!(
            matches!(answers[0], Err(ConnectorError::Stale { .. })) && answers[1].is_ok(),
            "{answers:?} on {}",
            world.major
        );
        let there = connector.read(&[id(1), id(2)]).await.unwrap();
        assert_eq!(there[0].as_ref().unwrap().notes.len(), 1);
        assert_eq!(there[1], None);
        // Read with the edit, it can go.
        assert!(connector.apply(&deletions).await.unwrap()[0].is_ok());
    }
}

/// The engine sends a batch again that found the database locked, without reading again.
#[tokio::test]
async fn s16_an_edit_before_a_repeated_deletion_stops_it() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        let held = world.path("held");
        let body = format!(
            "case \"$*\" in *import*|*export*) if [ -f '{held}' ]; then \
             echo 'database is locked' >&2; exit 2; fi;; esac\nexec '{task}' \"$@\"",
            held = held.display(),
            task = world.program.display(),
        );
        world.script(&world.path("shim"), &body);
        let settings = Settings {
            program: world.path("shim"),
            run_hooks: true,
            ..world.settings()
        };
        let mut connector = TaskwarriorConnector::open(settings).unwrap();
        connector.read(&[id(1)]).await.unwrap();
        std::fs::write(&held, "").unwrap();
        let deletion = [Operation::Delete { id: id(1) }];
        let busy = apply(&mut connector, deletion[0].clone()).await;
        assert!(matches!(busy, Err(ConnectorError::Busy)), "{busy:?}");
        world.task(&[&uuid(1).to_string(), "annotate", "late"]);
        std::fs::remove_file(&held).unwrap();
        let answer = connector.apply(&deletion).await.unwrap().remove(0);
        assert!(
            matches!(answer, Err(ConnectorError::Stale { .. })),
            "{answer:?} on {}",
            world.major
        );
        assert_eq!(read(&mut world.open(), 1).await.notes.len(), 1);
    }
}

#[tokio::test]
async fn what_the_persons_hooks_make_of_our_write_is_no_edit_beside_it() {
    for world in worlds() {
        for number in [1, 2] {
            create(&mut world.open(), titled(number, "task")).await;
        }
        let body = "read old\nread new\necho \"$new\" | sed 's/\"description\"/\
                    \"start\":\"20260101T000000Z\",\"project\":\"Hooked\",&/'";
        world.script(&world.data().join("hooks").join("on-modify.own"), body);
        let settings = Settings {
            run_hooks: true,
            ..world.settings()
        };
        let mut connector = TaskwarriorConnector::open(settings).unwrap();
        let told = format!("on {}", world.major);
        carry(&mut connector).await.expect(&told);
        let now = read(&mut connector, 1).await;
        assert_eq!(now.fields.get(Field::Priority), number(3).as_ref());
        assert_eq!(now.fields.get(Field::Title), text("task").as_ref());
        assert!(now.fields.get(Field::Project).is_some(), "{told}");
        connector.read(&[id(2)]).await.unwrap();
        let deletion = apply(&mut connector, Operation::Delete { id: id(2) }).await;
        assert!(deletion.is_ok(), "{deletion:?} {told}");
        assert_eq!(connector.read(&[id(2)]).await.unwrap(), [None], "{told}");
    }
}

#[tokio::test]
async fn a_deletion_that_our_write_did_not_know_stands() {
    for words in ["delete", "delete ; purge"] {
        for world in worlds() {
            create(&mut world.open(), titled(1, "task")).await;
            // The second command of two runs as the first does.
            let again = format!(
                "; '{}' rc.confirmation=0 {}",
                world.program.display(),
                uuid(1)
            );
            let person = format!("{} {}", uuid(1), words.replace(" ;", &again));
            let answer = carry(&mut interrupted(&world, Moment::BeforeImport, &person)).await;
            assert!(
                matches!(answer, Err(ConnectorError::Stale { .. })),
                "{words}: {answer:?} on {}",
                world.major
            );
            let found = world.open().read(&[id(1)]).await.unwrap();
            assert_eq!(found, [None], "{words} on {}", world.major);
        }
    }
}

#[tokio::test]
async fn an_undo_meanwhile_is_an_edit_as_well() {
    let world = World::new(2);
    create(&mut world.open(), titled(1, "task")).await;
    world.task(&[&uuid(1).to_string(), "modify", "+undone"]);
    let seen = read(&mut world.open(), 1).await;
    assert_eq!(seen.fields.get(Field::Tags), tags(&["undone"]).as_ref());
    carry(&mut interrupted(&world, Moment::BeforeImport, "undo"))
        .await
        .unwrap();
    let now = read(&mut world.open(), 1).await;
    assert_eq!(now.fields.get(Field::Tags), None);
    assert_eq!(now.fields.get(Field::Priority), number(3).as_ref());
}

#[tokio::test]
async fn attributes_of_the_persons_own_stay_beside_our_write() {
    let values = "text:\"a [b] c\" size:5 half:2.5 on:2027-01-01 span:2d";
    for moment in MOMENTS {
        let world = World::new(2);
        let taskrc = std::fs::read_to_string(world.path("taskrc")).unwrap();
        let declared = [
            ("text", "string"),
            ("size", "numeric"),
            ("half", "numeric"),
            ("on", "date"),
            ("span", "duration"),
        ];
        let lines = declared.map(|(name, kind)| format!("uda.{name}.type={kind}\n"));
        std::fs::write(world.path("taskrc"), taskrc + &lines.concat()).unwrap();
        for number in [1, 2] {
            create(&mut world.open(), titled(number, "task")).await;
        }
        let person = format!("{} modify {values}", uuid(1));
        carry(&mut interrupted(&world, moment, &person))
            .await
            .unwrap();
        // Typed in peace, it comes out the same.
        let typed = world.path("typed");
        let task = world.program.display();
        world.script(
            &typed,
            &format!(
                "'{task}' rc:'{}' {} modify {values}",
                world.path("taskrc").display(),
                uuid(2)
            ),
        );
        assert!(
            std::process::Command::new(&typed)
                .output()
                .unwrap()
                .status
                .success()
        );
        let (raced, typed) = (world.content(uuid(1)), world.content(uuid(2)));
        for (name, _) in declared {
            assert!(typed.contains_key(name), "{name}");
            assert_eq!(raced.get(name), typed.get(name), "{name} {moment:?}");
        }
    }
}

#[tokio::test]
async fn an_edit_of_another_task_that_our_rewriting_took_back_returns() {
    let world = World::new(2);
    for number in [1, 2] {
        create(&mut world.open(), titled(number, "task")).await;
    }
    // A command that was reading while we imported: 2.6 writes the file back as it had read it,
    // so that the journal has both steps and the file only ours.
    let (data, task) = (world.data(), world.program.display());
    let body = format!(
        "case \"$*\" in *import*) if [ ! -f '{done}' ]; then touch '{done}'; \
         cp '{data}/pending.data' '{saved}'; \
         '{task}' rc.gc=0 {other} modify +raced </dev/null >/dev/null 2>&1; \
         '{task}' rc.gc=0 add added </dev/null >/dev/null 2>&1; \
         cp '{saved}' '{data}/pending.data'; fi;; esac\nexec '{task}' \"$@\"",
        done = world.path("done").display(),
        saved = world.path("saved").display(),
        data = data.display(),
        other = uuid(2),
    );
    world.script(&world.path("shim"), &body);
    let settings = Settings {
        program: world.path("shim"),
        ..world.settings()
    };
    let mut connector = TaskwarriorConnector::open(settings).unwrap();
    carry(&mut connector).await.unwrap();
    let other = read(&mut world.open(), 2).await;
    assert_eq!(other.fields.get(Field::Tags), tags(&["raced"]).as_ref());
    let all = look(&mut world.open(), None).await;
    let added = all
        .tasks
        .iter()
        .filter(|task| task.fields.title() == "added");
    assert_eq!(added.count(), 1);
    let ours = read(&mut world.open(), 1).await;
    assert_eq!(ours.fields.get(Field::Priority), number(3).as_ref());
}

#[tokio::test]
async fn a_title_taken_meanwhile_is_not_lost_in_either_order() {
    for moment in MOMENTS {
        for world in worlds() {
            create(&mut world.open(), titled(1, "task")).await;
            let person = format!("{} modify theirs", uuid(1));
            let mut connector = interrupted(&world, moment, &person);
            let change = Change {
                field: Field::Title,
                from: text("task"),
                to: text("ours"),
            };
            let operation = Operation::Update {
                id: id(1),
                edit: Edit {
                    fields: vec![change],
                    ..Edit::default()
                },
            };
            match (moment, apply(&mut connector, operation).await) {
                (Moment::BeforeImport, Err(ConnectorError::Stale { .. })) => {}
                (Moment::AfterImport, Ok(applied)) => {
                    assert_eq!(applied.held.unwrap().fields.title(), "ours");
                }
                (_, other) => panic!("{other:?} on {}", world.major),
            }
            assert_eq!(read(&mut world.open(), 1).await.fields.title(), "theirs");
        }
    }
}
