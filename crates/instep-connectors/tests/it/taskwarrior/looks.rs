//! What a look finds, and when it need not look at all.

use instep_connectors::taskwarrior::TaskwarriorConnector;
use instep_contract::{Connector, Look, Observation};
use instep_model::{Evidence, Field, Value};
use serde_json::json;
#[cfg(feature = "taskchampion")]
use taskchampion::{
    SqliteStorage,
    storage::{AccessMode, Storage},
};

use super::world::{create, edit, id, look, read, seen, text, titled, update, uuid, when, worlds};

#[tokio::test]
async fn untouched_files_start_no_process() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "still")).await;
        let first = look(&mut world.open(), None).await;
        world.age();
        // The first look may itself have tidied up; the second finds all settled.
        let settled = look(&mut world.open(), Some(&first)).await;
        world.age();
        let settled = look(&mut world.open(), Some(&settled)).await;
        let mut fresh = world.open();
        let quiet = look(&mut fresh, Some(&settled)).await;
        assert_eq!(fresh.calls(), 0, "on {}", world.major);
        assert_eq!((seen(&quiet).len(), quiet.gone.len()), (0, 0));
        assert_eq!(
            (quiet.cursor, quiet.identity),
            (settled.cursor.clone(), settled.identity.clone())
        );
        world.task(&["add", "noise"]);
        let noisy = look(&mut fresh, Some(&settled)).await;
        assert!(fresh.calls() > 0);
        assert_eq!(noisy.tasks.len(), 1, "only what is new");
        assert_eq!(noisy.tasks[0].fields.title(), "noise");
    }
}

/// What we wrote and a person took back looks as it did before: once forgotten, it is shown.
#[tokio::test]
async fn a_forgotten_task_is_shown_again_as_it_is() {
    for world in worlds() {
        for number in [1, 2, 3] {
            create(&mut world.open(), titled(number, "as it was")).await;
        }
        let mut connector = world.open();
        assert!(connector.compares());
        let first = look(&mut connector, None).await;
        for title in ["written", "as it was"] {
            world.task(&[&uuid(1).to_string(), "modify", title]);
        }
        let missed = look(&mut connector, Some(&first)).await;
        assert!(missed.tasks.is_empty(), "on {}", world.major);
        let cursor = connector.forget_seen(&first.cursor, &[id(1), id(9)]);
        let first = Observation {
            cursor: cursor.unwrap(),
            ..first
        };
        let seen = look(&mut connector, Some(&first)).await;
        let shown: Vec<_> = seen.tasks.iter().map(|task| task.id.clone()).collect();
        assert_eq!(shown, [id(1)], "on {}", world.major);
        assert!(look(&mut connector, Some(&seen)).await.tasks.is_empty());
        world.task(&[&uuid(1).to_string(), "delete"]);
        world.task(&[&uuid(1).to_string(), "purge"]);
        let gone = look(&mut connector, Some(&first)).await.gone;
        assert_eq!(gone.len(), 1, "on {}", world.major);
    }
}

#[tokio::test]
async fn a_remembered_place_spares_the_asking_until_the_taskrc_changes() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "still")).await;
        let first = look(&mut world.open(), None).await;
        world.task(&["add", "noise"]);
        let mut fresh = world.open();
        look(&mut fresh, Some(&first)).await;
        assert_eq!(fresh.calls(), 1, "only the reading itself");
        world.task(&["config", "uda.x.type", "string"]);
        let mut fresh = world.open();
        look(&mut fresh, Some(&first)).await;
        assert_eq!(fresh.calls(), 2);
    }
}

#[tokio::test]
async fn case_10_a_purged_task_is_unlisted() {
    for world in worlds() {
        for (number, title) in [(1, "purged"), (2, "kept")] {
            world.import(
                &json!({"uuid": uuid(number).to_string(), "description": title}).to_string(),
            );
        }
        let mut connector = world.open();
        let first = look(&mut connector, None).await;
        assert!(first.complete && first.gone.is_empty());
        world.task(&[&uuid(1).to_string(), "delete"]);
        let deleted = look(&mut connector, Some(&first)).await;
        assert_eq!(deleted.gone[0].evidence, Evidence::Flagged);
        assert!(deleted.gone[0].at.is_some());
        let last = deleted.gone[0].last.as_ref().unwrap();
        assert_eq!(last.fields.title(), "purged");
        world.task(&[&uuid(1).to_string(), "purge"]);
        for since in [&first, &deleted] {
            let purged = look(&mut connector, Some(since)).await;
            assert_eq!(purged.gone.len(), 1, "{:?}", purged.gone);
            assert_eq!(purged.gone[0].id, id(1));
            assert_eq!(purged.gone[0].evidence, Evidence::Unlisted);
            assert!(seen(&purged).is_empty());
        }
    }
}

#[tokio::test]
async fn case_11_an_undo_is_seen() {
    for world in worlds() {
        world.task(&["add", "before"]);
        let mut connector = world.open();
        let first = look(&mut connector, None).await;
        let name = first.tasks[0].id.to_string();
        world.task(&[&name, "modify", "after"]);
        let second = look(&mut connector, Some(&first)).await;
        assert_eq!(second.tasks[0].fields.title(), "after");
        world.task(&["undo"]);
        let third = look(&mut connector, Some(&second)).await;
        assert_eq!(third.tasks[0].fields.title(), "before");
        world.task(&["undo"]);
        let fourth = look(&mut connector, Some(&third)).await;
        assert_eq!(fourth.gone.len(), 1, "undoing the adding leaves nothing");
    }
}

