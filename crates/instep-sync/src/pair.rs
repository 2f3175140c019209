//! One pair, three states: what the hub holds after a look at the remote, and what the base is then.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    AccountId, Annotation, AnnotationId, Base, ConflictPolicy, Field, Fields, Hold, Side, Task,
    TaskId, Timestamp, Value,
};

use crate::merge::{Merged, merge_field, merge_lines, merge_map, merge_set};
use crate::projection::{Projection, notes_of, tags_of, tasks_of};

/// Two changes closer than this were made at the same time: the hub wins (S18).
const SAME_TIME_MILLIS: i64 = 2_000;

/// What a merge goes by.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// How the service sees tasks.
    pub projection: Projection<'a>,
    /// Who wins a conflict.
    pub policy: &'a ConflictPolicy,
    /// The account that the remote is seen through.
    pub account: &'a AccountId,
}

/// A remote item as seen, in the hub's ids and on the service's grid.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// Its values.
    pub fields: &'a Fields,
    /// When it was changed, already clamped between the last look and this one (S18).
    pub changed_at: Timestamp,
}

/// Two values stood against each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// The field.
    pub field: Field,
    /// What both had agreed on.
    pub base: Option<Value>,
    /// The hub's value.
    pub hub: Option<Value>,
    /// The remote's value, as the hub would hold it.
    pub remote: Option<Value>,
    /// Whose value stays; `None` while a person has to decide.
    pub winner: Option<Side>,
}

/// What a merge leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedPair {
    /// The hub's values.
    pub hub: Fields,
    /// What both sides are now known to have agreed on; what the hub holds beyond it
    /// is to be written to the remote.
    pub base: Base,
    /// Conflicts, decided or not.
    pub conflicts: Vec<FieldConflict>,
}

impl MergedPair {
    /// Whether a conflict waits for a person, so that the observation has to be kept.
    pub fn waits(&self) -> bool {
        !self.open_fields().is_empty()
    }

    /// The fields that wait for a person.
    pub fn open_fields(&self) -> BTreeSet<Field> {
        let open = self.conflicts.iter().filter(|one| one.winner.is_none());
        open.map(|one| one.field).collect()
    }

    /// What may be written to the remote: the hub's values, but what waits for a person stays as
    /// both last agreed, and with a status its time of completion.
    pub fn carried(&self) -> Fields {
        let mut carried = self.hub.clone();
        let mut stays = |field| carried.set(field, self.base.fields.get(field).cloned());
        let waiting = self.conflicts.iter().filter(|one| one.winner.is_none());
        for field in waiting.map(|conflict| conflict.field) {
            stays(field);
            if field == Field::Status {
                stays(Field::CompletedAt);
            }
        }
        carried
    }
}

/// Merges what was seen into the hub. Without a base the sides meet for the first time:
/// a value beside none is taken over, sets are joined, and only two different values conflict.
pub fn merge_pair(rules: &Rules, base: Option<&Base>, hub: &Task, seen: &Seen) -> MergedPair {
    let mut merge = Merge {
        rules,
        agreed: base.is_some(),
        task: hub,
        projected: rules.projection.project(&hub.fields),
        seen,
        result: MergedPair {
            hub: hub.fields.clone(),
            base: base.cloned().unwrap_or_default(),
            conflicts: Vec::new(),
        },
    };
    for field in Field::ALL
        .into_iter()
        .filter(|field| rules.projection.merges(*field))
    {
        match field {
            Field::Tags => merge.tags(),
            Field::Depends => merge.depends(),
            Field::Annotations => merge.annotations(),
            _ => merge.scalar(field),
        }
    }
    merge.roll_repeating();
    merge.follow_status();
    merge.result
}

struct Merge<'a> {
    rules: &'a Rules<'a>,
    agreed: bool,
    task: &'a Task,
    projected: Fields,
    seen: &'a Seen<'a>,
    result: MergedPair,
}

