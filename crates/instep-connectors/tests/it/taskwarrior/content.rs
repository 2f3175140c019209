//! What a task holds after a write, and what a write leaves alone.

use instep_contract::{Applied, Connector, ConnectorError};
use instep_model::{AnnotationId, DraftNote, Edit, Field, Operation, ProjectPath, Status, Value};
use serde_json::json;
use uuid::Uuid;

use super::world::{
    World, apply, create, edit, id, instant, look, read, tags, text, titled, update, uuid, when,
    worlds,
};

fn note(at: &str, words: &str) -> DraftNote {
    DraftNote {
        id: AnnotationId(Uuid::nil()),
        remote: None,
        at: at.parse().unwrap(),
        text: words.to_owned(),
    }
}

/// A task with something in every place, foreign attributes included.
fn full(world: &World) {
    let task = json!({
        "uuid": uuid(1).to_string(), "description": "full", "project": "home.garden", "priority": "H",
        "entry": "20200101T000000Z", "due": "20330506T100000Z", "until": "20380101T000000Z",
        "tags": ["a b", "über", "1st"], "depends": [uuid(2).to_string()], "bugwarrior_key": "X-1",
        "annotations": [{"entry": "20200102T000000Z", "description": "seen"}],
    });
    world.import(&task.to_string());
}

#[tokio::test]
async fn case_01_and_03_only_the_title_changes() {
    for world in worlds() {
        full(&world);
        let mut before = world.content(uuid(1));
        let mut connector = world.open();
        let rename = edit(&[(Field::Title, text("full"), text("renamed"))]);
        update(&mut connector, 1, rename).await;
        before.insert("description".into(), "renamed".into());
        assert_eq!(world.content(uuid(1)), before);
    }
}

#[tokio::test]
async fn case_02_what_is_held_already_is_not_written() {
    for world in worlds() {
        full(&world);
        let old = json!({"uuid": uuid(3).to_string(), "description": "old", "entry": "20200101T000000Z",
            "modified": "20200101T000000Z"});
        world.import(&old.to_string());
        let mut connector = world.open();
        update(
            &mut connector,
            3,
            edit(&[(Field::Title, text("older"), text("old"))]),
        )
        .await;
        update(&mut connector, 3, Edit::default()).await;
        assert_eq!(
            world.exported(uuid(3)).unwrap()["modified"],
            "20200101T000000Z"
        );
    }
}

#[tokio::test]
async fn case_04_and_05_times_of_creation_and_change() {
    for world in worlds() {
        let mut connector = world.open();
        let mut draft = titled(1, "old");
        draft
            .fields
            .set(Field::Created, instant("2020-01-01T00:00:00Z"));
        create(&mut connector, draft).await;
        assert_eq!(
            world.exported(uuid(1)).unwrap()["entry"],
            "20200101T000000Z"
        );
        let before = jiff::Timestamp::now().as_second();
        update(
            &mut connector,
            1,
            edit(&[(Field::Title, text("old"), text("new"))]),
        )
        .await;
        let changed = read(&mut connector, 1).await.changed_at.unwrap();
        assert!((0..=60).contains(&(changed.as_second() - before + 1)));
    }
}

#[tokio::test]
async fn case_06_a_date_is_cleared() {
    for world in worlds() {
        full(&world);
        let mut connector = world.open();
        let clear = edit(&[(Field::Due, when("2033-05-06T10:00:00Z"), None)]);
        update(&mut connector, 1, clear).await;
        assert!(!world.exported(uuid(1)).unwrap().contains_key("due"));
    }
}

