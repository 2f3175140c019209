//! The second half of a pass: carry to the remote what the hub holds beyond each base.

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::{Connector, MergeStep, PushStep, Store, Work};
use instep_model::{
    Collection, Direction, Field, Fields, Mapping, MappingState, ProjectPath, RemoteId, Task,
    TaskId,
};
use instep_sync::{MergedPair, Rules, Seen, differs};

use crate::context::{Context, collection_for};
use crate::gone::Loss;
use crate::pass::Pass;
use crate::round::Engine;
use crate::scope::{is_outside, left};
use crate::stop::Stop;
use crate::{Clock, Rng};

/// Tasks that are planned together.
pub(crate) const PAGE: usize = 500;

/// As many tasks are carried before anybody has waited for long.
const FEW: usize = 3;

/// How often answers may be lost before the account counts as out of reach.
const MOST_LOST: usize = 5;

/// What has to be done about one task.
enum Job {
    /// Nothing, or only the pair's state moves.
    Done(Option<Box<Mapping>>),
    /// The service cannot hold it: leave it out.
    HoldOut,
    /// Make it there.
    Create,
    /// Carry the hub's values there.
    Update,
    /// Delete it there.
    Delete,
    /// The remote item is gone and a person agreed: delete it here.
    DeleteHere,
    /// The remote item is gone and the task was edited here: make it again.
    Survive,
}

