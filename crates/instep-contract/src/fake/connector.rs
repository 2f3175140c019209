//! A connector to a fake. It keeps no state of the service's, and its only failures are the
//! faults that the world hands it and the refusals of the service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use instep_model::{
    Capabilities, Evidence, Gone, Identity, Operation, RemoteId, RemoteTask, SetSince, Timestamp,
};

use super::state::{Late, State};
use super::world::{Call, Fault, Moment, World};
use crate::{Applied, Connector, ConnectorError, Cursor, Doubt, Look, Observation};

/// One client of a [`FakeRemote`](super::FakeRemote).
#[derive(Debug)]
pub struct FakeConnector<W> {
    pub(super) state: Arc<Mutex<State>>,
    pub(super) capabilities: Capabilities,
    pub(super) host: Option<&'static str>,
    pub(super) world: W,
    pub(super) calls: u64,
}

/// What a cursor of a fake says.
struct Place {
    epoch: u32,
    copies: u32,
    version: u64,
    /// Numbers of the tasks that were listed, in ascending order.
    known: Vec<u32>,
}

impl Place {
    fn encode(&self) -> Cursor {
        let mut bytes = Vec::with_capacity(16 + 4 * self.known.len());
        bytes.extend(self.epoch.to_le_bytes());
        bytes.extend(self.copies.to_le_bytes());
        bytes.extend(self.version.to_le_bytes());
        for number in &self.known {
            bytes.extend(number.to_le_bytes());
        }
        Cursor(bytes)
    }

    fn decode(cursor: &Cursor) -> Option<Self> {
        let (epoch, rest) = cursor.0.split_first_chunk()?;
        let (copies, rest) = rest.split_first_chunk()?;
        let (version, rest) = rest.split_first_chunk()?;
        let (known, []) = rest.as_chunks() else {
            return None;
        };
        Some(Self {
            epoch: u32::from_le_bytes(*epoch),
            copies: u32::from_le_bytes(*copies),
            version: u64::from_le_bytes(*version),
            known: known.iter().copied().map(u32::from_le_bytes).collect(),
        })
    }
}

/// The error that a fault makes of any call before it has had an effect.
fn refusal(fault: Fault) -> Option<ConnectorError> {
    Some(match fault {
        Fault::NotSent => ConnectorError::NotSent {
            source: "no route to the service".into(),
        },
        Fault::Unavailable => ConnectorError::Unavailable {
            reason: "an error of the service's own".to_owned(),
        },
        Fault::Busy => ConnectorError::Busy,
        Fault::Throttled(retry_after) => ConnectorError::Throttled { retry_after },
        Fault::Unauthorized => ConnectorError::Unauthorized {
            reason: "the secret has expired".to_owned(),
        },
        _ => return None,
    })
}

fn lost(doubt: Doubt) -> ConnectorError {
    ConnectorError::OutcomeUnknown {
        source: "the connection broke".into(),
        doubt,
    }
}

/// The error that a fault makes of a call that only reads.
fn unread(fault: Fault) -> Option<ConnectorError> {
    refusal(fault).or(match fault {
        Fault::Failed | Fault::ReplyLost(_) | Fault::Slow(_) => Some(lost(Doubt::Lost)),
        Fault::TimedOut(_) => Some(lost(Doubt::TimedOut)),
        Fault::CutShort => Some(ConnectorError::Malformed {
            what: "the listing ends early".to_owned(),
        }),
        _ => None,
    })
}

impl<W: World> FakeConnector<W> {
    /// The world that it was opened in.
    pub fn world(&self) -> &W {
        &self.world
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.land(self.world.now());
        state
    }

    /// Begins a call that only reads, up to its fault.
    async fn begin(&mut self, call: Call) -> Result<Option<Fault>, ConnectorError> {
        self.calls += 1;
        self.world.step(call, Moment::Before).await;
        let fault = self.world.fault(call);
        match fault.and_then(unread) {
            Some(error) => Err(error),
            None => Ok(fault),
        }
    }

