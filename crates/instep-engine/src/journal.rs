//! The journal's lines and the report's, made from one list of changes.

use instep_contract::{Connector, MergeStep};
use instep_model::{
    AccountId, Action, Change, Field, Fields, JournalEntry, OperationId, RemoteId, Side, Status,
    Task, TaskId, Timestamp, Value,
};

use crate::pass::Pass;
use crate::report::ReportedChange;

/// What happened to one task.
pub(crate) struct Event<'a> {
    pub(crate) operation: &'a OperationId,
    pub(crate) at: Timestamp,
    pub(crate) side: Side,
    pub(crate) account: Option<&'a AccountId>,
    pub(crate) task: TaskId,
    pub(crate) action: Action,
    pub(crate) changes: &'a [Change],
    pub(crate) cause: &'a str,
}

impl Event<'_> {
    /// One line for each field that moved; a single line where none did.
    pub(crate) fn lines(&self) -> Vec<JournalEntry> {
        let line = |field: Option<Field>, from: Option<&Value>, to: Option<&Value>| JournalEntry {
            operation: self.operation.clone(),
            at: self.at,
            side: self.side,
            account: self.account.cloned(),
            task: Some(self.task),
            action: self.action,
            field,
            from: from.map(ToString::to_string),
            to: to.map(ToString::to_string),
            cause: self.cause.to_owned(),
        };
        if self.changes.is_empty() {
            return vec![line(None, None, None)];
        }
        self.changes
            .iter()
            .map(|change| line(Some(change.field), change.from.as_ref(), change.to.as_ref()))
            .collect()
    }
}

/// The fields in which a task moves, with both values.
pub(crate) fn changes_between(from: &Fields, to: &Fields) -> Vec<Change> {
    from.differences(to)
        .into_iter()
        .map(|field| Change {
            field,
            from: from.get(field).cloned(),
            to: to.get(field).cloned(),
        })
        .collect()
}

/// Closing and opening are told apart from other changes.
pub(crate) fn action_of(changes: &[Change]) -> Action {
    let closed = |value: &Option<Value>| match value {
        Some(Value::Status(status)) => status.is_closed(),
        _ => Status::Open.is_closed(),
    };
    match changes.iter().find(|change| change.field == Field::Status) {
        Some(change) if closed(&change.to) && !closed(&change.from) => Action::Complete,
        Some(change) if closed(&change.from) && !closed(&change.to) => Action::Reopen,
        _ => Action::Update,
    }
}

impl<C: Connector> Pass<'_, C> {
    /// Counts a change and keeps it for the report.
    pub(crate) fn tell(
        &mut self,
        side: Side,
        action: Action,
        task: &Task,
        remote: Option<RemoteId>,
        fields: Vec<Change>,
    ) {
        let counts = match side {
            Side::Hub => &mut self.report.hub,
            Side::Remote => &mut self.report.remote,
        };
        if side == Side::Remote && action == Action::Update && self.made.contains(&task.id) {
            return;
        }
        match counts.of(action) {
            Some(count) => *count += 1,
            None => return,
        }
        if side == Side::Remote && matches!(action, Action::Create | Action::Restore) {
            self.made.insert(task.id);
        }
        self.changes.push(ReportedChange {
            account: self.account.id.clone(),
            side,
            action,
            task: task.id,
            remote,
            title: task.fields.title().to_owned(),
            fields,
        });
    }

    /// Takes back what was told of these steps: they were not stored.
    pub(crate) fn untell(&mut self, steps: &[MergeStep]) {
        for step in steps.iter().rev() {
            let (Some(write), Some(line)) = (&step.task, step.journal.first()) else {
                continue;
            };
            let is_told = |change: &ReportedChange| {
                let (task, action) = (change.task, change.action);
                (change.side, task, action) == (Side::Hub, write.task.id, line.action)
            };
            let Some(at) = self.changes.iter().rposition(is_told) else {
                continue;
            };
            self.changes.remove(at);
            if let Some(count) = self.report.hub.of(line.action) {
                *count = count.saturating_sub(1);
            }
        }
    }
}
