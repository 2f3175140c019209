//! Running rounds: for real, and as a rehearsal on a copy of the hub.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use instep_api::socket::Progress;
use instep_api::{AccountSync, Failure, SyncReply, SyncRequest};
use instep_contract::{Connector, Event, Look, with_causes};
use instep_engine::{AccountReport, Need, Rehearsal, RoundOptions, RoundReport, Trouble};
use instep_model::{Account, AccountId, Direction, Timestamp};

use crate::app::App;
use crate::choice::Choice;
use crate::config::Entry;
use crate::connector::AnyConnector;
use crate::refused;
use crate::say;
use crate::scratch::{copy_failed, scratch_copy};
use crate::tell::{About, Outcome};
use crate::turn::Turn;

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// What failed when a rehearsal has no stage.
const NO_PLAN: &str = "the plan could not be made";

/// When a round began: for what is told of it, and for how long it took.
#[derive(Clone, Copy)]
pub(crate) struct Began {
    at: Timestamp,
    clock: Instant,
}

impl Began {
    pub(crate) fn now() -> Self {
        Self {
            at: Timestamp::now(),
            clock: Instant::now(),
        }
    }
}

impl App {
    /// Runs one round over the accounts that are asked for, or says what it would do. An account
    /// that fails does not stop the others; its part of the reply says why.
    ///
    /// # Errors
    /// When an account is unknown, or the hub fails as a whole.
    pub async fn sync(
        &self,
        request: &SyncRequest,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<SyncReply, Failure> {
        if request.dry_run {
            return self.rehearse(request).await;
        }
        let began = Began::now();
        let entries = self.entries(&request.accounts)?;
        // What was told until here is seen by the looks of this round.
        self.take_in_spool().await?;
        let ids: Vec<AccountId> = entries
            .iter()
            .map(|entry| entry.account.id.clone())
            .collect();
        let told = self.told_of(&ids).await?;
        let state = self.places.state().to_owned();
        let mut choice = self.choose(entries, &state, |connector| connector).await;
        let engine = self.engine(self.hub.clone());
        let options = self.options(request);
        let counters: Vec<_> = choice
            .members
            .iter()
            .map(|member| {
                let carried = member.connector.carried();
                let before = carried.load(Ordering::Relaxed);
                (member.account.clone(), carried, before)
            })
            .collect();
        let report = {
            let mut round = std::pin::pin!(engine.run_round(&mut choice.members, &options));
            let mut ticks = tokio::time::interval(PROGRESS_EVERY);
            loop {
                tokio::select! {
                    report = &mut round => break report,
                    _ = ticks.tick() => {
                        for (account, carried, before) in &counters {
                            let done = carried.load(Ordering::Relaxed) - before;
                            if done > 0 {
                                progress(self.progress_of(&account.id, &account.name, done).await);
                            }
                        }
                    }
                }
            }
        };
        let (seen, unread) = seen_to(told, &choice, &report);
        self.forget_told(&seen).await?;
        let about = About::Everything;
        let mut reply = self.conclude(choice, report, about, began).await?;
        self.read_told(&unread).await?;
        for entry in self.entries(&request.accounts)? {
            let mut told = reply.accounts.iter();
            let came_through =
                |one: &AccountSync| one.name == entry.account.name && one.error.is_none();
            if told.any(came_through) {
                reply.notes.extend(self.keep_webhooks(entry).await);
            }
        }
        if request.full {
            self.forget_old().await;
        }
        reply.notes.extend(self.left_waiting(&ids).await?);
        Ok(reply)
    }

    /// What waits for accounts that did not take part.
    async fn left_waiting(&self, took_part: &[AccountId]) -> Result<Vec<String>, Failure> {
        let mut notes = Vec::new();
        for Entry { account, .. } in &self.config.accounts {
            if took_part.contains(&account.id) {
                continue;
            }
            let left = self.hub.work_left(&account.id).await;
            let (changes, wait) = match left.map_err(|error| say::from_store(&error))? {
                0 => continue,
                1 => ("1 change".to_owned(), "waits"),
                left => (format!("{left} changes"), "wait"),
            };
            let name = &account.name;
            notes.push(format!(
                "{changes} {wait} for {name}, which took no part: instep sync {name}"
            ));
        }
        Ok(notes)
    }

    /// Reads what was told of single items; what does not come through is told of still.
    async fn read_told(&self, unread: &[Event]) -> Result<(), Failure> {
        let accounts: BTreeSet<&AccountId> = unread.iter().map(|event| &event.account).collect();
        for account in accounts {
            if let Ok(Some(turned)) = self.turn(account, Turn::Told).await {
                self.finish(&turned).await?;
            }
        }
        Ok(())
    }

    /// Drops what has been kept long enough, once everything was looked at.
    async fn forget_old(&self) {
        match self.hub.prune(Timestamp::now(), None).await {
            Ok(pruned) => tracing::debug!(
                tombstones = pruned.tombstones,
                accounts = pruned.accounts,
                "forgot what was kept long enough"
            ),
            Err(error) => tracing::warn!(%error, "old tombstones could not be forgotten"),
        }
    }

    async fn progress_of(&self, id: &AccountId, name: &str, done: usize) -> Progress {
        let left = self.hub.work_left(id).await;
        Progress {
            account: name.to_owned(),
            done,
            total: left.ok().map(|left| done + left),
        }
    }

    pub(crate) async fn conclude(
        &self,
        mut choice: Choice<'_, AnyConnector>,
        report: RoundReport,
        about: About,
        began: Began,
    ) -> Result<SyncReply, Failure> {
        let mut notes = Vec::new();
        for (member, told) in choice.members.iter_mut().zip(&report.accounts) {
            // What is only read from is never written, not even to mend it.
            let is_written = member.account.direction != Direction::FromRemote;
            if is_written
                && told.trouble.is_none()
                && let Err(error) = member.connector.settle().await
            {
                notes.push(format!("{}: {}", member.account.name, with_causes(&error)));
            }
            notes.extend(member.connector.take_notices());
            notes.extend(left_out(&member.account, told));
            tracing::debug!(
                account.id = %member.account.id,
                calls = told.calls,
                connections = member.connector.connections(),
                "the account's part of the round ended"
            );
            let mut entries = choice.entries.iter();
            let entry = entries.find(|entry| entry.account.id == member.account.id);
            if let (Some(trouble), Some(entry)) = (&told.trouble, entry) {
                let failure = say::from_trouble(entry, trouble, say::Met::Syncing { tasks: 0 });
                tracing::warn!(
                    account.id = %member.account.id,
                    code = failure.code,
                    why = say::reason_for_log(&failure),
                    "an account stands still"
                );
            }
        }
        let reply = Outcome {
            app: self,
            hub: &self.hub,
            entries: &choice.entries,
            refused: &choice.refused,
            report: &report,
            began: began.at,
            about,
        }
        .reply(began.clock.elapsed(), notes, true)
        .await?;
        for member in choice.members {
            let mut entries = choice.entries.iter();
            let entry = entries.find(|entry| entry.account.id == member.account.id);
            let told = reply.accounts.iter();
            let mut told = told.filter(|told| told.name == member.account.name);
            if let Some(entry) = entry {
                let failure = told.next().and_then(|told| told.error.as_ref());
                self.keep(entry, member.connector, failure);
            }
        }
        Ok(reply)
    }

    /// What a request means to the engine.
    pub(crate) fn options(&self, request: &SyncRequest) -> RoundOptions {
        RoundOptions {
            look: if request.full {
                Look::Everything
            } else {
                Look::Changes
            },
            accept: request.yes,
            max_delete: request.max_delete,
            anew: request.anew,
            lease_timeout: self.patience,
            holder: "instep".to_owned(),
        }
    }

    /// Runs the real engine on a copy of the hub, with connectors that only play writing.
    async fn rehearse(&self, request: &SyncRequest) -> Result<SyncReply, Failure> {
        let began = Began::now();
        let entries = self.entries(&request.accounts)?;
        let dir = scratch_copy(&self.places, NO_PLAN)?;
        let copy = self.hub.scratch_copy(dir.path()).await;
        let copy = copy.map_err(|error| copy_failed(NO_PLAN, with_causes(&error)))?;
        let mut choice = self.choose(entries, dir.path(), Rehearsal::new).await;
        let engine = self.engine(copy.clone());
        let mut options = self.options(request);
        let mut report = engine.run_round(&mut choice.members, &options).await;
        if !options.accept
            && report
                .accounts
                .iter()
                .any(|account| meets(&account.trouble))
        {
            // What accepting would lead to is what a person wants to see before they do.
            options.accept = true;
            let accepted = engine.run_round(&mut choice.members, &options).await;
            let asked: Vec<AccountId> = report
                .accounts
                .iter()
                .filter(|account| meets(&account.trouble))
                .map(|account| account.account.clone())
                .collect();
            report
                .changes
                .retain(|change| !asked.contains(&change.account));
            report.changes.extend(accepted.changes);
            for (told, accepted) in report.accounts.iter_mut().zip(accepted.accounts) {
                told.older = accepted.older;
            }
        }
        let mut notes = Vec::new();
        for (member, told) in choice.members.iter_mut().zip(&report.accounts) {
            notes.extend(member.connector.inner_mut().take_notices());
            notes.extend(left_out(&member.account, told));
        }
        let mut reply = Outcome {
            app: self,
            hub: &copy,
            entries: &choice.entries,
            refused: &choice.refused,
            report: &report,
            began: began.at,
            about: About::Everything,
        }
        .reply(began.clock.elapsed(), notes, false)
        .await?;
        copy.close().await;
        reply.plan = Some(std::mem::take(&mut reply.shown.changes));
        reply.shown.apply = carried_out(request);
        Ok(reply)
    }
}

/// The command that does what a rehearsal of this request told.
fn carried_out(request: &SyncRequest) -> String {
    let command = match request.anew {
        true => "instep repair",
        false => "instep sync",
    };
    let mut words = vec![command.to_owned()];
    words.extend(request.accounts.iter().cloned());
    let flags = [(request.full, "--full"), (request.yes, "--yes")];
    let given = flags.into_iter().filter(|(given, _)| *given);
    words.extend(given.map(|(_, flag)| flag.to_owned()));
    words.extend(
        request
            .max_delete
            .map(|most| format!("--max-delete {most}")),
    );
    words.join(" ")
}

fn left_out(account: &Account, told: &AccountReport) -> Vec<String> {
    let left_out = told.left_out.iter();
    left_out
        .map(|one| refused::left_out(account, one))
        .collect()
}

/// Whether a person has to accept a meeting before the account goes on.
fn meets(trouble: &Option<Trouble>) -> bool {
    matches!(
        trouble,
        Some(Trouble::NeedsYou(
            Need::FirstMeeting { .. } | Need::NewServer { .. } | Need::OlderState { .. }
        ))
    )
}

/// What of this a round has seen to, in accounts that came through, and what it has not: where a look goes
/// by what a service says of its changes, it may leave out single items.
fn seen_to(
    told: Vec<Event>,
    choice: &Choice<'_, AnyConnector>,
    report: &RoundReport,
) -> (Vec<Event>, Vec<Event>) {
    let came_through = |event: &Event| {
        let mut reports = report.accounts.iter();
        let own = reports.find(|told| told.account == event.account);
        own.is_some_and(|told| told.trouble.is_none())
    };
    let is_shown = |event: &Event| {
        let mut members = choice.members.iter();
        let own = members.find(|member| member.account.id == event.account);
        event.item.is_none() || own.is_some_and(|member| member.connector.compares())
    };
    told.into_iter().filter(came_through).partition(is_shown)
}