    fn carry_out(
        &self,
        batch: &[Operation],
        fault: Option<Fault>,
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        let now = self.world.now();
        let mut state = self.state();
        let atomic = state.profile.capabilities.batch.mixed == 1 && batch.len() > 1;
        let blame = |at: usize, operation: &Operation| match fault {
            Some(Fault::Rejected(bad)) if at == bad % batch.len() => {
                Some(ConnectorError::Rejected {
                    field: None,
                    reason: "not this one".to_owned(),
                })
            }
            Some(Fault::Stale(bad)) if at == bad % batch.len() => {
                let id = operation.target()?.clone();
                Some(ConnectorError::Stale { id })
            }
            _ => None,
        };
        if atomic {
            for (at, operation) in batch.iter().enumerate() {
                let objection = blame(at, operation).or_else(|| state.objection(operation));
                if let Some(objection) = objection {
                    return Err(objection);
                }
            }
        }
        let carry = |(at, operation)| match blame(at, operation) {
            Some(error) => Err(error),
            None => state.carry_out(now, operation),
        };
        Ok(batch.iter().enumerate().map(carry).collect())
    }

    /// What a call with this fault stores, and what it answers.
    fn write(
        &self,
        batch: &[Operation],
        fault: Option<Fault>,
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        let rule = self.capabilities.batch;
        let creates = batch
            .iter()
            .all(|operation| matches!(operation, Operation::Create(_)));
        let most = if creates { rule.creates } else { rule.mixed };
        if batch.len() > most {
            return Err(ConnectorError::Malformed {
                what: format!("{} operations in one call", batch.len()),
            });
        }
        if let Some(error) = fault.and_then(refusal) {
            return Err(error);
        }
        match fault {
            Some(Fault::Failed) => Err(lost(Doubt::Failed)),
            Some(Fault::ReplyLost(applied)) => {
                let whole = rule.mixed == 1;
                let end = if whole {
                    batch.len()
                } else {
                    applied.min(batch.len())
                };
                self.carry_out(&batch[..end], None)?;
                Err(lost(Doubt::Lost))
            }
            Some(Fault::TimedOut(delay) | Fault::Slow(delay)) => {
                let at = self.world.now() + delay;
                let batch = batch.to_vec();
                self.state().late.push(Late { at, batch });
                Err(lost(match fault {
                    Some(Fault::TimedOut(_)) => Doubt::TimedOut,
                    _ => Doubt::Lost,
                }))
            }
            fault => self.carry_out(batch, fault),
        }
    }
}

impl<W: World> Connector for FakeConnector<W> {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn undo_takes_ours(&self) -> bool {
        self.state().profile.undo_takes_ours
    }

    async fn set_since(
        &mut self,
        asked: &[(RemoteId, Timestamp)],
    ) -> Result<Vec<Option<SetSince>>, ConnectorError> {
        self.begin(Call::Read).await?;
        let set = {
            let state = self.state();
            let set = |(id, since): &(RemoteId, Timestamp)| Some(state.set_since(id, *since));
            asked.iter().map(set).collect()
        };
        self.world.step(Call::Read, Moment::After).await;
        Ok(set)
    }

    async fn identity(&mut self) -> Result<Identity, ConnectorError> {
        self.begin(Call::Read).await?;
        let identity = self.state().identity.clone();
        self.world.step(Call::Read, Moment::After).await;
        Ok(identity)
    }

    async fn observe(
        &mut self,
        since: Option<&Cursor>,
        look: Look,
    ) -> Result<Observation, ConnectorError> {
        let fault = self.begin(Call::Observe).await?;
        let place = match since {
            None => None,
            Some(_) if fault == Some(Fault::CursorInvalid) => {
                return Err(ConnectorError::CursorInvalid);
            }
            Some(cursor) => Some(Place::decode(cursor).ok_or(ConnectorError::CursorInvalid)?),
        };
        let seen = observed(&self.state(), place, look, fault);
        self.world.step(Call::Observe, Moment::After).await;
        Ok(seen)
    }

    async fn read(&mut self, ids: &[RemoteId]) -> Result<Vec<Option<RemoteTask>>, ConnectorError> {
        self.begin(Call::Read).await?;
        let found = {
            let state = self.state();
            let read = |id| state.alive(id).map(|item| item.task.clone());
            ids.iter().map(read).collect()
        };
        self.world.step(Call::Read, Moment::After).await;
        Ok(found)
    }

