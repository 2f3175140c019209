//! An account as it stands in the config, and the collections last seen in it.

use std::collections::BTreeSet;

use instep_contract::StoreError;
use instep_model::{
    Account, AccountId, Collection, CollectionId, ConflictPolicy, Direction, Kind, ProjectPath,
    Scope,
};
use serde::{Deserialize, Serialize};

use super::text::Text;
use super::{read, write};

#[derive(Serialize, Deserialize)]
struct AccountRow {
    name: String,
    kind: Text<Kind>,
    direction: Text<Direction>,
    projects: Vec<Text<ProjectPath>>,
    tags: BTreeSet<String>,
    not_tags: BTreeSet<String>,
    policy: PolicyRow,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PolicyRow {
    Newest,
    Prefer(String),
    Ask,
}

pub(crate) fn account_config(account: &Account) -> String {
    let projects = account.scope.projects.iter();
    write(&AccountRow {
        name: account.name.clone(),
        kind: Text(account.kind),
        direction: Text(account.direction),
        projects: projects.cloned().map(Text).collect(),
        tags: account.scope.tags.clone(),
        not_tags: account.scope.not_tags.clone(),
        policy: match &account.policy {
            ConflictPolicy::Newest => PolicyRow::Newest,
            ConflictPolicy::Prefer(account) => PolicyRow::Prefer(account.as_str().to_owned()),
            ConflictPolicy::Ask => PolicyRow::Ask,
        },
    })
}

pub(crate) fn read_account(id: AccountId, config: &str) -> Result<Account, StoreError> {
    let row: AccountRow = read(|| format!("the account {id}"), config)?;
    let projects = row.projects.into_iter();
    Ok(Account {
        id,
        name: row.name,
        kind: row.kind.0,
        direction: row.direction.0,
        scope: Scope {
            projects: projects.map(|path| path.0).collect(),
            tags: row.tags,
            not_tags: row.not_tags,
        },
        policy: match row.policy {
            PolicyRow::Newest => ConflictPolicy::Newest,
            PolicyRow::Prefer(account) => ConflictPolicy::Prefer(AccountId::new(account)),
            PolicyRow::Ask => ConflictPolicy::Ask,
        },
    })
}

#[derive(Serialize, Deserialize)]
struct CollectionRow {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    archived: bool,
}

pub(crate) fn collections(collections: &[Collection]) -> String {
    let row = |collection: &Collection| CollectionRow {
        id: collection.id.as_str().to_owned(),
        path: collection.path.as_ref().map(|path| path.titles().to_vec()),
        archived: collection.archived,
    };
    write(&collections.iter().map(row).collect::<Vec<_>>())
}

pub(crate) fn read_collections(
    account: &AccountId,
    text: &str,
) -> Result<Vec<Collection>, StoreError> {
    let rows: Vec<CollectionRow> = read(|| format!("the collections of {account}"), text)?;
    let collection = |row: CollectionRow| Collection {
        id: CollectionId::new(row.id),
        path: row.path.and_then(ProjectPath::new),
        archived: row.archived,
    };
    Ok(rows.into_iter().map(collection).collect())
}
