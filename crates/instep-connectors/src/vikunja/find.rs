//! Looking for what a write of unknown outcome may have left, by its content as sent (S14).
//! Nothing here decides which candidate is ours.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::{Applied, ConnectorError};
use instep_model::{
    CollectionId, Draft, Field, Operation, ProjectPath, RemoteNoteId, TimeZone, Timestamp, Value,
};

use super::api::Place;
use super::convert::{self, collection_id, remote_id};
use super::markdown::to_html;
use super::refusal::code;
use super::{VikunjaConnector, number, wire};

/// How long before the write, by the server's clock, its trace may be dated.
const MARGIN_SECS: i64 = 60;

/// What a create sends with the body, and what its trace is known by.
const BODY: [Field; 10] = [
    Field::Title,
    Field::Notes,
    Field::Status,
    Field::Priority,
    Field::Due,
    Field::Start,
    Field::End,
    Field::PercentDone,
    Field::Reminders,
    Field::Recurrence,
];

impl VikunjaConnector {
    pub(super) async fn look_for(
        &mut self,
        sent: &[Operation],
        since: Timestamp,
    ) -> Result<Vec<Vec<Applied>>, ConnectorError> {
        // The tree, and with it the server's clock.
        self.list_projects().await?;
        let from = self.server_second(since) - MARGIN_SECS;
        let homes = self.homes(sent).await?;
        let mut recent: BTreeMap<i64, Vec<wire::Task>> = BTreeMap::new();
        for home in homes.iter().flatten().copied().collect::<BTreeSet<i64>>() {
            recent.insert(home, self.made_since(home, from).await?);
        }
        let mut found = Vec::with_capacity(sent.len());
        for (operation, home) in sent.iter().zip(homes) {
            found.push(match operation {
                Operation::Create(draft) => {
                    let rows = home.and_then(|home| recent.get(&home));
                    let rows = rows.map_or(&[][..], Vec::as_slice);
                    self.candidates(rows, draft, sent)
                }
                Operation::AddNote { id, note } => {
                    let html = to_html(&note.text);
                    self.equal_comments(number(id)?, &html, from).await?
                }
                Operation::CreateCollection { path } => self.equal_projects(path),
                Operation::CreateTag { tag } => self.equal_labels(tag).await?,
                _ => Vec::new(),
            });
        }
        Ok(found)
    }

    fn server_second(&self, at: Timestamp) -> i64 {
        (at.as_millisecond() + self.api.client.offset_ms()).div_euclid(1000)
    }

    /// The project of each create.
    async fn homes(&mut self, sent: &[Operation]) -> Result<Vec<Option<i64>>, ConnectorError> {
        let inbox = self.user().await?.inbox;
        let home = |collection: &Option<CollectionId>| match collection {
            Some(id) => id.as_str().parse().ok(),
            None => Some(inbox),
        };
        let homes = sent.iter().map(|operation| match operation {
            Operation::Create(draft) => home(&draft.collection),
            _ => None,
        });
        Ok(homes.collect())
    }

    /// The tasks of a project that were made lately; none where the project is gone.
    async fn made_since(
        &mut self,
        home: i64,
        from: i64,
    ) -> Result<Vec<wire::Task>, ConnectorError> {
        let from = Timestamp::from_second(from).unwrap_or(Timestamp::UNIX_EPOCH);
        let filter = format!("created > '{from}'");
        match self.api.tasks(Place::Project(home), Some(&filter)).await {
            Err(ConnectorError::CollectionGone { .. }) => Ok(Vec::new()),
            listed => Ok(listed?.rows),
        }
    }

    /// What a create may have left: tasks that hold what was sent; where there is none, tasks of
    /// its title that hold no other create's content either. Such a one was edited before we
    /// looked, and making it again would double it.
    fn candidates(&self, rows: &[wire::Task], draft: &Draft, sent: &[Operation]) -> Vec<Applied> {
        let zone = &self.zone;
        let exact = rows.iter().filter(|task| is_as_sent(task, draft, zone));
        let mut found: Vec<&wire::Task> = exact.collect();
        if found.is_empty() {
            let another = |task: &wire::Task| {
                let mut drafts = sent.iter().filter_map(|operation| match operation {
                    Operation::Create(draft) => Some(draft),
                    _ => None,
                });
                drafts.any(|draft| is_as_sent(task, draft, zone))
            };
            let titled = rows.iter().filter(|task| is_titled(task, draft, zone));
            found = titled.filter(|task| !another(task)).collect();
        }
        let told = |task: &wire::Task| Applied {
            collection: Some(collection_id(task.project_id)),
            born: task.created,
            ..Applied::done(remote_id(task.id))
        };
        found.into_iter().map(told).collect()
    }

    async fn equal_comments(
        &mut self,
        task: i64,
        html: &str,
        from: i64,
    ) -> Result<Vec<Applied>, ConnectorError> {
        let comments = match self.api.task(task).await {
            Ok(task) => task.comments,
            Err(failure) if failure.code() == code::NO_TASK => return Ok(Vec::new()),
            Err(failure) => return Err(failure.into()),
        };
        let late = |comment: &wire::Comment| comment.created.is_none_or(|at| at.as_second() > from);
        let equal = comments
            .into_iter()
            .filter(|comment| comment.comment == html && late(comment));
        Ok(equal
            .map(|comment| Applied {
                note: Some(RemoteNoteId::new(comment.id.to_string())),
                ..Applied::done(remote_id(task))
            })
            .collect())
    }

    fn equal_projects(&self, path: &ProjectPath) -> Vec<Applied> {
        let Some(projects) = &self.projects else {
            return Vec::new();
        };
        let made = |id: i64| Applied {
            collection: Some(collection_id(id)),
            ..Applied::done(remote_id(id))
        };
        projects.all_at(path).map(made).collect()
    }

    async fn equal_labels(&mut self, tag: &str) -> Result<Vec<Applied>, ConnectorError> {
        let labels = self.labels.insert(self.api.labels().await?);
        let equal = labels.iter().filter(|label| label.title == tag);
        Ok(equal
            .map(|label| Applied::done(remote_id(label.id)))
            .collect())
    }
}

/// Whether a task has the title that a draft was sent with.
fn is_titled(task: &wire::Task, draft: &Draft, zone: &TimeZone) -> bool {
    let (stored, sent) = (convert::fields(task), draft.fields.get(Field::Title));
    convert::same(Field::Title, stored.get(Field::Title), sent, zone)
}

/// Whether a task holds what a draft was sent with, value by value.
fn is_as_sent(task: &wire::Task, draft: &Draft, zone: &TimeZone) -> bool {
    let stored = convert::fields(task);
    BODY.into_iter().all(|field| {
        let sent = draft.fields.get(field);
        match (field, sent) {
            (Field::Notes, Some(Value::Text(text))) => task.description == to_html(text),
            (Field::Recurrence, Some(Value::Text(rule))) => {
                let sent = convert::repetition(rule).unwrap_or((0, 0));
                sent == (task.repeat_after, task.repeat_mode)
            }
            _ => convert::same(field, stored.get(field), sent, zone),
        }
    })
}
