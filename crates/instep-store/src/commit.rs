//! The commits of merges and pushes, and of what is about to be sent: every check first, then a few statements over many rows.
//!
//! A batch counts as it leaves things: of two writes of one row, only the last is sent.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use instep_contract::{Cursor, Lease, MergeStep, PushStep, StoreError, Work};
use instep_model::{
    AccountId, Collection, Conflict, Hint, JournalEntry, Mapping, RemoteId, Task, TaskId, Timestamp,
};
use sqlx::AnyConnection;

use crate::account;
use crate::queue;
use crate::row::{
    self, conflict_body, conflict_state, created, journal_body, mapping_body, read_collections,
    task_body,
};
use crate::sql::{
    Bind, Stop, execute, execute_in, get, get_number, get_parsed, insert, query, select_in,
};
use crate::store::Hub;

/// What becomes of each pair that a batch names; `None` drops it.
type Pairs<'a> = BTreeMap<(AccountId, TaskId), Option<&'a Mapping>>;

pub(crate) async fn merge(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: Option<&Lease>,
    steps: &[MergeStep],
    now: Timestamp,
) -> Result<(), Stop> {
    if let Some(lease) = lease {
        hub.fence(on, lease).await?;
    }
    let pairs = planned_pairs(steps.iter().map(|step| (&step.unpair, &step.mapping)));
    let wakes = wakes_of(steps.iter().flat_map(MergeStep::wakes));
    let versions = versions(hub, on, named_in_merge(steps, &pairs)).await?;
    let tasks = planned_tasks(steps, &versions)?;
    for task in needed_in_merge(steps, &pairs) {
        if !versions.contains_key(&task) && !tasks.contains_key(&task) {
            return Err(StoreError::Stale { task }.into());
        }
    }
    must_be_unique(hub, on, &pairs).await?;

    let deletions = planned_deletions(lease, steps);
    let mut accounts = accounts_of(&pairs, &wakes);
    accounts.extend(deletions.iter().map(|(account, _)| *account));
    if let Some(lease) = lease {
        // It was found in its row.
        accounts.remove(&lease.account);
    }
    hub.know_accounts(on, accounts).await?;
    let journal: Vec<&JournalEntry> = steps.iter().flat_map(|step| &step.journal).collect();
    let count = journal.len() + deletions.len() + wakes.len();
    let first = hub.numbers(on, count as u64).await?;
    let second = first + journal.len() as u64;
    let third = second + deletions.len() as u64;

    put_tasks(hub, on, &tasks).await?;
    put_pairs(hub, on, &pairs).await?;
    put_hints(hub, on, steps).await?;
    put_conflicts(hub, on, steps).await?;
    put_journal(hub, on, first, &journal).await?;
    put_deletions(hub, on, second, (&deletions, now)).await?;
    queue::wake(hub, on, third, &wakes).await
}

pub(crate) async fn push(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    steps: &[PushStep],
    now: Timestamp,
) -> Result<(), Stop> {
    hub.fence(on, lease).await?;
    let pairs = planned_pairs(steps.iter().map(|step| (&step.unpair, &step.mapping)));
    let wakes = wakes_of(steps.iter().flat_map(|step| step.wake.iter().cloned()));
    let needed: BTreeSet<TaskId> = kept(&pairs)
        .map(|mapping| mapping.task)
        .chain(wakes.iter().map(|(_, task)| *task))
        .collect();
    must_exist(hub, on, needed).await?;
    must_be_unique(hub, on, &pairs).await?;

    let mut accounts = accounts_of(&pairs, &wakes);
    // Its lease was found in its row.
    accounts.remove(&lease.account);
    hub.know_accounts(on, accounts).await?;
    let journal: Vec<&JournalEntry> = steps.iter().flat_map(|step| &step.journal).collect();
    let first = hub
        .numbers(on, (journal.len() + wakes.len()) as u64)
        .await?;

    put_pairs(hub, on, &pairs).await?;
    settle(hub, on, lease, steps).await?;
    put_collections(hub, on, lease, steps).await?;
    put_journal(hub, on, first, &journal).await?;
    let done: Vec<&Work> = steps.iter().filter_map(|step| step.done.as_ref()).collect();
    queue::finish(hub, on, lease, &done).await?;
    for later in steps.iter().filter_map(|step| step.later.as_ref()) {
        queue::delay(hub, on, lease, (later, now)).await?;
    }
    // After what is done, so that a wake outlives a `done` of the same batch.
    queue::wake(hub, on, first + journal.len() as u64, &wakes).await
}

