//! Items that stand under another id than before: whoever writes a file by hand may give one a new
//! id. Its pair goes along, so that what only the hub holds of the task is not lost with the id.
//!
//! Only what is gone without a word is looked for, and only what shows every value of before is
//! taken for it.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::{Connector, MergeStep, Store};
use instep_model::{Direction, Evidence, Gone, Ids, Mapping, MappingState, RemoteId, RemoteTask};

use crate::context::Context;
use crate::pass::Pass;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

/// Items that are matched in one pass: many at once are no renumbering by hand.
const MOST: usize = 500;

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Lets the pairs of items that were given new ids go along; answers what is gone besides.
    pub(crate) async fn follow_new_ids<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        tasks: &[RemoteTask],
        mut gone: Vec<Gone>,
    ) -> Result<Vec<Gone>, Stop> {
        let account = &pass.account.id;
        let silent = |gone: &&Gone| gone.evidence == Evidence::Unlisted;
        let lost: Vec<RemoteId> = gone
            .iter()
            .filter(silent)
            .map(|one| one.id.clone())
            .collect();
        let follows = pass.capabilities.ids == Ids::Given
            && pass.account.direction != Direction::ToRemote
            && (1..=MOST).contains(&lost.len());
        if !follows {
            return Ok(gone);
        }
        let pairs = self.store.mappings_by_remote(account, &lost).await?;
        let stands = |pair: &Mapping| pair.gone.is_none() && pair.state == MappingState::Synced;
        let pairs: Vec<Mapping> = pairs.into_iter().filter(stands).collect();
        let new = self.unpaired(pass, tasks).await?;
        if pairs.is_empty() || new.is_empty() {
            return Ok(gone);
        }
        let ids: Vec<_> = pairs.iter().map(|pair| pair.task).collect();
        let context = self.context(pass.account, &ids, &new).await?;
        let mut claims: BTreeMap<&RemoteId, Vec<&Mapping>> = BTreeMap::new();
        let mut steps = Vec::new();
        for pair in &pairs {
            let alike: Vec<&RemoteTask> = new
                .iter()
                .filter(|remote| self.shows_all_of(pass, &context, pair, remote))
                .collect();
            if let [one] = alike[..] {
                claims.entry(&one.id).or_default().push(pair);
            }
        }
        let mut followed = BTreeSet::new();
        for remote in &new {
            let Some([pair]) = claims.get(&remote.id).map(Vec::as_slice) else {
                continue;
            };
            followed.extend(pair.remote.clone());
            steps.push(MergeStep {
                mapping: Some(Mapping {
                    remote: Some(remote.id.clone()),
                    born: remote.born,
                    ..(*pair).clone()
                }),
                ..MergeStep::default()
            });
        }
        self.commit(pass, &steps).await?;
        gone.retain(|one| !followed.contains(&one.id));
        Ok(gone)
    }

    async fn unpaired<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        tasks: &[RemoteTask],
    ) -> Result<Vec<RemoteTask>, Stop> {
        let ids: Vec<RemoteId> = tasks.iter().map(|task| task.id.clone()).collect();
        let known = self
            .store
            .mappings_by_remote(&pass.account.id, &ids)
            .await?;
        let known: BTreeSet<RemoteId> = known.into_iter().filter_map(|pair| pair.remote).collect();
        let new = tasks.iter().filter(|task| !known.contains(&task.id));
        Ok(new.cloned().collect())
    }

    fn shows_all_of<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        context: &Context,
        pair: &Mapping,
        remote: &RemoteTask,
    ) -> bool {
        let Some(task) = context.tasks.get(&pair.task).filter(|task| task.is_alive()) else {
            return false;
        };
        let account = &pass.account.id;
        let projection = context.projection(pass, &self.zone);
        let shown = context.translate(account, remote, task.id, &pair.base, &task.fields);
        !(self.decisions.remote_was_edited)(&projection, &pair.base, &shown.fields)
    }
}
