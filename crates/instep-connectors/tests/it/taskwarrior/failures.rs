//! What is refused, what is reported, and what is never taken for a deletion.

use std::path::{Path, PathBuf};

use instep_connectors::taskwarrior::{Settings, TaskwarriorConnector, declare_markers, detect};
use instep_contract::{Connector, ConnectorError, Look};
use instep_model::{Field, Operation, Value};
use serde_json::json;
#[cfg(feature = "taskchampion")]
use taskchampion::{
    SqliteStorage,
    storage::{AccessMode, Storage},
};

use super::world::{
    World, apply, create, edit, id, look, read, text, titled, update, uuid, when, worlds,
};

/// The connector on a program that stands before the real one.
fn behind(world: &World, body: &str) -> TaskwarriorConnector {
    let shim = world.path("shim");
    world.script(
        &shim,
        &body.replace("TASK", &format!("'{}'", world.program.display())),
    );
    let settings = Settings {
        program: shim,
        run_hooks: true,
        ..world.settings()
    };
    TaskwarriorConnector::open(settings).unwrap()
}

fn help(error: &ConnectorError) -> &str {
    match error {
        ConnectorError::Setup { help, .. } => help,
        other => panic!("expected advice, found {other:?}"),
    }
}

#[tokio::test]
async fn a_working_taskwarrior_is_found() {
    for world in worlds() {
        let found = detect(&world.settings()).await.unwrap();
        assert!(found.version.starts_with(&world.major.to_string()));
        assert_eq!(found.data, std::fs::canonicalize(world.data()).unwrap());
        assert_eq!(found.taskrc, world.path("taskrc"));
    }
}

#[tokio::test]
async fn a_missing_or_old_program_comes_with_advice() {
    let world = World::new(2);
    let missing = Settings {
        program: PathBuf::from("no-such-task"),
        ..world.settings()
    };
    let error = detect(&missing).await.unwrap_err();
    assert!(help(&error).contains("install"), "{error:?}");
    for (answer, advice) in [("2.5.3", "update"), ("hello", "set `program`")] {
        world.script(&world.path("old"), &format!("echo {answer}"));
        let old = Settings {
            program: world.path("old"),
            ..world.settings()
        };
        let error = detect(&old).await.unwrap_err();
        assert!(help(&error).contains(advice), "{error:?}");
    }
}

#[tokio::test]
async fn case_26_the_environment_is_set_on_purpose() {
    for world in worlds() {
        let seen = world.path("environment");
        let body = format!("env > '{}'\nexec TASK \"$@\"", seen.display());
        let mut connector = behind(&world, &body);
        create(&mut connector, titled(1, "here")).await;
        let environment = std::fs::read_to_string(seen).unwrap();
        let data = format!(
            "TASKDATA={}",
            std::fs::canonicalize(world.data()).unwrap().display()
        );
        assert!(
            environment.lines().any(|line| line == data),
            "{environment}"
        );
        assert!(!environment.contains("CARGO"), "nothing else is handed on");
    }
}

#[tokio::test]
async fn case_27_no_taskrc_is_an_error_and_none_is_made() {
    for world in worlds() {
        let missing = Settings {
            taskrc: Some(world.path("none")),
            ..world.settings()
        };
        for error in [
            detect(&missing).await.unwrap_err(),
            TaskwarriorConnector::open(missing.clone()).unwrap_err(),
        ] {
            assert!(help(&error).contains("run `task` once"), "{error:?}");
        }
        assert!(!world.path("none").exists());
    }
}

#[tokio::test]
async fn case_28_an_unreadable_include_is_an_error() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "safe")).await;
        let first = look(&mut world.open(), None).await;
        let taskrc = std::fs::read_to_string(world.path("taskrc")).unwrap();
        std::fs::write(world.path("taskrc"), taskrc + "include /nonexistent/x.rc\n").unwrap();
        let error = world
            .open()
            .observe(Some(&first.cursor), Look::Changes)
            .await
            .unwrap_err();
        assert!(help(&error).contains("include"), "{error:?}");
        let error = detect(&world.settings()).await.unwrap_err();
        assert!(help(&error).contains("include"), "{error:?}");
    }
}

