//! A round: every selected account is observed, then planned and applied, until nothing is left.

use std::time::Duration;

use instep_contract::{Connector, Look, Store};
use instep_model::{Account, AccountId, Direction, TimeZone};

use crate::pass::{Pass, Passes, Tenure};
use crate::report::RoundReport;
use crate::single::is_current;
use crate::stop::Stop;
use crate::{Clock, Decisions, Limits, Rng};

/// A round goes around its accounts at most this often (S8).
const MOST_LAPS: usize = 3;

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
        let go = async |passes: &mut Passes<'_, C>| self.go_around(passes).await;
        self.with_passes(members, options, tenure, go).await
    }

    async fn go_around<C: Connector>(&self, passes: &mut Passes<'_, C>) {
        let Passes { all, changes } = passes;
        for lap in 0..MOST_LAPS {
            // Markers first: they tell a first meeting elsewhere who is who. What is never read into
            // the hub comes last: only what the others brought tells its items from new ones.
            all.sort_by_key(|(at, pass)| {
                let only_written = pass.account.direction == Direction::ToRemote;
                (only_written, !pass.capabilities.markers, *at)
            });
            for (_, pass) in all.iter_mut() {
                if lap == 0 || pass.wrote {
                    pass.wrote = false;
                    let look = async |pass: &mut Pass<'_, C>| self.look(pass, lap == 0).await;
                    self.step(pass, changes, look).await;
                }
            }
            for (_, pass) in all.iter_mut() {
                pass.stirred = false;
                let push = async |pass: &mut Pass<'_, C>| self.push_after_a_look(pass).await;
                self.step(pass, changes, push).await;
            }
            if !all.iter().any(|(_, pass)| pass.wrote || pass.stirred) {
                break;
            }
        }
    }

    async fn push_after_a_look<C: Connector>(&self, pass: &mut Pass<'_, C>) -> Result<(), Stop> {
        if !pass.looked {
            self.look(pass, false).await?;
        }
        self.push(pass, None).await
    }

    /// Every account but this one.
    pub(crate) fn others(&self, account: &AccountId) -> Vec<AccountId> {
        let ids = self.peers.iter().map(|peer| &peer.account);
        ids.filter(|id| *id != account).cloned().collect()
    }
}
