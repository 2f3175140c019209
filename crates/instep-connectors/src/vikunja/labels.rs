//! Labels by their titles, as told in this turn. Nothing is told when a label is renamed or deleted, so
//! that what an earlier turn knew would put other labels on tasks than were meant.

use std::collections::BTreeSet;

use instep_contract::ConnectorError;
use instep_model::RemoteId;

use super::refusal::{Failure, code};
use super::{VikunjaConnector, number, wire};

/// Up to so many tags are searched for; for more, all labels are listed.
const MOST_SEARCHES: usize = 2;

/// The labels that were asked for in this turn.
#[derive(Debug, Default)]
pub(super) struct Labels {
    known: Vec<wire::Label>,
    /// The titles of which all is known.
    asked: BTreeSet<String>,
}

impl Labels {
    /// From here on nothing is known: labels may have been made, renamed and deleted.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.asked.clear();
    }

    /// The labels that bear this title.
    pub(super) fn of<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a wire::Label> {
        self.known.iter().filter(move |label| label.title == tag)
    }

    fn knows(&self, tag: &str) -> bool {
        self.of(tag).next().is_some()
    }

    /// Takes in what the service told of this title, which is everything about it.
    fn learn(&mut self, tag: &str, told: Vec<wire::Label>) {
        self.known.retain(|label| label.title != tag);
        self.known.extend(told);
        self.asked.insert(tag.to_owned());
    }

    /// Takes in a label that was made just now.
    pub(super) fn add(&mut self, label: wire::Label) {
        self.asked.insert(label.title.clone());
        self.known.push(label);
    }

    /// Whether this tag was asked for; true once for each time.
    pub(super) fn was_asked_for(&mut self, tag: &str) -> bool {
        self.asked.remove(tag)
    }
}

impl VikunjaConnector {
    /// The tags among these that no label bears.
    pub(super) async fn unlabelled(
        &mut self,
        tags: &[String],
    ) -> Result<Vec<String>, ConnectorError> {
        let unknown = tags.iter().map(String::as_str);
        let unknown: Vec<&str> = unknown.filter(|tag| !self.labels.knows(tag)).collect();
        self.ask_for_labels(&unknown).await?;
        let missing = tags.iter().filter(|tag| !self.labels.knows(tag));
        Ok(missing.cloned().collect())
    }

    /// Asks which labels bear these titles now.
    pub(super) async fn ask_for_labels(&mut self, tags: &[&str]) -> Result<(), ConnectorError> {
        if tags.len() > MOST_SEARCHES || !tags.iter().all(|tag| is_found_by_search(tag)) {
            self.labels.known = self.api.labels(None).await?;
            self.labels.asked = tags.iter().map(|tag| (*tag).to_owned()).collect();
            return Ok(());
        }
        for tag in tags {
            let mut found = self.api.labels(Some(tag)).await?;
            found.retain(|label| label.title == **tag);
            self.labels.learn(tag, found);
        }
        Ok(())
    }

    /// The label to use for a tag, as far as is known: of several with one title one that the user
    /// made, the oldest.
    pub(super) async fn label(&mut self, tag: &str) -> Result<Option<i64>, ConnectorError> {
        let me = self.user().await?.id;
        let rank = |label: &&wire::Label| {
            let maker = label.created_by.as_ref().map(|user| user.id);
            (maker != Some(me), label.id)
        };
        let label = self.labels.of(tag).min_by_key(rank);
        Ok(label.map(|label| label.id))
    }

    /// The label of a tag, asked for where none is known.
    pub(super) async fn known_label(&mut self, tag: &str) -> Result<Option<i64>, ConnectorError> {
        if !self.labels.knows(tag) {
            self.ask_for_labels(&[tag]).await?;
        }
        self.label(tag).await
    }

    /// Takes a label off a task. That it is not there is done.
    pub(super) async fn take_off(
        &mut self,
        id: &RemoteId,
        label: i64,
    ) -> Result<(), ConnectorError> {
        let path = format!("api/v2/tasks/{}/labels/{label}", number(id)?);
        match self.api.remove(path, "tasks_labels: delete").await {
            Ok(()) => Ok(()),
            Err(failure) if failure.has_status(403) => self.check_removed(id, label, failure).await,
            Err(failure) => Err(self.label_failure(failure, id)),
        }
    }

    /// "Forbidden" is what Vikunja answers for a label that is not on the task, too.
    async fn check_removed(
        &mut self,
        id: &RemoteId,
        label: i64,
        failure: Failure,
    ) -> Result<(), ConnectorError> {
        let stored = self.api.task(number(id)?).await;
        let stored = stored.map_err(|failure| failure.about(id))?;
        if stored.labels.iter().any(|other| other.id == label) {
            return Err(failure.into());
        }
        Ok(())
    }

    /// A label that was deleted since it was told of: the next try asks anew.
    pub(super) fn label_failure(&mut self, failure: Failure, id: &RemoteId) -> ConnectorError {
        if failure.code() == code::NO_LABEL {
            self.labels.forget();
            return ConnectorError::Overtaken;
        }
        failure.about(id)
    }
}

/// Whether the service's search finds a label of this title: it takes numbers for ids, and a database
/// may take a backslash for an escape.
fn is_found_by_search(tag: &str) -> bool {
    let is_number = |part: &str| part.parse::<i64>().is_ok();
    !tag.trim().is_empty() && !tag.contains('\\') && !tag.split(',').any(is_number)
}
