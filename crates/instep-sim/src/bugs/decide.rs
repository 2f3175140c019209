//! Decisions with a planted bug in one of them.

use instep_engine::Decisions;
use instep_model::{Base, Field, Fields, Operation, Task, Value};
use instep_sync::{Adoption, MergedPair, Projection, Rules, Seen};

use super::Bug;

type MergePair = fn(&Rules, Option<&Base>, &Task, &Seen) -> MergedPair;

impl Bug {
    /// The decisions as this bug makes them.
    pub(crate) fn decisions(bug: Option<Self>) -> Decisions {
        let mut decisions = Decisions::default();
        let Some(bug) = bug else { return decisions };
        if let Some(merge_pair) = bug.merge() {
            decisions.merge_pair = merge_pair;
        }
        bug.plan(&mut decisions);
        bug.judge(&mut decisions);
        decisions
    }

    fn merge(self) -> Option<MergePair> {
        Some(match self {
            Self::LoserDropped => |rules, base, hub, seen| {
                let mut merged = instep_sync::merge_pair(rules, base, hub, seen);
                merged.conflicts.clear();
                merged
            },
            Self::RemoteTramples => |rules, base, hub, seen| {
                let base = base.map(|base| Base {
                    fields: rules.projection.project(&hub.fields),
                    ..base.clone()
                });
                instep_sync::merge_pair(rules, base.as_ref(), hub, seen)
            },
            Self::HubTramples => |rules, base, hub, seen| {
                let mut merged = instep_sync::merge_pair(rules, base, hub, seen);
                if base.is_some() {
                    merged.hub = hub.fields.clone();
                    merged.conflicts.clear();
                }
                merged
            },
            Self::TagsTaken => |rules, base, hub, seen| {
                let mut merged = instep_sync::merge_pair(rules, base, hub, seen);
                take(rules, &mut merged, seen, Field::Tags);
                merged
            },
            Self::TagsStick => |rules, base, hub, seen| {
                let mut merged = instep_sync::merge_pair(rules, base, hub, seen);
                let mut tags = merged.hub.tags();
                tags.extend(hub.fields.tags());
                merged.hub.set(Field::Tags, Value::Tags(tags));
                merged
            },
            Self::NotesTaken => |rules, base, hub, seen| {
                let mut merged = instep_sync::merge_pair(rules, base, hub, seen);
                take(rules, &mut merged, seen, Field::Annotations);
                merged
            },
            Self::UnheldCleared => |rules, base, hub, seen| {
                let mut merged = instep_sync::merge_pair(rules, base, hub, seen);
                if !rules.projection.merges(Field::Notes) {
                    merged.hub.set(Field::Notes, None);
                }
                merged
            },
            Self::BaseLeft => |rules, base, hub, seen| {
                let mut merged = instep_sync::merge_pair(rules, base, hub, seen);
                merged.base = base.cloned().unwrap_or_default();
                merged
            },
            Self::StatusTaken => |rules, base, hub, seen| {
                let mut merged = instep_sync::merge_pair(rules, base, hub, seen);
                take(rules, &mut merged, seen, Field::Status);
                merged
            },
            _ => return None,
        })
    }

    fn plan(self, decisions: &mut Decisions) {
        match self {
            Self::CreatedWithoutDue => {
                decisions.plan_create = |projection, task, hub, places, shadow| {
                    let mut planned =
                        instep_sync::plan_create(projection, task, hub, places, shadow);
                    if let Operation::Create(draft) = &mut planned.operation {
                        draft.fields.set(Field::Due, None);
                    }
                    planned
                };
            }
            Self::AlwaysFresh => {
                decisions.plan_update = |projection, id, base, hub, places, _| {
                    let mut planned =
                        instep_sync::plan_update(projection, id, base, hub, places, true);
                    for one in &mut planned {
                        if let Operation::AddTag { id, .. } = &one.operation {
                            let id = id.clone();
                            let tags = projection.project(hub).tags();
                            one.operation = Operation::SetTags { id, tags };
                        }
                    }
                    planned
                };
            }
            Self::ProjectNotWritten => {
                decisions.plan_update = |projection, id, base, hub, places, fresh| {
                    let mut planned =
                        instep_sync::plan_update(projection, id, base, hub, places, fresh);
                    for one in &mut planned {
                        if let Operation::Update { edit, .. } = &mut one.operation {
                            edit.collection = None;
                            edit.fields.retain(|change| change.field != Field::Project);
                        }
                    }
                    planned
                };
            }
            Self::NothingConfirmed => decisions.confirm = |_, _, _, _| {},
            Self::BaseIsWhatIsThere => {
                decisions.confirm = |base, planned, held, notes| {
                    instep_sync::confirm(base, planned, held, notes);
                    for (field, value) in held.iter().flat_map(|held| held.iter()) {
                        base.fields.set(field, value.clone());
                    }
                };
            }
            _ => {}
        }
    }

    fn judge(self, decisions: &mut Decisions) {
        match self {
            Self::NobodyAdopted => {
                decisions.adopt = |_, _, remote| Adoption {
                    new: (0..remote.len()).collect(),
                    ..Adoption::default()
                };
            }
            Self::AnybodyAdopted => {
                decisions.adopt = |meeting, hub, remote| {
                    let mut found = instep_sync::adopt(meeting, hub, remote);
                    let is_free = |at: &usize| {
                        hub[*at].task.is_alive() && found.pairs.iter().all(|(one, _)| one != at)
                    };
                    if let (Some(hub), Some(remote)) =
                        ((0..hub.len()).find(is_free), found.new.first().copied())
                    {
                        found.new.remove(0);
                        found.pairs.push((hub, remote));
                    }
                    found
                };
            }
            Self::GuardSleeps => decisions.permits = |_, _| true,
            Self::DeletionBeatsEdit => decisions.hub_was_edited = |_, _, _, _| false,
            Self::DeletionNeverWins => decisions.hub_was_edited = |_, _, _, _| true,
            Self::RemoteEditMissed => decisions.remote_was_edited = not_edited,
            Self::RemoteAlwaysEdited => decisions.remote_was_edited = |_, _, _| true,
            Self::OutsideHeard => decisions.stays_outside = |_, _, _, _, _| false,
            Self::UnansweredForgotten => decisions.take_unanswered = |_, _, _, _| {},
            _ => {}
        }
    }
}

fn not_edited(_: &Projection, _: &Base, _: &Fields) -> bool {
    false
}

/// Takes a field over from the remote, whatever the hub has.
fn take(rules: &Rules, merged: &mut MergedPair, seen: &Seen, field: Field) {
    if rules.projection.merges(field) {
        merged.hub.set(field, seen.fields.get(field).cloned());
    }
}
