//! What waits to be looked at, and what was told already. Whether it is true is not asked here.

use std::time::Duration;

use instep_contract::{Delivery, Event, StoreError};
use instep_model::{AccountId, RemoteId, Timestamp};
use sqlx::AnyConnection;
use uuid::Uuid;

use crate::sql::{Bind, Stop, execute, failed, get, get_number, get_parsed, query};
use crate::store::Hub;

/// How long a delivery is known again.
const KNOWN_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(crate) async fn accept(
    hub: &Hub,
    on: &mut AnyConnection,
    deliveries: &[Delivery],
    now: Timestamp,
) -> Result<usize, Stop> {
    let mut news = 0;
    for delivery in deliveries {
        if !is_new(hub, on, delivery, now).await? {
            continue;
        }
        let whole = delivery.items.is_empty().then_some("");
        let items = delivery.items.iter().map(RemoteId::as_str);
        let mut told = 0;
        for item in whole.into_iter().chain(items) {
            told += tell(hub, on, &delivery.account, item, now).await?;
        }
        news += usize::from(told > 0);
    }
    Ok(news)
}

/// The one item that is told of, where one statement can store all of it.
pub(crate) fn only_item(deliveries: &[Delivery]) -> Option<(&AccountId, &str)> {
    let [delivery] = deliveries else {
        return None;
    };
    match (&delivery.id, delivery.items.as_slice()) {
        (None, []) => Some((&delivery.account, "")),
        (None, [item]) => Some((&delivery.account, item.as_str())),
        _ => None,
    }
}

/// Stores one event, or that it was told again; 0 where nobody knows the account.
pub(crate) async fn tell(
    hub: &Hub,
    on: &mut AnyConnection,
    account: &AccountId,
    item: &str,
    now: Timestamp,
) -> Result<usize, Stop> {
    // The number to begin with is drawn by lot: one that is over must never be taken for a new one.
    let sql = "INSERT INTO events (user_id, account, item, generation, place, at) \
               SELECT user_id, account, $3, $4, 1 + COALESCE((SELECT MAX(place) FROM events \
               WHERE user_id = $1 AND account = $2), 0), $5 FROM accounts \
               WHERE user_id = $1 AND account = $2 AND dormant_since IS NULL \
               ON CONFLICT (user_id, account, item) \
               DO UPDATE SET generation = events.generation + 1";
    let lot = Uuid::new_v4().as_u64_pair().0 >> 2;
    let binds: [Bind; 4] = [account.as_str().into(), item.into(), lot.into(), now.into()];
    Ok(usize::from(execute(on, sql, &hub.user, binds).await? > 0))
}

async fn is_awake(hub: &Hub, on: &mut AnyConnection, account: &AccountId) -> Result<bool, Stop> {
    let sql = "SELECT account FROM accounts \
               WHERE user_id = $1 AND account = $2 AND dormant_since IS NULL";
    let row = query(sql, &hub.user, [account.as_str().into()]);
    Ok(row.fetch_optional(on).await?.is_some())
}

/// Remembers a delivery; false where it came before, or nobody knows the account. One from the future was stored before the
/// clock was set back, and counts as old.
async fn is_new(
    hub: &Hub,
    on: &mut AnyConnection,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<bool, Stop> {
    let Some(id) = &delivery.id else {
        return Ok(true);
    };
    if !is_awake(hub, on, &delivery.account).await? {
        return Ok(false);
    }
    let sql = "INSERT INTO deliveries (user_id, account, id, at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (user_id, account, id) DO UPDATE SET at = excluded.at \
               WHERE deliveries.at <= $5 OR deliveries.at > $4";
    let binds: [Bind; 4] = [
        delivery.account.as_str().into(),
        id.as_str().into(),
        now.into(),
        known_since(now).into(),
    ];
    Ok(execute(on, sql, &hub.user, binds).await? > 0)
}

/// Forgets deliveries that would count as new.
pub(crate) async fn prune(hub: &Hub, on: &mut AnyConnection, now: Timestamp) -> Result<(), Stop> {
    let sql = "DELETE FROM deliveries WHERE user_id = $1 AND at <= $2";
    execute(on, sql, &hub.user, [known_since(now).into()]).await?;
    Ok(())
}

fn known_since(now: Timestamp) -> Timestamp {
    now.checked_sub(KNOWN_FOR).unwrap_or(Timestamp::MIN)
}

pub(crate) async fn waiting(
    hub: &Hub,
    account: &AccountId,
    limit: usize,
) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT item, generation, at FROM events \
               WHERE user_id = $1 AND account = $2 ORDER BY place LIMIT $3";
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut on = hub.reader().await?;
    let binds = [account.as_str().into(), limit.into()];
    let rows = query(sql, &hub.user, binds)
        .fetch_all(&mut *on)
        .await
        .map_err(failed)?;
    let event = |row| {
        let item: String = get(row, "item")?;
        Ok(Event {
            account: account.clone(),
            item: (!item.is_empty()).then(|| RemoteId::new(item)),
            generation: get_number(row, "generation")?,
            at: get_parsed(row, "at")?,
        })
    };
    rows.iter().map(event).collect()
}

pub(crate) async fn finish(
    hub: &Hub,
    on: &mut AnyConnection,
    events: &[Event],
) -> Result<(), Stop> {
    for event in events {
        let sql = "DELETE FROM events \
                   WHERE user_id = $1 AND account = $2 AND item = $3 AND generation = $4";
        let item = event.item.as_ref().map_or("", RemoteId::as_str);
        let account = event.account.as_str();
        let binds = [account.into(), item.into(), event.generation.into()];
        execute(on, sql, &hub.user, binds).await?;
    }
    Ok(())
}
