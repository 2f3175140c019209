//! A person's edit that our import replaced, where we did not live to put it back.

use instep_connectors::taskwarrior::{Settings, TaskwarriorConnector};
use instep_contract::{Connector, Look};
use instep_model::{Field, Operation};

use super::between::{assert_both, carry, locked_out};
use super::world::{create, id, look, read, titled, uuid, worlds};

/// The program ends before it comes to that: the next one finds the edit in the journal.
#[tokio::test]
async fn an_edit_that_nobody_put_back_is_found_by_the_next_look() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "task")).await;
        let seen = look(&mut world.open(), None).await;
        let mut connector = locked_out(&world, 6, false);
        let cursor = connector.forget_seen(&seen.cursor, &[id(1)]).unwrap();
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
        let cursor = connector.forget_seen(&seen.cursor, &[id(1)]).unwrap();
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
        let cursor = connector.forget_seen(&seen.cursor, &[id(1)]).unwrap();
        let revived = connector
            .apply(&[Operation::Create(titled(1, "again"))])
            .await;
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
