//! Writing: one effect for each operation, what is there already counts as done. Nothing here
//! sends a second time what was sent once.

use std::collections::BTreeSet;

use instep_contract::{Applied, ConnectorError, Doubt};
use instep_model::{
    Change, CollectionId, Draft, Edit, Field, Operation, ProjectPath, RemoteId, RemoteTask, Value,
};
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value as Json, json};

use super::convert::{self, MAX_BULK, remote_id};
use super::projects::Node;
use super::projects::collection_id;
use super::refusal::{ARCHIVED, Failure, code};
use super::{VikunjaConnector, number, wire};

/// What became of one operation.
pub(super) type Outcome = Result<Applied, ConnectorError>;

impl VikunjaConnector {
    pub(super) async fn carry_out(
        &mut self,
        batch: &[Operation],
    ) -> Result<Vec<Outcome>, ConnectorError> {
        let drafts: Vec<&Draft> = batch
            .iter()
            .filter_map(|operation| match operation {
                Operation::Create(draft) => Some(draft),
                _ => None,
            })
            .collect();
        if drafts.len() == batch.len() && drafts.len() > 1 {
            return self.create_many(&drafts).await;
        }
        let mut outcomes = Vec::with_capacity(batch.len());
        for operation in batch {
            match self.carry_out_one(operation).await {
                // A label that is gone says nothing of the other operations, and has to be made first.
                Err(ConnectorError::Overtaken) => outcomes.push(Err(ConnectorError::Overtaken)),
                Err(error) if !error.is_about_item() => return Err(error),
                outcome => outcomes.push(outcome),
            }
        }
        Ok(outcomes)
    }

    async fn carry_out_one(&mut self, operation: &Operation) -> Outcome {
        match operation {
            Operation::Create(draft) => self.create(draft).await,
            Operation::Update { id, edit } => self.update(id, edit).await,
            Operation::SetTags { id, tags } => self.set_tags(id, tags).await,
            Operation::AddTag { id, tag } => self.add_tag(id, tag).await,
            Operation::RemoveTag { id, tag } => self.remove_tag(id, tag).await,
            Operation::AddNote { id, note } => self.add_note(id, note).await,
            Operation::EditNote { id, note } => self.edit_note(id, note).await,
            Operation::RemoveNote { id, note, .. } => self.remove_note(id, note).await,
            Operation::AddLink { id, link, other } => self.add_link(id, *link, other).await,
            Operation::RemoveLink { id, link, other } => self.remove_link(id, *link, other).await,
            Operation::Delete { id } => self.delete(id).await,
            Operation::CreateCollection { path } => self.create_collection(path).await,
            Operation::CreateTag { tag } => self.create_tag(tag).await,
        }
    }

    /// The project that a draft goes to.
    async fn home(&mut self, collection: Option<&CollectionId>) -> Result<i64, ConnectorError> {
        match collection {
            Some(id) => project(id),
            None => Ok(self.user().await?.inbox),
        }
    }

    fn new_body(&self, draft: &Draft) -> Map<String, Json> {
        convert::new_body(&draft.fields, draft.shadow.as_deref(), &self.zone)
    }

    async fn create(&mut self, draft: &Draft) -> Outcome {
        let home = self.home(draft.collection.as_ref()).await?;
        let body = Json::Object(self.new_body(draft));
        let path = format!("api/v2/projects/{home}/tasks");
        let reply = self.api.make(path, "tasks: create", body).await;
        let task: wire::Task = reply.map_err(|failure| failure.within(home))?.json()?;
        Ok(self.made(&task))
    }

