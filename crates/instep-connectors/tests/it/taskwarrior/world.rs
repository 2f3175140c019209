//! A Taskwarrior of one version with a database of its own, a person who uses it, and the few
//! words in which the cases are written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use instep_connectors::taskwarrior::{Settings, TaskwarriorConnector};
use instep_contract::{Applied, Connector, ConnectorError, Look, Observation};
use instep_model::{
    Change, Draft, Edit, Field, Fields, Operation, RemoteId, RemoteTask, TaskId, TimeZone, Value,
    When,
};
use serde_json::{Map, Value as Json};
use tempfile::TempDir;
use uuid::Uuid;

pub(super) struct World {
    pub(super) directory: TempDir,
    pub(super) program: PathBuf,
    pub(super) major: u32,
}

/// One world for each version. A missing program fails the test.
pub(super) fn worlds() -> Vec<World> {
    vec![World::new(2), World::new(3)]
}

fn program(major: u32) -> PathBuf {
    let named = std::env::var_os(format!("INSTEP_TEST_TASK{major}")).map(PathBuf::from);
    named.unwrap_or_else(|| {
        if major == 2 {
            return PathBuf::from("task");
        }
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
        cache
            .unwrap_or_else(|| home.join(".cache"))
            .join("instep/taskwarrior-3/task")
    })
}

impl World {
    pub(super) fn new(major: u32) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let taskrc = format!("data.location={}\n", data.display());
        std::fs::write(directory.path().join("taskrc"), taskrc).unwrap();
        let world = Self {
            directory,
            program: program(major),
            major,
        };
        let version = Command::new(&world.program).arg("--version").output();
        let version = version.map(|output| output.stdout).unwrap_or_default();
        let version = String::from_utf8_lossy(&version).trim().to_owned();
        assert!(
            version.starts_with(&format!("{major}.")),
            "{} answers with version `{version}`; install Taskwarrior {major} or name it in \
             INSTEP_TEST_TASK{major}",
            world.program.display()
        );
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            program: self.program.clone(),
            taskrc: Some(self.path("taskrc")),
            markers: vec!["suite_id".into(), "vikunja_id".into()],
            zone: TimeZone::UTC,
            ..Settings::default()
        }
    }

    pub(super) fn open(&self) -> TaskwarriorConnector {
        TaskwarriorConnector::open(self.settings()).unwrap()
    }

    /// A command line of the person's, ready to be started.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args([
                "rc.confirmation=0",
                "rc.bulk=0",
                "rc.recurrence.confirmation=no",
            ])
            .args(args)
            .env_remove("TASKDATA")
            .env("TASKRC", self.path("taskrc"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The person runs `task`.
    pub(super) fn person(&self, args: &[&str]) -> Output {
        self.command(args)
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", self.program.display()))
    }

    /// The person runs `task`, and it works.
    pub(super) fn task(&self, args: &[&str]) {
        let output = self.person(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
    }

    /// Puts these tasks into the database, one object to a line.
    pub(super) fn import(&self, lines: &str) {
        let file = self.path("import.json");
        std::fs::write(&file, lines).unwrap();
        self.task(&["rc.hooks=0", "import", file.to_str().unwrap()]);
    }

    /// What the program itself exports of a task.
    pub(super) fn exported(&self, id: Uuid) -> Option<Map<String, Json>> {
        let args = [
            "rc.gc=0",
            "rc.verbose=nothing",
            "rc.hooks=0",
            &id.to_string(),
            "export",
        ];
        let output = self.person(&args);
        assert!(output.status.success(), "{output:?}");
        let mut tasks: Vec<Map<String, Json>> = serde_json::from_slice(&output.stdout).unwrap();
        assert!(tasks.len() <= 1, "{id} is there once");
        tasks.pop()
    }

    /// The same without what moves by itself.
    pub(super) fn content(&self, id: Uuid) -> Map<String, Json> {
        let mut task = self.exported(id).unwrap();
        for key in ["id", "urgency", "modified"] {
            task.remove(key);
        }
        task
    }

    /// Lets every file look as if it had been written long ago.
    pub(super) fn age(&self) {
        let past = SystemTime::now() - Duration::from_secs(60);
        let files = std::fs::read_dir(self.data()).unwrap();
        let files = files.map(|entry| entry.unwrap().path());
        for path in files
            .chain([self.path("taskrc")])
            .filter(|path| path.is_file())
        {
            let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            file.set_modified(past).unwrap();
        }
    }

    /// Lets the tasks of 2.6 look as if they had been written just now.
    pub(super) fn stir(&self) {
        let path = self.data().join("pending.data");
        let file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now()).unwrap();
    }

    /// Writes an executable shell script. Another process does: a file that a test of this process
    /// has open for writing while another one forks cannot be started until that child is through.
    pub(super) fn script(&self, path: &Path, body: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let written = Command::new("sh")
            .args(["-c", "printf '%s' \"$1\" >\"$0\" && chmod 755 \"$0\""])
            .arg(path)
            .arg(format!("#!/bin/sh\n{body}\n"))
            .status();
        assert!(written.unwrap().success(), "{}", path.display());
    }
}

pub(super) fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_0000 + number)
}

