//! A person's edit that our import replaced, where we did not live to put it back.

use instep_connectors::taskwarrior::{Settings, TaskwarriorConnector};
use instep_contract::{Connector, Look};
use instep_model::{Field, Operation};

use super::between::{assert_both, carried, carry, locked_out};
use super::world::{create, edit, id, look, read, tags, titled, uuid, worlds};

/// The program ends before it comes to that: the next one finds the edit in the journal.
#[tokio::test]
async fn an_edit_that_nobody_put_back_is_found_by_the_next_look() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        let seen = look(&mut world.open(), None).await;
        let mut connector = locked_out(&world, 6, false);
        let cursor = connector.note_sending(&seen.cursor, &[carried()]).unwrap();
        carry(&mut connector).await.unwrap();
        drop(connector);
        let settings = Settings {
            run_hooks: true,
            ..world.settings()
        };
        // Looks alone do not lose sight of it, though nobody touches the files.
        let mut cursor = cursor;
        for _ in 0..2 {
            world.age();
            let mut connector = TaskwarriorConnector::open(settings.clone()).unwrap();
            let seen = connector.observe(Some(&cursor), Look::Changes).await;
            cursor = seen.unwrap().cursor;
        }
        let mut connector = TaskwarriorConnector::open(settings).unwrap();
        let seen = connector
            .observe(Some(&cursor), Look::Changes)
            .await
            .unwrap();
        assert!(connector.apply(&[]).await.unwrap().is_empty());
        assert_both(&world).await;
        // It is new to the next look, which finds nothing more to do.
        let seen = look(&mut connector, Some(&seen)).await;
        assert_eq!(seen.tasks.len(), 1);
        let calls = connector.calls();
        connector.apply(&[]).await.unwrap();
        assert_eq!(connector.calls(), calls);
    }
}

/// Where a look found all as it was left, the next one finds nothing to put back.
#[tokio::test]
async fn what_was_put_back_or_set_since_is_left_alone() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        let seen = look(&mut world.open(), None).await;
        let mut connector = locked_out(&world, 1, false);
        let cursor = connector.note_sending(&seen.cursor, &[carried()]).unwrap();
        carry(&mut connector).await.unwrap();
        assert_both(&world).await;
        world.task(&[&uuid(1).to_string(), "modify", "-raced"]);
        let mut connector = locked_out(&world, 1, false);
        connector
            .observe(Some(&cursor), Look::Changes)
            .await
            .unwrap();
        let calls = connector.calls();
        connector.apply(&[]).await.unwrap();
        assert_eq!(connector.calls(), calls);
        let now = read(&mut world.open(), 1).await;
        assert_eq!(now.fields.get(Field::Tags), None, "on {}", world.major);
    }
}

/// What was set right before our write began was known to whoever decided about it.
#[tokio::test]
async fn what_we_take_back_on_purpose_stays_so() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        let seen = look(&mut world.open(), None).await;
        world.task(&[&uuid(1).to_string(), "delete"]);
        let settings = Settings {
            run_hooks: true,
            ..world.settings()
        };
        let mut connector = TaskwarriorConnector::open(settings).unwrap();
        let revival = [Operation::Create(titled(1, "again"))];
        let cursor = connector.note_sending(&seen.cursor, &revival).unwrap();
        let revived = connector.apply(&revival).await;
        revived.unwrap().remove(0).unwrap();
        connector
            .observe(Some(&cursor), Look::Changes)
            .await
            .unwrap();
        connector.apply(&[]).await.unwrap();
        let now = read(&mut world.open(), 1).await;
        assert_eq!(now.fields.title(), "again", "on {}", world.major);
    }
}

/// What we wrote and a person takes back right afterwards, beside something else, is no edit that an
/// import overwrote: neither where we ended in between nor where we went on.
#[tokio::test]
async fn what_a_person_takes_back_of_ours_stays_so() {
    for world in worlds() {
        for ended in [true, false] {
            let mut draft = titled(1, "task");
            draft.fields.set(Field::Tags, tags(&["c"]));
            create(&mut world.open(), draft).await;
            let seen = look(&mut world.open(), None).await;
            let settings = Settings {
                run_hooks: true,
                ..world.settings()
            };
            let mut connector = TaskwarriorConnector::open(settings.clone()).unwrap();
            let sent = [Operation::Update {
                id: id(1),
                edit: edit(&[(Field::Tags, tags(&["c"]), tags(&["b", "c"]))]),
            }];
            let cursor = connector.note_sending(&seen.cursor, &sent).unwrap();
            connector.apply(&sent).await.unwrap().remove(0).unwrap();
            world.task(&[&uuid(1).to_string(), "modify", "+a", "-b", "-c"]);
            if ended {
                connector = TaskwarriorConnector::open(settings).unwrap();
            }
            let seen = connector
                .observe(Some(&cursor), Look::Changes)
                .await
                .unwrap();
            let told = format!("on {}, ended: {ended}", world.major);
            assert_eq!(seen.tasks.len(), 1, "{told}");
            let calls = connector.calls();
            connector.apply(&[]).await.unwrap();
            assert_eq!(connector.calls(), calls, "{told}");
            let now = read(&mut world.open(), 1).await;
            assert_eq!(now.fields.get(Field::Tags), tags(&["a"]).as_ref(), "{told}");
            world.task(&[&uuid(1).to_string(), "delete"]);
            world.task(&[&uuid(1).to_string(), "purge"]);
        }
    }
}
