//! What commands of 2.6 lost to each other comes back, and what somebody took away does not (S32).

use std::process::Child;

use instep_connectors::taskwarrior::TaskwarriorConnector;
use instep_contract::{Connector, ConnectorError, Lost};
use instep_model::{Field, Operation, RemoteId};
use serde_json::json;

use super::world::{World, apply, edit, id, look, read, tags, text, uuid};

/// A world with tasks 1 to `count`, and a connector that has seen it.
async fn seen(count: u128) -> (World, TaskwarriorConnector) {
    let world = World::new(2);
    let task = |number| json!({"uuid": uuid(number).to_string(), "description": "task"});
    let lines: Vec<String> = (1..=count).map(|number| task(number).to_string()).collect();
    world.import(&lines.join("\n"));
    world.age();
    let mut connector = world.open();
    assert_eq!(connector.lost(&[]).await.unwrap(), []);
    (world, connector)
}

/// Runs `args` on a copy of the pending tasks that the next command does not know of: what it
/// wrote is in the journal, and no more in the file.
fn lose(world: &World, args: &[&str]) {
    let pending = world.data().join("pending.data");
    let before = std::fs::read(&pending).unwrap();
    world.task(args);
    std::fs::write(&pending, before).unwrap();
    world.age();
}

/// Has everything put back; answers what was.
async fn put_back(world: &World, connector: &mut TaskwarriorConnector) -> Vec<Lost> {
    let mut all = Vec::new();
    for _ in 0..5 {
        world.age();
        let found = connector.lost(&[]).await.unwrap();
        if found.is_empty() {
            return all;
        }
        all.extend(found);
        connector.apply(&[]).await.unwrap();
    }
    panic!("it does not come to an end: {all:?}");
}

#[tokio::test]
async fn s32_nothing_of_twenty_commands_at_once_is_lost() {
    let (world, mut connector) = seen(20).await;
    let task = format!(
        "'{}' rc.confirmation=0 rc.bulk=0 rc.verbose=nothing",
        world.program.display()
    );
    let start = |number: u128| -> Child {
        let script = format!(
            "{task} {id} modify +first && {task} add one {number} && \
             {task} {id} modify priority:H && {task} add two {number}",
            id = uuid(number)
        );
        let mut command = world.command(&[]);
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", &script])
            .env("TASKRC", world.path("taskrc"))
            .env_remove("TASKDATA");
        command.stdin(std::process::Stdio::null());
        shell.spawn().unwrap()
    };
    let running: Vec<Child> = (1..=20).map(start).collect();
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    put_back(&world, &mut connector).await;
    let all = look(&mut world.open(), None).await.tasks;
    let edits = all.iter().map(|task| {
        let tagged = task.fields.get(Field::Tags) == tags(&["first"]).as_ref();
        let high = task.fields.get(Field::Priority) == Some(&instep_model::Value::Number(3));
        usize::from(tagged) + usize::from(high)
    });
    assert_eq!(edits.sum::<usize>(), 40);
    let titles = |word: &str| {
        let of = |number| format!("{word} {number}");
        let is_there = |title: &String| all.iter().any(|task| task.fields.title() == title);
        (1..=20).map(of).filter(is_there).count()
    };
    assert_eq!(titles("one") + titles("two"), 40);
    assert_eq!(all.len(), 60, "and none of them twice");
    assert_eq!(put_back(&world, &mut connector).await, []);
}

#[tokio::test]
async fn s32_an_edit_an_addition_and_a_deletion_come_back() {
    let (world, mut connector) = seen(3).await;
    lose(
        &world,
        &[&uuid(1).to_string(), "modify", "+lost", "due:2027-01-01"],
    );
    // Somebody who saw the task without it went on.
    world.task(&[&uuid(1).to_string(), "modify", "+later"]);
    lose(&world, &["add", "an addition"]);
    lose(&world, &[&uuid(2).to_string(), "delete"]);
    world.age();
    let found = connector.lost(&[id(1)]).await.unwrap();
    assert_eq!(found.len(), 3, "{found:?}");
    let of = |id: &RemoteId| found.iter().find(|lost| lost.id == *id).unwrap();
    let first = of(&id(1));
    let shown = |task: &Option<instep_model::RemoteTask>| {
        task.as_ref()
            .and_then(|task| task.fields.get(Field::Tags).cloned())
    };
    assert_eq!(shown(&first.left), tags(&["later"]));
    assert_eq!(shown(&first.task), tags(&["later", "lost"]));
    assert_eq!(of(&id(2)).task, None);
    let added = found.iter().find(|lost| lost.left.is_none()).unwrap();
    let title = added.task.as_ref().map(|task| task.fields.title());
    assert_eq!(title, Some("an addition"));
    // Looking changes nothing.
    assert_eq!(
        read(&mut world.open(), 1).await.fields.get(Field::Due),
        None
    );
    put_back(&world, &mut connector).await;
    let first = read(&mut world.open(), 1).await;
    assert_eq!(
        first.fields.get(Field::Tags),
        tags(&["later", "lost"]).as_ref()
    );
    assert!(first.fields.get(Field::Due).is_some());
    assert_eq!(world.open().read(&[id(2)]).await.unwrap(), [None]);
    assert_eq!(world.content(uuid(2))["status"], "deleted");
    let added = world.open().read(std::slice::from_ref(&added.id)).await;
    let added = added.unwrap().remove(0).unwrap();
    assert_eq!(added.fields.title(), "an addition");
}

