//! Labels of a task, comments and relations: one call for each element of a set, so that what others added
//! beside ours stays (S17). Nothing here touches a task's body.

use std::collections::BTreeSet;

use instep_contract::{Applied, ConnectorError};
use instep_model::{DraftNote, Field, Link, RemoteId, RemoteNoteId};
use reqwest::Method;
use serde_json::json;

use super::convert::{PART_OF, WAITS_FOR};
use super::markdown::to_html;
use super::refusal::code;
use super::write::{Outcome, gone_is_done};
use super::{VikunjaConnector, number, wire};

impl VikunjaConnector {
    async fn label_for(&mut self, tag: &str) -> Result<i64, ConnectorError> {
        let label = self.known_label(tag).await?;
        label.ok_or_else(|| ConnectorError::Rejected {
            field: Some(Field::Tags),
            reason: format!("there is no label `{tag}`"),
        })
    }

    pub(super) async fn set_tags(&mut self, id: &RemoteId, tags: &BTreeSet<String>) -> Outcome {
        let mut labels = Vec::with_capacity(tags.len());
        for tag in tags {
            labels.push(json!({ "id": self.label_for(tag).await? }));
        }
        let path = format!("api/v2/tasks/{}/labels/bulk", number(id)?);
        let body = json!({ "labels": &labels });
        let scope = "tasks_labels: update_bulk";
        match self.api.write(Method::PUT, path, scope, body).await {
            Ok(reply) => {
                reply.confirms(|set: wire::LabelsOnTask| set.labels.len() == labels.len())?;
                Ok(Applied::done(id.clone()))
            }
            Err(failure) => Err(self.label_failure(failure, id)),
        }
    }

    pub(super) async fn add_tag(&mut self, id: &RemoteId, tag: &str) -> Outcome {
        let label = self.label_for(tag).await?;
        let path = format!("api/v2/tasks/{}/labels", number(id)?);
        let body = json!({ "label_id": label });
        let scope = "tasks_labels: create";
        match self.api.write(Method::POST, path, scope, body).await {
            Ok(reply) => {
                reply.confirms(|made: wire::LabelOnTask| made.label_id == label)?;
                Ok(Applied::done(id.clone()))
            }
            Err(failure) if failure.code() == code::LABEL_THERE => Ok(Applied::done(id.clone())),
            Err(failure) => Err(self.label_failure(failure, id)),
        }
    }

    /// Titles are not unique: whichever label of that title hangs on the task is taken off.
    pub(super) async fn remove_tag(&mut self, id: &RemoteId, tag: &str) -> Outcome {
        let stored = self.api.task(number(id)?).await;
        let stored = stored.map_err(|failure| failure.about(id))?;
        for label in stored.labels.iter().filter(|label| label.title == tag) {
            self.take_off(id, label.id).await?;
        }
        Ok(Applied::done(id.clone()))
    }

    pub(super) async fn add_note(&mut self, id: &RemoteId, note: &DraftNote) -> Outcome {
        let path = format!("api/v2/tasks/{}/comments", number(id)?);
        let body = json!({ "comment": to_html(&note.text) });
        let reply = self.api.make(path, "tasks_comments: create", body).await;
        let made: wire::Comment = reply.map_err(|failure| failure.about(id))?.json()?;
        Ok(Applied {
            note: Some(RemoteNoteId::new(made.id.to_string())),
            ..Applied::done(id.clone())
        })
    }

    pub(super) async fn edit_note(&mut self, id: &RemoteId, note: &DraftNote) -> Outcome {
        let stale = || ConnectorError::Stale { id: id.clone() };
        let comment = note.remote.as_ref().ok_or_else(stale)?;
        let path = format!("api/v2/tasks/{}/comments/{comment}", number(id)?);
        let body = json!({ "comment": to_html(&note.text) });
        match self
            .api
            .write(Method::PUT, path, "tasks_comments: update", body)
            .await
        {
            Ok(reply) => {
                reply
                    .confirms(|stored: wire::Comment| stored.id.to_string() == comment.as_str())?;
                Ok(Applied {
                    note: Some(comment.clone()),
                    ..Applied::done(id.clone())
                })
            }
            Err(failure) if failure.code() == code::NO_COMMENT => Err(stale()),
            Err(failure) => Err(failure.about(id)),
        }
    }

    pub(super) async fn remove_note(&mut self, id: &RemoteId, note: &RemoteNoteId) -> Outcome {
        let path = format!("api/v2/tasks/{}/comments/{note}", number(id)?);
        let removed = self.api.remove(path, "tasks_comments: delete").await;
        if matches!(&removed, Err(failure) if failure.code() == code::NO_COMMENT) {
            // So says a server as well whose SQLite is locked by another writer.
            let left = self.api.comments(number(id)?).await?;
            if left.iter().any(|one| one.id.to_string() == note.as_str()) {
                return Err(ConnectorError::Busy);
            }
        }
        gone_is_done(id, removed, &[code::NO_COMMENT, code::NO_TASK])
    }

    pub(super) async fn add_link(
        &mut self,
        id: &RemoteId,
        link: Link,
        other: &RemoteId,
    ) -> Outcome {
        let path = format!("api/v2/tasks/{}/relations", number(id)?);
        let there = number(other)?;
        let body = json!({ "other_task_id": there, "relation_kind": kind(link) });
        match self
            .api
            .write(Method::POST, path, "tasks_relations: create", body)
            .await
        {
            Ok(reply) => {
                reply.confirms(|made: wire::Relation| made.other_task_id == there)?;
                Ok(Applied::done(id.clone()))
            }
            Err(failure) if failure.code() == code::RELATION_EXISTS => {
                Ok(Applied::done(id.clone()))
            }
            // The answer does not tell which of the two is gone.
            Err(failure) if failure.code() == code::NO_TASK => {
                Err(ConnectorError::Stale { id: id.clone() })
            }
            Err(failure) => Err(failure.into()),
        }
    }

    pub(super) async fn remove_link(
        &mut self,
        id: &RemoteId,
        link: Link,
        other: &RemoteId,
    ) -> Outcome {
        let (task, other) = (number(id)?, number(other)?);
        let path = format!("api/v2/tasks/{task}/relations/{}/{other}", kind(link));
        let removed = self.api.remove(path, "tasks_relations: delete").await;
        gone_is_done(id, removed, &[code::NO_RELATION, code::NO_TASK])
    }
}

fn kind(link: Link) -> &'static str {
    match link {
        Link::DependsOn => WAITS_FOR,
        Link::PartOf => PART_OF,
    }
}
