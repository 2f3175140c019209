//! Lines of the journal, and conflicts.

use instep_contract::StoreError;
use instep_model::{
    AccountId, Action, Conflict, ConflictId, ConflictState, Field, JournalEntry, OperationId, Side,
    TaskId, Timestamp, Value,
};
use serde::{Deserialize, Serialize};

use super::text::{StoredValue, Text};
use super::{corrupt, read, write};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SideRow {
    Hub,
    Remote,
}

impl SideRow {
    fn new(side: Side) -> Self {
        match side {
            Side::Hub => Self::Hub,
            Side::Remote => Self::Remote,
        }
    }

    fn side(self) -> Side {
        match self {
            Self::Hub => Side::Hub,
            Self::Remote => Side::Remote,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct JournalBody {
    side: SideRow,
    action: Text<Action>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<Text<Field>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    cause: String,
}

pub(crate) fn journal_body(entry: &JournalEntry) -> String {
    write(&JournalBody {
        side: SideRow::new(entry.side),
        action: Text(entry.action),
        field: entry.field.map(Text),
        from: entry.from.clone(),
        to: entry.to.clone(),
        cause: entry.cause.clone(),
    })
}

pub(crate) fn read_journal(
    operation: OperationId,
    at: Timestamp,
    account: Option<AccountId>,
    task: Option<TaskId>,
    body: &str,
) -> Result<JournalEntry, StoreError> {
    let body: JournalBody = read(|| format!("a journal line of {operation}"), body)?;
    Ok(JournalEntry {
        operation,
        at,
        side: body.side.side(),
        account,
        task,
        action: body.action.0,
        field: body.field.map(|field| field.0),
        from: body.from,
        to: body.to,
        cause: body.cause,
    })
}

#[derive(Serialize, Deserialize)]
struct ConflictBody {
    field: Text<Field>,
    base: Option<StoredValue>,
    hub: Option<StoredValue>,
    remote: Option<StoredValue>,
}

pub(crate) fn conflict_body(conflict: &Conflict) -> String {
    let stored = |value: &Option<Value>| {
        let value = value.as_ref();
        value.map(|value| StoredValue::new(conflict.field, value))
    };
    write(&ConflictBody {
        field: Text(conflict.field),
        base: stored(&conflict.base),
        hub: stored(&conflict.hub),
        remote: stored(&conflict.remote),
    })
}

const STATES: [(ConflictState, &str); 4] = [
    (ConflictState::Open, "open"),
    (ConflictState::Settled(Side::Hub), "settled_hub"),
    (ConflictState::Settled(Side::Remote), "settled_remote"),
    (ConflictState::Closed, "closed"),
];

pub(crate) fn conflict_state(state: ConflictState) -> &'static str {
    let found = STATES.iter().find(|(known, _)| *known == state);
    found.map_or("open", |(_, name)| name)
}

pub(crate) fn read_conflict(
    id: ConflictId,
    task: TaskId,
    account: AccountId,
    (state, at): (&str, Timestamp),
    body: &str,
) -> Result<Conflict, StoreError> {
    let row = || format!("the conflict {id}");
    let body: ConflictBody = read(row, body)?;
    let field = body.field.0;
    let value = |stored: Option<StoredValue>| {
        let value = stored.map(|stored| stored.value::<serde_json::Error>(field));
        value.transpose().map_err(|damage| corrupt(row(), damage))
    };
    let known = STATES.iter().find(|(_, name)| *name == state);
    let state = known
        .ok_or_else(|| corrupt(row(), format_args!("`{state}` is no state")))?
        .0;
    Ok(Conflict {
        task,
        account,
        field,
        base: value(body.base)?,
        hub: value(body.hub)?,
        remote: value(body.remote)?,
        state,
        at,
        id,
    })
}
