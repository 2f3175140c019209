//! What a person's undo took along of our writes (S31): asked of the service's own journal, told in
//! ours, and not taken for an edit.

use std::borrow::Cow;
use std::collections::BTreeMap;

use instep_contract::{Connector, Store};
use instep_model::{
    Action, Change, Evidence, Field, JournalEntry, Mapping, RemoteId, RemoteTask, SetSince, Side,
    Task, TaskId, Timestamp, Written,
};
use instep_sync::{Translated, Undone, take_undone};

use crate::context::Context;
use crate::gone::Loss;
use crate::journal::Event;
use crate::merge::Sighting;
use crate::pass::Pass;
use crate::round::Engine;
use crate::stop::Stop;
use crate::update::remember_written;
use crate::{Clock, Rng};

/// What was set in one item since each of some moments, where its service could tell.
pub(crate) type SinceEach = BTreeMap<Timestamp, SetSince>;

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// What the service's journal tells of those of these items in which something is as if a write of
    /// ours had been undone.
    pub(crate) async fn told_of<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        context: &Context,
        paired: &[(TaskId, RemoteTask)],
    ) -> Result<BTreeMap<TaskId, SinceEach>, Stop> {
        let mut told: BTreeMap<TaskId, SinceEach> = BTreeMap::new();
        // Of an older copy it is known what becomes of it.
        let went_back = pass.takes_older || pass.older.is_some();
        if went_back || !pass.connector.undo_takes_ours() {
            return Ok(told);
        }
        let mut asked: Vec<(TaskId, (RemoteId, Timestamp))> = Vec::new();
        for (id, remote) in paired {
            let (Some(task), Some(pair)) = (context.tasks.get(id), context.mappings.get(id)) else {
                continue;
            };
            let deleted_at = deleted_by_us(pass, task, pair);
            let written = pair.written.iter().map(|one| one.at);
            let written = written.filter(|_| is_suspect(pass, context, task, pair, remote));
            let moments = written.chain(deleted_at);
            asked.extend(moments.map(|at| (*id, (remote.id.clone(), at))));
        }
        if asked.is_empty() {
            return Ok(told);
        }
        asked.dedup();
        let questions: Vec<(RemoteId, Timestamp)> =
            asked.iter().map(|(_, question)| question.clone()).collect();
        for ((id, (_, at)), set) in asked.iter().zip(self.set_since(pass, &questions).await?) {
            told.entry(*id)
                .or_default()
                .extend(set.map(|set| (*at, set)));
        }
        Ok(told)
    }

    async fn set_since<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        asked: &[(RemoteId, Timestamp)],
    ) -> Result<Vec<Option<SetSince>>, Stop> {
        let set = async |connector: &mut C| connector.set_since(asked).await;
        Ok(self.call(pass, set).await??)
    }

    /// Takes into the pair what an undo took along of our writes, and answers how the journal tells it,
    /// and what of it the hub lacks.
    pub(crate) fn undone<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        context: &Context,
        sighting: &Sighting<'_>,
        pair: &mut Cow<'_, Mapping>,
        seen: &mut Translated,
    ) -> (Vec<JournalEntry>, Vec<Change>) {
        let Some(told) = sighting.told else {
            return (Vec::new(), Vec::new());
        };
        let pair = pair.to_mut();
        let Undone { taken, wanted } = take_undone(
            &mut pair.base,
            &mut pair.written,
            seen,
            |at| told.get(&at),
            |task| context.remotes.get(&task),
        );
        let event = Event {
            operation: &self.operation_id(),
            at: self.clock.now(),
            side: Side::Remote,
            account: Some(&pass.account.id),
            task: sighting.task.id,
            action: Action::Update,
            changes: &taken,
            cause: "an undo there took along what was carried there",
        };
        let told = (!taken.is_empty()).then(|| event.lines());
        (told.unwrap_or_default(), wanted)
    }

    /// Whether somebody opened what was deleted there again. What we deleted because it was deleted
    /// elsewhere is opened by an undo too, and then nobody set its status.
    pub(crate) fn was_reopened<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        sighting: &Sighting<'_>,
    ) -> bool {
        let Some((evidence, gone_at)) = sighting.mapping.gone else {
            return false;
        };
        if evidence != Evidence::Flagged {
            // Their own deletion, of which no row was left: only an undo brings that back.
            let is_ours = deleted_by_us(pass, sighting.task, sighting.mapping).is_some();
            return pass.connector.undo_takes_ours() && !is_ours;
        }
        let told = sighting.told.and_then(|told| told.get(&gone_at));
        let undone = told.is_some_and(|since| !since.fields.contains(&Field::Status));
        pass.capabilities.revives && !undone
    }

    /// Which of these items were un-made rather than deleted: where a deletion leaves its row, an item
    /// that vanished without one was not deleted. A person who undid a step of their own took our
    /// writes since with it, or put back an older copy. What they made there themselves they may well
    /// have un-made; what came from elsewhere is made again, and what somebody went on with elsewhere.
    pub(crate) async fn unmade<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        losses: &[(&Task, &Mapping, &Loss)],
    ) -> Result<Vec<bool>, Stop> {
        let account = pass.account.id.clone();
        let made_there = |task: &Task| {
            let maker = task.provenance.get(&Field::Created);
            maker.is_some_and(|maker| maker.account.as_ref() == Some(&account))
        };
        let (revives, asks) = (pass.capabilities.revives, pass.connector.undo_takes_ours());
        // What was asked for by its id and not found may lie there deleted.
        let is_theirs =
            |task: &Task, pair: &Mapping| made_there(task) && !pair.written.iter().any(is_change);
        let is_suspect = |(task, pair, loss): &(&Task, &Mapping, &Loss)| match loss.evidence {
            Evidence::Unlisted => revives && !is_theirs(task, pair),
            Evidence::NotFound => asks && !is_theirs(task, pair),
            Evidence::Flagged => asks && made_by_us(pair).is_some(),
        };
        let mut unmade: Vec<bool> = losses.iter().map(is_suspect).collect();
        if !asks {
            return Ok(unmade);
        }
        let suspects = losses
            .iter()
            .zip(&mut unmade)
            .filter(|(_, unmade)| **unmade);
        let (asked, suspects): (Vec<_>, Vec<_>) = suspects
            .filter_map(|((_, pair, loss), unmade)| {
                let since = match loss.evidence {
                    Evidence::Flagged => made_by_us(pair)?,
                    _ => Timestamp::MIN,
                };
                Some(((pair.remote.clone()?, since), (loss.evidence, unmade)))
            })
            .unzip();
        if asked.is_empty() {
            return Ok(unmade);
        }
        let told = self.set_since(pass, &asked).await?;
        for ((evidence, unmade), set) in suspects.into_iter().zip(told) {
            *unmade = match evidence {
                // Removed altogether, which no undo does.
                Evidence::Unlisted => set.is_none_or(|set| !set.removed),
                // An undo of its making leaves nothing of it in the journal,
                Evidence::NotFound => set == Some(SetSince::default()),
                // and one of its being opened again nothing that was done to its status since.
                Evidence::Flagged => set.is_some_and(|set| !set.fields.contains(&Field::Status)),
            };
        }
        Ok(unmade)
    }
}