impl Merge<'_> {
    /// Takes the remote's value into the hub and the base.
    fn take(&mut self, field: Field, remote: Option<Value>) {
        let hub = self.task.fields.get(field);
        let lifted = self.rules.projection.lift(field, hub, remote.as_ref());
        self.result.hub.set(field, lifted);
        self.result.base.confirm(field, remote.clone(), remote);
    }

    /// Leaves the hub as it is; the remote's value is known and will be written over.
    fn keep(&mut self, field: Field, remote: Option<Value>) {
        self.result.base.confirm(field, remote.clone(), remote);
    }

    fn tags(&mut self) {
        let base = self
            .result
            .base
            .shown(Field::Tags)
            .map_or_else(Default::default, |v| tags_of(Some(v)));
        let hub = tags_of(self.projected.get(Field::Tags));
        let remote = tags_of(self.seen.fields.get(Field::Tags));
        let merged = merge_set(self.agreed.then_some(&base), &hub, &remote);
        self.settle_set(Field::Tags, Value::Tags(merged), Value::Tags(remote));
    }

    /// A link to a task that is not there says nothing by its absence; a new one is taken, so that
    /// it stands when the other end comes back (S23).
    fn depends(&mut self) {
        let reachable = self.rules.projection.reachable;
        let base = tasks_of(self.result.base.shown(Field::Depends));
        let hub = tasks_of(self.projected.get(Field::Depends));
        let remote = tasks_of(self.seen.fields.get(Field::Depends));
        let within = |tasks: &BTreeSet<TaskId>| tasks.intersection(reachable).copied().collect();
        let agreed = self.agreed.then(|| within(&base));
        let mut merged = merge_set(agreed.as_ref(), &hub, &within(&remote));
        let beyond = remote.difference(reachable);
        merged.extend(beyond.filter(|task| !base.contains(task)));
        self.settle_set(Field::Depends, Value::Tasks(merged), Value::Tasks(remote));
    }

    fn settle_set(&mut self, field: Field, merged: Value, remote: Value) {
        let merged = Some(merged).filter(|value| !value.is_empty());
        let hub = self.task.fields.get(field);
        let lifted = self.rules.projection.lift(field, hub, merged.as_ref());
        self.result.hub.set(field, lifted);
        self.result
            .base
            .confirm(field, Some(remote.clone()), Some(remote));
    }

    fn annotations(&mut self) {
        let shown = notes_of(self.result.base.shown(Field::Annotations));
        let base = self.result.base.fields.annotations();
        let hub = notes_of(self.projected.get(Field::Annotations));
        let seen = notes_of(self.seen.fields.get(Field::Annotations));
        // A note that is shown as it was stands for what we sent, whatever was made of it (S1).
        let remote = seen
            .iter()
            .map(|(id, note)| {
                let sent = base.get(id).filter(|_| shown.get(id) == Some(note));
                (*id, sent.unwrap_or(note).clone())
            })
            .collect();
        let (mut merged, conflicts) = merge_map(&base, &hub, &remote);
        for (id, (base, hub, remote)) in conflicts {
            let winner = self.winner(Field::Annotations).unwrap_or(Side::Hub);
            if winner == Side::Remote {
                merged.insert(id, remote.clone());
            }
            self.result.conflicts.push(FieldConflict {
                field: Field::Annotations,
                base: base.map(|note| single(id, note)),
                hub: Some(single(id, hub)),
                remote: Some(single(id, remote)),
                winner: Some(winner),
            });
        }
        self.result
            .hub
            .set(Field::Annotations, Value::Annotations(merged));
        self.result.base.confirm(
            Field::Annotations,
            Some(Value::Annotations(remote)),
            Some(Value::Annotations(seen)),
        );
    }

    fn scalar(&mut self, field: Field) {
        if field == Field::CompletedAt && self.waits_for(Field::Status) {
            return;
        }
        let remote = self.seen.fields.get(field).cloned();
        let hub = self.projected.get(field).cloned();
        if !self.agreed || self.result.base.undecided.contains(&field) {
            return self.first_meeting(field, hub, remote);
        }
        if remote.as_ref() == self.result.base.shown(field) {
            return;
        }
        let base = self.result.base.fields.get(field).cloned();
        match merge_field(Some(base.clone()), hub, remote.clone()) {
            Merged::Agreed(value) if value == remote => self.take(field, remote),
            // The remote came back to what we sent while it had shown something else.
            Merged::Agreed(_) => self.keep(field, remote),
            Merged::Conflict { .. } => self.conflict(field, base, remote),
        }
    }

    fn waits_for(&self, field: Field) -> bool {
        let mut conflicts = self.result.conflicts.iter();
        conflicts.any(|conflict| conflict.field == field && conflict.winner.is_none())
    }

    fn first_meeting(&mut self, field: Field, hub: Option<Value>, remote: Option<Value>) {
        let absent_says_nothing = field != Field::Status;
        if hub == remote || (absent_says_nothing && hub.is_none()) {
            self.take(field, remote);
        } else if absent_says_nothing && remote.is_none() {
            self.keep(field, remote);
        } else {
            self.conflict(field, None, remote);
            if self.waits_for(field) && !absent_says_nothing {
                self.result.base.undecided.insert(field);
            }
        }
    }

    fn conflict(&mut self, field: Field, base: Option<Value>, remote: Option<Value>) {
        if field == Field::Notes && self.lines_merge(remote.as_ref()) {
            return;
        }
        if matches!(field, Field::CompletedAt | Field::StartedAt) {
            // Both sides agree that it happened; whose clock is right is nobody's loss.
            return self.keep(field, remote);
        }
        if field == Field::Parent && self.one_names_a_parent(remote.as_ref()) {
            return;
        }
        let hub = self.task.fields.get(field);
        let winner = self.winner(field);
        self.result.conflicts.push(FieldConflict {
            field,
            base,
            hub: hub.cloned(),
            remote: self.rules.projection.lift(field, hub, remote.as_ref()),
            winner,
        });
        match winner {
            Some(Side::Remote) => self.take(field, remote),
            Some(Side::Hub) => self.keep(field, remote),
            None => {}
        }
    }

    /// Links merge by element: both sides left the old parent, and only one has a new one.
    /// So a pass that died between unlinking and linking is no conflict either.
    fn one_names_a_parent(&mut self, remote: Option<&Value>) -> bool {
        match (self.task.fields.get(Field::Parent), remote) {
            (Some(_), None) => self.keep(Field::Parent, None),
            (None, Some(_)) => self.take(Field::Parent, remote.cloned()),
            _ => return false,
        }
        true
    }

    fn lines_merge(&mut self, remote: Option<&Value>) -> bool {
        let text = |value: Option<&Value>| match value {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        };
        if !self.agreed {
            return false;
        }
        let base = text(self.result.base.shown(Field::Notes));
        let hub = text(self.task.fields.get(Field::Notes));
        let Some(merged) = merge_lines(&base, &hub, &text(remote)) else {
            return false;
        };
        self.result.hub.set(Field::Notes, Value::Text(merged));
        self.result
            .base
            .confirm(Field::Notes, remote.cloned(), remote.cloned());
        true
    }

    fn winner(&self, field: Field) -> Option<Side> {
        let origin = self.task.provenance.get(&field);
        let newest = || {
            let hub = origin.map_or(Timestamp::MIN, |origin| origin.at);
            let ahead = self
                .seen
                .changed_at
                .as_millisecond()
                .saturating_sub(hub.as_millisecond());
            if ahead >= SAME_TIME_MILLIS {
                Side::Remote
            } else {
                Side::Hub
            }
        };
        match self.rules.policy {
            ConflictPolicy::Newest => Some(newest()),
            ConflictPolicy::Ask => None,
            ConflictPolicy::Prefer(account) if account == self.rules.account => Some(Side::Remote),
            ConflictPolicy::Prefer(account) => {
                let hub_is_preferred =
                    origin.is_some_and(|origin| origin.account.as_ref() == Some(account));
                Some(if hub_is_preferred {
                    Side::Hub
                } else {
                    newest()
                })
            }
        }
    }

    /// A repeating task that was completed here and whose date has moved on there: the remote took
    /// the completion and went to the next occurrence, even if its answer never came (S24).
    fn roll_repeating(&mut self) {
        let base = &self.result.base;
        let repeats = self.agreed && base.fields.get(Field::Recurrence).is_some();
        let completed_here = !self.waits_for(Field::Status)
            && self.task.fields.status().is_closed()
            && self.result.hub.status().is_closed()
            && !self.seen.fields.status().is_closed();
        let before = self
            .task
            .fields
            .when(Field::Due)
            .map(|due| due.instant(self.rules.projection.zone));
        let after = self
            .result
            .hub
            .when(Field::Due)
            .map(|due| due.instant(self.rules.projection.zone));
        if repeats && completed_here && before.is_some() && after > before {
            let due = self.task.fields.get(Field::Due).cloned();
            self.result.hub.set(Field::Status, None);
            // What the remote tells of the occurrence, or a person is to decide, stays.
            let told = self.result.hub.get(Field::Occurrence)
                != self.task.fields.get(Field::Occurrence)
                || self.waits_for(Field::Occurrence);
            if !told {
                self.result.hub.set(Field::Occurrence, due);
            }
        }
    }

    /// Keeps the time of completion beside the status that it belongs to.
    fn follow_status(&mut self) {
        let status = self.result.hub.status();
        if !status.is_closed() {
            self.result.hub.set(Field::CompletedAt, None);
            return;
        }
        let closed_now = !self.task.fields.status().is_closed();
        let follows = matches!(
            self.rules.projection.capabilities.hold(Field::CompletedAt),
            Hold::Follows(Field::Status)
        );
        if closed_now && follows {
            let at = self.seen.fields.get(Field::CompletedAt).cloned();
            self.result.hub.set(Field::CompletedAt, at);
        }
        if self.result.hub.get(Field::CompletedAt).is_none() {
            self.result
                .hub
                .set(Field::CompletedAt, Value::Instant(self.seen.changed_at));
        }
    }
}

