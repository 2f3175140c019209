//! A round: every selected account is observed, then planned and applied, until nothing is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use instep_contract::{Connector, ConnectorError, Doubt, Lease, Look, Store, StoreError};
use instep_model::{
    Account, AccountId, Capabilities, Direction, Need, RemoteId, TaskId, TimeZone, Timestamp,
    Trouble,
};

use crate::door::Door;
use crate::meanwhile::Newer;
use crate::report::{AccountReport, RoundReport, of_store, trouble_of};
use crate::single::is_current;
use crate::{Clock, Decisions, Limits, Rng};

/// A round runs its accounts at most this often (S8).
const MOST_TURNS: usize = 3;

/// How long a lease lasts where it has to be renewed by time.
const LEASE_TTL: Duration = Duration::from_secs(60);

/// An account that takes part in a round.
#[derive(Debug)]
pub struct Member<C> {
    /// The account.
    pub account: Account,
    /// Its service.
    pub connector: C,
}

/// Any account of the user, whether it takes part in this round or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The account.
    pub account: AccountId,
    /// The name of the marker that holds its ids, where its ids are worth marking.
    pub marker: Option<String>,
    /// Whether its items can carry markers.
    pub holds_markers: bool,
    /// Whether it is never read into the hub (S29).
    pub only_written: bool,
}

impl Peer {
    /// What other accounts have to know of `account`.
    pub fn of(account: &Account) -> Self {
        Self {
            account: account.id.clone(),
            marker: account.kind.is_marked().then(|| account.marker()),
            holds_markers: account.kind.holds_markers(),
            only_written: account.direction == Direction::ToRemote,
        }
    }
}

/// How a round is run.
#[derive(Debug, Clone)]
pub struct RoundOptions {
    /// How closely to look.
    pub look: Look,
    /// Whether a person accepted what a first meeting or a new server leads to, and that the hub is
    /// carried again to a service that went back to an older state.
    pub accept: bool,
    /// How many deletions a person permitted; those that an older state amounts to are among them.
    pub max_delete: Option<usize>,
    /// Whether it is found out anew which task is which item, as if the hub met the account for the
    /// first time. No task is touched by that, and nothing is forgotten that is in doubt.
    pub anew: bool,
    /// How long to wait for an account that somebody else runs.
    pub lease_timeout: Duration,
    /// Who we are, for whoever waits for us.
    pub holder: String,
}

impl Default for RoundOptions {
    fn default() -> Self {
        Self {
            look: Look::Changes,
            accept: false,
            max_delete: None,
            anew: false,
            lease_timeout: Duration::from_secs(30),
            holder: String::new(),
        }
    }
}

/// The engine: a store, time, chance, and the accounts of one user.
#[derive(Debug)]
pub struct Engine<S, K, R> {
    /// The hub.
    pub store: S,
    /// Time.
    pub clock: K,
    /// Chance.
    pub rng: R,
    /// The user's time zone (S21).
    pub zone: TimeZone,
    /// All accounts of the user.
    pub peers: Vec<Peer>,
    /// The pure decisions.
    pub decisions: Decisions,
    /// When services are called no longer.
    pub limits: Limits,
}

/// One account's turn: what its steps share.
pub(crate) struct Pass<'a, C> {
    pub(crate) account: &'a Account,
    pub(crate) connector: &'a mut C,
    pub(crate) door: Door,
    pub(crate) capabilities: Capabilities,
    /// What each service of this round holds.
    pub(crate) services: Arc<BTreeMap<AccountId, Capabilities>>,
    pub(crate) lease: Lease,
    pub(crate) options: &'a RoundOptions,
    /// How long the lease is held.
    pub(crate) tenure: Tenure,
    /// What the connector had counted before this turn.
    pub(crate) calls_before: u64,
    /// Calls that were made through others beside it.
    pub(crate) calls_beside: u64,
    pub(crate) report: AccountReport,
    pub(crate) changes: Vec<crate::report::ReportedChange>,
    /// What this round made there: its labels and links are part of making it.
    pub(crate) made: BTreeSet<TaskId>,
    /// Whether this round has looked at the account, so that a deletion there would be known.
    pub(crate) looked: bool,
    /// Whether anything was written to the remote in this turn.
    pub(crate) wrote: bool,
    /// Whether this turn's push made work for any account.
    pub(crate) stirred: bool,
    /// Tasks of which a write was refused because they kept changing there.
    pub(crate) contested: BTreeSet<TaskId>,
    /// Items that were asked for or written, as far as somebody has to know.
    pub(crate) touched: BTreeSet<RemoteId>,
    /// What a push has to make way for, while one is under way.
    pub(crate) newer: Option<Newer>,
    /// Work that was refused in this round, by its generation: not tried twice in one.
    pub(crate) refused: BTreeSet<u64>,
    /// What a person has to look at, while everything else goes on.
    pub(crate) needs: Option<Need>,
    /// Whether this turn has asked who answers, and it is who it was (S5).
    pub(crate) recognised: bool,
    /// Once a service that went back is to be brought up to the hub again: when it was last seen.
    /// What changed there no later than this is old.
    pub(crate) older: Option<Timestamp>,
    /// What the hub remembers to stand in the way, once that was read.
    pub(crate) known_trouble: Option<Option<Trouble>>,
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
}

/// Ends a step early: the account's turn is over, or it has to begin again.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The account stands still.
    Trouble(Trouble),
    /// Something moved under the step: plan it again.
    Again,
    /// The answer to a write was lost: look what became of it, then go on.
    Lost(Trouble),
}