#[tokio::test]
async fn case_29_a_failed_or_cut_export_deletes_nothing() {
    let world = World::new(2);
    create(&mut world.open(), titled(1, "safe")).await;
    // Without this file nothing is read but through the program.
    std::fs::remove_file(world.data().join("completed.data")).unwrap();
    for failing in [
        "exit 0",
        "echo '['",
        "printf '[\\n]\\n'; exit 2",
        "echo '['; echo '{\"uuid\":'; echo ']'",
    ] {
        let body = format!("case \"$*\" in *export*) {failing}; exit;; esac\nexec TASK \"$@\"");
        let mut connector = behind(&world, &body);
        assert!(
            connector.observe(None, Look::Everything).await.is_err(),
            "{failing}"
        );
        assert!(connector.read(&[id(1)]).await.is_err(), "{failing}");
    }
}

#[tokio::test]
async fn case_29_data_that_is_away_is_not_data_that_is_empty() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "safe")).await;
        let first = look(&mut world.open(), None).await;
        for entry in std::fs::read_dir(world.data()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                // Not removed: the file system could give a new file the old one's number.
                let aside = world.path(path.file_name().unwrap().to_str().unwrap());
                std::fs::rename(&path, aside).unwrap();
            }
        }
        let error = world
            .open()
            .observe(Some(&first.cursor), Look::Changes)
            .await
            .unwrap_err();
        assert!(help(&error).contains("put it back"), "{error:?}");
        if world.major == 3 {
            world.task(&["add", "a new database"]);
            world.task(&["1", "delete"]);
            world.task(&["rc.gc=0", "status:deleted", "purge"]);
            let error = world
                .open()
                .observe(Some(&first.cursor), Look::Changes)
                .await
                .unwrap_err();
            assert!(help(&error).contains("put it back"), "{error:?}");
        }
    }
}

#[tokio::test]
async fn case_30_one_bad_item_keeps_no_good_one_back() {
    for world in worlds() {
        let mut connector = world.open();
        let batch = [titled(1, "good"), titled(2, "\u{1}"), titled(3, "good too")];
        let answers = connector
            .apply(&batch.map(Operation::Create))
            .await
            .unwrap();
        let stored: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(stored, [true, false, true], "{answers:?}");
        assert_eq!(look(&mut connector, None).await.tasks.len(), 2);
    }
}

#[tokio::test]
async fn case_31_and_33_hooks_run_only_where_asked_for_and_veto_one_task() {
    for world in worlds() {
        let hooks = world.data().join("hooks");
        let noted = world.path("noted");
        let body = format!(
            "read line\necho >> '{}'\ncase $line in *veto*) echo 'not this one'; exit 1;; esac\n\
             echo \"$line\"",
            noted.display()
        );
        world.script(&hooks.join("on-add.judge"), &body);
        let drafts = || (1..=6).map(|n| titled(n, if n == 4 { "veto" } else { "good" }));
        let settings = Settings {
            run_hooks: true,
            ..world.settings()
        };
        let mut asking = TaskwarriorConnector::open(settings).unwrap();
        let batch: Vec<_> = drafts().map(Operation::Create).collect();
        let answers = asking.apply(&batch).await.unwrap();
        let stored: Vec<bool> = answers.iter().map(Result::is_ok).collect();
        assert_eq!(stored, [true, true, true, false, true, true], "{answers:?}");
        let refused = answers[3].as_ref().unwrap_err();
        assert!(
            matches!(refused, ConnectorError::Rejected { reason, .. } if reason.contains("not this one"))
        );
        std::fs::remove_file(&noted).unwrap();
        create(&mut world.open(), titled(9, "veto")).await;
        assert!(!noted.exists(), "no hook of the person's was woken");
    }
}