#[tokio::test]
async fn case_07_and_08_completed_at_and_opened_again() {
    for world in worlds() {
        full(&world);
        let mut connector = world.open();
        let done = Some(Value::Status(Status::Done));
        let at = instant("2026-02-03T04:05:06Z");
        let close = edit(&[
            (Field::CompletedAt, None, at.clone()),
            (Field::Status, None, done.clone()),
        ]);
        update(&mut connector, 1, close).await;
        let task = world.exported(uuid(1)).unwrap();
        assert_eq!(
            (&task["status"], &task["end"]),
            (&json!("completed"), &json!("20260203T040506Z"))
        );
        let open = edit(&[(Field::Status, done, None), (Field::CompletedAt, at, None)]);
        update(&mut connector, 1, open).await;
        let task = world.exported(uuid(1)).unwrap();
        assert_eq!(
            (&task["status"], task.get("end")),
            (&json!("pending"), None)
        );
        // It has a number again, so that the person can work with it.
        assert!(task["id"].as_u64().unwrap() > 0, "{task:?}");
    }
}

#[tokio::test]
async fn case_09_deleting_keeps_the_row() {
    for world in worlds() {
        full(&world);
        let mut connector = world.open();
        apply(&mut connector, Operation::Delete { id: id(1) })
            .await
            .unwrap();
        let task = world.exported(uuid(1)).unwrap();
        assert_eq!(task["status"], "deleted");
        assert!(task.contains_key("end"));
        assert_eq!(task["bugwarrior_key"], "X-1");
    }
}

#[tokio::test]
async fn case_17_and_18_texts_of_every_kind() {
    for world in worlds() {
        let mut connector = world.open();
        let long = "ä".repeat(100_000);
        let titles = [
            "two\nlines\tand",
            "\"quoted\" \\back",
            "[a] {b} (c) %",
            "👩‍👩‍👧 שלום",
            "  ends  ",
            &long,
        ];
        for (number, title) in (1..).zip(titles) {
            create(&mut connector, titled(number, title)).await;
            assert_eq!(read(&mut connector, number).await.fields.title(), title);
        }
        create(&mut connector, titled(20, "a\u{1}b\u{7f}\r")).await;
        assert_eq!(world.exported(uuid(20)).unwrap()["description"], "ab");
        // A person's own control character is shown without it and does not stop the reading.
        world.import(&format!(
            r#"{{"uuid":"{}","description":"c\u0001d"}}"#,
            uuid(21)
        ));
        assert_eq!(read(&mut connector, 21).await.fields.title(), "cd");
        let all = look(&mut connector, None).await;
        assert_eq!(all.tasks.len(), titles.len() + 2);
    }
}

#[tokio::test]
async fn case_20_the_words_that_2_6_turns_into_brackets() {
    for world in worlds() {
        let mut connector = world.open();
        let made = create(&mut connector, titled(1, "&open;x&close;")).await;
        let expected = if world.major == 2 {
            "[x]"
        } else {
            "&open;x&close;"
        };
        assert_eq!(made.held.unwrap().fields.title(), expected);
        assert_eq!(read(&mut connector, 1).await.fields.title(), expected);
        let again = edit(&[(Field::Title, text("&open;x&close;"), text("&open;y"))]);
        update(&mut connector, 1, again).await;
    }
}

#[tokio::test]
async fn case_21_tags_that_are_words_and_those_that_cannot_be_held() {
    for world in worlds() {
        world.import(
            &json!({"uuid": uuid(9).to_string(), "description": "makes the database"}).to_string(),
        );
        let mut connector = world.open();
        let mut draft = titled(1, "tagged");
        draft
            .fields
            .set(Field::Tags, tags(&["a b", "1st", "über", "+x", "HIGH"]));
        create(&mut connector, draft).await;
        let held = tags(&["a b", "1st", "über", "+x", "HIGH"]);
        assert_eq!(
            read(&mut connector, 1).await.fields.get(Field::Tags),
            held.as_ref()
        );
        let more = edit(&[(Field::Tags, tags(&["a b"]), tags(&["c:d", "x,y"]))]);
        update(&mut connector, 1, more).await;
        let expected: &[&str] = match world.major {
            2 => &["1st", "über", "+x", "HIGH"],
            _ => &["1st", "über", "+x", "HIGH", "c:d"],
        };
        let held = read(&mut connector, 1).await;
        assert_eq!(held.fields.get(Field::Tags), tags(expected).as_ref());
        let keys = world.exported(uuid(1)).unwrap();
        assert!(
            !keys.contains_key("d"),
            "no attribute of a tag's second half: {keys:?}"
        );
    }
}

