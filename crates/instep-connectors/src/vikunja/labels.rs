//! Labels by their titles. What an earlier turn knew of a label is used at once, and asked about
//! after the write: nobody waits for a listing, and a label that somebody renamed meanwhile is taken
//! off again. That a label is missing is never taken from memory.

use std::collections::BTreeSet;

use instep_contract::ConnectorError;
use instep_model::RemoteId;

use super::refusal::{Failure, code};
use super::{VikunjaConnector, number, wire};

/// Up to so many tags are searched for; for more, all labels are listed.
const MOST_SEARCHES: usize = 2;

/// Labels as last told, and how far that can be relied on.
#[derive(Debug, Default)]
pub(super) struct Labels {
    known: Vec<wire::Label>,
    /// Titles whose labels were asked for in this turn.
    asked: BTreeSet<String>,
    /// Labels that were put on tasks in this turn on the word of an earlier one.
    trusted: Vec<Trusted>,
}

/// A label on a task that may bear another title by now.
#[derive(Debug)]
struct Trusted {
    task: RemoteId,
    label: i64,
    tag: String,
    /// Whether it was there before.
    was_there: bool,
}

impl Labels {
    /// From here on everything known is of an earlier turn.
    pub(super) fn age(&mut self) {
        self.asked.clear();
        self.trusted.clear();
    }

    /// The same for a connector of its own.
    pub(super) fn as_of_earlier(&self) -> Self {
        Self {
            known: self.known.clone(),
            ..Self::default()
        }
    }

    fn forget(&mut self) {
        self.known.clear();
        self.asked.clear();
    }

    /// The labels that bear this title, as far as is known.
    pub(super) fn of<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = &'a wire::Label> {
        self.known.iter().filter(move |label| label.title == tag)
    }

    fn knows(&self, tag: &str) -> bool {
        self.of(tag).next().is_some()
    }

    /// Takes in what the service told of these titles just now, which is everything about them.
    fn learn(&mut self, tags: &[&str], told: Vec<wire::Label>) {
        let stale = |label: &wire::Label| {
            tags.contains(&label.title.as_str()) || told.iter().any(|new| new.id == label.id)
        };
        self.known.retain(|label| !stale(label));
        self.known.extend(told);
        self.asked.extend(tags.iter().map(|tag| (*tag).to_owned()));
    }

    /// Takes in a label that was made just now.
    pub(super) fn add(&mut self, label: wire::Label) {
        self.asked.insert(label.title.clone());
        self.known.push(label);
    }

    /// Whether this tag was asked for in this turn; true once for each time.
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
            let all = self.api.labels(None).await?;
            self.labels.forget();
            let titles = all.iter().map(|label| label.title.clone());
            self.labels.asked.extend(titles);
            self.labels.learn(tags, all);
            return Ok(());
        }
        for tag in tags {
            let mut found = self.api.labels(Some(tag)).await?;
            found.retain(|label| label.title == **tag);
            self.labels.learn(&[tag], found);
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

    /// A label is on a task now: where an earlier turn told of it, it is asked about later.
    pub(super) fn is_on(&mut self, task: &RemoteId, label: i64, tag: &str, was_there: bool) {
        if !self.labels.asked.contains(tag) {
            self.labels.trusted.push(Trusted {
                task: task.clone(),
                label,
                tag: tag.to_owned(),
                was_there,
            });
        }
    }

    /// Asks about the labels that tasks got on an earlier turn's word. One that bears another title by
    /// now is taken off again. Answers the tasks that have to be written again for that.
    pub(super) async fn check_trusted(&mut self) -> Result<BTreeSet<RemoteId>, ConnectorError> {
        let trusted = std::mem::take(&mut self.labels.trusted);
        if trusted.is_empty() {
            return Ok(BTreeSet::new());
        }
        let ids: BTreeSet<i64> = trusted.iter().map(|one| one.label).collect();
        let asked: Vec<String> = ids.iter().map(ToString::to_string).collect();
        self.labels.known.retain(|label| !ids.contains(&label.id));
        let told = self.api.labels(Some(&asked.join(","))).await?;
        self.labels.learn(&[], told);
        let mut renamed = BTreeSet::new();
        for one in trusted {
            if self.labels.of(&one.tag).any(|label| label.id == one.label) {
                self.labels.asked.insert(one.tag);
                continue;
            }
            if !one.was_there {
                self.take_off(&one.task, one.label).await?;
            }
            renamed.insert(one.task);
        }
        Ok(renamed)
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