fn single(id: AnnotationId, note: Annotation) -> Value {
    Value::Annotations(BTreeMap::from([(id, note)]))
}

/// What a task that the hub has never seen holds when it comes from a remote.
pub fn task_from_remote(projection: &Projection, seen: &Seen) -> Fields {
    let mut fields = Fields::new();
    for field in Field::ALL {
        if *projection.capabilities.hold(field) != Hold::No {
            let value = seen.fields.get(field);
            fields.set(field, projection.lift(field, None, value));
        }
    }
    if fields.get(Field::Created).is_none() {
        fields.set(Field::Created, Value::Instant(seen.changed_at));
    }
    if fields.status().is_closed() && fields.get(Field::CompletedAt).is_none() {
        fields.set(Field::CompletedAt, Value::Instant(seen.changed_at));
    }
    fields
}

/// The base of a pair whose remote side was just taken over whole, or was just written so.
pub fn base_of(projection: &Projection, shown: &Fields) -> Base {
    let fields = shown
        .iter()
        .filter(|(field, _)| projection.merges(*field))
        .map(|(field, value)| (field, value.clone()))
        .collect();
    Base {
        fields,
        ..Base::default()
    }
}

/// Whether the hub was edited since the pair last took it into account, as far as the service
/// can hold it or in any way at all: such an edit beats a deletion there.
pub fn hub_was_edited(projection: &Projection, base: &Base, hub_version: u64, hub: &Task) -> bool {
    hub.version != hub_version || differs(projection, &base.fields, &hub.fields)
}

