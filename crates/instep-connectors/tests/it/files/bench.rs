//! A file in a directory of its own, a connector on it, and the few words the tests are written in.

use std::path::PathBuf;
use std::time::Duration;

use instep_connectors::files::{FileConnector, Settings};
use instep_contract::{Applied, Connector, ConnectorError, Cursor, Look, Observation};
use instep_model::{
    Change, Draft, Edit, Field, Fields, Operation, RemoteId, RemoteTask, Status, TaskId, Value,
};
use tempfile::TempDir;

pub(super) struct Bench {
    pub(super) dir: TempDir,
    pub(super) connector: FileConnector,
}

impl Bench {
    /// No file yet.
    pub(super) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let connector = FileConnector::open(settings(&dir));
        Self { dir, connector }
    }

    pub(super) fn with(text: impl AsRef<[u8]>) -> Self {
        let bench = Self::empty();
        bench.put(text);
        bench
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("tasks.json")
    }

    pub(super) fn settings(&self) -> Settings {
        settings(&self.dir)
    }

    /// Another process with the same account.
    pub(super) fn reopen(&mut self) {
        self.connector = FileConnector::open(self.settings());
    }

    /// Writes the file as a program does that knows nothing of us.
    pub(super) fn put(&self, text: impl AsRef<[u8]>) {
        std::fs::write(self.path(), text).unwrap();
    }

    pub(super) fn text(&self) -> String {
        std::fs::read_to_string(self.path()).unwrap()
    }

    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "private")
            .collect();
        names.sort();
        names
    }

    pub(super) async fn all(&mut self) -> Observation {
        self.connector
            .observe(None, Look::Everything)
            .await
            .unwrap()
    }

    pub(super) async fn changes(&mut self, since: &Cursor) -> Observation {
        self.connector
            .observe(Some(since), Look::Changes)
            .await
            .unwrap()
    }

    pub(super) async fn apply(
        &mut self,
        batch: &[Operation],
    ) -> Vec<Result<Applied, ConnectorError>> {
        self.connector.apply(batch).await.unwrap()
    }

    pub(super) async fn one(&mut self, operation: Operation) -> Applied {
        self.apply(&[operation]).await.remove(0).unwrap()
    }

    pub(super) async fn read(&mut self, id: &str) -> Option<RemoteTask> {
        let ids = [RemoteId::new(id)];
        self.connector.read(&ids).await.unwrap().remove(0)
    }

    pub(super) fn notices(&mut self) -> Vec<String> {
        let notices = self.connector.take_notices();
        notices.iter().map(ToString::to_string).collect()
    }
}

fn settings(dir: &TempDir) -> Settings {
    Settings {
        lock_timeout: Duration::from_millis(300),
        ..Settings::new(dir.path().join("tasks.json"), dir.path().join("private"))
    }
}

pub(super) fn draft(fields: Fields) -> Draft {
    Draft {
        task: TaskId(uuid::Uuid::nil()),
        collection: None,
        fields,
        notes: Vec::new(),
        depends: Default::default(),
        parent: None,
        markers: Default::default(),
        shadow: None,
    }
}

pub(super) fn titled(title: &str) -> Fields {
    Fields::new().with(Field::Title, text(title))
}

pub(super) fn create(title: &str) -> Operation {
    Operation::Create(draft(titled(title)))
}

pub(super) fn delete(id: &str) -> Operation {
    Operation::Delete {
        id: RemoteId::new(id),
    }
}

pub(super) fn set(id: &str, field: Field, from: Option<Value>, to: Option<Value>) -> Operation {
    Operation::Update {
        id: RemoteId::new(id),
        edit: Edit {
            fields: vec![Change { field, from, to }],
            ..Edit::default()
        },
    }
}

pub(super) fn rename(id: &str, from: &str, to: &str) -> Operation {
    set(id, Field::Title, Some(text(from)), Some(text(to)))
}

pub(super) fn finish(id: &str) -> Operation {
    set(id, Field::Status, None, Some(Value::Status(Status::Done)))
}

pub(super) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

pub(super) fn tags(tags: &[&str]) -> Value {
    Value::Tags(tags.iter().map(|tag| (*tag).to_owned()).collect())
}

pub(super) fn ids(tasks: &[RemoteTask]) -> Vec<&str> {
    tasks.iter().map(|task| task.id.as_str()).collect()
}

pub(super) fn gone(seen: &Observation) -> Vec<&str> {
    seen.gone.iter().map(|gone| gone.id.as_str()).collect()
}