#[tokio::test]
async fn s32_what_somebody_took_away_stays_away() {
    let (world, mut connector) = seen(3).await;
    let first = uuid(1).to_string();
    world.task(&[&first, "modify", "+undone"]);
    world.task(&["undo"]);
    assert_eq!(put_back(&world, &mut connector).await, []);
    // An undo after a loss: it may have been meant for that.
    lose(&world, &[&first, "modify", "+lost"]);
    world.task(&[&uuid(2).to_string(), "modify", "+undone"]);
    world.age();
    assert_eq!(connector.lost(&[id(1)]).await.unwrap().len(), 1);
    world.task(&["undo"]);
    assert_eq!(put_back(&world, &mut connector).await, []);
    // What is lost after it comes back again.
    lose(&world, &[&uuid(3).to_string(), "modify", "+lost"]);
    assert_eq!(put_back(&world, &mut connector).await.len(), 1);
    // Removed for good.
    world.task(&[&first, "delete"]);
    world.task(&[&first, "purge"]);
    assert_eq!(put_back(&world, &mut connector).await, []);
    assert_eq!(world.exported(uuid(1)), None);
}

#[tokio::test]
async fn s32_nobody_looks_for_losses_while_a_command_writes() {
    let (world, mut connector) = seen(1).await;
    lose(&world, &[&uuid(1).to_string(), "modify", "+lost"]);
    world.task(&["add", "just now"]);
    connector.identity().await.unwrap();
    world.stir();
    let busy = connector.lost(&[id(1)]).await;
    assert!(matches!(busy, Err(ConnectorError::Busy)), "{busy:?}");
    assert_eq!(put_back(&world, &mut connector).await.len(), 1);
}

#[tokio::test]
async fn s32_a_task_that_vanished_is_not_gone() {
    let (world, mut connector) = seen(2).await;
    connector.read(&[id(1)]).await.unwrap();
    let pending = world.data().join("pending.data");
    let lines = std::fs::read_to_string(&pending).unwrap();
    let others = lines
        .lines()
        .filter(|line| !line.contains(&uuid(1).to_string()));
    let others: String = others.map(|line| format!("{line}\n")).collect();
    std::fs::write(&pending, &others).unwrap();
    world.age();
    let read = connector.read(&[id(1)]).await;
    assert!(matches!(read, Err(ConnectorError::Busy)), "{read:?}");
    for operation in [
        Operation::Delete { id: id(1) },
        Operation::Update {
            id: id(1),
            edit: edit(&[(Field::Title, text("task"), text("changed"))]),
        },
    ] {
        std::fs::write(&pending, &others).unwrap();
        let answer = apply(&mut world.open(), operation.clone()).await;
        assert!(matches!(answer, Err(ConnectorError::Busy)), "{answer:?}");
        // The write after it puts the task back first.
        world.age();
        apply(&mut connector, operation).await.unwrap();
        assert!(world.exported(uuid(1)).is_some());
        world.task(&[&uuid(1).to_string(), "modify", "status:pending", "task"]);
        std::fs::write(&pending, &others).unwrap();
        world.age();
        assert!(connector.read(&[id(1)]).await.is_err());
    }
}

/// What is missing is not gone as long as the journal holds that it was added and nothing that took it
/// away, also where an undo moved the place from which the journal counts.
#[tokio::test]
async fn s32_what_nobody_took_away_is_not_gone_after_an_undo() {
    let (world, mut connector) = seen(3).await;
    world.task(&[&uuid(1).to_string(), "modify", "priority:H"]);
    world.age();
    assert_eq!(connector.lost(&[]).await.unwrap(), []);
    world.task(&["undo"]);
    let pending = world.data().join("pending.data");
    let rows = std::fs::read_to_string(&pending).unwrap();
    let others = rows
        .lines()
        .filter(|row| !row.contains(&uuid(2).to_string()));
    let others: String = others.map(|row| format!("{row}\n")).collect();
    std::fs::write(&pending, others).unwrap();
    world.age();
    let answer = connector.read(&[id(2)]).await;
    assert!(matches!(answer, Err(ConnectorError::Busy)), "{answer:?}");

    world.task(&[&uuid(3).to_string(), "delete"]);
    world.task(&[&uuid(3).to_string(), "purge"]);
    world.age();
    let answer = connector.read(&[id(3)]).await.expect("an answer");
    assert!(answer[0].is_none(), "that was taken away: {answer:?}");
}
