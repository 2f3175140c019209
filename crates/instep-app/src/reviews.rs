//! Matters of adoption that a person decides: a task that only one side is known to hold is made
//! on the other, taken from it, or left alone.

use instep_api::{Exit, Failure, Resolution, ReviewView, SCHEMA_VERSION, TouchedReply};
use instep_contract::{Connector, Store};
use instep_model::{Review, ReviewReason, Side, Task, TaskId};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::app::App;
use crate::conflicts::decided_meanwhile;
use crate::connector::AnyConnector;
use crate::show::fields_of;
use crate::{say, wiring};

/// How many matters are shown beside each other.
const MOST_SHOWN: usize = 6;

/// Derives the id of a review from what it is about, so that it is the same every time.
const NAMESPACE: Uuid = Uuid::from_u128(0x5f0a_9d3e_6c21_4b7a_9e44_21cb_77d0_3a15);

impl App {
    /// Everything that waits for a look, account by account.
    pub(crate) async fn reviews(&self) -> Result<Vec<Review>, Failure> {
        let mut reviews = Vec::new();
        for entry in &self.config.accounts {
            let found = self.hub.reviews(&entry.account.id).await;
            reviews.extend(found.map_err(|error| say::from_store(&error))?);
        }
        Ok(reviews)
    }

    pub(crate) fn review_view(&self, review: &Review) -> ReviewView {
        ReviewView {
            id: review_id(review),
            account: self.name_of(&review.account).to_owned(),
            task: review.task.map(|task| task.to_string()),
            remote_id: review.remote.as_ref().map(ToString::to_string),
            title: review.title.clone(),
            reason: review.reason.to_string(),
            fields: None,
        }
    }

    /// The review of this id, then those that it may be one with, each with what it holds. Asks
    /// the service for what the hub has never taken.
    pub(crate) async fn review_with_twins(&self, id: &str) -> Result<Vec<ReviewView>, Failure> {
        let mut reviews = self.reviews().await?;
        let Some(at) = reviews.iter().position(|review| review_id(review) == id) else {
            return Ok(Vec::new());
        };
        let one = reviews.swap_remove(at);
        reviews.retain(|other| {
            other.account == one.account
                && other.title == one.title
                && other.task.is_some() != one.task.is_some()
        });
        reviews.insert(0, one);
        let mut views = Vec::new();
        for review in reviews.iter().take(MOST_SHOWN) {
            let fields = self.held_by(review).await?;
            views.push(ReviewView {
                fields,
                ..self.review_view(review)
            });
        }
        Ok(views)
    }

    /// What the task or item of a review holds; `None` where the service does not say.
    async fn held_by(&self, review: &Review) -> Result<Option<Map<String, Json>>, Failure> {
        if let Some(id) = review.task {
            let tasks = self.hub.tasks(&[id]).await;
            let tasks = tasks.map_err(|error| say::from_store(&error))?;
            return Ok(tasks.first().map(|task| fields_of(&task.fields)));
        }
        let mut entries = self.config.accounts.iter();
        let entry = entries.find(|entry| entry.account.id == review.account);
        let (Some(entry), Some(remote)) = (entry, &review.remote) else {
            return Ok(None);
        };
        let state = self.places.state();
        let connected =
            wiring::connect(&self.places, &self.config, &self.secrets, entry, state).await;
        let Ok(mut connector) = connected else {
            return Ok(None);
        };
        // Whoever cannot be asked leaves its part of the page out; `doctor` says why.
        let one = std::slice::from_ref(remote);
        let read = async |to: &mut AnyConnector| to.read(one).await;
        let Ok(Ok(found)) = self.ask(entry, &mut connector, read).await else {
            return Ok(None);
        };
        let found = found.into_iter().next().flatten();
        Ok(found.map(|item| fields_of(&item.fields)))
    }

    /// The one review whose id begins like this, if any does.
    pub(crate) async fn find_review(&self, prefix: &str) -> Result<Option<Review>, Failure> {
        let reviews = self.reviews().await?;
        let mut found = reviews
            .into_iter()
            .filter(|review| review_id(review).starts_with(prefix));
        let first = found.next();
        if first.is_some() && found.next().is_some() {
            return Err(say::usage(
                "ambiguous_conflict",
                format!("several matters have an id that begins with {prefix}"),
                "each is decided on its own",
                "instep conflicts",
            ));
        }
        Ok(first)
    }

    /// Decides one. What is to be made in the service follows with the next sync; what is to be
    /// taken from it is taken now.
    pub(crate) async fn decide(
        &self,
        review: &Review,
        how: &Resolution,
    ) -> Result<TouchedReply, Failure> {
        if let Resolution::SameAs(other) = how {
            return self.pair(review, other).await;
        }
        let keep = self.side_kept(review, how)?;
        self.holding(&review.account, async |engine, lease| {
            self.still_stands(review).await?;
            let decided = engine.decide_review(lease, review, keep).await;
            decided.map_err(|error| say::from_edit(&error))
        })
        .await?;
        if keep == Side::Remote {
            self.take(review).await?;
        }
        let task = self.task_of(review).await?;
        let action = match (keep, &task) {
            (_, Some(task)) if !task.is_alive() => "delete",
            (Side::Remote, Some(_)) if review.remote.is_some() => "create",
            _ => "nothing",
        };
        let task = task.ok_or_else(|| self.not_taken(review))?;
        Ok(TouchedReply {
            schema_version: SCHEMA_VERSION,
            carried: None,
            action: action.to_owned(),
            task: self.view_of(&task).await?,
        })
    }

