//! One pair and its passes, as an engine runs them: look, merge, plan, carry out, confirm.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{
    AccountId, AnnotationId, Base, ConflictPolicy, Field, Fields, Provenance, RemoteId,
    RemoteNoteId, Task, TaskId, TimeZone, Timestamp, Value,
};
use instep_sync::{
    FieldConflict, Places, Planned, Projection, Rules, Seen, Translated, confirm, differs,
    merge_pair, plan_create, plan_update, remote_was_edited, translate,
};

use crate::draw::{self, TASK, at};
use crate::remote::{Remote, remote_id};
use crate::services::Service;

/// One account's side of the task: what both agreed on, and the service.
pub(crate) struct Pair {
    pub(crate) account: AccountId,
    pub(crate) policy: ConflictPolicy,
    pub(crate) reachable: BTreeSet<TaskId>,
    pub(crate) base: Option<Base>,
    pub(crate) remote: Remote,
    remotes: BTreeMap<TaskId, RemoteId>,
}

/// Where a pass is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crash {
    /// After this many writes.
    pub(crate) writes: usize,
    /// Whether the last of them was still confirmed.
    pub(crate) confirmed: bool,
}

/// A hub task with these fields, set by a person.
pub(crate) fn hub_task(fields: Fields) -> Task {
    Task {
        id: TASK,
        version: 1,
        provenance: fields
            .iter()
            .map(|(field, _)| (field, person(at(0))))
            .collect(),
        fields,
        modified: at(0),
        deleted: None,
    }
}

pub(crate) fn person(at: Timestamp) -> Provenance {
    Provenance { at, account: None }
}

/// Replaces the fields of the hub's task and says who did it.
pub(crate) fn set_hub(hub: &mut Task, fields: Fields, origin: &Provenance) {
    for field in hub.fields.differences(&fields) {
        hub.provenance.insert(field, origin.clone());
        hub.version += 1;
    }
    hub.fields = fields;
}

impl Pair {
    pub(crate) fn new(
        name: &str,
        service: &'static Service,
        zone: &'static TimeZone,
        reachable: BTreeSet<TaskId>,
    ) -> Self {
        let remotes = reachable
            .iter()
            .map(|task| (*task, remote_id(*task)))
            .collect();
        Self {
            account: AccountId::new(name),
            policy: ConflictPolicy::Newest,
            reachable,
            base: None,
            remote: Remote::new(service, zone),
            remotes,
        }
    }