pub(super) fn id(number: u128) -> RemoteId {
    RemoteId::new(uuid(number).to_string())
}

pub(super) fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}

pub(super) fn when(at: &str) -> Option<Value> {
    Some(Value::When(When::At(at.parse().unwrap())))
}

pub(super) fn instant(at: &str) -> Option<Value> {
    Some(Value::Instant(at.parse().unwrap()))
}

pub(super) fn tags(tags: &[&str]) -> Option<Value> {
    Some(Value::Tags(
        tags.iter().map(|&tag| tag.to_owned()).collect(),
    ))
}

pub(super) fn titled(number: u128, title: &str) -> Draft {
    Draft {
        task: TaskId(uuid(number)),
        collection: None,
        fields: Fields::new().with(Field::Title, text(title)),
        notes: Vec::new(),
        depends: BTreeSet::new(),
        parent: None,
        markers: BTreeMap::new(),
        shadow: None,
    }
}

pub(super) fn edit(changes: &[(Field, Option<Value>, Option<Value>)]) -> Edit {
    let change = |(field, from, to): &(Field, Option<Value>, Option<Value>)| Change {
        field: *field,
        from: from.clone(),
        to: to.clone(),
    };
    Edit {
        fields: changes.iter().map(change).collect(),
        ..Edit::default()
    }
}

pub(super) async fn apply(
    connector: &mut TaskwarriorConnector,
    operation: Operation,
) -> Result<Applied, ConnectorError> {
    connector.apply(&[operation]).await?.remove(0)
}

pub(super) async fn create(connector: &mut TaskwarriorConnector, draft: Draft) -> Applied {
    apply(connector, Operation::Create(draft)).await.unwrap()
}

pub(super) async fn update(
    connector: &mut TaskwarriorConnector,
    number: u128,
    edit: Edit,
) -> Applied {
    let id = id(number);
    apply(connector, Operation::Update { id, edit })
        .await
        .unwrap()
}

pub(super) async fn read(connector: &mut TaskwarriorConnector, number: u128) -> RemoteTask {
    connector
        .read(&[id(number)])
        .await
        .unwrap()
        .remove(0)
        .unwrap()
}

pub(super) async fn look(
    connector: &mut TaskwarriorConnector,
    since: Option<&Observation>,
) -> Observation {
    let since = since.map(|seen| &seen.cursor);
    connector.observe(since, Look::Changes).await.unwrap()
}

pub(super) fn seen(observation: &Observation) -> Vec<&str> {
    let mut ids: Vec<_> = observation
        .tasks
        .iter()
        .map(|task| task.id.as_str())
        .collect();
    ids.sort_unstable();
    ids
}