#[tokio::test]
async fn case_22_and_23_two_annotations_of_one_second() {
    for world in worlds() {
        let mut connector = world.open();
        let mut draft = titled(1, "noted");
        draft.notes = vec![
            note("2026-01-01T00:00:00Z", "one"),
            note("2026-01-01T00:00:00.5Z", "two"),
            note("2026-01-01T00:00:00Z", "two"),
        ];
        let add_notes = draft.notes.clone();
        let made = create(&mut connector, draft).await.held.unwrap();
        let words: Vec<_> = made.notes.iter().map(|note| note.text.as_str()).collect();
        assert_eq!(words, ["one", "two", "two"]);
        let seconds: Vec<_> = made.notes.iter().map(|note| note.id.as_str()).collect();
        assert_eq!(seconds, ["1767225600", "1767225601", "1767225602"]);
        // The same again, as after a lost answer, adds nothing.
        let again = Edit {
            add_notes,
            ..Edit::default()
        };
        update(&mut connector, 1, again).await;
        assert_eq!(read(&mut connector, 1).await.notes, made.notes);
        assert_eq!(
            world.exported(uuid(1)).unwrap()["annotations"]
                .as_array()
                .unwrap()
                .len(),
            3
        );
    }
}

#[tokio::test]
async fn case_24_and_25_markers_are_text_whether_declared_or_not() {
    for world in worlds() {
        let mut connector = world.open();
        let mut draft = titled(1, "marked");
        draft
            .markers
            .insert("vikunja_id".into(), "12345678901234".into());
        create(&mut connector, draft).await;
        let held = read(&mut connector, 1).await;
        assert_eq!(held.markers["vikunja_id"], "12345678901234");
        let task = world.exported(uuid(1)).unwrap();
        assert_eq!(task["vikunja_id"], "12345678901234");
        assert_eq!(task["description"], "marked");
        let strange = Edit {
            markers: [("unheard_id".to_owned(), Some("1".to_owned()))].into(),
            ..Edit::default()
        };
        let refused = apply(
            &mut connector,
            Operation::Update {
                id: id(1),
                edit: strange,
            },
        )
        .await;
        assert!(
            matches!(refused, Err(ConnectorError::Rejected { .. })),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn case_43_a_uuid_in_capitals_is_one_task() {
    for world in worlds() {
        let name = uuid(0xabc).to_string().to_uppercase();
        world.import(&json!({"uuid": name, "description": "loud"}).to_string());
        let mut connector = world.open();
        let all = look(&mut connector, None).await;
        assert_eq!(all.tasks[0].id, id(0xabc));
        let change = edit(&[(Field::Title, text("loud"), text("quiet"))]);
        update(&mut connector, 0xabc, change).await;
        let all = look(&mut connector, None).await;
        assert_eq!((all.tasks.len(), all.tasks[0].fields.title()), (1, "quiet"));
    }
}

#[tokio::test]
async fn case_44_an_active_context_adds_nothing() {
    for world in worlds() {
        world.task(&["config", "context.work.write", "+office"]);
        world.task(&["config", "context.work.read", "+office"]);
        world.task(&["config", "context", "work"]);
        let mut connector = world.open();
        create(&mut connector, titled(1, "plain")).await;
        assert!(!world.exported(uuid(1)).unwrap().contains_key("tags"));
        assert_eq!(look(&mut connector, None).await.tasks.len(), 1);
    }
}

#[tokio::test]
async fn a_dot_in_a_project_is_escaped() {
    for world in worlds() {
        let mut connector = world.open();
        let mut draft = titled(1, "placed");
        let path = ProjectPath::new(["v1.2 notes", "to do"]).unwrap();
        draft.fields.set(Field::Project, Value::Path(path.clone()));
        create(&mut connector, draft).await;
        assert_eq!(
            world.exported(uuid(1)).unwrap()["project"],
            r"v1\.2 notes.to do"
        );
        world.task(&[&uuid(1).to_string(), "modify", "+touched"]);
        assert_eq!(read(&mut connector, 1).await.fields.project(), Some(&path));
    }
}

#[tokio::test]
async fn a_priority_of_the_persons_own_is_left_alone() {
    for world in worlds() {
        world.import(
            &json!({"uuid": uuid(1).to_string(), "description": "own", "priority": "X"})
                .to_string(),
        );
        let mut connector = world.open();
        assert_eq!(
            read(&mut connector, 1).await.fields.number(Field::Priority),
            0
        );
        update(
            &mut connector,
            1,
            edit(&[(Field::Title, text("own"), text("other"))]),
        )
        .await;
        assert_eq!(world.exported(uuid(1)).unwrap()["priority"], "X");
    }
}

#[tokio::test]
async fn what_a_revived_or_rebuilt_task_keeps() {
    for world in worlds() {
        full(&world);
        let mut connector = world.open();
        let shadow = read(&mut connector, 1).await.shadow;
        apply(&mut connector, Operation::Delete { id: id(1) })
            .await
            .unwrap();
        let revived = create(&mut connector, titled(1, "back"))
            .await
            .held
            .unwrap();
        assert_eq!((revived.fields.title(), &revived.shadow), ("back", &shadow));
        let task = world.exported(uuid(1)).unwrap();
        assert_eq!(
            (&task["status"], task.get("end"), task.get("due")),
            (&json!("pending"), None, None)
        );
        assert_eq!(task["bugwarrior_key"], "X-1");
        let mut draft = titled(5, "rebuilt");
        draft.shadow = shadow;
        create(&mut connector, draft).await;
        let task = world.exported(uuid(5)).unwrap();
        assert_eq!(task["bugwarrior_key"], "X-1");
        assert_eq!(task["until"], "20380101T000000Z");
    }
}

#[tokio::test]
async fn what_we_write_the_person_can_go_on_with() {
    for world in worlds() {
        let mut connector = world.open();
        let mut draft = titled(1, "shared");
        draft.fields.set(Field::Tags, tags(&["one", "two"]));
        draft.depends = [id(2)].into();
        let answers = [titled(2, "first"), draft].map(Operation::Create);
        let answers: Vec<Applied> = connector
            .apply(&answers)
            .await
            .unwrap()
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(answers.len(), 2);
        let name = uuid(1).to_string();
        world.task(&[&name, "modify", "-one", "+three", "project:p", "priority:M"]);
        world.task(&[&name, "annotate", "by hand"]);
        let held = read(&mut connector, 1).await;
        assert_eq!(
            held.fields.get(Field::Tags),
            tags(&["three", "two"]).as_ref()
        );
        assert_eq!(held.fields.number(Field::Priority), 2);
        assert_eq!(held.depends, [id(2)].into());
        assert_eq!(held.notes[0].text, "by hand");
        let pending = world.person(&["rc.verbose=nothing", "+READY", "count"]);
        assert_eq!(
            String::from_utf8_lossy(&pending.stdout).trim(),
            "1",
            "one is blocked by the other"
        );
        // Our steps are no steps of the person's: undo takes back the annotation.
        let change = edit(&[(Field::Title, text("first"), text("renamed"))]);
        update(&mut connector, 2, change).await;
        if world.major == 3 && cfg!(feature = "taskchampion") {
            world.task(&["undo"]);
            assert!(read(&mut connector, 1).await.notes.is_empty());
        }
    }
}
