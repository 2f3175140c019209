//! What a person has to decide, or may want to take back: conflicts, and matters of adoption.

use instep_api::{
    ConflictFilter, ConflictView, ConflictsReply, Failure, Resolution, SCHEMA_VERSION, TouchedReply,
};
use instep_contract::{Lease, Store};
use instep_engine::Edited;
use instep_model::{Conflict, ConflictState, Field, Side, Task, Timestamp, Value};

use crate::app::{App, AppEngine};
use crate::find::check_length;
use crate::{say, tell};

/// As many characters of an id as a person types.
const SHORT_ID: usize = 8;

impl App {
    /// Conflicts, open ones first, and matters of adoption.
    ///
    /// # Errors
    /// When the hub fails.
    pub async fn conflicts(&self, filter: ConflictFilter) -> Result<ConflictsReply, Failure> {
        let failed = |error| say::from_store(&error);
        let only_open = filter == ConflictFilter::Open;
        let mut conflicts = self.hub.conflicts(only_open).await.map_err(failed)?;
        conflicts.retain(|conflict| {
            filter == ConflictFilter::All || conflict.state != ConflictState::Closed
        });
        conflicts.sort_by_key(|conflict| conflict.state != ConflictState::Open);
        let ids: Vec<_> = conflicts.iter().map(|conflict| conflict.task).collect();
        let tasks = self.hub.tasks(&ids).await.map_err(failed)?;
        let task = |conflict: &Conflict| tasks.iter().find(|task| task.id == conflict.task);
        let views = conflicts
            .iter()
            .map(|conflict| self.conflict_view(conflict, task(conflict)));
        let conflicts = views.collect();
        let reviews = self.reviews().await?;
        let reviews = reviews
            .iter()
            .map(|review| self.review_view(review))
            .collect();
        Ok(ConflictsReply {
            schema_version: SCHEMA_VERSION,
            conflicts,
            reviews,
        })
    }

    /// The one conflict whose id begins like this; or the one matter of adoption, then those of
    /// the same title that it may belong to, each with what it holds.
    ///
    /// # Errors
    /// When the id names none or several.
    pub async fn conflict(&self, prefix: &str) -> Result<ConflictsReply, Failure> {
        check_length(prefix, "instep conflicts --all")?;
        let mut reply = self.conflicts(ConflictFilter::All).await?;
        let ids = reply.conflicts.iter().map(|conflict| &conflict.id);
        let ids = ids.chain(reply.reviews.iter().map(|review| &review.id));
        let mut found: Vec<String> = ids
            .filter(|id| id.starts_with(prefix.trim()))
            .cloned()
            .collect();
        found.dedup();
        if let Some(exact) = found.iter().position(|id| id == prefix.trim()) {
            found = vec![found.swap_remove(exact)];
        }
        let id = match found.as_slice() {
            [one] => one.clone(),
            [] => return Err(unknown(prefix)),
            several => {
                return Err(say::usage(
                    "ambiguous_conflict",
                    format!(
                        "{} conflicts have an id that begins with {prefix}",
                        several.len()
                    ),
                    "one is shown at a time",
                    "instep conflicts --all",
                ));
            }
        };
        reply.conflicts.retain(|conflict| conflict.id == id);
        reply.reviews = self.review_with_twins(&id).await?;
        Ok(reply)
    }

    /// What waits for a decision stands beside what the hub holds by now.
    fn conflict_view(&self, conflict: &Conflict, task: Option<&Task>) -> ConflictView {
        let now = task.filter(|_| conflict.state == ConflictState::Open);
        let hub = match now {
            Some(task) => task.fields.get(conflict.field).cloned(),
            None => conflict.hub.clone(),
        };
        let text = |value: &Option<Value>| value.as_ref().map(ToString::to_string);
        let (state, kept) = match conflict.state {
            ConflictState::Open => ("open", None),
            ConflictState::Settled(side) => ("settled", Some(tell::side(side).to_owned())),
            ConflictState::Closed => ("closed", None),
        };
        ConflictView {
            id: conflict.id.to_string(),
            task: conflict.task.to_string(),
            title: task.map_or_else(String::new, |task| task.fields.title().to_owned()),
            field: conflict.field.name().to_owned(),
            account: self.name_of(&conflict.account).to_owned(),
            base: text(&conflict.base),
            hub: text(&hub),
            remote: text(&conflict.remote),
            state: state.to_owned(),
            kept,
            at: conflict.at.to_string(),
        }
    }

    /// Decides a conflict or a matter of adoption, or takes back what a policy decided.
    ///
    /// # Errors
    /// When the id names none or several, or the answer does not fit the field.
    pub async fn resolve(&self, id: &str, how: &Resolution) -> Result<TouchedReply, Failure> {
        check_length(id, "instep conflicts")?;
        let Some(asked) = self.find_conflict(id.trim()).await? else {
            return match self.find_review(id.trim()).await? {
                Some(review) => self.decide(&review, how).await,
                None => Err(unknown(id)),
            };
        };
        let edited = self.holding(&asked.account, async |engine, lease| {
            let known = self.find_conflict(asked.id.as_str()).await?;
            let conflict = known
                .filter(|known| known.state == asked.state)
                .ok_or_else(|| {
                    decided_meanwhile(
                        asked.id.as_str(),
                        "what it was about is settled",
                        &format!("instep conflicts show {}", asked.id),
                    )
                })?;
            self.settle(engine, lease, &conflict, how).await
        });
        self.touched(edited.await?).await
    }

