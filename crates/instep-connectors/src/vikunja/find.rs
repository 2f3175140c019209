//! Looking for what a write of unknown outcome may have left, by its content as sent (S14).
//! Nothing here decides which candidate is ours.

use std::collections::BTreeSet;

use instep_contract::{Applied, ConnectorError};
use instep_model::{
    CollectionId, Draft, Field, Fields, Operation, ProjectPath, RemoteNoteId, TimeZone, Timestamp,
    Value,
};

use super::api::Place;
use super::convert::{self, remote_id};
use super::markdown::to_html;
use super::projects::collection_id;
use super::refusal::code;
use super::{VikunjaConnector, number, wire};

/// How long before the write, by the server's clock, its trace may be dated.
const MARGIN_SECS: i64 = 60;

/// Bytes of a title from which on a longer one with it inside is no accident.
const MIN_TITLE: usize = 4;

/// What a create sends with the body, and what its trace is known by; the title comes first.
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
        let me = self.user().await?.id;
        let recent = match homes.iter().flatten().next() {
            Some(_) => self.made_since(&homes, from).await?,
            None => Vec::new(),
        };
        let drafts = sent.iter().zip(&homes).filter_map(|(operation, home)| {
            let Operation::Create(draft) = operation else {
                return None;
            };
            Some((draft, *home))
        });
        let traces = Traces {
            rows: &recent,
            drafts: drafts.collect(),
            me,
            zone: &self.zone.clone(),
        };
        let mut found = Vec::with_capacity(sent.len());
        for (operation, home) in sent.iter().zip(&homes) {
            found.push(match operation {
                Operation::Create(draft) => traces.of(draft, *home),
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

    /// The tasks that were made lately, wherever they lie now: a person may have moved one. Those of
    /// an archived project only its own listing shows.
    async fn made_since(
        &mut self,
        homes: &[Option<i64>],
        from: i64,
    ) -> Result<Vec<wire::Task>, ConnectorError> {
        let from = Timestamp::from_second(from).unwrap_or(Timestamp::UNIX_EPOCH);
        let filter = format!("created > '{from}'");
        let mut rows = self.api.tasks(Place::Everywhere, Some(&filter)).await?.rows;
        let projects = self.projects().await?;
        let archived = |home: &i64| projects.is_archived(*home) == Some(true);
        let homes: BTreeSet<i64> = homes.iter().flatten().copied().filter(archived).collect();
        for home in homes {
            match self.api.tasks(Place::Project(home), Some(&filter)).await {
                Err(ConnectorError::CollectionGone { .. }) => {}
                listed => rows.extend(listed?.rows),
            }
        }
        Ok(rows)
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
        self.ask_for_labels(&[tag]).await?;
        let equal = self.labels.of(tag);
        Ok(equal
            .map(|label| Applied::done(remote_id(label.id)))
            .collect())
    }
}

/// What creates of unknown outcome may have left.
struct Traces<'a> {
    /// Tasks that were made since.
    rows: &'a [wire::Task],
    /// All creates that are looked for, each with the project that it was sent to.
    drafts: Vec<(&'a Draft, Option<i64>)>,
    /// Who sent it.
    me: i64,
    zone: &'a TimeZone,
}

impl Traces<'_> {
    /// Tasks that hold what was sent, those in the project that it was sent to before others. Where
    /// there is none, what was edited before we looked: making it again would double it.
    fn of(&self, draft: &Draft, home: Option<i64>) -> Vec<Applied> {
        let is_here = |task: &wire::Task| Some(task.project_id) == home;
        let as_sent = self.rows.iter().filter(|task| {
            let all = is_as_sent(task, &draft.fields, &BODY, self.zone);
            all && (is_here(task) || !self.is_in_place(task))
        });
        let mut found: Vec<&wire::Task> = as_sent.collect();
        found.sort_by_key(|task| !is_here(task));
        if found.is_empty() {
            let free = self.rows.iter().filter(|task| !self.is_anothers(task));
            let (titled, others): (Vec<&wire::Task>, Vec<&wire::Task>) =
                free.partition(|task| self.is_titled(task, draft));
            found = titled;
            if found.is_empty() {
                found.extend(self.retitled(&others, draft));
            }
        }
        let told = |task: &wire::Task| Applied {
            collection: Some(collection_id(task.project_id)),
            born: task.created,
            ..Applied::done(remote_id(task.id))
        };
        found.into_iter().map(told).collect()
    }

    /// Whether a task holds all that some create was sent with.
    fn is_anothers(&self, task: &wire::Task) -> bool {
        let mut drafts = self.drafts.iter();
        drafts.any(|(draft, _)| is_as_sent(task, &draft.fields, &BODY, self.zone))
    }

    /// The same where that create was sent to the project that the task lies in.
    fn is_in_place(&self, task: &wire::Task) -> bool {
        let here = |home: &Option<i64>| *home == Some(task.project_id);
        let mut drafts = self.drafts.iter().filter(|(_, home)| here(home));
        drafts.any(|(draft, _)| is_as_sent(task, &draft.fields, &BODY, self.zone))
    }

    fn is_titled(&self, task: &wire::Task, draft: &Draft) -> bool {
        is_as_sent(task, &draft.fields, &BODY[..1], self.zone)
    }

    /// The one task of this user's that was made since under a title that has grown out of the one
    /// sent. One under quite another title cannot be told from a task of its own.
    fn retitled<'t>(&self, free: &[&'t wire::Task], draft: &Draft) -> Option<&'t wire::Task> {
        let sent = draft.fields.title().trim();
        let is_ours = |task: &wire::Task| {
            let maker = task.created_by.as_ref();
            maker.is_some_and(|by| by.id == self.me)
        };
        let grown = |task: &&'t wire::Task| is_ours(task) && task.title.contains(sent);
        let mut grown = free.iter().copied().filter(grown);
        let first = grown.next().filter(|_| sent.len() >= MIN_TITLE);
        first.filter(|_| grown.next().is_none())
    }
}

/// Whether a task holds in these fields what a draft was sent with, value by value.
fn is_as_sent(task: &wire::Task, draft: &Fields, fields: &[Field], zone: &TimeZone) -> bool {
    let stored = convert::fields(task);
    fields.iter().all(|&field| {
        let sent = draft.get(field);
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