pub(crate) async fn sending(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    pairs: &[Mapping],
    cursor: Option<&Cursor>,
) -> Result<(), Stop> {
    hub.fence(on, lease).await?;
    let pairs = pairs.iter().map(|pair| {
        let of = (pair.account.clone(), pair.task);
        (of, Some(pair))
    });
    let pairs: Pairs<'_> = pairs.collect();
    let needed: BTreeSet<TaskId> = kept(&pairs).map(|pair| pair.task).collect();
    must_exist(hub, on, needed).await?;
    must_be_unique(hub, on, &pairs).await?;
    put_pairs(hub, on, &pairs).await?;
    match cursor {
        Some(cursor) => account::replace_cursor(hub, on, lease, cursor).await,
        None => Ok(()),
    }
}

fn planned_pairs<'a>(
    steps: impl Iterator<Item = (&'a Option<(AccountId, TaskId)>, &'a Option<Mapping>)>,
) -> Pairs<'a> {
    let mut pairs = Pairs::new();
    for (unpair, mapping) in steps {
        if let Some(key) = unpair {
            pairs.insert(key.clone(), None);
        }
        if let Some(mapping) = mapping {
            pairs.insert((mapping.account.clone(), mapping.task), Some(mapping));
        }
    }
    pairs
}

async fn must_exist(
    hub: &Hub,
    on: &mut AnyConnection,
    tasks: BTreeSet<TaskId>,
) -> Result<(), Stop> {
    let versions = versions(hub, on, tasks.clone()).await?;
    match tasks.into_iter().find(|task| !versions.contains_key(task)) {
        Some(task) => Err(StoreError::Stale { task }.into()),
        None => Ok(()),
    }
}

/// The pairs that a batch leaves behind.
fn kept<'a>(pairs: &Pairs<'a>) -> impl Iterator<Item = &'a Mapping> {
    pairs.values().copied().flatten()
}

/// Each wake once, in the order of the first.
fn wakes_of(wakes: impl Iterator<Item = (AccountId, TaskId)>) -> Vec<(AccountId, TaskId)> {
    let mut seen = HashSet::new();
    wakes.filter(|wake| seen.insert(wake.clone())).collect()
}

/// Every task whose version has to be known.
fn named_in_merge(steps: &[MergeStep], pairs: &Pairs<'_>) -> BTreeSet<TaskId> {
    let written = steps.iter().filter_map(|step| step.task.as_ref());
    let mut named = needed_in_merge(steps, pairs);
    named.extend(written.map(|write| write.task.id));
    named
}

/// Every task that has to exist for the batch to make sense.
fn needed_in_merge(steps: &[MergeStep], pairs: &Pairs<'_>) -> BTreeSet<TaskId> {
    let mut needed: BTreeSet<TaskId> = kept(pairs).map(|mapping| mapping.task).collect();
    for step in steps {
        needed.extend(step.conflicts.iter().map(|conflict| conflict.task));
        needed.extend(step.wake_dependents.iter().map(|(_, task)| *task));
        if !step.wake.is_empty() || step.hints.is_some() {
            needed.extend(step.subject());
        }
    }
    needed
}

fn accounts_of<'a>(pairs: &Pairs<'a>, wakes: &'a [(AccountId, TaskId)]) -> BTreeSet<&'a AccountId> {
    let paired = kept(pairs).map(|mapping| &mapping.account);
    paired
        .chain(wakes.iter().map(|(account, _)| account))
        .collect()
}