#[cfg(feature = "taskchampion")]
#[tokio::test]
async fn case_36_a_held_lock_is_reported_as_busy_and_stores_nothing() {
    let world = World::new(3);
    create(&mut world.open(), titled(1, "first")).await;
    // Every transaction of the library takes the write lock at its beginning.
    let mut other = SqliteStorage::new(world.data(), AccessMode::ReadWrite, false)
        .await
        .unwrap();
    let lock = other.txn().await.unwrap();
    let mut connector = world.open();
    let second = || Operation::Create(titled(2, "second"));
    let busy = apply(&mut connector, second()).await;
    assert!(matches!(busy, Err(ConnectorError::Busy)), "{busy:?}");
    // Reading does not wait for a writer.
    assert_eq!(read(&mut connector, 1).await.fields.title(), "first");
    drop(lock);
    apply(&mut connector, second()).await.unwrap();
    assert_eq!(look(&mut connector, None).await.tasks.len(), 2);
}

#[cfg(feature = "taskchampion")]
#[tokio::test]
async fn s16_a_deletion_that_met_a_held_lock_still_knows_what_was_read() {
    let world = World::new(3);
    create(&mut world.open(), titled(1, "first")).await;
    let mut connector = world.open();
    assert_eq!(read(&mut connector, 1).await.fields.title(), "first");
    let mut other = SqliteStorage::new(world.data(), AccessMode::ReadWrite, false)
        .await
        .unwrap();
    let lock = other.txn().await.unwrap();
    let deletion = || Operation::Delete { id: id(1) };
    let busy = apply(&mut connector, deletion()).await;
    assert!(matches!(busy, Err(ConnectorError::Busy)), "{busy:?}");
    drop(lock);
    drop(other);
    world.task(&[&uuid(1).to_string(), "modify", "edited"]);
    let answer = apply(&mut connector, deletion()).await;
    assert!(
        matches!(answer, Err(ConnectorError::Stale { .. })),
        "{answer:?}"
    );
    assert_eq!(read(&mut world.open(), 1).await.fields.title(), "edited");
}

/// Without it an edit that the import replaces could not be seen.
#[tokio::test]
async fn nothing_is_written_where_the_journal_of_2_6_cannot_be_read() {
    let world = World::new(2);
    create(&mut world.open(), titled(1, "first")).await;
    let journal = world.data().join("undo.data");
    std::fs::rename(&journal, world.path("aside")).unwrap();
    std::fs::create_dir(&journal).unwrap();
    let mut connector = world.open();
    let deletion = || Operation::Delete { id: id(1) };
    let error = apply(&mut connector, deletion()).await.unwrap_err();
    assert!(help(&error).contains("whether it can be read"), "{error:?}");
    std::fs::remove_dir(&journal).unwrap();
    assert_eq!(read(&mut connector, 1).await.fields.title(), "first");
    // Where there is none yet, nobody has written.
    apply(&mut connector, deletion()).await.unwrap();
}

/// S32: a task that 2.6 lost is told from one that was removed by the journal alone.
#[tokio::test]
async fn no_task_is_taken_for_removed_where_the_journal_of_2_6_cannot_be_read() {
    let world = World::new(2);
    for number in 1..=2 {
        create(&mut world.open(), titled(number, "kept")).await;
    }
    let mut connector = world.open();
    let first = look(&mut connector, None).await;
    let pending = world.data().join("pending.data");
    let text = std::fs::read_to_string(&pending).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&pending, format!("{}\n", lines[0])).unwrap();
    let journal = world.data().join("undo.data");
    let aside = world.path("aside");
    std::fs::rename(&journal, &aside).unwrap();
    std::fs::create_dir(&journal).unwrap();
    let error = connector.observe(Some(&first.cursor), Look::Changes).await;
    let error = error.unwrap_err();
    assert!(help(&error).contains("whether it can be read"), "{error:?}");
    assert!(error.to_string().contains("undo.data"), "{error}");
    std::fs::remove_dir(&journal).unwrap();
    std::fs::rename(&aside, &journal).unwrap();
    let second = look(&mut connector, Some(&first)).await;
    assert!(second.gone.is_empty(), "{:?}", second.gone);
    // Where there is none at all, nothing tells that it was lost.
    std::fs::remove_file(&journal).unwrap();
    let third = look(&mut connector, Some(&second)).await;
    assert_eq!(third.gone.len(), 1);
}