/// One page of work with everything that is needed to decide about it.
pub(crate) struct Page {
    pub(crate) context: Context,
    pub(crate) work: BTreeMap<TaskId, Work>,
    pub(crate) markers: BTreeMap<TaskId, BTreeMap<String, String>>,
    pub(crate) collections: Vec<Collection>,
    /// Projects that the service refused to make, with its reason.
    pub(crate) refused: Vec<(ProjectPath, String)>,
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Works through everything that is due for the account; `known` is the beginning of it, where that
    /// was asked for already.
    pub(crate) async fn push<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        known: Option<Vec<Work>>,
    ) -> Result<(), Stop> {
        let (mut lost, mut known) = (0, known);
        loop {
            let pushed = self.push_all(pass, known.take()).await;
            pass.newer = None;
            match pushed {
                Err(Stop::Lost(trouble)) => {
                    lost += 1;
                    if lost > MOST_LOST || self.settle_doubts(pass).await? > 0 {
                        return Err(Stop::Trouble(trouble));
                    }
                }
                outcome => {
                    outcome?;
                    return self.finish_held_back(pass).await;
                }
            }
        }
    }

    /// An empty batch lets a connector finish what only a write may do, such as setting a file
    /// right that somebody overwrote with an old version.
    async fn finish_held_back<C: Connector>(&self, pass: &mut Pass<'_, C>) -> Result<(), Stop> {
        if pass.wrote || pass.account.direction == Direction::FromRemote {
            return Ok(());
        }
        let nothing = async |connector: &mut C| connector.apply(&[]).await;
        self.call(pass, nothing).await??;
        Ok(())
    }

    async fn push_all<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        known: Option<Vec<Work>>,
    ) -> Result<(), Stop> {
        let account = &pass.account.id;
        let mut after = 0;
        let (mut collections, mut known) = (None, known);
        loop {
            let now = self.clock.now();
            let work = match known.take() {
                Some(work) => work,
                None => self.store.pending_work(account, after, PAGE, now).await?,
            };
            let Some(last) = work.last() else {
                return Ok(());
            };
            let last = last.place;
            if work.len() > FEW && pass.newer.is_none() {
                pass.newer = Some(self.newer_from_here(pass).await?);
            }
            collections = self.push_work(pass, work, collections).await?;
            match self.let_pass(pass).await? {
                // What was left of the page is due still, and may have moved.
                true => collections = None,
                false => after = last,
            }
        }
    }

    /// Carries this work, or as much of it as there is before something newer has to go first. Answers
    /// the collections, where they had to be known.
    pub(crate) async fn push_work<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        mut work: Vec<Work>,
        collections: Option<Vec<Collection>>,
    ) -> Result<Option<Vec<Collection>>, Stop> {
        work.retain(|work| !pass.refused.contains(&work.generation));
        if pass.account.direction == Direction::FromRemote {
            self.read_returned(pass, &work).await?;
            self.keep_here(pass, work).await?;
            return Ok(collections);
        }
        let known = match collections {
            Some(known) => known,
            None if !pass.capabilities.collections => Vec::new(),
            None => {
                let state = self.store.account_state(&pass.account.id).await?;
                state.collections
            }
        };
        let mut page = self.page(pass, work.clone(), known).await?;
        if page.context.mappings.values().any(is_outside) {
            self.read_returned(pass, &work).await?;
            page = self.page(pass, work, page.collections).await?;
        }
        let page = self.after_weighing_again(pass, page).await?;
        Ok(Some(self.push_page(pass, page).await?))
    }

    /// Somebody else may have made equal what waited for a person, so that nothing is left to decide;
    /// or brought back a task with whose deletion the question had ended. What the account showed is
    /// taken into the hub then, and the page made anew.
    async fn after_weighing_again<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: Page,
    ) -> Result<Page, Stop> {
        let mut changed = Vec::new();
        for id in page.work.keys() {
            let (tasks, mappings) = (&page.context.tasks, &page.context.mappings);
            let (Some(task), Some(mapping)) = (tasks.get(id), mappings.get(id)) else {
                continue;
            };
            let (Some(observed), None, true) = (&mapping.observed, mapping.gone, task.is_alive())
            else {
                continue;
            };
            let Some(merged) = self.merged_again(pass, &page.context, task, mapping) else {
                continue;
            };
            let asked = page.context.waiting(*id).iter().map(|one| one.field);
            let asked: BTreeSet<Field> = asked.collect();
            if asked.is_empty() || merged.open_fields() != asked {
                changed.push((*id, observed.clone()));
            }
        }
        if changed.is_empty() {
            return Ok(page);
        }
        self.merge_chunk(pass, &changed, None).await?;
        let work = page.work.into_values().collect();
        self.page(pass, work, page.collections).await
    }

    pub(crate) async fn page<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        work: Vec<Work>,
        collections: Vec<Collection>,
    ) -> Result<Page, Stop> {
        let ids: Vec<TaskId> = work.iter().map(|work| work.task).collect();
        let context = self.context(pass.account, &ids, &[]).await?;
        let mut markers: BTreeMap<TaskId, BTreeMap<String, String>> = BTreeMap::new();
        if pass.capabilities.markers {
            for mapping in self.store.mappings_of_tasks(&ids).await? {
                let marker = self.marker_of(&mapping.account);
                let (Some(marker), Some(remote), None) = (marker, mapping.remote, mapping.gone)
                else {
                    continue;
                };
                let own = markers.entry(mapping.task).or_default();
                own.insert(marker.to_owned(), remote.as_str().to_owned());
            }
        }
        let work = work.into_iter().map(|work| (work.task, work)).collect();
        Ok(Page {
            context,
            work,
            markers,
            collections,
            refused: Vec::new(),
        })
    }

    // tidy: long because it is the one list of what becomes of each kind of work, in its order
    pub(crate) async fn push_page<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        mut page: Page,
    ) -> Result<Vec<Collection>, Stop> {
        let mut creates = Vec::new();
        let mut updates = Vec::new();
        let mut deletes = Vec::new();
        let mut steps = Vec::new();
        let mut merges = Vec::new();
        let mut survivors = Vec::new();
        let mut queue: Vec<&Work> = page.work.values().collect();
        queue.sort_by_key(|work| work.place);
        for work in queue {
            let task = page.context.tasks.get(&work.task);
            let mapping = page.context.mappings.get(&work.task);
            match (
                task.map_or(Job::Done(None), |task| {
                    self.job(pass, &page.context, task, mapping)
                }),
                task,
                mapping,
            ) {
                (Job::Create, Some(task), _) => creates.push(task.id),
                (Job::Update, Some(task), _) => updates.push(task.id),
                (Job::Delete, Some(task), _) => deletes.push(task.id),
                (Job::DeleteHere, Some(task), Some(mapping)) => {
                    if let Some((evidence, at)) = mapping.gone {
                        let loss = Loss {
                            task: task.id,
                            evidence,
                            at,
                        };
                        merges.push(self.deletion_step(pass, task, mapping, &loss));
                    }
                    steps.push(done(work.clone(), None));
                }
                (Job::Survive, Some(task), _) => survivors.push(task.id),
                (Job::HoldOut, Some(task), mapping) => {
                    let out = self.held_out(pass, &page.context, task, mapping);
                    steps.push(done(work.clone(), Some(out)));
                }
                (Job::Done(mapping), _, _) => {
                    steps.push(done(work.clone(), mapping.map(|mapping| *mapping)))
                }
                _ => steps.push(done(work.clone(), None)),
            }
        }
        let anew = self.truly_gone(pass, &page, &survivors).await?;
        for id in &anew {
            let (task, mapping) = (&page.context.tasks[id], &page.context.mappings[id]);
            merges.push(self.survival_step(pass, task, mapping));
        }
        merges.extend(self.unlink_steps(pass, &anew).await?);
        creates.extend(anew);
        self.commit(pass, &merges).await?;
        self.take_pairs(&mut page, &merges);
        if !steps.is_empty() {
            self.store
                .commit_push(&pass.lease, &steps, self.clock.now())
                .await?;
        }
        if !creates.is_empty() {
            creates = self.not_there_yet(pass, &page, creates).await?;
        }
        self.prepare(pass, &mut page, creates.iter().chain(&updates))
            .await?;
        let made = self.create_all(pass, &mut page, &creates).await?;
        updates.extend(made.iter().copied());
        self.update_all(pass, &mut page, &updates, &made).await?;
        self.delete_all(pass, &page, &deletes).await?;
        Ok(page.collections)
    }

    /// Which of these items do not exist when asked for by id. A listing may have left out the others:
    /// they are merged as they are.
    async fn truly_gone<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &Page,
        tasks: &[TaskId],
    ) -> Result<Vec<TaskId>, Stop> {
        let asked: Vec<(TaskId, RemoteId)> = tasks
            .iter()
            .filter_map(|id| Some((*id, page.context.mappings.get(id)?.remote.clone()?)))
            .collect();
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<RemoteId> = asked.iter().map(|(_, remote)| remote.clone()).collect();
        let found = self.read(pass, &ids).await?;
        let mut gone = Vec::new();
        let mut there = Vec::new();
        for ((task, _), found) in asked.into_iter().zip(found) {
            let pair = &page.context.mappings[&task];
            match found.filter(|remote| pair.is_of(remote.born)) {
                Some(remote) => there.push((task, remote)),
                None => gone.push(task),
            }
        }
        if !there.is_empty() {
            self.merge_chunk(pass, &there, None).await?;
        }
        Ok(gone)
    }

    /// What is written next goes by the pairs as they are now: one that was just ended still knows
    /// what the item held beyond the hub's fields.
    fn take_pairs(&self, page: &mut Page, merges: &[MergeStep]) {
        for mapping in merges.iter().filter_map(|step| step.mapping.as_ref()) {
            if let Some(known) = page.context.mappings.get_mut(&mapping.task) {
                known.clone_from(mapping);
            }
        }
    }

    fn job<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        context: &Context,
        task: &Task,
        mapping: Option<&Mapping>,
    ) -> Job {
        let admitted = pass.account.scope.admits(&task.fields);
        let archived = task.fields.get(Field::Archived).is_some();
        let Some(mapping) = mapping.filter(|mapping| mapping.remote.is_some()) else {
            let reviewed = mapping.is_some_and(|mapping| mapping.state == MappingState::Held);
            let wanted = task.is_alive() && admitted && !archived && !reviewed;
            let projection = context.projection(pass, &self.zone);
            return match wanted {
                false => Job::Done(None),
                true if !projection.holds_title(&task.fields) => Job::HoldOut,
                true => Job::Create,
            };
        };
        match (mapping.gone.is_some(), task.is_alive()) {
            (true, false) => Job::Done(None),
            (true, true) if !admitted => Job::Done(Some(Box::new(left(mapping)))),
            // What was deleted there is made again only for a person who asks for it, and its loss
            // never comes back here; what we deleted ourselves returns with the task (S29).
            (true, true) if pass.account.direction == Direction::ToRemote => match mapping.state {
                MappingState::Error | MappingState::Held => Job::Done(None),
                _ => Job::Survive,
            },
            (true, true) if task.version != mapping.hub_version => Job::Survive,
            (true, true) if mapping.contested && mapping.state == MappingState::Pending => {
                Job::Survive
            }
            (true, true) if mapping.state == MappingState::Pending => {
                let projection = context.projection(pass, &self.zone);
                let edited = differs(&projection, &mapping.base.fields, &task.fields);
                if edited {
                    Job::Survive
                } else {
                    Job::DeleteHere
                }
            }
            (true, true) => Job::Done(None),
            (false, false) if !admitted => Job::Done(Some(Box::new(left(mapping)))),
            (false, false) => Job::Delete,
            (false, true) if archived => Job::Done(None),
            (false, true) if !admitted => Job::Done(Some(Box::new(left(mapping)))),
            (false, true) => Job::Update,
        }
    }

    /// Makes the collections and tags that these tasks need.
    async fn prepare<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        page: &mut Page,
        tasks: impl Iterator<Item = &TaskId> + Clone,
    ) -> Result<(), Stop> {
        if pass.capabilities.collections {
            let paths: BTreeSet<ProjectPath> = tasks
                .clone()
                .filter_map(|id| page.context.tasks.get(id)?.fields.project().cloned())
                .filter(|path| collection_for(&page.collections, Some(path), None).is_err())
                .collect();
            page.refused = self
                .ensure_collections(pass, &mut page.collections, &paths)
                .await?;
        }
        let tags: BTreeSet<String> = {
            let projection = page.context.projection(pass, &self.zone);
            tasks
                .filter_map(|id| {
                    let want = projection
                        .project(&page.context.tasks.get(id)?.fields)
                        .tags();
                    let have = page.context.mappings.get(id).map(|m| m.base.fields.tags());
                    Some(
                        want.difference(&have.unwrap_or_default())
                            .cloned()
                            .collect::<Vec<_>>(),
                    )
                })
                .flatten()
                .collect()
        };
        self.ensure_tags(pass, &tags).await
    }

    /// What is to be carried: the hub's values, without those that wait for a person to decide.
    pub(crate) fn carried<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        context: &Context,
        task: &Task,
        mapping: &Mapping,
    ) -> Fields {
        self.merged_again(pass, context, task, mapping)
            .map_or_else(|| task.fields.clone(), |merged| merged.carried())
    }

    /// The hub's task and what the account showed last, where that waits for a person to decide.
    fn merged_again<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        context: &Context,
        task: &Task,
        mapping: &Mapping,
    ) -> Option<MergedPair> {
        let observed = mapping.observed.as_ref()?;
        let account = &pass.account.id;
        let projection = context.projection(pass, &self.zone);
        let seen = context.translate(account, observed, task.id, &mapping.base, &task.fields);
        let rules = Rules {
            projection,
            policy: &pass.account.policy,
            account,
        };
        let seen = Seen {
            fields: &seen.fields,
            changed_at: task.modified,
        };
        Some((self.decisions.merge_pair)(
            &rules,
            Some(&mapping.base),
            task,
            &seen,
        ))
    }
}

/// Work that needs nothing more.
pub(crate) fn done(work: Work, mapping: Option<Mapping>) -> PushStep {
    PushStep {
        mapping,
        done: Some(work),
        ..PushStep::default()
    }
}
