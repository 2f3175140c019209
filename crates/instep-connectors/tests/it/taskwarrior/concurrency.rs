//! A person who works at the same moment.

use std::process::Child;

use instep_contract::{Connector, ConnectorError};
use instep_model::{Field, Operation, RemoteId};
use serde_json::json;

use super::world::{World, apply, create, edit, id, look, read, text, titled, uuid, worlds};

fn start_adding(world: &World, count: usize) -> Vec<Child> {
    let add = |number| {
        world
            .command(&["add", &format!("by hand {number}")])
            .spawn()
            .unwrap()
    };
    (0..count).map(add).collect()
}

fn finish(children: Vec<Child>) {
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[tokio::test]
async fn case_34_and_35_twenty_adds_beside_our_writes() {
    for world in worlds() {
        create(&mut world.open(), titled(1, "edited")).await;
        let mut connector = world.open();
        let children = start_adding(&world, 20);
        let mut title = "edited".to_owned();
        let mut lost = 0;
        for number in 2..12 {
            let next = format!("edited {number}");
            let change = edit(&[(Field::Title, text(&title), text(&next))]);
            let batch = [
                Operation::Create(titled(number, "ours")),
                Operation::Update {
                    id: id(1),
                    edit: change,
                },
            ];
            // What was lost or could not be locked is reported, and done again as the engine does.
            for attempt in 0.. {
                assert!(attempt < 20, "on {}", world.major);
                let answers = match connector.apply(&batch).await {
                    Ok(answers) => answers,
                    Err(ConnectorError::Busy) => continue,
                    Err(error) => panic!("{error:?}"),
                };
                let again = |answer: &Result<_, _>| matches!(answer, Err(ConnectorError::Busy));
                if !answers.iter().any(again) {
                    break;
                }
                lost += 1;
            }
            title = next;
        }
        finish(children);
        let all = look(&mut connector, None).await;
        let ours = all
            .tasks
            .iter()
            .filter(|task| task.fields.title() == "ours")
            .count();
        let theirs = all
            .tasks
            .iter()
            .filter(|task| task.fields.title().starts_with("by hand"))
            .count();
        if world.major == 3 {
            assert_eq!((ours, theirs, lost), (10, 20, 0));
            assert_eq!(read(&mut connector, 1).await.fields.title(), title);
        } else {
            // Only appending is safe there, and a person's adding rewrites nothing either; what
            // our own rewriting of one task may cost them is the window that stays open.
            assert!(ours >= 1 && theirs >= 1, "{ours} {theirs} {lost}");
        }
    }
}

#[tokio::test]
async fn case_35_a_write_of_ours_that_2_6_loses_is_noticed() {
    let world = World::new(2);
    create(&mut world.open(), titled(1, "before")).await;
    // Between our import and the reading after it, another command writes back what it had read.
    let data = world.data();
    let saved = world.path("saved");
    let body = format!(
        "case \"$*\" in *import*) cp '{data}/pending.data' '{saved}'; '{task}' \"$@\"; code=$?; \
         cp '{saved}' '{data}/pending.data'; exit $code;; esac\nexec '{task}' \"$@\"",
        data = data.display(),
        saved = saved.display(),
        task = world.program.display()
    );
    world.script(&world.path("shim"), &body);
    let mut settings = world.settings();
    settings.program = world.path("shim");
    let mut connector =
        instep_connectors::taskwarrior::TaskwarriorConnector::open(settings).unwrap();
    let change = || edit(&[(Field::Title, text("before"), text("after"))]);
    for operation in [
        Operation::Create(titled(2, "new")),
        Operation::Update {
            id: id(1),
            edit: change(),
        },
        Operation::Delete { id: id(1) },
    ] {
        let lost = apply(&mut connector, operation).await;
        assert!(matches!(lost, Err(ConnectorError::Busy)), "{lost:?}");
    }
    let mut whole = world.open();
    apply(
        &mut whole,
        Operation::Update {
            id: id(1),
            edit: change(),
        },
    )
    .await
    .unwrap();
    assert_eq!(read(&mut whole, 1).await.fields.title(), "after");
}

#[tokio::test]
async fn case_35_a_task_that_2_6_lost_is_no_deletion() {
    let world = World::new(2);
    for number in 1..=3 {
        world.import(&json!({"uuid": uuid(number).to_string(), "description": "kept"}).to_string());
    }
    let mut connector = world.open();
    let first = look(&mut connector, None).await;
    let pending = world.data().join("pending.data");
    let text = std::fs::read_to_string(&pending).unwrap();
    let without = |number| {
        let name = uuid(number).to_string();
        text.lines()
            .filter(|line| !line.contains(&name))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    std::fs::write(&pending, without(2)).unwrap();
    let second = look(&mut connector, Some(&first)).await;
    assert!(second.gone.is_empty(), "{:?}", second.gone);
    let third = look(&mut connector, Some(&second)).await;
    assert!(third.gone.is_empty(), "{:?}", third.gone);
    // The same with the person's own removal: that is one.
    std::fs::write(&pending, &text).unwrap();
    world.task(&[&uuid(2).to_string(), "delete"]);
    world.task(&[&uuid(2).to_string(), "purge"]);
    let fourth = look(&mut connector, Some(&third)).await;
    assert_eq!(fourth.gone.len(), 1);
    let found = connector
        .read(&[RemoteId::new(uuid(2).to_string())])
        .await
        .unwrap();
    assert_eq!(found, [None]);
}