async fn versions(
    hub: &Hub,
    on: &mut AnyConnection,
    tasks: BTreeSet<TaskId>,
) -> Result<HashMap<TaskId, u64>, Stop> {
    let keys: Vec<Bind> = tasks.iter().map(|task| task.to_string().into()).collect();
    let sql = "SELECT id, version FROM tasks WHERE user_id = $1 AND id IN";
    let sql = (sql, crate::dialect::LOCK_ROWS);
    let rows = select_in(on, &hub.user, sql, &[], &keys).await?;
    let mut versions = HashMap::with_capacity(rows.len());
    for row in &rows {
        versions.insert(get_parsed(row, "id")?, get_number(row, "version")?);
    }
    Ok(versions)
}

/// The tasks as the batch leaves them, each write checked against the one before it.
fn planned_tasks<'a>(
    steps: &'a [MergeStep],
    stored: &HashMap<TaskId, u64>,
) -> Result<BTreeMap<TaskId, (u64, &'a Task)>, StoreError> {
    let mut planned: BTreeMap<TaskId, (u64, &Task)> = BTreeMap::new();
    for write in steps.iter().filter_map(|step| step.task.as_ref()) {
        let id = write.task.id;
        let before = planned.get(&id).map(|(version, _)| version);
        let version = *before.or_else(|| stored.get(&id)).unwrap_or(&0);
        if version != write.from_version {
            return Err(StoreError::Stale { task: id });
        }
        planned.insert(id, (version + 1, &write.task));
    }
    Ok(planned)
}

/// Judges the pairs as the whole batch leaves them, so that two may swap.
async fn must_be_unique(hub: &Hub, on: &mut AnyConnection, pairs: &Pairs<'_>) -> Result<(), Stop> {
    let mut wanted: BTreeMap<&AccountId, BTreeMap<&RemoteId, TaskId>> = BTreeMap::new();
    for mapping in kept(pairs) {
        let Some(remote) = &mapping.remote else {
            continue;
        };
        let remotes = wanted.entry(&mapping.account).or_default();
        if remotes.insert(remote, mapping.task).is_some() {
            let task = mapping.task;
            return Err(StoreError::AlreadyPaired { task }.into());
        }
    }
    for (account, remotes) in wanted {
        let keys: Vec<Bind> = remotes
            .keys()
            .map(|remote| remote.as_str().into())
            .collect();
        let sql = "SELECT task, remote FROM mappings \
                   WHERE user_id = $1 AND account = $2 AND remote IN";
        let fixed = [account.as_str().into()];
        for row in select_in(on, &hub.user, (sql, ""), &fixed, &keys).await? {
            let owner: TaskId = get_parsed(&row, "task")?;
            let remote = RemoteId::new(get::<String>(&row, "remote")?);
            if !pairs.contains_key(&(account.clone(), owner))
                && let Some(task) = remotes.get(&remote)
            {
                return Err(StoreError::AlreadyPaired { task: *task }.into());
            }
        }
    }
    Ok(())
}

type Deletions<'a> = Vec<(&'a AccountId, Option<String>)>;

fn planned_deletions<'a>(lease: Option<&'a Lease>, steps: &'a [MergeStep]) -> Deletions<'a> {
    let inferred = steps.iter().filter_map(|step| {
        let collection = step.deletion.as_ref()?.as_ref();
        let account = lease.map(|lease| &lease.account);
        let account = account.or_else(|| step.account())?;
        Some((account, collection.map(ToString::to_string)))
    });
    inferred.collect()
}