    pub(crate) fn projection(&self) -> Projection<'_> {
        Projection {
            capabilities: &self.remote.service.capabilities,
            zone: self.remote.zone,
            reachable: &self.reachable,
        }
    }

    pub(crate) fn base(&self) -> &Base {
        self.base.as_ref().expect("the sides have met")
    }

    /// The fields that both sides can change.
    pub(crate) fn merging(&self) -> Vec<Field> {
        let projection = self.projection();
        Field::ALL
            .into_iter()
            .filter(|field| projection.merges(*field))
            .collect()
    }

    /// The remote item in the hub's ids.
    pub(crate) fn look(&self, hub: &Fields) -> Translated {
        self.translated(&self.base.clone().unwrap_or_default(), hub)
    }

    fn translated(&self, base: &Base, hub: &Fields) -> Translated {
        let paired = |id: &RemoteId| {
            self.remotes
                .iter()
                .find(|(_, remote)| *remote == id)
                .map(|(task, _)| *task)
        };
        translate(self.remote.item(), TASK, &self.account, base, hub, paired)
    }

    /// What the remote holds of the fields that merge.
    pub(crate) fn shown(&self, hub: &Fields) -> Fields {
        let seen = self.look(hub).fields;
        let projection = self.projection();
        let merging = seen.iter().filter(|(field, _)| projection.merges(*field));
        merging
            .map(|(field, value)| (field, value.clone()))
            .collect()
    }

    /// Makes the task in the remote.
    pub(crate) fn create(&mut self, hub: &Fields) {
        let markers = BTreeMap::new();
        let places = Places {
            remotes: &self.remotes,
            collection: None,
            markers: &markers,
        };
        let planned = plan_create(&self.projection(), TASK, hub, &places, None);
        let mut base = Base::default();
        self.carry_out(&mut base, hub, &planned);
        for planned in self.plan(&base, hub, true) {
            self.carry_out(&mut base, hub, &planned);
        }
        self.base = Some(base);
    }

    pub(crate) fn plan(&self, base: &Base, hub: &Fields, fresh: bool) -> Vec<Planned> {
        let markers = BTreeMap::new();
        let places = Places {
            remotes: &self.remotes,
            collection: None,
            markers: &markers,
        };
        plan_update(
            &self.projection(),
            &remote_id(TASK),
            base,
            hub,
            &places,
            fresh,
        )
    }

    fn carry_out(&mut self, base: &mut Base, hub: &Fields, planned: &Planned) {
        let notes = self.remote.apply(&planned.operation);
        self.confirmed(base, hub, planned, &notes);
    }

    fn confirmed(
        &self,
        base: &mut Base,
        hub: &Fields,
        planned: &Planned,
        notes: &BTreeMap<AnnotationId, RemoteNoteId>,
    ) {
        let mut known = base.clone();
        known.notes.extend(notes.clone());
        let held = self.translated(&known, hub).fields;
        let held = self.remote.service.tells.then_some(&held);
        confirm(base, planned, held, notes);
    }

    /// Looks and merges; answers what is to be written, and the conflicts.
    pub(crate) fn merge(
        &mut self,
        hub: &mut Task,
        seen_at: Timestamp,
    ) -> (Fields, Vec<FieldConflict>) {
        let seen = self.look(&hub.fields);
        let projection = self.projection();
        let rules = Rules {
            projection,
            policy: &self.policy,
            account: &self.account,
        };
        let look = Seen {
            fields: &seen.fields,
            changed_at: seen_at,
        };
        let merged = merge_pair(&rules, self.base.as_ref(), hub, &look);
        let origin = Provenance {
            at: seen_at,
            account: Some(self.account.clone()),
        };
        let carried = merged.carried();
        set_hub(hub, merged.hub, &origin);
        self.base = Some(Base {
            notes: seen.notes,
            ..merged.base
        });
        (carried, merged.conflicts)
    }

    /// Writes what `hub` holds beyond the base, until killed.
    pub(crate) fn push(&mut self, hub: &Fields, crash: Option<Crash>) {
        let mut base = self.base().clone();
        for (done, planned) in self.plan(&base, hub, false).into_iter().enumerate() {
            let dies = crash.filter(|crash| crash.writes == done + 1);
            let notes = self.remote.apply(&planned.operation);
            if dies.is_none_or(|crash| crash.confirmed) {
                self.confirmed(&mut base, hub, &planned, &notes);
            }
            if dies.is_some() {
                break;
            }
        }
        self.base = Some(base);
    }

    /// A whole pass; answers the conflicts that it found.
    pub(crate) fn pass(&mut self, hub: &mut Task, seen_at: Timestamp) -> Vec<FieldConflict> {
        let (carried, conflicts) = self.merge(hub, seen_at);
        self.push(&carried, None);
        conflicts
    }

    /// Fails unless both sides and the base agree, and another pass would do nothing at all.
    pub(crate) fn assert_settled(&mut self, hub: &Task) {
        let projection = self.projection();
        let base = self.base().clone();
        let shown = self.shown(&hub.fields);
        for field in self.merging() {
            assert_eq!(
                base.shown(field),
                shown.get(field),
                "{field}: base and remote"
            );
        }
        assert_eq!(projection.project(&hub.fields), base.fields, "base and hub");
        assert!(!remote_was_edited(&projection, &base, &shown));
        assert!(!differs(&projection, &base.fields, &hub.fields));
        assert_eq!(self.plan(&base, &hub.fields, false), []);
        let writes = self.remote.writes;
        let mut after = hub.clone();
        let conflicts = self.pass(&mut after, at(1_000_000));
        assert_eq!(conflicts, []);
        assert_eq!(after, *hub, "an echo moves nothing");
        assert_eq!(*self.base(), base, "an echo leaves the base");
        assert_eq!(self.remote.writes, writes, "an echo costs nothing");
    }
}

/// Other tasks that links can reach, by the bits of `bits`.
pub(crate) fn reach(bits: u8) -> BTreeSet<TaskId> {
    (0..draw::OTHERS)
        .filter(|index| bits >> index & 1 == 1)
        .map(draw::other)
        .collect()
}

/// A text as a value.
pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