#[tokio::test]
async fn case_12_waiting_is_open_with_a_date() {
    for world in worlds() {
        let task = json!({"uuid": uuid(1).to_string(), "description": "later", "wait": "20380101T000000Z",
            "status": "waiting"});
        world.import(&task.to_string());
        let mut connector = world.open();
        let held = read(&mut connector, 1).await;
        assert_eq!(held.fields.get(Field::Status), None);
        assert_eq!(
            held.fields.get(Field::Wait).cloned(),
            when("2038-01-01T00:00:00Z")
        );
        update(
            &mut connector,
            1,
            edit(&[(Field::Title, text("later"), text("much later"))]),
        )
        .await;
        let after = read(&mut connector, 1).await;
        assert_eq!(after.fields.get(Field::Wait), held.fields.get(Field::Wait));
    }
}

#[tokio::test]
async fn case_13_and_14_templates_are_never_seen_and_reading_makes_no_instance() {
    for world in worlds() {
        world.task(&["add", "water", "due:tomorrow", "recur:daily"]);
        let mut connector = world.open();
        let first = look(&mut connector, None).await;
        assert!(first.tasks.is_empty(), "reading made an instance");
        world.person(&["list"]);
        let second = look(&mut connector, Some(&first)).await;
        assert!(!second.tasks.is_empty());
        let instance = &second.tasks[0];
        assert!(matches!(
            instance.fields.get(Field::Series),
            Some(Value::Text(_))
        ));
        world.task(&["rc.recurrence=0", instance.id.as_str(), "done"]);
        let third = look(&mut connector, Some(&second)).await;
        assert_eq!(
            seen(&third),
            [instance.id.as_str()],
            "the template's mask is no change"
        );
        assert!(third.gone.is_empty());
        let template = instance.fields.text(Field::Series).to_owned();
        let found = connector
            .read(&[instep_model::RemoteId::new(template)])
            .await
            .unwrap();
        assert_eq!(found, [None]);
    }
}

#[cfg(feature = "taskchampion")]
#[tokio::test]
async fn case_15_and_16_tasks_that_lack_what_every_task_has() {
    let world = super::world::World::new(3);
    world.import(&json!({"uuid": uuid(2).to_string(), "description": "whole"}).to_string());
    let mut storage = SqliteStorage::new(world.data(), AccessMode::ReadWrite, false)
        .await
        .unwrap();
    let mut writing = storage.txn().await.unwrap();
    let bare = [("status".to_owned(), "pending".to_owned())].into();
    writing.set_task(uuid(1), bare).await.unwrap();
    writing.commit().await.unwrap();
    drop(writing);
    drop(storage);
    let all = look(&mut world.open(), None).await;
    assert_eq!(all.tasks.len(), 2);
    let held = read(&mut world.open(), 1).await;
    assert!(held.fields.is_empty(), "{held:?}");
    let change = edit(&[(Field::Title, None, text("named"))]);
    update(&mut world.open(), 1, change).await;
    assert_eq!(world.exported(uuid(1)).unwrap()["description"], "named");
}

#[tokio::test]
async fn case_19_invalid_text_in_one_task_hides_no_other() {
    let world = super::world::World::new(2);
    create(&mut world.open(), titled(1, "whole")).await;
    let mut data = std::fs::read(world.data().join("pending.data")).unwrap();
    let line = format!(
        "[description:\"br\u{0}ken\" entry:\"1600000000\" status:\"pending\" uuid:\"{}\"]\n",
        uuid(2)
    );
    data.extend(line.bytes().map(|byte| if byte == 0 { 0xff } else { byte }));
    std::fs::write(world.data().join("pending.data"), data).unwrap();
    let all = look(&mut world.open(), None).await;
    assert_eq!(seen(&all), [id(1).as_str(), id(2).as_str()]);
    assert_eq!(
        read(&mut world.open(), 2).await.fields.title(),
        "br\u{fffd}ken"
    );
}

#[tokio::test]
async fn an_expiry_is_looked_for_when_it_comes() {
    for world in worlds() {
        let mut connector = world.open();
        create(&mut connector, titled(1, "still")).await;
        let task = json!({"uuid": uuid(2).to_string(), "description": "brief", "until": "20200101T000000Z"});
        world.import(&task.to_string());
        let all = connector.observe(None, Look::Everything).await.unwrap();
        // 2.6 shows it deleted at once; 3 when the person's next command tidies up.
        world.person(&["list"]);
        let next = look(&mut connector, Some(&all)).await;
        let gone = all
            .gone
            .iter()
            .chain(&next.gone)
            .filter(|gone| gone.id == id(2));
        assert!(gone.count() >= 1, "on {}", world.major);
    }
}

#[tokio::test]
async fn a_cursor_of_another_database_is_refused() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "here")).await;
        let first = look(&mut world.open(), None).await;
        std::fs::create_dir(world.path("other")).unwrap();
        let mut settings = world.settings();
        settings.data = Some(world.path("other"));
        let mut moved = TaskwarriorConnector::open(settings).unwrap();
        let refused = moved.observe(Some(&first.cursor), Look::Changes).await;
        assert!(
            matches!(refused, Err(instep_contract::ConnectorError::CursorInvalid)),
            "{refused:?}"
        );
    }
}
