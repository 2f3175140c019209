//! A task: what is searched for in columns of its own, the rest in its body.

use std::collections::BTreeMap;

use instep_contract::StoreError;
use instep_model::{AccountId, Field, Provenance, Task, TaskId, Timestamp};
use serde::{Deserialize, Serialize};

use super::text::{StoredFields, Text};
use super::{read, write};

#[derive(Serialize, Deserialize)]
struct TaskBody {
    fields: StoredFields,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    provenance: BTreeMap<Text<Field>, Origin>,
    modified: Text<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deleted: Option<Origin>,
}

#[derive(Serialize, Deserialize)]
struct Origin {
    at: Text<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
}

impl Origin {
    fn new(provenance: &Provenance) -> Self {
        let account = provenance.account.as_ref();
        Self {
            at: Text(provenance.at),
            account: account.map(|account| account.as_str().to_owned()),
        }
    }

    fn provenance(self) -> Provenance {
        Provenance {
            at: self.at.0,
            account: self.account.map(AccountId::new),
        }
    }
}

/// When it was first written down, as well as that is known: the order of listings.
pub(crate) fn created(task: &Task) -> Timestamp {
    task.fields.instant(Field::Created).unwrap_or(task.modified)
}

pub(crate) fn task_body(task: &Task) -> String {
    let provenance = task.provenance.iter();
    write(&TaskBody {
        fields: StoredFields(task.fields.clone()),
        provenance: provenance
            .map(|(field, origin)| (Text(*field), Origin::new(origin)))
            .collect(),
        modified: Text(task.modified),
        deleted: task.deleted.as_ref().map(Origin::new),
    })
}

pub(crate) fn read_task(id: TaskId, version: u64, body: &str) -> Result<Task, StoreError> {
    let body: TaskBody = read(|| format!("the task {id}"), body)?;
    let provenance = body.provenance.into_iter();
    Ok(Task {
        id,
        version,
        fields: body.fields.0,
        provenance: provenance
            .map(|(field, origin)| (field.0, origin.provenance()))
            .collect(),
        modified: body.modified.0,
        deleted: body.deleted.map(Origin::provenance),
    })
}
