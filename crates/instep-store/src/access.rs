//! Whether the service of an account may be called, as every process sees it.

use instep_contract::StoreError;
use instep_model::{Access, AccountId};
use sqlx::AnyConnection;

use crate::row::{access_body, read_access};
use crate::sql::{Bind, Stop, execute, failed, get, get_number, query};
use crate::store::Hub;

pub(crate) async fn access(hub: &Hub, account: &AccountId) -> Result<Access, StoreError> {
    let mut on = hub.reader().await?;
    let sql = "SELECT version, body FROM access WHERE user_id = $1 AND account = $2";
    let row = query(sql, &hub.user, [account.as_str().into()])
        .fetch_optional(&mut *on)
        .await
        .map_err(failed)?;
    match row {
        None => Ok(Access::default()),
        Some(row) => {
            let body: String = get(&row, "body")?;
            read_access(account.as_str(), get_number(&row, "version")?, &body)
        }
    }
}

pub(crate) async fn commit(
    hub: &Hub,
    on: &mut AnyConnection,
    account: &AccountId,
    access: &Access,
) -> Result<bool, Stop> {
    hub.know_accounts(on, [account]).await?;
    let binds: [Bind; 3] = [
        account.as_str().into(),
        access.version.into(),
        access_body(access).into(),
    ];
    let sql = match access.version {
        0 => {
            "INSERT INTO access (user_id, account, version, body) VALUES ($1, $2, $3 + 1, $4) \
              ON CONFLICT (user_id, account) DO NOTHING"
        }
        _ => {
            "UPDATE access SET version = version + 1, body = $4 \
              WHERE user_id = $1 AND account = $2 AND version = $3"
        }
    };
    Ok(execute(on, sql, &hub.user, binds).await? > 0)
}
