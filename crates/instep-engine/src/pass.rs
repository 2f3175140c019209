//! One account's part of a round or a turn: what its steps share, and the frame that each of them runs
//! in. What a step does is not known here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use instep_contract::{Connector, Lease, Store, StoreError};
use instep_model::{
    Account, AccountId, Capabilities, Field, Hold, Need, RemoteId, TaskId, Timestamp, Trouble,
};

use crate::door::Door;
use crate::meanwhile::Newer;
use crate::report::{AccountReport, ReportedChange, RoundReport, of_store};
use crate::round::{Engine, Member, RoundOptions};
use crate::stop::Stop;
use crate::{Clock, Rng};

/// How long a lease lasts where it has to be renewed by time.
const LEASE_TTL: Duration = Duration::from_secs(60);

/// What the steps of one account share, from the first to the last of a round or a turn.
pub(crate) struct Pass<'a, C> {
    pub(crate) account: &'a Account,
    pub(crate) connector: &'a mut C,
    pub(crate) door: Door,
    pub(crate) capabilities: Capabilities,
    /// What the services of all members hold.
    pub(crate) services: Arc<BTreeMap<AccountId, Capabilities>>,
    pub(crate) lease: Lease,
    pub(crate) options: &'a RoundOptions,
    /// How long the lease is held.
    pub(crate) tenure: Tenure,
    /// What the connector had counted before the first step.
    pub(crate) calls_before: u64,
    /// Calls that were made through others beside it.
    pub(crate) calls_beside: u64,
    pub(crate) report: AccountReport,
    pub(crate) changes: Vec<ReportedChange>,
    /// What its steps made there: its labels and links are part of making it.
    pub(crate) made: BTreeSet<TaskId>,
    /// Whether one of its steps has looked at the account, so that a deletion there would be known.
    pub(crate) looked: bool,
    /// Whether anything was written to the remote since it was looked at.
    pub(crate) wrote: bool,
    /// Whether the last push made work for any account.
    pub(crate) stirred: bool,
    /// Tasks of which a write was refused because they kept changing there.
    pub(crate) contested: BTreeSet<TaskId>,
    /// Items that were asked for or written, as far as somebody has to know.
    pub(crate) touched: BTreeSet<RemoteId>,
    /// What a push has to make way for, while one is under way.
    pub(crate) newer: Option<Newer>,
    /// Work that was refused to its steps, by its generation: not tried a second time.
    pub(crate) refused: BTreeSet<u64>,
    /// What a person has to look at, while everything else goes on.
    pub(crate) needs: Option<Need>,
    /// Whether one of its steps has asked who answers, and it is who it was (S5).
    pub(crate) recognised: bool,
    /// Once a service that went back is to be brought up to the hub again: when it was last seen.
    /// What changed there no later than this is old.
    pub(crate) older: Option<Timestamp>,
    /// Whether such a service is to be taken as it is instead.
    pub(crate) takes_older: bool,
    /// What the hub remembers to stand in the way, once that was read.
    pub(crate) known_trouble: Option<Option<Trouble>>,
}

/// The passes of a round or a turn, each with its member's place, and what they changed, in the order in
/// which they did.
pub(crate) struct Passes<'a, C> {
    pub(crate) all: Vec<(usize, Pass<'a, C>)>,
    pub(crate) changes: Vec<ReportedChange>,
}

/// How far a report had come before a step that may have to be planned again.
pub(crate) struct Mark {
    report: AccountReport,
    changes: usize,
}

impl<C> Pass<'_, C> {
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            report: self.report.clone(),
            changes: self.changes.len(),
        }
    }

    pub(crate) fn take_back(&mut self, mark: Mark) {
        self.report = mark.report;
        self.changes.truncate(mark.changes);
    }

    /// Whether this service holds `field` so that both sides can change it.
    pub(crate) fn merges(&self, field: Field) -> bool {
        matches!(self.capabilities.hold(field), Hold::Whole | Hold::Coarse(_))
    }
}