/// Keeps when an item was about to be made again, as [`made_by_us`] tells it: a row that had been
/// deleted is opened by that, and an undo closes it.
pub(crate) fn remember_made(pair: &mut Mapping, at: Timestamp) {
    let change = Change {
        field: Field::Created,
        from: None,
        to: None,
    };
    remember_written(pair, &change, at, at);
}

/// Whether it is no making, but a change of what was there.
fn is_change(one: &Written) -> bool {
    one.change.field != Field::Created
}

fn made_by_us(pair: &Mapping) -> Option<Timestamp> {
    let mut written = pair.written.iter();
    let made = written.find(|one| !is_change(one))?;
    Some(made.at)
}

/// When we deleted it there because it was deleted elsewhere.
fn deleted_by_us<C>(pass: &Pass<'_, C>, task: &Task, pair: &Mapping) -> Option<Timestamp> {
    let (_, at) = pair.gone?;
    let origin = task.deleted.as_ref()?;
    (origin.account.as_ref() != Some(&pass.account.id)).then_some(at)
}

/// Whether something is not as a write of ours left it, and may have been undone.
fn is_suspect<C>(
    pass: &Pass<'_, C>,
    context: &Context,
    task: &Task,
    pair: &Mapping,
    remote: &RemoteTask,
) -> bool {
    if pair.written.is_empty() {
        return false;
    }
    let (mut base, mut written) = (pair.base.clone(), pair.written.clone());
    let mut seen = context.translate(&pass.account.id, remote, task.id, &base, &task.fields);
    let untouched = SetSince::default();
    let remote_of = |task| context.remotes.get(&task);
    let undone = take_undone(
        &mut base,
        &mut written,
        &mut seen,
        |_| Some(&untouched),
        remote_of,
    );
    !undone.is_nothing()
}