    /// The one conflict whose id begins like this, if any does.
    async fn find_conflict(&self, prefix: &str) -> Result<Option<Conflict>, Failure> {
        let found = self.hub.conflict(prefix).await;
        let mut found = found.map_err(|error| say::from_store(&error))?;
        match found.len() {
            0 | 1 => Ok(found.pop()),
            several => Err(say::usage(
                "ambiguous_conflict",
                format!("{several} conflicts have an id that begins with {prefix}"),
                "each is decided on its own",
                "instep conflicts",
            )),
        }
    }

    async fn settle(
        &self,
        engine: &AppEngine,
        lease: &Lease,
        conflict: &Conflict,
        how: &Resolution,
    ) -> Result<Edited, Failure> {
        let failed = |error| say::from_store(&error);
        let tasks = self.hub.tasks(&[conflict.task]).await.map_err(failed)?;
        let task = tasks.into_iter().find(Task::is_alive).ok_or_else(|| {
            say::usage(
                "unknown_task",
                "the task of this conflict was deleted",
                "there is nothing left to decide",
                "instep conflicts",
            )
        })?;
        let value = self.chosen(conflict, &task, how).await?;
        let edited = engine.settle_conflict(lease, conflict, value).await;
        let edited = edited.map_err(|error| say::from_edit(&error))?;
        self.hub
            .set_conflict_state(&conflict.id, ConflictState::Closed)
            .await
            .map_err(failed)?;
        Ok(edited)
    }

    async fn chosen(
        &self,
        conflict: &Conflict,
        task: &Task,
        how: &Resolution,
    ) -> Result<Option<Value>, Failure> {
        // While it is open the hub's value may have moved on since.
        let hub = match conflict.state {
            ConflictState::Open => task.fields.get(conflict.field).cloned(),
            _ => conflict.hub.clone(),
        };
        match how {
            Resolution::Hub => Ok(hub),
            Resolution::Account(name) if *name == self.name_of(&conflict.account) => {
                Ok(conflict.remote.clone())
            }
            Resolution::Account(name) => Err(self.other_account(conflict, name)),
            Resolution::Both => both(conflict.field, &hub, &conflict.remote).ok_or_else(|| {
                say::usage(
                    "not_both",
                    format!("{} cannot hold both values", conflict.field),
                    "only titles and notes can be put one after the other",
                    format!("instep conflicts resolve {} --keep hub", conflict.id),
                )
            }),
            Resolution::SameAs(_) => Err(say::usage(
                "other_answer",
                "this conflict has no such answer",
                "it is one task already; its two values stand against each other",
                format!("instep conflicts resolve {} --keep hub", conflict.id),
            )),
            Resolution::Newest => Ok(match self.newer(conflict, task).await? {
                Side::Hub => hub,
                Side::Remote => conflict.remote.clone(),
            }),
        }
    }

    /// A side that the conflict does not have, and those that it has.
    fn other_account(&self, conflict: &Conflict, name: &str) -> Failure {
        let account = self.name_of(&conflict.account);
        let both = match both(conflict.field, &None, &None) {
            Some(_) => ", newest or both",
            None => " or newest",
        };
        let what = match self.config.entry(name) {
            Some(_) => format!("`{name}` is no side of this conflict"),
            None => format!("there is no side `{name}` to keep"),
        };
        let id: String = conflict.id.to_string().chars().take(SHORT_ID).collect();
        say::usage(
            "other_account",
            what,
            format!(
                "it is between the hub and `{account}`, so that --keep takes hub, {account}{both}"
            ),
            format!("instep conflicts show {id}"),
        )
    }

    /// Which side changed the field later, as well as that is known.
    async fn newer(&self, conflict: &Conflict, task: &Task) -> Result<Side, Failure> {
        let pairs = self
            .hub
            .mappings_by_task(&conflict.account, &[task.id])
            .await;
        let pairs = pairs.map_err(|error| say::from_store(&error))?;
        let seen = pairs.into_iter().find_map(|pair| pair.observed);
        let there = seen.and_then(|seen| seen.changed_at).unwrap_or(conflict.at);
        let here = task.provenance.get(&conflict.field);
        let here = here.map_or(Timestamp::MIN, |origin| origin.at);
        Ok(if there > here {
            Side::Remote
        } else {
            Side::Hub
        })
    }
}

/// Both texts, the hub's first.
fn both(field: Field, hub: &Option<Value>, remote: &Option<Value>) -> Option<Option<Value>> {
    let between = match field {
        Field::Title => " / ",
        Field::Notes => "\n\n",
        _ => return None,
    };
    let text = |value: &Option<Value>| match value {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let texts = [text(hub), text(remote)];
    let parts: Vec<&str> = texts
        .iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    Some(Some(Value::Text(parts.join(between))))
}

fn unknown(id: &str) -> Failure {
    say::usage(
        "unknown_conflict",
        format!("there is no conflict {id}"),
        "no id begins like that",
        "instep conflicts",
    )
}

/// Another instance had the account while a person answered, and the question has ended.
pub(crate) fn decided_meanwhile(what: &str, why: &str, help: &str) -> Failure {
    let what = format!("{what} was decided meanwhile");
    say::usage("decided_meanwhile", what, why, help).now("nothing was stored")
}