#[tokio::test]
async fn case_38_a_database_of_a_later_layout_is_not_written() {
    let world = World::new(3);
    create(&mut world.open(), titled(1, "first")).await;
    // The row of the table of layouts, 0.2, as SQLite writes it: type 8 is the number 0, 9 is 1.
    let row = [5, 0, 4, 0, 8, 1, 2];
    let file = world.data().join("taskchampion.sqlite3");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes
        .windows(row.len())
        .position(|part| part == row)
        .unwrap();
    bytes[at + 4] = 9;
    std::fs::write(&file, bytes).unwrap();
    let refused = world
        .open()
        .apply(&[Operation::Create(titled(2, "second"))])
        .await;
    assert!(help(&refused.unwrap_err()).contains("update"));
}

#[tokio::test]
async fn case_39_data_of_the_other_version_is_not_an_empty_database() {
    let mut world = World::new(2);
    create(&mut world.open(), titled(1, "old")).await;
    let first = look(&mut world.open(), None).await;
    let program = std::mem::replace(&mut world.program, World::new(3).program);
    for since in [None, Some(&first.cursor)] {
        let error = world
            .open()
            .observe(since, Look::Changes)
            .await
            .unwrap_err();
        assert!(help(&error).contains("import-v2"), "{error:?}");
    }
    let error = detect(&world.settings()).await.unwrap_err();
    assert!(help(&error).contains("import-v2"), "{error:?}");
    let refused = world
        .open()
        .apply(&[Operation::Create(titled(2, "new"))])
        .await;
    assert!(help(&refused.unwrap_err()).contains("import-v2"));
    world.task(&["import-v2"]);
    let moved = look(&mut world.open(), Some(&first)).await;
    assert!(moved.gone.is_empty());
    assert_eq!(read(&mut world.open(), 1).await.fields.title(), "old");

    let newer = World::new(3);
    create(&mut newer.open(), titled(1, "new")).await;
    let downgraded = Settings {
        program,
        ..newer.settings()
    };
    let error = detect(&downgraded).await.unwrap_err();
    assert!(help(&error).contains("Taskwarrior 3"), "{error:?}");
}

#[tokio::test]
async fn a_template_is_not_written() {
    for world in worlds() {
        let template = json!({"uuid": uuid(1).to_string(), "description": "water", "status": "recurring",
            "recur": "daily", "due": "20330101T000000Z", "rtype": "periodic"});
        world.import(&template.to_string());
        let mut connector = world.open();
        let change = edit(&[(Field::Title, text("water"), text("feed"))]);
        for operation in [
            Operation::Update {
                id: id(1),
                edit: change,
            },
            Operation::Delete { id: id(1) },
            Operation::Create(titled(1, "again")),
        ] {
            let refused = apply(&mut connector, operation).await;
            assert!(
                matches!(refused, Err(ConnectorError::Rejected { .. })),
                "{refused:?}"
            );
        }
        assert_eq!(world.exported(uuid(1)).unwrap()["description"], "water");
    }
}