    async fn missing_tags(&mut self, tags: &[String]) -> Result<Vec<String>, ConnectorError> {
        self.begin(Call::MissingTags).await?;
        let missing = {
            let state = self.state();
            let is_missing = |tag: &&String| {
                state.profile.capabilities.tag_records && !state.tags.contains(*tag)
            };
            tags.iter().filter(is_missing).cloned().collect()
        };
        self.world.step(Call::MissingTags, Moment::After).await;
        Ok(missing)
    }

    async fn apply(
        &mut self,
        batch: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        let Some(first) = batch.first() else {
            return Ok(Vec::new());
        };
        let call = Call::of(first);
        self.calls += 1;
        self.world.step(call, Moment::Before).await;
        let fault = self.world.fault(call);
        let answer = self.write(batch, fault);
        self.world.step(call, Moment::After).await;
        answer
    }

    async fn find(
        &mut self,
        sent: &[Operation],
        since: Timestamp,
    ) -> Result<Vec<Vec<Applied>>, ConnectorError> {
        self.begin(Call::Find).await?;
        let found = {
            let state = self.state();
            let traces = |operation| state.traces(operation, since);
            sent.iter().map(traces).collect()
        };
        self.world.step(Call::Find, Moment::After).await;
        Ok(found)
    }

    fn beside(&self) -> Option<Self> {
        Some(Self {
            state: Arc::clone(&self.state),
            capabilities: self.capabilities.clone(),
            host: self.host,
            world: self.world.beside()?,
            calls: 0,
        })
    }

    fn host(&self) -> Option<&str> {
        self.host
    }

    fn calls(&self) -> u64 {
        self.calls
    }
}

/// What a look at `state` finds. A place of an earlier installation is as good as none.
fn observed(state: &State, place: Option<Place>, look: Look, fault: Option<Fault>) -> Observation {
    let place = place.filter(|place| place.epoch == state.epoch);
    let complete = place.is_none() || look == Look::Everything;
    let version = place.as_ref().map_or(0, |place| place.version);
    let went_back = place
        .as_ref()
        .is_some_and(|place| place.copies != state.copies);
    let before = place.map_or_else(Vec::new, |place| place.known);
    let listed = match fault {
        Some(Fault::Lie(kept)) => kept,
        _ => usize::MAX,
    };
    let alive = state.items.values().filter(|item| item.deleted.is_none());
    let mut known = Vec::new();
    let mut tasks = Vec::new();
    for item in alive.take(listed) {
        known.push(item.number);
        let is_news = item.version > version || before.binary_search(&item.number).is_err();
        if complete || is_news || matches!(fault, Some(Fault::Reordered(_))) {
            tasks.push(item.task.clone());
        }
    }
    known.sort_unstable();
    if let Some(Fault::Reordered(first)) = fault
        && !tasks.is_empty()
    {
        let middle = first % tasks.len();
        tasks.rotate_left(middle);
    }
    Observation {
        identity: state.identity.clone(),
        known_as: None,
        gone: gone(state, version, complete, &before, &known),
        collections: (complete || state.collections_version > version)
            .then(|| state.listed_collections()),
        tasks,
        complete,
        went_back,
        cursor: Place {
            epoch: state.epoch,
            copies: state.copies,
            version: state.version,
            known,
        }
        .encode(),
    }
}

/// Flagged rows, and what was listed `before` and is not `now`. Both are in ascending order.
fn gone(state: &State, version: u64, complete: bool, before: &[u32], now: &[u32]) -> Vec<Gone> {
    let mut gone = Vec::new();
    if state.profile.flags_deleted {
        let rows = state.items.values();
        for item in rows.filter(|item| complete || item.version > version) {
            if item.deleted.is_some() {
                gone.push(Gone {
                    id: item.task.id.clone(),
                    evidence: Evidence::Flagged,
                    at: item.deleted,
                    last: Some(item.task.clone()),
                });
            }
        }
    }
    for number in before {
        let index = usize::try_from(*number).unwrap_or_default().wrapping_sub(1);
        let Some(id) = state.numbered.get(index) else {
            continue;
        };
        if now.binary_search(number).is_err() && gone.iter().all(|gone| gone.id != *id) {
            let flagged = state.profile.flags_deleted
                && state
                    .items
                    .get(id)
                    .is_some_and(|item| item.deleted.is_some());
            if !flagged {
                gone.push(Gone {
                    id: id.clone(),
                    evidence: Evidence::Unlisted,
                    at: None,
                    last: None,
                });
            }
        }
    }
    gone
}