    /// Creates of one project go in one call, all or nothing. Where a batch is for several
    /// projects, each is a call of its own: what can be known to fail fails before the first.
    async fn create_many(&mut self, drafts: &[&Draft]) -> Result<Vec<Outcome>, ConnectorError> {
        let mut homes = Vec::with_capacity(drafts.len());
        for draft in drafts {
            homes.push(self.home(draft.collection.as_ref()).await?);
        }
        let distinct: BTreeSet<i64> = homes.iter().copied().collect();
        if distinct.len() > 1 {
            self.check_writable(&distinct).await?;
        }
        let mut outcomes: Vec<Option<Outcome>> = drafts.iter().map(|_| None).collect();
        for home in &distinct {
            let members: Vec<usize> = (0..drafts.len()).filter(|at| homes[*at] == *home).collect();
            for members in members.chunks(MAX_BULK) {
                let chosen: Vec<&Draft> = members.iter().map(|at| drafts[*at]).collect();
                let made = match self.create_bulk(*home, &chosen).await {
                    Err(error) if distinct.len() == 1 && drafts.len() <= MAX_BULK => {
                        return Err(error);
                    }
                    made => made,
                };
                for (at, outcome) in members.iter().zip(spread(made, members.len())) {
                    outcomes[*at] = Some(outcome);
                }
            }
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    async fn check_writable(&mut self, homes: &BTreeSet<i64>) -> Result<(), ConnectorError> {
        let projects = self.projects().await?;
        for home in homes {
            match projects.is_archived(*home) {
                Some(false) => {}
                Some(true) => {
                    return Err(ConnectorError::ReadOnly {
                        reason: ARCHIVED.to_owned(),
                    });
                }
                None => {
                    return Err(ConnectorError::CollectionGone {
                        id: collection_id(*home),
                    });
                }
            }
        }
        Ok(())
    }

    async fn create_bulk(
        &mut self,
        home: i64,
        drafts: &[&Draft],
    ) -> Result<Vec<Applied>, ConnectorError> {
        let bodies: Vec<Json> = drafts
            .iter()
            .map(|draft| Json::Object(self.new_body(draft)))
            .collect();
        let path = format!("api/v2/projects/{home}/tasks/bulk");
        let body = json!({ "tasks": bodies });
        let scope = "tasks: create_bulk";
        let reply = self.api.make(path, scope, body).await;
        let made: wire::Made = reply.map_err(|failure| failure.within(home))?.json()?;
        if made.tasks.len() != drafts.len() {
            return Err(unknown(Doubt::Lost));
        }
        Ok(made.tasks.iter().map(|task| self.made(task)).collect())
    }

    /// A create's answer shows everything but relations and comments, of which there are none.
    fn made(&self, task: &wire::Task) -> Applied {
        let held = self.seen(task);
        Applied {
            id: held.id.clone(),
            collection: held.collection.clone(),
            note: None,
            born: held.born,
            held: Some(held),
        }
    }

    async fn update(&mut self, id: &RemoteId, edit: &Edit) -> Outcome {
        let projects = edit
            .fields
            .iter()
            .any(|change| change.field == Field::Project);
        if projects || self.projects.is_none() {
            self.projects().await?;
        }
        let path = format!("api/v2/tasks/{}", number(id)?);
        let before = self.api.task(number(id)?).await;
        let before = before.map_err(|failure| failure.about(id))?;
        let stored = self.seen(&before);
        let mut body = self.changed_body(id, edit, &stored)?;
        let target = self
            .target(edit)
            .await?
            .filter(|home| *home != before.project_id);
        if let Some(target) = target {
            body.insert("project_id".into(), json!(target));
        }
        if body.is_empty() {
            return Ok(self.made(&before));
        }
        let scope = "tasks: update, tasks: read_one";
        let reply = self
            .api
            .write(Method::PATCH, path, scope, Json::Object(body))
            .await
            .map_err(|failure| match target {
                Some(target) if failure.code() == code::NO_PROJECT => failure.within(target),
                _ => failure.about(id),
            })?;
        if reply.status == StatusCode::NOT_MODIFIED {
            return Ok(self.made(&before));
        }
        let after: wire::Task = reply.json()?;
        Ok(self.made(&settled(before, after)))
    }

    /// What the patch of an edit holds: what is stored already is left out, and what somebody
    /// else moved meanwhile refuses the whole.
    fn changed_body(
        &self,
        id: &RemoteId,
        edit: &Edit,
        stored: &RemoteTask,
    ) -> Result<Map<String, Json>, ConnectorError> {
        let same = |change: &Change, value: Option<&Value>| {
            convert::same(
                change.field,
                stored.fields.get(change.field),
                value,
                &self.zone,
            )
        };
        let mut moved = Vec::new();
        for change in &edit.fields {
            if change.field == Field::CompletedAt || same(change, change.to.as_ref()) {
                continue;
            }
            let arrived = change.field == Field::Project
                && edit.collection.is_some()
                && edit.collection == stored.collection;
            if arrived {
                continue;
            }
            if !same(change, change.from.as_ref()) {
                return Err(ConnectorError::Stale { id: id.clone() });
            }
            moved.push((change.field, change.to.as_ref()));
        }
        Ok(convert::body(moved, &self.zone))
    }

    /// The project that an edit moves its task to.
    async fn target(&mut self, edit: &Edit) -> Result<Option<i64>, ConnectorError> {
        if let Some(collection) = &edit.collection {
            return project(collection).map(Some);
        }
        let leaves = |change: &Change| change.field == Field::Project && change.to.is_none();
        if edit.fields.iter().any(leaves) {
            return Ok(Some(self.user().await?.inbox));
        }
        Ok(None)
    }

    async fn delete(&mut self, id: &RemoteId) -> Outcome {
        let path = format!("api/v2/tasks/{}", number(id)?);
        let removed = self.api.remove(path, "tasks: delete").await;
        gone_is_done(id, removed, &[code::NO_TASK])
    }

    /// Looks first: projects are made seldom, and a title can stand there twice.
    async fn create_collection(&mut self, path: &ProjectPath) -> Outcome {
        let projects = self.list_projects().await?;
        if let Some(there) = projects.find(path) {
            return Ok(collection(there));
        }
        let parent = match path.parent() {
            None => 0,
            Some(parent) => {
                projects
                    .find(&parent)
                    .ok_or_else(|| ConnectorError::CollectionGone {
                        id: CollectionId::new(parent.to_string()),
                    })?
            }
        };
        let made = self.api.make_project(path.title(), parent).await;
        let made = made.map_err(|failure| match ConnectorError::from(failure) {
            ConnectorError::Rejected { reason, .. } => ConnectorError::Rejected {
                field: Some(Field::Project),
                reason,
            },
            error => error,
        })?;
        if let Some(projects) = &mut self.projects {
            let node = Node {
                title: made.title,
                parent: made.parent_project_id,
                archived: made.is_archived,
            };
            projects.insert(made.id, node);
        }
        Ok(collection(made.id))
    }

    async fn create_tag(&mut self, tag: &str) -> Outcome {
        if !self.labels.was_asked_for(tag) {
            self.ask_for_labels(&[tag]).await?;
        }
        if let Some(label) = self.label(tag).await? {
            return Ok(Applied::done(remote_id(label)));
        }
        let label = self.api.make_label(tag).await?;
        let id = remote_id(label.id);
        self.labels.add(label);
        Ok(Applied::done(id))
    }
}

fn collection(id: i64) -> Applied {
    Applied {
        collection: Some(collection_id(id)),
        ..Applied::done(remote_id(id))
    }
}

fn project(id: &CollectionId) -> Result<i64, ConnectorError> {
    id.as_str()
        .parse()
        .map_err(|_| ConnectorError::CollectionGone { id: id.clone() })
}

/// Taking away what is gone already is done.
pub(super) fn gone_is_done(id: &RemoteId, removed: Result<(), Failure>, gone: &[i64]) -> Outcome {
    match removed {
        Ok(()) => Ok(Applied::done(id.clone())),
        Err(failure) if gone.contains(&failure.code()) => Ok(Applied::done(id.clone())),
        Err(failure) => Err(failure.into()),
    }
}

/// What a patch left behind. Its answer echoes what it was sent for everything that has a table
/// of its own, and for `done_at` unless `done` moved: there the read before it holds.
fn settled(before: wire::Task, after: wire::Task) -> wire::Task {
    let done_at = if before.done == after.done {
        before.done_at
    } else {
        after.done_at
    };
    wire::Task {
        done_at,
        created: before.created,
        labels: before.labels,
        related_tasks: before.related_tasks,
        assignees: before.assignees,
        comments: before.comments,
        comment_count: before.comment_count,
        ..after
    }
}

/// One result for each task of a call. A failure is told at the first; the others of the call
/// were no more stored than that one, as far as it tells.
fn spread(made: Result<Vec<Applied>, ConnectorError>, count: usize) -> Vec<Outcome> {
    match made {
        Ok(made) => made.into_iter().map(Ok).collect(),
        Err(error) => {
            let doubt = match &error {
                ConnectorError::OutcomeUnknown { doubt, .. } => Some(*doubt),
                _ => None,
            };
            let rest = (1..count).map(|_| Err(doubt.map_or(ConnectorError::Overtaken, unknown)));
            std::iter::once(Err(error)).chain(rest).collect()
        }
    }
}

fn unknown(doubt: Doubt) -> ConnectorError {
    ConnectorError::OutcomeUnknown {
        source: "the answer does not tell which tasks were made".into(),
        doubt,
    }
}
