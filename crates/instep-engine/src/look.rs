//! The first half of a pass: observe the remote and take what was found into the hub.
//!
//! The cursor moves only after everything that was found has been committed, so a crash
//! in between makes the next pass see it again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use instep_contract::{
    AccountState, CommitObservation, Connector, ConnectorError, Cursor, Look, MergeStep,
    Observation, Store,
};
use instep_model::{
    Direction, Evidence, Gone, Identity, Mapping, Need, RemoteId, RemoteTask, TaskId, Timestamp,
    Trouble,
};

use instep_sync::Trust;

use crate::meanwhile::{Found, Touched};
use crate::merge::{Sighting, agreed};
use crate::pass::Pass;
use crate::refusal::has_opened;
use crate::rehearsal::is_invented;
use crate::round::{Engine, Peer};
use crate::sight::Sight;
use crate::single::is_current;
use crate::stop::Stop;
use crate::{Clock, Rng};

/// Pairs that are merged and committed in one transaction.
const CHUNK: usize = 500;

/// How long the looks at what changed alone are relied on.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// How often a step is planned again because tasks moved under it.
const MOST_PLANS: usize = 5;

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Looks at the account and merges what it finds.
    // tidy: long because the order of the steps is what it says
    pub(crate) async fn look<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        first: bool,
    ) -> Result<(), Stop> {
        let doubts = self.settle_doubts(pass).await?;
        let mut state = self.store.account_state(&pass.account.id).await?;
        pass.known_trouble = Some(state.trouble.clone());
        if first {
            state = self.part(pass, state, doubts).await?;
            self.wait_for_others(pass, &state).await?;
            self.approve(pass, &state).await?;
        }
        let look = match first {
            true if self.is_sweep_due(&state) => Look::Everything,
            true => pass.options.look,
            false => Look::Changes,
        };
        let found = self.observe(pass, state, (look, doubts)).await?;
        let Found {
            observation,
            mut state,
            trust,
            touched,
        } = found;
        let doubts = touched.doubts;
        let sweep = look == Look::Everything || state.cursor.is_none();
        let Observation {
            identity,
            known_as: _,
            tasks,
            gone,
            collections,
            complete,
            went_back: _,
            cursor,
        } = observation;
        let mut opened = false;
        if let Some(collections) = &collections {
            opened = state.joined && has_opened(&state.collections, collections);
            state.collections.clone_from(collections);
        }
        // A full look replaces what stood for review: what is not decided yet stands on.
        let reviews = if sweep {
            state.reviews.clone()
        } else {
            Vec::new()
        };
        let mut seen = Sight {
            state,
            identity: identity.clone(),
            trust,
            complete,
            in_doubt: doubts > 0,
            reviews,
        };
        let gone = if complete {
            self.with_unlisted(pass, &tasks, gone, &touched).await?
        } else {
            gone
        };
        let gone = self.follow_new_ids(pass, &tasks, gone).await?;
        let listed: BTreeSet<RemoteId> = match seen.state.unseen {
            0 => BTreeSet::new(),
            _ => {
                let listed = tasks.iter().map(|task| task.id.clone());
                listed.chain(touched.items.iter().cloned()).collect()
            }
        };
        let quiet = !sweep && tasks.is_empty() && gone.is_empty() && touched.items.is_empty();
        // What is gone comes first: a link to it was not taken away by anybody (S23).
        self.take_gone(pass, &seen, gone).await?;
        let has_links = |task: &&RemoteTask| task.parent.is_some() || !task.depends.is_empty();
        let links: Vec<RemoteTask> = tasks.iter().filter(has_links).cloned().collect();
        let unknown = self.merge_known(pass, &seen, tasks).await?;
        let new: BTreeSet<RemoteId> = unknown.iter().map(|task| task.id.clone()).collect();
        self.meet(pass, &mut seen, unknown).await?;
        self.merge_links(pass, &seen, &new, links).await?;
        if !complete {
            self.look_after_unseen(pass, &seen, &listed).await?;
        }
        self.read_touched(pass, &touched.items).await?;
        if seen.in_doubt {
            // The cursor stays where it is: what is unknown now has to be seen again.
            return Err(Stop::Trouble(Trouble::InDoubt { count: doubts }));
        }
        pass.looked = true;
        pass.older = None;
        let now = self.clock.now();
        if opened {
            self.store.wake_refused(&pass.lease, now).await?;
        }
        let end = CommitObservation {
            identity,
            cursor,
            collections,
            sweep,
            joined: true,
            // What was made while the look went on may not have been shown by it.
            shows_all: touched.items.is_empty() && (seen.state.unseen > 0 || !new.is_empty()),
            reviews: seen.reviews,
            at: now,
        };
        self.store.commit_observation(&pass.lease, &end).await?;
        // What is parked is tried again when a person asks for it, not every day.
        if first && pass.options.look == Look::Everything && seen.state.joined {
            self.store.wake_all(&pass.lease, now).await?;
        }
        let state = if quiet && pass.options.max_delete.is_none() {
            seen.state
        } else {
            self.store.account_state(&pass.account.id).await?
        };
        pass.needs = needs(&state);
        match first {
            true => self.put_back_lost(pass, &[]).await,
            false => Ok(()),
        }
    }

    /// Where a person asked for it, ends every pair of the account, so that this look finds out anew who
    /// is who. What markers say of it is kept: it is the same server.
    async fn part<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        state: AccountState,
        doubts: usize,
    ) -> Result<AccountState, Stop> {
        if !pass.options.anew || !state.joined {
            return Ok(state);
        }
        if doubts > 0 {
            // What becomes of them is known by their pairs alone.
            return Err(Stop::Trouble(Trouble::InDoubt { count: doubts }));
        }
        let now = self.clock.now();
        self.store.end_epoch(&pass.lease, None, now).await?;
        Ok(self.store.account_state(&pass.account.id).await?)
    }

    /// Whether everything is to be looked at, for what no change tells of (S9). A clock that was set
    /// makes it due as well, and so does a return: while an account was missing from the config it
    /// may have been changed unseen, its scope too.
    fn is_sweep_due(&self, state: &AccountState) -> bool {
        let now = self.clock.now();
        let age = |at| now.duration_since(at).unsigned_abs();
        match state.last_sweep_at {
            Some(at) => age(at) >= SWEEP_EVERY,
            None => state.joined,
        }
    }

    /// Pairs that a complete look did not list are gone, even where the connector never knew them:
    /// made by us and deleted there before anybody looked.
    async fn with_unlisted<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        tasks: &[RemoteTask],
        mut gone: Vec<Gone>,
        touched: &Touched,
    ) -> Result<Vec<Gone>, Stop> {
        let paired = self.store.paired(&pass.account.id).await?;
        let mut known: BTreeSet<&RemoteId> = tasks.iter().map(|task| &task.id).collect();
        known.extend(&touched.items);
        known.extend(gone.iter().map(|gone| &gone.id));
        let unlisted: Vec<Gone> = paired
            .into_iter()
            .filter(|(id, _)| !known.contains(id))
            .map(|(id, _)| Gone {
                id,
                evidence: Evidence::Unlisted,
                at: None,
                last: None,
            })
            .collect();
        gone.extend(unlisted);
        Ok(gone)
    }

    /// What an account holds that is only written to is told by the others alone: before they have met
    /// the hub everything there would be made once more (S29). And once the hub is an older one, markers
    /// elsewhere tell which of its tasks those are that it has forgotten (I9).
    async fn wait_for_others<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        state: &AccountState,
    ) -> Result<(), Stop> {
        let has_forgotten = |state: &AccountState| state.joined && state.cursor.is_none();
        if has_forgotten(state) && !pass.capabilities.markers {
            // What is only written to is looked at last.
            let tells = |peer: &&Peer| peer.holds_markers && !peer.only_written;
            for peer in self.peers.iter().filter(tells) {
                let id = &peer.account;
                if has_forgotten(&self.store.account_state(id).await?) {
                    let reason = format!(
                        "the hub is an older one: it waits for a look at `{id}`, whose markers tell \
                         which of its tasks the hub has forgotten"
                    );
                    return Err(Stop::Trouble(Trouble::Failed { reason }));
                }
            }
        }
        if state.joined || pass.account.direction != Direction::ToRemote {
            return Ok(());
        }
        for peer in self.peers.iter().filter(|peer| !peer.only_written) {
            let id = &peer.account;
            if !self.store.account_state(id).await?.joined {
                let reason = format!(
                    "it is only written to, and waits for the first sync of `{id}`: without that \
                     nobody knows what it holds already"
                );
                return Err(Stop::Trouble(Trouble::Failed { reason }));
            }
        }
        Ok(())
    }

    /// What we made should have been shown by this look. What was not is asked for by its id: a person
    /// may have deleted it before anything listed it.
    async fn look_after_unseen<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        seen: &Sight,
        listed: &BTreeSet<RemoteId>,
    ) -> Result<(), Stop> {
        if seen.state.unseen == 0 {
            return Ok(());
        }
        let mut unseen = self.store.unseen(&pass.account.id).await?;
        // What a rehearsal only played at making is in no service, and nobody deleted it.
        unseen.retain(|(id, _)| !listed.contains(id) && !is_invented(id));
        if unseen.is_empty() {
            return Ok(());
        }
        let ids: Vec<RemoteId> = unseen.iter().map(|(id, _)| id.clone()).collect();
        let found = self.read(pass, &ids).await?;
        let (mut there, mut losses) = (Vec::new(), Vec::new());
        for ((_, task), found) in unseen.into_iter().zip(found) {
            match found {
                Some(remote) => there.push((task, remote)),
                None => losses.push(self.not_found(task)),
            }
        }
        self.take_losses(pass, &losses).await?;
        for there in there.chunks(CHUNK) {
            self.merge_chunk(pass, there, seen.state.last_pass_at)
                .await?;
        }
        Ok(())
    }

    async fn observe<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        state: AccountState,
        (look, doubts): (Look, usize),
    ) -> Result<Found, Stop> {
        let touched = Touched {
            doubts,
            ..Touched::default()
        };
        let found = if is_current(&state) {
            self.ask_meanwhile(pass, state, (look, touched)).await?
        } else {
            Found {
                observation: self.ask(pass, state.cursor.as_ref(), look).await?,
                state,
                trust: Trust::Unknown,
                touched,
            }
        };
        self.judge_who_answers(pass, found).await
    }

    /// Whether what was found is believed: it is the service that is known, and not an older state of
    /// it.
    async fn judge_who_answers<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        found: Found,
    ) -> Result<Found, Stop> {
        let Found {
            observation,
            state,
            touched,
            ..
        } = found;
        // A marker may be older than the server, or than the hub: it never counts for more than
        // one that is not known.
        match &state.identity {
            Some(known) if answers_as(&observation, known) => {
                let older = observation.went_back
                    || self
                        .shows_strangers(pass, &state, &observation.tasks)
                        .await?;
                pass.recognised = true;
                let (observation, touched) = match older {
                    true => {
                        let doubts = touched.doubts;
                        let seen = self.face_older(pass, &state).await?;
                        let items = BTreeSet::new();
                        (seen, Touched { items, doubts })
                    }
                    false => (observation, touched),
                };
                return Ok(Found {
                    observation,
                    state,
                    trust: Trust::Unknown,
                    touched,
                });
            }
            Some(_) => {}
            None => return self.recognise(pass, (observation, touched), state).await,
        }
        let tally = self.store.tally(&pass.account.id, self.clock.now()).await?;
        let pairs: usize = tally.alive.values().sum();
        if pairs > 0 && !pass.options.accept {
            return Err(Stop::Trouble(Trouble::NeedsYou(Need::NewServer { pairs })));
        }
        let had_met = state.joined || pairs > 0;
        // What markers say of the old server is forgotten with it, and stays so if we die here.
        let marker = self.marker_of(&pass.account.id);
        let now = self.clock.now();
        self.store.end_epoch(&pass.lease, marker, now).await?;
        let state = self.store.account_state(&pass.account.id).await?;
        let observation = self.ask(pass, None, Look::Everything).await?;
        let mut found = self.recognise(pass, (observation, touched), state).await?;
        // An address that was mended before anything was paired under it is no new server.
        if had_met {
            found.trust = Trust::OtherServer;
        }
        Ok(found)
    }

    /// The service shows an older state of itself: neither what it lacks nor what it shows is
    /// believed before a person has said which way to go (I6). Then all of it is looked at, because
    /// what went back has not changed.
    async fn face_older<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        state: &AccountState,
    ) -> Result<Observation, Stop> {
        let tally = self.store.tally(&pass.account.id, self.clock.now()).await?;
        let pairs: usize = tally.alive.values().sum();
        // A number is a limit: whoever let a few deletions go has not seen what is older here.
        let enough = |allowed| allowed >= pairs;
        let decided = pass.options.accept || pass.options.max_delete.is_some_and(enough);
        if pairs > 0 && !decided {
            return Err(Stop::Trouble(Trouble::NeedsYou(Need::OlderState { pairs })));
        }
        if pass.options.accept {
            pass.older = Some(state.last_pass_at.unwrap_or(self.clock.now()));
            pass.report.older = true;
        }
        pass.takes_older = !pass.options.accept;
        self.ask(pass, state.cursor.as_ref(), Look::Everything)
            .await
    }

    /// Remembers who answers before anything is paired under its ids, so that a first look that
    /// dies does not leave pairs that any server could pass for its own.
    async fn recognise<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        (observation, touched): (Observation, Touched),
        mut state: AccountState,
    ) -> Result<Found, Stop> {
        let now = self.clock.now();
        self.store
            .recognise(&pass.lease, &observation.identity, now)
            .await?;
        state.identity = Some(observation.identity.clone());
        Ok(Found {
            observation,
            state,
            trust: Trust::Unknown,
            touched,
        })
    }

    pub(crate) async fn ask<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        cursor: Option<&Cursor>,
        look: Look,
    ) -> Result<Observation, Stop> {
        let look = async |connector: &mut C| connector.observe(cursor, look).await;
        match self.call(pass, look).await? {
            Err(ConnectorError::CursorInvalid) => {
                let anew =
                    async |connector: &mut C| connector.observe(None, Look::Everything).await;
                Ok(self.call(pass, anew).await??)
            }
            outcome => Ok(outcome?),
        }
    }

    /// Merges items whose pair is known, and gives back the others.
    async fn merge_known<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        seen: &Sight,
        tasks: Vec<RemoteTask>,
    ) -> Result<Vec<RemoteTask>, Stop> {
        let mut unknown = Vec::new();
        let mut tasks = tasks.into_iter().peekable();
        while tasks.peek().is_some() {
            let chunk: Vec<RemoteTask> = tasks.by_ref().take(CHUNK).collect();
            let ids: Vec<_> = chunk.iter().map(|task| task.id.clone()).collect();
            let mappings = self
                .store
                .mappings_by_remote(&pass.account.id, &ids)
                .await?;
            let mut known: BTreeMap<RemoteId, Mapping> = mappings
                .into_iter()
                .filter_map(|mapping| Some((mapping.remote.clone()?, mapping)))
                .collect();
            let (mut paired, mut ended) = (Vec::new(), Vec::new());
            for task in chunk {
                match known.remove(&task.id) {
                    Some(pair) if pair.is_of(task.born) => paired.push((pair.task, task)),
                    Some(pair) => {
                        ended.push(pair);
                        unknown.push(task);
                    }
                    None => unknown.push(task),
                }
            }
            self.end_pairs(pass, &ended).await?;
            self.merge_chunk(pass, &paired, seen.state.last_pass_at)
                .await?;
        }
        Ok(unknown)
    }

    /// Known items that link to ones that were new a moment ago: their links lead somewhere now.
    async fn merge_links<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        seen: &Sight,
        new: &BTreeSet<RemoteId>,
        tasks: Vec<RemoteTask>,
    ) -> Result<(), Stop> {
        let leads_there = |task: &RemoteTask| {
            let mut ends = task.depends.iter().chain(&task.parent);
            !new.contains(&task.id) && ends.any(|end| new.contains(end))
        };
        let linking: Vec<RemoteTask> = tasks.into_iter().filter(leads_there).collect();
        if !linking.is_empty() {
            self.merge_known(pass, seen, linking).await?;
        }
        Ok(())
    }

    /// Merges these pairs in one transaction; plans again when tasks moved meanwhile.
    pub(crate) async fn merge_chunk<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        paired: &[(TaskId, RemoteTask)],
        floor: Option<Timestamp>,
    ) -> Result<(), Stop> {
        let ids: Vec<TaskId> = paired.iter().map(|(task, _)| *task).collect();
        let remotes: Vec<RemoteTask> = paired.iter().map(|(_, remote)| remote.clone()).collect();
        for _ in 0..MOST_PLANS {
            let context = self.context(pass.account, &ids, &remotes).await?;
            let mut pairs = context.mappings.values();
            let looked_at = match floor {
                None if pairs.any(|pair| !pair.unanswered.is_empty()) => {
                    let state = self.store.account_state(&pass.account.id).await?;
                    state.last_pass_at
                }
                floor => floor,
            };
            let told = self.told_of(pass, &context, paired).await?;
            let mark = pass.mark();
            let mut steps: Vec<MergeStep> = Vec::new();
            for (id, remote) in paired {
                let (Some(task), Some(mapping)) = (context.tasks.get(id), context.mappings.get(id))
                else {
                    continue;
                };
                if !mapping.is_of(remote.born) {
                    // Another item under its id: the next look ends the pair.
                    continue;
                }
                let sighting = Sighting {
                    task,
                    mapping,
                    agreed: agreed(mapping),
                    remote,
                    floor,
                    looked_at,
                    waiting: context.waiting(*id),
                    told: told.get(id),
                };
                steps.extend(self.merge_step(pass, &context, &sighting));
            }
            if steps.is_empty() {
                return Ok(());
            }
            self.wake_dependents(&context, &mut steps).await?;
            match self.commit(pass, &steps).await {
                Ok(()) => return Ok(()),
                Err(stop) => {
                    pass.take_back(mark);
                    if !matches!(stop, Stop::Again) {
                        return Err(stop);
                    }
                }
            }
        }
        Err(Stop::Again)
    }

    pub(crate) async fn commit<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        steps: &[MergeStep],
    ) -> Result<(), Stop> {
        if steps.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let stored = self.store.commit_merge(Some(&pass.lease), steps, now).await;
        match stored {
            Ok(()) => {
                pass.stirred |= steps.iter().any(|step| !step.wake.is_empty());
                Ok(())
            }
            Err(error) => {
                // Nothing is told of that nobody finds in the hub.
                pass.untell(steps);
                Err(error.into())
            }
        }
    }
}

/// Whether it is the service that was known by this name that answered.
pub(crate) fn answers_as(observation: &Observation, known: &Identity) -> bool {
    observation.identity == *known || observation.known_as.as_ref() == Some(known)
}

/// What a person has to look at, for as long as it stands.
fn needs(state: &AccountState) -> Option<Need> {
    if state.held > 0 {
        return Some(Need::Guard { held: state.held });
    }
    let count = state.reviews.len();
    (count > 0).then_some(Need::Review { count })
}
