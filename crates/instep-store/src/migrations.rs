//! The steps that bring a database to the schema of this program, forward only.
//!
//! A step that was released is never edited: expand first, contract in a later one.

use instep_model::UserId;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection, Row, SqlSafeStr};

use crate::dialect;
use crate::open::OpenError;

const STEPS: [(i64, &str, &str); 7] = [
    (1, "hub", include_str!("../migrations/0001_hub.sql")),
    (
        2,
        "quiet round",
        include_str!("../migrations/0002_quiet_round.sql"),
    ),
    (3, "links", include_str!("../migrations/0003_links.sql")),
    (4, "unseen", include_str!("../migrations/0004_unseen.sql")),
    (5, "retries", include_str!("../migrations/0005_retries.sql")),
    (6, "events", include_str!("../migrations/0006_events.sql")),
    (7, "access", include_str!("../migrations/0007_access.sql")),
];

/// The schema that this program knows.
pub(crate) const KNOWN: i64 = STEPS[STEPS.len() - 1].0;

/// Where a database stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The last step it has taken; 0 for a new one.
    pub(crate) version: i64,
    /// Whether it knows the user.
    pub(crate) has_user: bool,
}

/// One small query, so that opening a database that is up to date writes nothing.
pub(crate) async fn standing(
    on: &mut AnyConnection,
    user: &UserId,
) -> Result<Standing, sqlx::Error> {
    let sql = "SELECT (SELECT MAX(version) FROM _sqlx_migrations) AS version, \
               (SELECT COUNT(*) FROM users WHERE id = $1) AS users";
    let query = sqlx::query(sql).bind(user.as_str().to_owned());
    match query.fetch_one(on).await {
        Ok(row) => Ok(Standing {
            version: row.try_get::<Option<i64>, _>("version")?.unwrap_or(0),
            has_user: row.try_get::<i64, _>("users")? > 0,
        }),
        Err(error) if dialect::is_missing_table(&error) => Ok(Standing {
            version: 0,
            has_user: false,
        }),
        Err(error) => Err(error),
    }
}

/// Takes the missing steps and makes the user known, all in one transaction: two processes
/// that meet here do it one after the other.
pub(crate) async fn run(on: &mut AnyConnection, user: &UserId) -> Result<(), OpenError> {
    let mut transaction = on.begin_with(dialect::BEGIN_WRITE).await?;
    let steps = STEPS.map(|(version, name, sql)| {
        let (name, kind) = (name.into(), MigrationType::Simple);
        Migration::new(version, name, kind, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.into())
        .run_direct(None, &mut *transaction, false)
        .await?;
    sqlx::query("INSERT INTO users (id, tick) VALUES ($1, 0) ON CONFLICT (id) DO NOTHING")
        .bind(user.as_str().to_owned())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}