    /// Makes a task of the hub and an item that stood apart one, and merges what they hold.
    async fn pair(&self, one: &Review, other: &str) -> Result<TouchedReply, Failure> {
        let other = self.find_review(other.trim()).await?.ok_or_else(|| {
            say::usage(
                "unknown_conflict",
                format!("there is no matter {other}"),
                "no id begins like that",
                "instep conflicts",
            )
        })?;
        self.holding(&one.account, async |engine, lease| {
            self.still_stands(one).await?;
            self.still_stands(&other).await?;
            let paired = engine.pair_reviews(lease, one, &other).await;
            paired.map_err(|error| say::from_edit(&error))
        })
        .await?;
        let there = if one.remote.is_some() { one } else { &other };
        self.take(there).await?;
        let task = self.task_of(there).await?;
        let task = task.ok_or_else(|| self.not_taken(there))?;
        Ok(TouchedReply {
            schema_version: SCHEMA_VERSION,
            carried: None,
            action: "update".to_owned(),
            task: self.view_of(&task).await?,
        })
    }

    /// Whoever ran the account until now may have found out who is who.
    async fn still_stands(&self, review: &Review) -> Result<(), Failure> {
        let stands = self.reviews().await?.contains(review);
        stands.then_some(()).ok_or_else(|| {
            decided_meanwhile(
                &review.title,
                "there is nothing left to decide",
                "instep conflicts",
            )
        })
    }

    /// Takes what a review found in the service into the hub now.
    async fn take(&self, review: &Review) -> Result<(), Failure> {
        let Some(remote) = &review.remote else {
            return Ok(());
        };
        let name = self.name_of(&review.account);
        let reply = self.pull(name, remote.as_str()).await?;
        let mut accounts = reply.accounts.into_iter();
        let told = accounts.find(|account| account.name == name);
        let error = told.and_then(|account| account.error);
        // That other matters still wait is no failure of this one.
        match error.filter(|error| error.exit != Exit::NeedsYou) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn not_taken(&self, review: &Review) -> Failure {
        let name = self.name_of(&review.account);
        Failure::new(
            Exit::Failed,
            "not_taken",
            format!("\"{}\" was not taken from {name}", review.title),
            "it is no longer there, or outside the account's scope",
            format!("instep sync {name} --full"),
        )
    }

    fn side_kept(&self, review: &Review, how: &Resolution) -> Result<Side, Failure> {
        let account = self.name_of(&review.account);
        let only_there = review.task.is_none();
        let side = match how {
            Resolution::Hub if only_there => None,
            Resolution::Hub => Some(Side::Hub),
            Resolution::Account(name) if name == account => Some(Side::Remote),
            Resolution::Both if only_there => Some(Side::Remote),
            Resolution::Both if review.reason != ReviewReason::DeletedHere => Some(Side::Hub),
            Resolution::Account(_)
            | Resolution::Both
            | Resolution::Newest
            | Resolution::SameAs(_) => None,
        };
        side.ok_or_else(|| {
            let help = format!(
                "instep conflicts resolve {} --keep {account}",
                review_id(review)
            );
            let why = if only_there {
                format!("it is only in {account}: take it, or delete it there")
            } else {
                format!("it is decided for the hub or for {account}")
            };
            say::usage("other_answer", "this matter has no such answer", why, help)
        })
    }

    /// The hub task that the review was about, or that its item has become.
    async fn task_of(&self, review: &Review) -> Result<Option<Task>, Failure> {
        let failed = |error| say::from_store(&error);
        let mut ids: Vec<TaskId> = Vec::new();
        if let Some(remote) = &review.remote {
            let pairs = self
                .hub
                .mappings_by_remote(&review.account, std::slice::from_ref(remote))
                .await;
            ids.extend(pairs.map_err(failed)?.into_iter().map(|pair| pair.task));
        }
        ids.extend(review.task);
        let first = ids.first().copied();
        let tasks = self.hub.tasks(&ids).await.map_err(failed)?;
        Ok(tasks.into_iter().find(|task| Some(task.id) == first))
    }
}

fn review_id(review: &Review) -> String {
    let task = review.task.map(|task| task.to_string()).unwrap_or_default();
    let remote = review
        .remote
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let name = format!("{}\n{task}\n{remote}", review.account);
    let id = Uuid::new_v5(&NAMESPACE, name.as_bytes())
        .simple()
        .to_string();
    format!("r{}", &id[..8])
}
