//! What Taskwarrior's own journal tells was set in a task, and what an undo leaves of it.

use instep_connectors::taskwarrior::TaskwarriorConnector;
use instep_contract::Connector;
use instep_model::{Field, RemoteId, SetSince, Timestamp};

use super::world::{World, create, edit, id, tags, text, titled, update, uuid, worlds};

async fn since(connector: &mut TaskwarriorConnector, number: u128, at: Timestamp) -> SetSince {
    let told = connector
        .set_since(&[(id(number), at)])
        .await
        .expect("told");
    told.into_iter()
        .next()
        .flatten()
        .expect("the journal tells")
}

/// The worlds in which an undo takes along what was written, each with a task that a person has made.
async fn undoing() -> Vec<(World, TaskwarriorConnector)> {
    let mut undoing = Vec::new();
    for world in worlds() {
        let mut connector = world.open();
        create(&mut connector, titled(1, "task")).await;
        connector.identity().await.unwrap();
        assert_eq!(connector.undo_takes_ours(), world.major > 2);
        if connector.undo_takes_ours() {
            undoing.push((world, connector));
        }
    }
    undoing
}

#[tokio::test]
async fn what_was_set_is_told_until_it_is_undone() {
    for (world, mut connector) in undoing().await {
        let person = |args: &[&str]| {
            let task = uuid(1).to_string();
            let args: Vec<&str> = [&*task].into_iter().chain(args.iter().copied()).collect();
            world.task(&args);
        };
        person(&["modify", "project:Home"]);
        let at = Timestamp::now();
        assert_eq!(since(&mut connector, 1, at).await, SetSince::default());
        let change = edit(&[
            (Field::Title, text("task"), text("changed")),
            (Field::Tags, tags(&[]), tags(&["ours"])),
        ]);
        update(&mut connector, 1, change).await;
        let ours = since(&mut connector, 1, at).await;
        assert_eq!(ours.fields, [Field::Title].into());
        assert_eq!(ours.tags, ["ours".to_owned()].into());
        assert!(ours.notes.is_empty() && ours.depends.is_empty() && !ours.removed);
        // With the person's own step, which was before.
        world.task(&["undo"]);
        assert_eq!(since(&mut connector, 1, at).await, SetSince::default());
        person(&["modify", "due:2030-01-01", "+mine"]);
        person(&["annotate", "said"]);
        person(&["done"]);
        let person = since(&mut connector, 1, at).await;
        let fields = [Field::Due, Field::Status, Field::CompletedAt];
        assert_eq!(person.fields, fields.into());
        assert_eq!(person.tags, ["mine".to_owned()].into());
        assert_eq!(person.notes.len(), 1);
        let note = connector
            .read(&[id(1)])
            .await
            .unwrap()
            .remove(0)
            .unwrap()
            .notes;
        assert_eq!(person.notes.first(), note.first().map(|note| &note.id));
    }
}

#[tokio::test]
async fn a_dependency_is_told_by_its_task() {
    for (world, mut connector) in undoing().await {
        create(&mut connector, titled(2, "other")).await;
        let at = Timestamp::now();
        let depends = format!("depends:{}", uuid(2));
        world.task(&[&uuid(1).to_string(), "modify", &depends]);
        assert_eq!(since(&mut connector, 1, at).await.depends, [id(2)].into());
    }
}

#[tokio::test]
async fn what_was_removed_for_good_is_told() {
    for (world, mut connector) in undoing().await {
        let task = uuid(1).to_string();
        world.task(&[&task, "delete"]);
        assert!(!since(&mut connector, 1, Timestamp::MIN).await.removed);
        world.task(&[&task, "purge"]);
        assert!(since(&mut connector, 1, Timestamp::MIN).await.removed);
        // Nobody knows of what was never there.
        let nobody = [
            (RemoteId::new("nothing"), Timestamp::MIN),
            (id(9), Timestamp::MIN),
        ];
        let told = connector.set_since(&nobody).await.unwrap();
        let nothing = Some(SetSince::default());
        assert_eq!(told, [nothing.clone(), nothing]);
    }
}
