//! Remote items that have no pair: who they are, and what becomes of them (S26).

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::{Connector, MergeStep, Store, TaskWrite};
use instep_model::{
    Action, Base, Direction, Field, Fields, Ids, Mapping, MappingState, Need, Provenance, RemoteId,
    RemoteTask, Review, ReviewReason, Side, Task, TaskId, Trouble, Value,
};
use instep_sync::{
    Adoption, HubCandidate, Meeting, Projection, RemoteCandidate, base_of, task_from_remote,
};

use crate::context::Context;
use crate::gone::counted_in;
use crate::journal::Event;
use crate::merge::{Sighting, new_task};
use crate::pass::Pass;
use crate::round::Engine;
use crate::sight::Sight;
use crate::stop::Stop;
use crate::{Clock, Rng};

/// Steps that are committed in one transaction.
const CHUNK: usize = 500;

/// Both sides without a pair, and who was found to be who.
struct Table {
    hub: Vec<Task>,
    remote: Vec<RemoteTask>,
    adoption: Adoption,
    /// The hub id that each remote item gets if it is new.
    ids: Vec<TaskId>,
    /// Living hub tasks that are to be made in the remote.
    missing: Vec<usize>,
}

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Pairs or takes over items without a pair. On a first meeting also decides which hub tasks
    /// the remote lacks, and stops for a person where more than pairing would follow.
    pub(crate) async fn meet<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        seen: &mut Sight,
        unknown: Vec<RemoteTask>,
    ) -> Result<(), Stop> {
        let first = !seen.state.joined;
        if seen.in_doubt || (unknown.is_empty() && !first) {
            return Ok(());
        }
        let reviewed: BTreeSet<&RemoteId> = seen
            .state
            .reviews
            .iter()
            .filter_map(|review| review.remote.as_ref())
            .collect();
        let unknown: Vec<RemoteTask> = unknown
            .into_iter()
            .filter(|task| !reviewed.contains(&task.id))
            .collect();
        let table = self.match_up(pass, seen, unknown, first).await?;
        if first && !pass.options.accept {
            self.stop_for_first_meeting(pass, seen, &table)?;
        }
        self.pair_up(pass, &table).await?;
        self.take_new(pass, seen, &table).await?;
        self.leave_rest(pass, seen, &table, first).await
    }

    // tidy: long because it lays both sides out once, borrowed, for one call
    async fn match_up<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        seen: &Sight,
        unknown: Vec<RemoteTask>,
        first: bool,
    ) -> Result<Table, Stop> {
        let account = &pass.account.id;
        let known = self.known_by_id(pass, &unknown).await?;
        let by_id: BTreeSet<&TaskId> = known.values().collect();
        let own_id =
            |remote| Some(self.hub_id(pass, seen, remote)).filter(|id| !by_id.contains(id));
        let hub = self.store.unpaired_tasks(account, first).await?;
        let hub: Vec<Task> = hub
            .into_iter()
            .filter(|task| pass.account.scope.admits(&task.fields) || by_id.contains(&task.id))
            .collect();
        let markers = self.markers(pass, seen, &hub).await?;
        let former = match first {
            true => self.former_titles(&hub).await?,
            false => BTreeMap::new(),
        };
        let fields: Vec<Fields> = unknown
            .iter()
            .map(|remote| candidate_fields(pass, remote))
            .collect();
        let nothing = BTreeSet::new();
        let meeting = Meeting {
            projection: Projection {
                capabilities: &pass.capabilities,
                zone: &self.zone,
                reachable: &nothing,
            },
            first,
            complete: seen.complete,
            trust: seen.trust,
            vouched: markers.vouched,
        };
        let hub_side: Vec<HubCandidate> = hub
            .iter()
            .map(|task| HubCandidate {
                task,
                hint: markers.named.get(&task.id),
                held: markers.held.contains(&task.id),
                former: former.get(&task.id).map_or(&[], Vec::as_slice),
            })
            .collect();
        let remote_side: Vec<RemoteCandidate> = unknown
            .iter()
            .zip(&fields)
            .map(|(remote, fields)| RemoteCandidate {
                id: &remote.id,
                fields,
                chosen: known.get(&remote.id).copied().or_else(|| own_id(remote)),
            })
            .collect();
        let adoption = (self.decisions.adopt)(&meeting, &hub_side, &remote_side);
        let mut left: BTreeSet<usize> = (0..hub.len())
            .filter(|at| first && hub[*at].is_alive())
            .collect();
        for (at, _) in &adoption.pairs {
            left.remove(at);
        }
        for (at, _, _) in &adoption.reviews {
            if let Some(at) = at {
                left.remove(at);
            }
        }
        let ids = self
            .ids_if_new(pass, seen, &unknown, &adoption, &hub)
            .await?;
        Ok(Table {
            hub,
            remote: unknown,
            adoption,
            ids,
            missing: left.into_iter().collect(),
        })
    }

    /// Titles of these tasks that lost against the ones that they have.
    async fn former_titles(&self, hub: &[Task]) -> Result<BTreeMap<TaskId, Vec<String>>, Stop> {
        let titles: BTreeMap<TaskId, &str> = hub
            .iter()
            .map(|task| (task.id, task.fields.title()))
            .collect();
        let ids: Vec<TaskId> = titles.keys().copied().collect();
        let mut former: BTreeMap<TaskId, Vec<String>> = BTreeMap::new();
        let conflicts = self.store.conflicts_of(&ids).await?;
        for conflict in conflicts
            .into_iter()
            .filter(|one| one.field == Field::Title)
        {
            for side in [conflict.hub, conflict.remote] {
                match side {
                    Some(Value::Text(title)) if titles[&conflict.task] != title => {
                        former.entry(conflict.task).or_default().push(title);
                    }
                    _ => {}
                }
            }
        }
        Ok(former)
    }

    /// The hub id of each item if it is taken over as new. Where its own is that of a task with
    /// another partner here, the item is another task and gets an id of the hub's.
    async fn ids_if_new<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        seen: &Sight,
        unknown: &[RemoteTask],
        adoption: &Adoption,
        hub: &[Task],
    ) -> Result<Vec<TaskId>, Stop> {
        let account = &pass.account.id;
        let mut ids: Vec<TaskId> = unknown
            .iter()
            .map(|remote| self.hub_id(pass, seen, remote))
            .collect();
        if pass.capabilities.ids == Ids::Given {
            return Ok(ids);
        }
        let new: Vec<TaskId> = adoption.new.iter().map(|at| ids[*at]).collect();
        let mut partners: BTreeMap<TaskId, RemoteId> = BTreeMap::new();
        for new in new.chunks(CHUNK) {
            for pair in self.store.mappings_by_task(account, new).await? {
                partners.extend(pair.remote.map(|remote| (pair.task, remote)));
            }
        }
        for (task, remote) in &adoption.pairs {
            partners.insert(hub[*task].id, unknown[*remote].id.clone());
        }
        for at in &adoption.new {
            let remote = &unknown[*at].id;
            if partners
                .get(&ids[*at])
                .is_some_and(|partner| partner != remote)
            {
                ids[*at] = TaskId::derived(account, &seen.identity.0, remote);
            }
        }
        Ok(ids)
    }

    /// Which tasks bear these ids in another account that keeps ids of ours, whatever the hub calls
    /// them: a hub that was lost may have met them first where ids are given.
    async fn known_by_id<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        items: &[RemoteTask],
    ) -> Result<BTreeMap<RemoteId, TaskId>, Stop> {
        let mut known = BTreeMap::new();
        if pass.capabilities.ids == Ids::Given || items.is_empty() {
            return Ok(known);
        }
        let ids: Vec<RemoteId> = items.iter().map(|item| item.id.clone()).collect();
        let elsewhere = pass.services.iter().filter(|(account, service)| {
            service.ids == Ids::Chosen && **account != pass.account.id
        });
        for (account, _) in elsewhere {
            for pair in self.store.mappings_by_remote(account, &ids).await? {
                known.extend(pair.remote.map(|remote| (remote, pair.task)));
            }
        }
        Ok(known)
    }

    /// Two full sides: shows what would happen and waits for a person, unless it is only pairing.
    fn stop_for_first_meeting<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        seen: &Sight,
        table: &Table,
    ) -> Result<(), Stop> {
        let new_in_hub = match pass.account.direction {
            Direction::ToRemote => 0,
            _ => table.adoption.new.len(),
        };
        let new_in_remote = match pass.account.direction {
            Direction::FromRemote => 0,
            _ => table.missing.len(),
        };
        let hub_is_empty = !table.hub.iter().any(Task::is_alive);
        let only_pairs = new_in_hub + new_in_remote == 0;
        let remote_is_empty =
            table.remote.is_empty() && seen.trust != instep_sync::Trust::OtherServer;
        if hub_is_empty || remote_is_empty || only_pairs {
            return Ok(());
        }
        for at in table.adoption.new.iter().take(new_in_hub) {
            let (remote, id) = (&table.remote[*at], table.ids[*at]);
            let origin = Provenance {
                at: self.clock.now(),
                account: None,
            };
            let task = new_task(id, remote.fields.clone(), &origin);
            pass.tell(
                Side::Hub,
                Action::Create,
                &task,
                Some(remote.id.clone()),
                Vec::new(),
            );
        }
        for at in table.missing.iter().take(new_in_remote) {
            pass.tell(
                Side::Remote,
                Action::Create,
                &table.hub[*at],
                None,
                Vec::new(),
            );
        }
        pass.report.hub = Default::default();
        pass.report.remote = Default::default();
        Err(Stop::Trouble(Trouble::NeedsYou(Need::FirstMeeting {
            pairs: table.adoption.pairs.len(),
            new_in_hub,
            new_in_remote,
            reviews: table.adoption.reviews.len(),
        })))
    }

    async fn pair_up<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        table: &Table,
    ) -> Result<(), Stop> {
        for pairs in table.adoption.pairs.chunks(CHUNK) {
            let ids: Vec<TaskId> = pairs.iter().map(|(hub, _)| table.hub[*hub].id).collect();
            let remotes: Vec<RemoteTask> = pairs
                .iter()
                .map(|(_, remote)| table.remote[*remote].clone())
                .collect();
            let mut context = self.context(pass.account, &ids, &remotes).await?;
            self.find_holders(&pass.account.id, &mut context).await?;
            self.expect_pairs(pass, table, &mut context);
            let mut steps = Vec::new();
            for (id, remote) in ids.iter().zip(&remotes) {
                let Some(task) = context.tasks.get(id).cloned() else {
                    continue;
                };
                let mapping = context.mappings.get(id).cloned().unwrap_or_else(|| {
                    Mapping::new(pass.account.id.clone(), *id, Some(remote.id.clone()))
                });
                let mapping = Mapping {
                    base: Base::default(),
                    gone: None,
                    unseen: true,
                    born: None,
                    ..mapping
                };
                let sighting = Sighting {
                    task: &task,
                    mapping: &mapping,
                    agreed: false,
                    remote,
                    floor: None,
                    looked_at: None,
                    waiting: context.waiting(*id),
                    told: None,
                };
                let Some(mut step) = self.merge_step(pass, &context, &sighting) else {
                    continue;
                };
                step.hints = self.hints_from(pass, *id, remote);
                step.wake.extend(self.marker_holders(&pass.account.id));
                step.journal.extend(self.adopted(pass, *id));
                steps.push(step);
            }
            self.wake_dependents(&context, &mut steps).await?;
            self.commit(pass, &steps).await?;
        }
        Ok(())
    }

    fn adopted<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        task: TaskId,
    ) -> Vec<instep_model::JournalEntry> {
        Event {
            operation: &self.operation_id(),
            at: self.clock.now(),
            side: Side::Hub,
            account: Some(&pass.account.id),
            task,
            action: Action::Adopt,
            changes: &[],
            cause: "found on both sides",
        }
        .lines()
    }

    /// Links among items that are being paired or taken over right now lead somewhere.
    fn expect_pairs<C: Connector>(&self, pass: &Pass<'_, C>, table: &Table, context: &mut Context) {
        for (hub, remote) in &table.adoption.pairs {
            context.pair(table.hub[*hub].id, &table.remote[*remote].id);
        }
        if pass.account.direction != Direction::ToRemote {
            for at in &table.adoption.new {
                context.pair(table.ids[*at], &table.remote[*at].id);
            }
        }
    }

    async fn take_new<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        seen: &Sight,
        table: &Table,
    ) -> Result<(), Stop> {
        if pass.account.direction == Direction::ToRemote {
            return Ok(());
        }
        for new in table.adoption.new.chunks(CHUNK) {
            let remotes: Vec<RemoteTask> = new.iter().map(|at| table.remote[*at].clone()).collect();
            let ids: Vec<TaskId> = new.iter().map(|at| table.ids[*at]).collect();
            let mut context = self.context(pass.account, &ids, &remotes).await?;
            self.expect_pairs(pass, table, &mut context);
            let mut steps = Vec::new();
            for (id, remote) in ids.into_iter().zip(&remotes) {
                steps.extend(self.new_step(pass, seen, &context, id, remote));
            }
            self.wake_dependents(&context, &mut steps).await?;
            self.commit(pass, &steps).await?;
        }
        Ok(())
    }

    /// The step that takes a new item into the hub, if the account's scope admits it.
    // tidy: long because it fills in one step, field by field
    fn new_step<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        seen: &Sight,
        context: &Context,
        id: TaskId,
        remote: &RemoteTask,
    ) -> Option<MergeStep> {
        let account = &pass.account.id;
        let now = self.clock.now();
        let translated = context.translate(account, remote, id, &Base::default(), &Fields::new());
        let projection = context.projection(pass, &self.zone);
        let at = remote.changed_at.unwrap_or(now).min(now);
        let sight = instep_sync::Seen {
            fields: &translated.fields,
            changed_at: at,
        };
        let mut fields = task_from_remote(&projection, &sight);
        if !projection.merges(Field::Project)
            && let Some(home) = pass.account.scope.projects.first()
        {
            // Whoever types a task where no projects are means the one that is kept there (S27).
            fields.set(Field::Project, Value::Path(home.clone()));
        }
        if !pass.account.scope.admits(&fields) {
            return None;
        }
        let origin = Provenance {
            at,
            account: Some(account.clone()),
        };
        let known = context.tasks.get(&id);
        if known.is_some_and(Task::is_alive) {
            // The id is a living task's that has another partner here: never write over it.
            return None;
        }
        // A tombstone of the same id: what was deleted has been opened again there.
        let from_version = known.map_or(0, |known| known.version);
        let action = if from_version == 0 {
            Action::Create
        } else {
            Action::Restore
        };
        let task = new_task(id, fields, &origin);
        let mut mapping = Mapping::new(account.clone(), id, Some(remote.id.clone()));
        mapping.base = base_of(&projection, &translated.fields);
        mapping.base.notes = translated.notes;
        mapping.base.markers = remote.markers.clone();
        mapping.collection = counted_in(&pass.capabilities, remote);
        mapping.shadow = remote.shadow.clone();
        mapping.unseen = true;
        mapping.born = remote.born;
        mapping.hub_version = from_version + 1;
        mapping.state = MappingState::Synced;
        mapping.last_synced_at = Some(now);
        let mut wake = self.others(account);
        // A marker that a copied task brought along is not its own (S26).
        if !remote.markers.is_empty() && seen.state.joined {
            wake.push(account.clone());
        }
        let journal = Event {
            operation: &self.operation_id(),
            at: now,
            side: Side::Hub,
            account: Some(account),
            task: id,
            action,
            changes: &[],
            cause: "new there",
        }
        .lines();
        pass.tell(
            Side::Hub,
            action,
            &task,
            Some(remote.id.clone()),
            Vec::new(),
        );
        Some(MergeStep {
            task: Some(TaskWrite { from_version, task }),
            mapping: Some(mapping),
            hints: self.hints_from(pass, id, remote),
            journal,
            wake,
            ..MergeStep::default()
        })
    }

    /// Hub tasks that the remote lacks become work; what is under review is held.
    async fn leave_rest<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        seen: &mut Sight,
        table: &Table,
        first: bool,
    ) -> Result<(), Stop> {
        let account = &pass.account.id;
        let mut steps = Vec::new();
        if first {
            for at in &table.missing {
                let mapping = Mapping::new(account.clone(), table.hub[*at].id, None);
                let wake = vec![account.clone()];
                steps.push(MergeStep {
                    mapping: Some(mapping),
                    wake,
                    ..MergeStep::default()
                });
            }
        }
        for (hub, remote, reason) in &table.adoption.reviews {
            let task = hub.map(|at| &table.hub[at]);
            let remote = remote.map(|at| &table.remote[at]);
            seen.reviews.push(self.review(pass, task, remote, *reason));
            if let Some(task) = task.filter(|task| task.is_alive()) {
                let mut mapping = Mapping::new(account.clone(), task.id, None);
                mapping.state = MappingState::Held;
                mapping.last_error = Some(reason.to_string());
                steps.push(MergeStep {
                    mapping: Some(mapping),
                    ..MergeStep::default()
                });
            }
        }
        for steps in steps.chunks(CHUNK) {
            self.commit(pass, steps).await?;
        }
        Ok(())
    }

    fn review<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        task: Option<&Task>,
        remote: Option<&RemoteTask>,
        reason: ReviewReason,
    ) -> Review {
        let title = task
            .map(|task| task.fields.title())
            .or(remote.map(|remote| remote.fields.title()))
            .unwrap_or_default();
        Review {
            account: pass.account.id.clone(),
            task: task.map(|task| task.id),
            remote: remote.map(|remote| remote.id.clone()),
            title: title.to_owned(),
            reason,
        }
    }

    /// The hub's id for an item that it has never seen.
    pub(crate) fn hub_id<C: Connector>(
        &self,
        pass: &Pass<'_, C>,
        seen: &Sight,
        remote: &RemoteTask,
    ) -> TaskId {
        chosen(pass, remote).unwrap_or_else(|| {
            // An id that is given out anew must not lead to the task that had it.
            let born = remote.born.map(|born| format!(" born {born}"));
            let epoch = format!("{}{}", seen.identity.0, born.unwrap_or_default());
            TaskId::derived(&pass.account.id, &epoch, &remote.id)
        })
    }
}

fn chosen<C: Connector>(pass: &Pass<'_, C>, remote: &RemoteTask) -> Option<TaskId> {
    match pass.capabilities.ids {
        Ids::Chosen => remote.id.as_str().parse().ok(),
        Ids::Given => None,
    }
}

/// What adoption compares: the item's values, its notes by their texts.
fn candidate_fields<C: Connector>(pass: &Pass<'_, C>, remote: &RemoteTask) -> Fields {
    let id = TaskId::derived(&pass.account.id, "", &remote.id);
    let base = Base::default();
    instep_sync::translate(remote, id, &pass.account.id, &base, &Fields::new(), |_| {
        None
    })
    .fields
}
