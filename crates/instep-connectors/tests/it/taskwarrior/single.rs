//! One task at a time: what it costs, when a write is wise, and what is to be watched.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use instep_connectors::taskwarrior::{Settings, TaskwarriorConnector};
use instep_contract::{Connector, ConnectorError};
use instep_model::{Field, Operation, RemoteId};
use serde_json::json;

use super::world::{World, apply, create, edit, id, read, text, titled, update, uuid, worlds};

/// What `act` costs: processes started, and databases opened.
macro_rules! cost {
    ($connector:ident, $act:expr) => {{
        let before = $connector.calls();
        $act;
        $connector.calls() - before
    }};
}

/// By itself this uuid is a number of days to Taskwarrior, minus a word. More tasks than are looked up in
/// the files are asked for by name.
#[tokio::test]
async fn a_uuid_that_reads_as_a_span_is_a_uuid() {
    for world in worlds() {
        let mut connector = world.open();
        create(&mut connector, titled(1, "task")).await;
        world.age();
        let mut ids = vec![RemoteId::new("0004367d-8aa6-4f35-9d55-159f5cbadf07")];
        ids.extend((1..=40).map(id));
        let found = connector.read(&ids).await.expect("an answer");
        let there: Vec<bool> = found.iter().map(Option::is_some).collect();
        assert_eq!(there.iter().position(|is_there| *is_there), Some(1));
        assert_eq!(there.iter().filter(|is_there| **is_there).count(), 1);
    }
}

#[tokio::test]
async fn one_task_is_read_without_a_process_and_written_with_one() {
    for world in worlds() {
        let mut connector = world.open();
        for number in 1..=3 {
            create(&mut connector, titled(number, "task")).await;
        }
        world.task(&[&uuid(2).to_string(), "done"]);
        world.task(&["list"]);
        world.age();
        connector.identity().await.unwrap();
        // The library opens the database instead.
        let reads = u64::from(world.major > 2);
        let told = format!("on {}", world.major);
        for number in [1, 2] {
            let spent = cost!(connector, read(&mut connector, number).await);
            assert_eq!(spent, reads, "{told}");
        }
        let change = edit(&[(Field::Title, text("task"), text("changed"))]);
        let spent = cost!(connector, update(&mut connector, 1, change).await);
        assert_eq!(spent, 1, "{told}");
        let spent = cost!(connector, create(&mut connector, titled(4, "new")).await);
        assert_eq!(spent, 1, "{told}");
        let deletion = Operation::Delete { id: id(3) };
        let spent = cost!(
            connector,
            apply(&mut connector, deletion).await.expect("it is there")
        );
        assert_eq!(spent, 1, "{told}");
        let found = connector.read(&[id(1), id(3), id(4)]).await.unwrap();
        let titles = found
            .iter()
            .map(|task| task.as_ref().map(|task| task.fields.title().to_owned()));
        let expected = [Some("changed".to_owned()), None, Some("new".to_owned())];
        assert_eq!(titles.collect::<Vec<_>>(), expected, "{told}");
        let spent = cost!(connector, connector.identity().await.unwrap());
        assert_eq!(spent, 0, "{told}");
    }
}