#[tokio::test]
async fn markers_are_declared_once_so_that_a_person_can_filter_by_them() {
    for world in worlds() {
        let before = std::fs::read_to_string(world.path("taskrc")).unwrap();
        std::fs::write(world.path("more"), "uda.suite_id.type=string\n").unwrap();
        let including = format!("{before}include {}", world.path("more").display());
        std::fs::write(world.path("taskrc"), &including).unwrap();
        let added = declare_markers(&world.settings()).unwrap();
        let expected = [
            "uda.suite_id.label=suite_id",
            "uda.vikunja_id.type=string",
            "uda.vikunja_id.label=vikunja_id",
        ];
        assert_eq!(added, expected);
        assert!(declare_markers(&world.settings()).unwrap().is_empty());
        let after = std::fs::read_to_string(world.path("taskrc")).unwrap();
        assert_eq!(after, format!("{including}\n{}\n", expected.join("\n")));
        let mut draft = titled(1, "marked");
        draft.markers.insert("vikunja_id".into(), "42".into());
        create(&mut world.open(), draft).await;
        let count = world.person(&["rc.verbose=nothing", "vikunja_id:42", "count"]);
        assert_eq!(String::from_utf8_lossy(&count.stdout).trim(), "1");
        let strange = Settings {
            markers: vec!["a b".into()],
            ..world.settings()
        };
        assert!(
            help(&TaskwarriorConnector::open(strange).unwrap_err()).contains("name the account")
        );
    }
}

#[tokio::test]
async fn a_data_directory_that_does_not_exist_yet_is_made_by_the_first_write() {
    for world in worlds() {
        std::fs::remove_dir(world.data()).unwrap();
        let mut connector = world.open();
        assert!(look(&mut connector, None).await.tasks.is_empty());
        create(&mut connector, titled(1, "first")).await;
        update(
            &mut connector,
            1,
            edit(&[(Field::Title, text("first"), text("second"))]),
        )
        .await;
        assert_eq!(world.exported(uuid(1)).unwrap()["description"], "second");
        assert!(Path::new(&world.data()).is_dir());
    }
}

/// Taskwarrior stores such a date, and then no command of its works any more, for any task.
#[tokio::test]
async fn a_date_that_taskwarrior_cannot_read_back_is_never_written() {
    for world in worlds() {
        let mut connector = world.open();
        look(&mut connector, None).await;
        let due = |number: u128, at: &str| {
            let mut draft = titled(number, at);
            draft.fields.set(Field::Due, when(at));
            Operation::Create(draft)
        };
        let dates = [
            ("0001-01-01T00:00:00Z", false),
            ("1979-12-31T23:59:59Z", false),
            ("1980-01-01T00:00:00Z", true),
            ("9999-12-30T21:59:58Z", true),
        ];
        let batch: Vec<Operation> = dates
            .iter()
            .zip(1..)
            .map(|((at, _), number)| due(number, at))
            .collect();
        let answers = connector.apply(&batch).await.unwrap();
        for (answer, (at, good)) in answers.into_iter().zip(dates) {
            match answer {
                Ok(_) => assert!(good, "{at}"),
                Err(ConnectorError::Rejected { field, reason }) => {
                    assert_eq!((good, field), (false, Some(Field::Due)), "{at}");
                    assert!(reason.contains("1980"), "{reason}");
                }
                Err(other) => panic!("{at}: {other:?}"),
            }
        }
        // When it was made elsewhere is taken only where it can be.
        let mut old = titled(9, "old");
        let made = Value::Instant("1970-01-05T00:00:00Z".parse().unwrap());
        old.fields.set(Field::Created, made);
        apply(&mut connector, Operation::Create(old)).await.unwrap();
        let edited = edit(&[(
            Field::Due,
            when("1980-01-01T00:00:00Z"),
            when("1900-01-01T00:00:00Z"),
        )]);
        let edited = Operation::Update {
            id: id(3),
            edit: edited,
        };
        let refused = apply(&mut connector, edited).await;
        assert!(
            matches!(refused, Err(ConnectorError::Rejected { .. })),
            "{refused:?}"
        );
        assert!(
            world.exported(uuid(3)).is_some(),
            "its own commands still work"
        );
    }
}