impl Stop {
    /// What a failed call leads to. What must not be sent twice waits for a look before it is sent
    /// again (S13), so that the account's turn is over.
    pub(crate) fn after(error: ConnectorError, once: bool) -> Self {
        match once {
            true => Self::Trouble(trouble_of(&error)),
            false => error.into(),
        }
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Stale { .. } | StoreError::AlreadyPaired { .. } => Self::Again,
            other => Self::Trouble(of_store(&other)),
        }
    }
}

impl From<ConnectorError> for Stop {
    fn from(error: ConnectorError) -> Self {
        let trouble = trouble_of(&error);
        match error {
            ConnectorError::OutcomeUnknown {
                doubt: Doubt::Failed | Doubt::Lost,
                ..
            } => Self::Lost(trouble),
            _ => Self::Trouble(trouble),
        }
    }
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Runs one round over `members`. Every account comes back with its report; one that stands
    /// still does not stop the others.
    pub async fn run_round<C: Connector>(
        &self,
        members: &mut [Member<C>],
        options: &RoundOptions,
    ) -> RoundReport {
        // A first meeting compares two sides that nobody else may move meanwhile.
        let mut tenure = Tenure::Step;
        for member in members.iter() {
            let state = self.store.account_state(&member.account.id).await;
            if options.anew || !state.is_ok_and(|state| is_current(&state)) {
                tenure = Tenure::Whole;
            }
        }
        let turns = async |passes: &mut [(usize, Pass<'_, C>)]| self.turns(passes).await;
        self.with_passes(members, options, tenure, turns).await
    }

    /// Takes what accounts can be had, runs `work` over them, and gives them back.
    pub(crate) async fn with_leases<'m, C: Connector>(
        &self,
        members: &'m mut [Member<C>],
        options: &'m RoundOptions,
        work: impl AsyncFnOnce(&mut [(usize, Pass<'m, C>)]) -> Vec<crate::report::ReportedChange>,
    ) -> RoundReport {
        self.with_passes(members, options, Tenure::Whole, work)
            .await
    }

    async fn with_passes<'m, C: Connector>(
        &self,
        members: &'m mut [Member<C>],
        options: &'m RoundOptions,
        tenure: Tenure,
        work: impl AsyncFnOnce(&mut [(usize, Pass<'m, C>)]) -> Vec<crate::report::ReportedChange>,
    ) -> RoundReport {
        let services = members.iter().map(|member| {
            let capabilities = member.connector.capabilities().clone();
            (member.account.id.clone(), capabilities)
        });
        let services = Arc::new(services.collect());
        let mut passes = Vec::new();
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
                    passes.push((at, pass));
                }
                Err(error) => {
                    let mut report = AccountReport::new(member.account.id.clone());
                    report.trouble = Some(of_store(&error));
                    reports.push((at, report));
                }
            }
        }
        let changes = work(&mut passes).await;
        for (at, mut pass) in passes {
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
            changes,
        }
    }

    async fn turns<C: Connector>(
        &self,
        passes: &mut [(usize, Pass<'_, C>)],
    ) -> Vec<crate::report::ReportedChange> {
        let mut changes = Vec::new();
        for turn in 0..MOST_TURNS {
            // Markers first: they tell a first meeting elsewhere who is who. What is never read into
            // the hub comes last: only what the others brought tells its items from new ones.
            passes.sort_by_key(|(at, pass)| {
                let only_written = pass.account.direction == Direction::ToRemote;
                (only_written, !pass.capabilities.markers, *at)
            });
            for (_, pass) in passes.iter_mut() {
                if turn == 0 || pass.wrote {
                    pass.wrote = false;
                    self.timed(pass, turn == 0, Step::Look).await;
                    changes.append(&mut pass.changes);
                }
            }
            for (_, pass) in passes.iter_mut() {
                pass.stirred = false;
                self.timed(pass, turn == 0, Step::Push).await;
                changes.append(&mut pass.changes);
            }
            if !passes.iter().any(|(_, pass)| pass.wrote || pass.stirred) {
                break;
            }
        }
        changes
    }

    async fn timed<C: Connector>(&self, pass: &mut Pass<'_, C>, first: bool, step: Step) {
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
        let outcome = match step {
            Step::Look => Box::pin(self.look(pass, first)).await,
            Step::Push => Box::pin(self.push_after_a_look(pass)).await,
        };
        if let Err(stop) = outcome {
            pass.report.trouble = Some(stop.into_trouble());
        }
        if pass.tenure == Tenure::Step {
            self.give_back(pass.lease.clone()).await;
        }
        let took = self.clock.now().duration_since(began);
        pass.report.duration += Duration::try_from(took).unwrap_or_default();
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

    async fn push_after_a_look<C: Connector>(&self, pass: &mut Pass<'_, C>) -> Result<(), Stop> {
        if !pass.looked {
            self.look(pass, false).await?;
        }
        self.push(pass).await
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

    /// Every account but this one.
    pub(crate) fn others(&self, account: &AccountId) -> Vec<AccountId> {
        let ids = self.peers.iter().map(|peer| &peer.account);
        ids.filter(|id| *id != account).cloned().collect()
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

#[derive(Clone, Copy)]
enum Step {
    Look,
    Push,
}

impl<C> Pass<'_, C> {
    /// Whether this service holds `field` so that both sides can change it.
    pub(crate) fn merges(&self, field: instep_model::Field) -> bool {
        use instep_model::Hold;
        matches!(self.capabilities.hold(field), Hold::Whole | Hold::Coarse(_))
    }
}
