//! A client of the remote under test, with the few words in which the cases are written.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    Capabilities, Change, Draft, Edit, Field, Fields, Operation, RemoteId, RemoteTask, TaskId,
    TimeZone, Timestamp, Value,
};
use uuid::Uuid;

use super::{Case, Subject};
use crate::{Applied, Connector, ConnectorError, Cursor, Look, Observation};

pub(super) struct Client<C> {
    pub(super) connector: C,
    pub(super) zone: TimeZone,
    pub(super) now: Timestamp,
    label: String,
    made: u32,
}

impl<C: Connector> Client<C> {
    pub(super) fn new<F>(connector: C, subject: &Subject<F>, case: Case) -> Self {
        Self {
            connector,
            zone: subject.zone.clone(),
            now: subject.now,
            label: format!("{} {case:?}", subject.label),
            made: 0,
        }
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        self.connector.capabilities().clone()
    }

    /// A text that no other case and no other run uses.
    pub(super) fn text(&self, word: &str) -> String {
        format!("{} {word}", self.label)
    }

    /// The same without spaces or signs, for tags and projects.
    pub(super) fn word(&self, word: &str) -> String {
        let text = self.text(word);
        text.chars().filter(char::is_ascii_alphanumeric).collect()
    }

    pub(super) fn draft(&mut self, fields: Fields) -> Draft {
        self.made += 1;
        let name = format!("{} {} {}", self.label, fields.title(), self.made);
        Draft {
            task: TaskId(Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())),
            collection: None,
            fields,
            notes: Vec::new(),
            depends: BTreeSet::new(),
            parent: None,
            markers: BTreeMap::new(),
            shadow: None,
        }
    }

    pub(super) fn titled(&mut self, word: &str) -> Draft {
        let title = Value::Text(self.text(word));
        self.draft(Fields::new().with(Field::Title, title))
    }

    /// Makes a task with nothing but a title.
    pub(super) async fn make(&mut self, word: &str) -> RemoteId {
        let draft = self.titled(word);
        self.create(draft).await.id
    }

    pub(super) async fn create(&mut self, draft: Draft) -> Applied {
        self.apply(Operation::Create(draft))
            .await
            .expect("a task can be made")
    }

    pub(super) async fn apply(&mut self, operation: Operation) -> Result<Applied, ConnectorError> {
        let mut answers = self.connector.apply(&[operation]).await?;
        assert_eq!(answers.len(), 1, "one answer for one operation");
        answers.remove(0)
    }

    pub(super) async fn edit(
        &mut self,
        id: &RemoteId,
        edit: Edit,
    ) -> Result<Applied, ConnectorError> {
        let id = id.clone();
        self.apply(Operation::Update { id, edit }).await
    }

    pub(super) async fn set(
        &mut self,
        id: &RemoteId,
        field: Field,
        from: Option<Value>,
        to: Option<Value>,
    ) -> Result<Applied, ConnectorError> {
        let edit = Edit {
            fields: vec![Change { field, from, to }],
            ..Edit::default()
        };
        self.edit(id, edit).await
    }

    pub(super) async fn delete(&mut self, id: &RemoteId) -> Applied {
        self.apply(Operation::Delete { id: id.clone() })
            .await
            .expect("a task can be deleted")
    }

    pub(super) async fn read(&mut self, id: &RemoteId) -> Option<RemoteTask> {
        let ids = [id.clone()];
        let mut found = self.connector.read(&ids).await.expect("items can be read");
        assert_eq!(found.len(), 1, "one answer for one id");
        found.remove(0)
    }

    /// The item, which must be there.
    pub(super) async fn see(&mut self, id: &RemoteId) -> RemoteTask {
        self.read(id)
            .await
            .unwrap_or_else(|| panic!("{id} is there"))
    }

    pub(super) async fn title(&mut self, id: &RemoteId) -> Option<Value> {
        self.see(id).await.fields.get(Field::Title).cloned()
    }

    pub(super) async fn look(&mut self, since: Option<&Cursor>, look: Look) -> Observation {
        self.connector
            .observe(since, look)
            .await
            .expect("the remote can be looked at")
    }
}

pub(super) fn text(text: String) -> Option<Value> {
    Some(Value::Text(text))
}

pub(super) fn task<'a>(seen: &'a Observation, id: &RemoteId) -> Option<&'a RemoteTask> {
    seen.tasks.iter().find(|task| task.id == *id)
}