/// For how long a pass holds its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tenure {
    /// From its first step to its last.
    Whole,
    /// For each step anew, so that others have it in between.
    Step,
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// As [`with_passes`](Self::with_passes), with every account held from the first step to the last.
    pub(crate) async fn with_leases<'m, C: Connector>(
        &self,
        members: &'m mut [Member<C>],
        options: &'m RoundOptions,
        work: impl AsyncFnOnce(&mut Passes<'m, C>),
    ) -> RoundReport {
        self.with_passes(members, options, Tenure::Whole, work)
            .await
    }

    /// Takes what accounts can be had, runs `work` over them, and gives them back.
    pub(crate) async fn with_passes<'m, C: Connector>(
        &self,
        members: &'m mut [Member<C>],
        options: &'m RoundOptions,
        tenure: Tenure,
        work: impl AsyncFnOnce(&mut Passes<'m, C>),
    ) -> RoundReport {
        let services = members.iter().map(|member| {
            let capabilities = member.connector.capabilities().clone();
            (member.account.id.clone(), capabilities)
        });
        let services = Arc::new(services.collect());
        let mut all = Vec::new();
        let mut reports = Vec::new();
        for (at, member) in members.iter_mut().enumerate() {
            let lease = match tenure {
                Tenure::Whole => self.claim(&member.account.id, options).await,
                Tenure::Step => Ok(Lease {
                    account: member.account.id.clone(),
                    token: 0,
                }),
            };
            match lease {
                Ok(lease) => {
                    let services = Arc::clone(&services);
                    let pass = self.pass(member, (lease, tenure), options, services);
                    all.push((at, pass));
                }
                Err(error) => {
                    let mut report = AccountReport::new(member.account.id.clone());
                    report.trouble = Some(of_store(&error));
                    reports.push((at, report));
                }
            }
        }
        let changes = Vec::new();
        let mut passes = Passes { all, changes };
        work(&mut passes).await;
        for (at, mut pass) in passes.all {
            self.tell_contested(&mut pass).await;
            let mut report = pass.report;
            report.calls = pass.connector.calls() - pass.calls_before + pass.calls_beside;
            if report.trouble.is_none() {
                report.trouble = pass.needs.map(Trouble::NeedsYou);
            }
            self.remember_trouble(&report, pass.known_trouble).await;
            if tenure == Tenure::Whole {
                self.give_back(pass.lease).await;
            }
            reports.push((at, report));
        }
        reports.sort_by_key(|(at, _)| *at);
        RoundReport {
            accounts: reports.into_iter().map(|(_, report)| report).collect(),
            changes: passes.changes,
        }
    }

    /// One step of one account, which is left out once the account stands still. What stops it is the
    /// account's trouble; how long it took and what it changed is told.
    pub(crate) async fn step<'m, C: Connector>(
        &self,
        pass: &mut Pass<'m, C>,
        changes: &mut Vec<ReportedChange>,
        work: impl AsyncFnOnce(&mut Pass<'m, C>) -> Result<(), Stop>,
    ) {
        if pass.report.trouble.is_some() {
            return;
        }
        if pass.tenure == Tenure::Step
            && let Err(error) = self.take_for_a_step(pass).await
        {
            pass.report.trouble = Some(of_store(&error));
            return;
        }
        let began = self.clock.now();
        // Boxed, so that what awaits a round is not as deep as all of its steps together.
        if let Err(stop) = Box::pin(work(pass)).await {
            pass.report.trouble = Some(stop.into_trouble());
        }
        if pass.tenure == Tenure::Step {
            self.give_back(pass.lease.clone()).await;
        }
        let took = self.clock.now().duration_since(began);
        pass.report.duration += Duration::try_from(took).unwrap_or_default();
        changes.append(&mut pass.changes);
    }

    /// Takes the account for one step. Where another process has had it since, what was seen of it is
    /// out of date. What this one did there meanwhile is in the hub, and took nothing back.
    async fn take_for_a_step<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
    ) -> Result<(), StoreError> {
        let before = pass.lease.token;
        pass.lease = self.claim(&pass.account.id, pass.options).await?;
        pass.looked &= pass.lease.token <= before + 1;
        Ok(())
    }

    async fn give_back(&self, lease: Lease) {
        // A lease that cannot be given back ends by itself.
        let _ = self.store.release_lease(lease).await;
    }

    fn pass<'a, C: Connector>(
        &self,
        member: &'a mut Member<C>,
        (lease, tenure): (Lease, Tenure),
        options: &'a RoundOptions,
        services: Arc<BTreeMap<AccountId, Capabilities>>,
    ) -> Pass<'a, C> {
        Pass {
            account: &member.account,
            capabilities: member.connector.capabilities().clone(),
            calls_before: member.connector.calls(),
            door: Door::new(member.account.id.clone(), &member.connector),
            connector: &mut member.connector,
            services,
            lease,
            tenure,
            options,
            calls_beside: 0,
            report: AccountReport::new(member.account.id.clone()),
            changes: Vec::new(),
            made: BTreeSet::new(),
            looked: false,
            wrote: false,
            stirred: false,
            contested: BTreeSet::new(),
            touched: BTreeSet::new(),
            newer: None,
            refused: BTreeSet::new(),
            needs: None,
            recognised: false,
            older: None,
            takes_older: false,
            known_trouble: None,
        }
    }

    /// Takes the account, waiting for whoever has it (S11). It is given back by the store's
    /// [`release_lease`](Store::release_lease).
    ///
    /// # Errors
    /// [`StoreError::LeaseHeld`] when somebody else has it for longer than `options` allow.
    pub async fn claim(
        &self,
        account: &AccountId,
        options: &RoundOptions,
    ) -> Result<Lease, StoreError> {
        let mut waited = Duration::ZERO;
        loop {
            let now = self.clock.now();
            let claim = self
                .store
                .claim_lease(account, &options.holder, LEASE_TTL, now)
                .await;
            match claim {
                Ok(lease) => return Ok(lease),
                Err(StoreError::LeaseHeld { .. }) if waited < options.lease_timeout => {
                    let pause = Duration::from_millis(10 + self.rng.next_u64() % 40);
                    self.clock.sleep(pause).await;
                    waited += pause;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn remember_trouble(&self, report: &AccountReport, known: Option<Option<Trouble>>) {
        // A step that looked at nothing says nothing of what stood in the way before.
        let is_news = match (&known, &report.trouble) {
            // Nothing was found out; why it is left alone is remembered beside it.
            (_, Some(trouble)) if trouble.is_left_alone() => false,
            (Some(known), trouble) => known != trouble,
            (None, trouble) => trouble.is_some(),
        };
        if is_news {
            // Only status reads it; a round whose database fails has said so already.
            let trouble = report.trouble.as_ref();
            let _ = self.store.set_trouble(&report.account, trouble).await;
        }
    }
}