#[tokio::test]
async fn what_is_a_persons_own_is_asked_for_once() {
    let world = World::new(2);
    let taskrc = std::fs::read_to_string(world.path("taskrc")).unwrap();
    let declared = taskrc + "uda.size.type=numeric\n";
    std::fs::write(world.path("taskrc"), declared.clone()).unwrap();
    for number in [1, 2] {
        let name = uuid(number).to_string();
        world.import(&json!({"uuid": name, "description": "x", "size": 5, "own": "y"}).to_string());
    }
    world.age();
    let mut connector = world.open();
    connector.identity().await.unwrap();
    let mut shown = Vec::new();
    for (number, spent) in [(1, 1), (2, 0), (1, 0)] {
        let asked = cost!(connector, shown.push(read(&mut connector, number).await));
        assert_eq!(asked, spent);
    }
    assert_eq!(
        shown[0].shadow.as_deref(),
        Some(r#"{"own":"y","size":5.0}"#)
    );
    // Declared otherwise, it is asked for again, after asking where the data lies.
    std::fs::write(world.path("taskrc"), declared.replace("numeric", "string")).unwrap();
    let asked = cost!(connector, shown.push(read(&mut connector, 1).await));
    assert_eq!(asked, 2);
    assert_eq!(
        shown[3].shadow.as_deref(),
        Some(r#"{"own":"y","size":"5.000000"}"#)
    );
}

#[tokio::test]
async fn a_write_on_2_6_waits_for_a_quiet_moment() {
    let world = World::new(2);
    world.task(&["add", "by hand"]);
    // A program of our own, so that what other tests start is none of it.
    let program = world.path("private-task");
    let installed = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .chain([world.program.clone()])
        .map(|directory| directory.join(&world.program))
        .find(|file| file.is_file())
        .unwrap();
    std::fs::copy(std::fs::canonicalize(installed).unwrap(), &program).unwrap();
    let settings = Settings {
        program: program.clone(),
        ..world.settings()
    };
    let mut connector = TaskwarriorConnector::open(settings).unwrap();
    assert_eq!(connector.ready_in(), Duration::ZERO, "nothing is known yet");
    connector.identity().await.unwrap();
    world.age();
    assert_eq!(connector.ready_in(), Duration::ZERO);
    world.task(&["add", "again"]);
    world.stir();
    let wait = connector.ready_in();
    assert!(
        !wait.is_zero() && wait <= Duration::from_millis(300),
        "{wait:?}"
    );
    // What we wrote ourselves is through.
    create(&mut connector, titled(1, "ours")).await;
    assert_eq!(connector.ready_in(), Duration::ZERO);
    // A command that is still at it: it reads what it is given.
    let mut running = std::process::Command::new(&program)
        .args(["rc.confirmation=0", "import", "-"])
        .env_remove("TASKDATA")
        .env("TASKRC", world.path("taskrc"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(!connector.ready_in().is_zero());
    running.stdin.take().unwrap().write_all(b"[]").unwrap();
    running.wait().unwrap();
    world.age();
    assert_eq!(connector.ready_in(), Duration::ZERO);
}

#[tokio::test]
async fn on_3_no_write_waits() {
    let world = World::new(3);
    world.task(&["add", "by hand"]);
    let mut connector = world.open();
    connector.identity().await.unwrap();
    assert_eq!(connector.ready_in(), Duration::ZERO);
}

#[tokio::test]
async fn the_files_that_hold_tasks_are_watched() {
    for world in worlds() {
        let mut connector = world.open();
        assert!(connector.watched().is_empty() && connector.data_dir().is_none());
        connector.identity().await.unwrap();
        let data = std::fs::canonicalize(world.data()).unwrap();
        assert_eq!(connector.data_dir(), Some(data.as_path()));
        let names = match world.major {
            2 => vec![
                "pending.data",
                "completed.data",
                "undo.data",
                "backlog.data",
            ],
            _ => vec!["taskchampion.sqlite3", "taskchampion.sqlite3-wal"],
        };
        let files: Vec<_> = names.into_iter().map(|name| data.join(name)).collect();
        assert_eq!(connector.watched(), files);
    }
}

#[tokio::test]
async fn our_own_commands_tell_our_hook_so() {
    for world in worlds() {
        let told = world.path("told");
        let body = format!("printf '%s' \"$INSTEP_HOOK\" >'{}'", told.display());
        world.script(&world.data().join("hooks/on-exit.own"), &body);
        let settings = Settings {
            run_hooks: true,
            ..world.settings()
        };
        let mut connector = TaskwarriorConnector::open(settings).unwrap();
        create(&mut connector, titled(1, "ours")).await;
        assert_eq!(std::fs::read_to_string(&told).unwrap(), "off");
        world.task(&["add", "by hand"]);
        assert_eq!(std::fs::read_to_string(&told).unwrap(), "");
    }
}

#[tokio::test]
async fn what_is_read_beside_commands_that_write_is_whole() {
    let world = World::new(2);
    for number in 1..=40 {
        let name = uuid(number).to_string();
        let task = json!({"uuid": name, "description": "at 0", "project": "at 0"});
        world.import(&task.to_string());
    }
    let script = |number: u128| {
        format!(
            "for n in 1 2 3 4 5 6 7 8 9; do '{task}' rc.confirmation=0 rc.verbose=nothing {id} \
             modify project:\"at $n\" \"at $n\"; '{task}' rc.verbose=nothing list; '{task}' \
             rc.verbose=nothing {closed} modify status:completed; '{task}' rc.verbose=nothing \
             {closed} modify status:pending; done >/dev/null 2>&1",
            task = world.program.display(),
            id = uuid(number),
            closed = uuid(number + 10),
        )
    };
    let start = |number| {
        std::process::Command::new("sh")
            .args(["-c", &script(number)])
            .env("TASKRC", world.path("taskrc"))
            .env_remove("TASKDATA")
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    };
    let mut running: Vec<_> = (1..=3).map(start).collect();
    let mut connector = world.open();
    let (mut reads, before) = (0, connector.calls());
    while running
        .iter_mut()
        .any(|child| child.try_wait().unwrap().is_none())
    {
        for number in [1, 2, 3, 11, 12, 13] {
            // A task that is on its way from file to file is asked for again.
            let task = match connector.read(&[id(number)]).await {
                Err(ConnectorError::Busy) => continue,
                found => found.unwrap().remove(0).unwrap(),
            };
            let project = task.fields.get(Field::Project).map(ToString::to_string);
            assert_eq!(project.as_deref(), Some(task.fields.title()));
            reads += 1;
        }
    }
    let asked = connector.calls() - before;
    assert!(asked < reads, "most need no process: {asked} of {reads}");
}