async fn put_tasks(
    hub: &Hub,
    on: &mut AnyConnection,
    tasks: &BTreeMap<TaskId, (u64, &Task)>,
) -> Result<(), Stop> {
    let rows = tasks.iter().map(|(id, (version, task))| {
        vec![
            id.to_string().into(),
            (*version).into(),
            task.fields.status().to_string().into(),
            created(task).into(),
            task.modified.into(),
            task.deleted.as_ref().map(|deleted| deleted.at).into(),
            task.fields.links().next().is_some().into(),
            task_body(task).into(),
        ]
    });
    let rows = rows.collect();
    let sql = (
        "tasks (user_id, id, version, status, created, modified, deleted_at, linked, body)",
        "ON CONFLICT (user_id, id) DO UPDATE SET version = excluded.version, \
         status = excluded.status, created = excluded.created, modified = excluded.modified, \
         deleted_at = excluded.deleted_at, linked = excluded.linked, body = excluded.body",
    );
    insert(on, &hub.user, sql, rows).await?;
    // Nobody has to decide about what is deleted.
    let dead = tasks.iter().filter(|(_, (_, task))| !task.is_alive());
    let dead: Vec<Bind> = dead.map(|(id, _)| id.to_string().into()).collect();
    let sql = "UPDATE conflicts SET state = 'closed' \
               WHERE user_id = $1 AND state = 'open' AND task IN";
    execute_in(on, &hub.user, (sql, ""), &[], &dead).await?;
    Ok(())
}

/// Where there are several, rows are dropped before they are written anew: an update in place would
/// meet another's remote id while two pairs swap theirs.
async fn put_pairs(hub: &Hub, on: &mut AnyConnection, pairs: &Pairs<'_>) -> Result<(), Stop> {
    let mut named: BTreeMap<&AccountId, Vec<Bind>> = BTreeMap::new();
    for (account, task) in pairs.keys() {
        named
            .entry(account)
            .or_default()
            .push(task.to_string().into());
    }
    let is_one = pairs.len() == 1 && kept(pairs).next().is_some();
    for (account, tasks) in named.into_iter().filter(|_| !is_one) {
        let sql = "DELETE FROM mappings WHERE user_id = $1 AND account = $2 AND task IN";
        execute_in(on, &hub.user, (sql, ""), &[account.as_str().into()], &tasks).await?;
    }
    let rows = kept(pairs).map(|mapping| {
        let (remote, collection) = (mapping.remote.as_ref(), mapping.collection.as_ref());
        vec![
            mapping.account.as_str().into(),
            mapping.task.to_string().into(),
            remote.map(ToString::to_string).into(),
            collection.map(ToString::to_string).into(),
            mapping.state.to_string().into(),
            mapping.gone.is_some().into(),
            mapping.base.fields.links().next().is_some().into(),
            mapping.unseen.into(),
            mapping_body(mapping).into(),
        ]
    });
    let rows = rows.collect();
    let sql = (
        "mappings (user_id, account, task, remote, collection, state, gone, linked, unseen, body)",
        "ON CONFLICT (user_id, account, task) DO UPDATE SET remote = excluded.remote, \
         collection = excluded.collection, state = excluded.state, gone = excluded.gone, \
         linked = excluded.linked, unseen = excluded.unseen, body = excluded.body",
    );
    insert(on, &hub.user, sql, rows).await?;
    Ok(())
}

async fn put_hints(hub: &Hub, on: &mut AnyConnection, steps: &[MergeStep]) -> Result<(), Stop> {
    let mut seen: BTreeMap<TaskId, BTreeSet<&Hint>> = BTreeMap::new();
    for step in steps {
        if let (Some(hints), Some(task)) = (&step.hints, step.subject()) {
            seen.insert(task, hints.iter().collect());
        }
    }
    let tasks: Vec<Bind> = seen.keys().map(|task| task.to_string().into()).collect();
    let sql = "DELETE FROM hints WHERE user_id = $1 AND task IN";
    execute_in(on, &hub.user, (sql, ""), &[], &tasks).await?;
    let rows = seen.values().flatten().map(|hint| {
        vec![
            hint.task.to_string().into(),
            hint.marker.as_str().into(),
            hint.remote.as_str().into(),
        ]
    });
    let rows = rows.collect();
    let sql = (
        "hints (user_id, task, marker, remote)",
        "ON CONFLICT DO NOTHING",
    );
    insert(on, &hub.user, sql, rows).await?;
    Ok(())
}