/// Whether the service would have to be written for both to agree.
pub fn differs(projection: &Projection, base: &Fields, hub: &Fields) -> bool {
    let hub = projection.project(hub);
    Field::ALL.into_iter().any(|field| {
        projection.merges(field)
            && within_reach(projection, base.get(field)) != hub.get(field).cloned()
    })
}

/// A base value without links to tasks that are not there any more (S23).
pub(crate) fn within_reach(projection: &Projection, value: Option<&Value>) -> Option<Value> {
    let reachable = projection.reachable;
    match value {
        Some(Value::Tasks(tasks)) => {
            let tasks = Value::Tasks(tasks.intersection(reachable).copied().collect());
            (!tasks.is_empty()).then_some(tasks)
        }
        Some(Value::Task(task)) if !reachable.contains(task) => None,
        value => value.cloned(),
    }
}

/// Whether a remote item holds anything but what the base says it shows.
pub fn remote_was_edited(projection: &Projection, base: &Base, seen: &Fields) -> bool {
    let mut merging = Field::ALL.into_iter().filter(|f| projection.merges(*f));
    merging.any(|field| {
        let (shown, seen) = (base.shown(field), seen.get(field));
        within_reach(projection, shown) != within_reach(projection, seen) || links_more(shown, seen)
    })
}

/// Whether the remote still shows every link that its base has, wherever it leads. Where the other end
/// is gone, that one is missing was nobody's edit (S23); but it is not there any more.
pub fn links_are_shown(projection: &Projection, base: &Base, seen: &Fields) -> bool {
    [Field::Depends, Field::Parent]
        .into_iter()
        .filter(|field| projection.merges(*field))
        .all(|field| !links_more(seen.get(field), base.shown(field)))
}

/// Whether there is a link that the base does not have, wherever it leads.
fn links_more(shown: Option<&Value>, seen: Option<&Value>) -> bool {
    match seen {
        Some(Value::Tasks(seen)) => !seen.is_subset(&tasks_of(shown)),
        Some(Value::Task(_)) => seen != shown,
        _ => false,
    }
}