async fn put_conflicts(hub: &Hub, on: &mut AnyConnection, steps: &[MergeStep]) -> Result<(), Stop> {
    let conflicts: BTreeMap<&str, &Conflict> = steps
        .iter()
        .flat_map(|step| &step.conflicts)
        .map(|conflict| (conflict.id.as_str(), conflict))
        .collect();
    let rows = conflicts.into_values().map(|conflict| {
        vec![
            conflict.id.as_str().into(),
            conflict.task.to_string().into(),
            conflict.account.as_str().into(),
            conflict_state(conflict.state).into(),
            conflict.at.into(),
            conflict_body(conflict).into(),
        ]
    });
    let rows = rows.collect();
    let sql = (
        "conflicts (user_id, id, task, account, state, at, body)",
        "ON CONFLICT (user_id, id) DO UPDATE SET task = excluded.task, \
         account = excluded.account, state = excluded.state, at = excluded.at, \
         body = excluded.body",
    );
    insert(on, &hub.user, sql, rows).await?;
    Ok(())
}

async fn put_journal(
    hub: &Hub,
    on: &mut AnyConnection,
    mut number: u64,
    entries: &[&JournalEntry],
) -> Result<(), Stop> {
    let rows = entries.iter().map(|entry| {
        number += 1;
        vec![
            number.into(),
            entry.operation.as_str().into(),
            entry.at.into(),
            entry.account.as_ref().map(ToString::to_string).into(),
            entry.task.map(|task| task.to_string()).into(),
            journal_body(entry).into(),
        ]
    });
    let rows = rows.collect();
    let columns = "journal (user_id, id, operation, at, account, task, body)";
    insert(on, &hub.user, (columns, ""), rows).await?;
    Ok(())
}

async fn put_deletions(
    hub: &Hub,
    on: &mut AnyConnection,
    mut number: u64,
    (deletions, now): (&Deletions<'_>, Timestamp),
) -> Result<(), Stop> {
    let rows = deletions.iter().map(|(account, collection)| {
        number += 1;
        vec![
            number.into(),
            account.as_str().into(),
            collection.clone().into(),
            now.into(),
        ]
    });
    let rows = rows.collect();
    let columns = "deletions (user_id, id, account, collection, at)";
    insert(on, &hub.user, (columns, ""), rows).await?;
    Ok(())
}

/// Ends outbox entries.
async fn settle(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    steps: &[PushStep],
) -> Result<(), Stop> {
    let settled = steps.iter().filter_map(|step| step.settled);
    let settled: Vec<Bind> = settled.map(|intent| intent.0.into()).collect();
    let sql = "DELETE FROM outbox WHERE user_id = $1 AND account = $2 AND id IN";
    let account = [lease.account.as_str().into()];
    execute_in(on, &hub.user, (sql, ""), &account, &settled).await?;
    Ok(())
}

/// Adds collections that were made to those that were seen.
async fn put_collections(
    hub: &Hub,
    on: &mut AnyConnection,
    lease: &Lease,
    steps: &[PushStep],
) -> Result<(), Stop> {
    let made: Vec<&Collection> = steps
        .iter()
        .filter_map(|step| step.collection.as_ref())
        .collect();
    if made.is_empty() {
        return Ok(());
    }
    let account = lease.account.as_str();
    let sql = "SELECT collections FROM accounts WHERE user_id = $1 AND account = $2";
    let row = query(sql, &hub.user, [account.into()])
        .fetch_one(&mut *on)
        .await?;
    let mut known = read_collections(&lease.account, get(&row, "collections")?)?;
    for collection in made {
        match known.iter_mut().find(|known| known.id == collection.id) {
            Some(known) => *known = collection.clone(),
            None => known.push(collection.clone()),
        }
    }
    let sql = "UPDATE accounts SET collections = $3 WHERE user_id = $1 AND account = $2";
    let binds = [account.into(), row::collections(&known).into()];
    execute(on, sql, &hub.user, binds).await?;
    Ok(())
}
