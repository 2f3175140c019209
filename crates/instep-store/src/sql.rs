//! Statements over many rows, with numbered parameters, and errors as the store's callers
//! know them. No table is named here.

use instep_contract::StoreError;
use instep_model::{Timestamp, UserId};
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AnyConnection, AssertSqlSafe, Decode, Row, Type};

use crate::dialect::{self, Refusal};
use crate::row::corrupt;

/// How many rows one statement writes. Few sizes, so that prepared statements are found again;
/// and small ones, because finding a parameter by its number takes SQLite longer the more
/// there are.
const INSERT_SIZES: [usize; 5] = [48, 12, 3, 2, 1];

/// How many keys one statement asks for; the last one is repeated to fill up.
const KEY_SIZES: [usize; 4] = [1, 8, 64, 256];

type Query = sqlx::query::Query<'static, Any, AnyArguments>;

/// A value to be bound.
#[derive(Debug, Clone)]
pub(crate) enum Bind {
    Text(String),
    MaybeText(Option<String>),
    MaybeBytes(Option<Vec<u8>>),
    Int(i64),
}

impl Bind {
    fn to(self, query: Query) -> Query {
        match self {
            Self::Text(text) => query.bind(text),
            Self::MaybeText(text) => query.bind(text),
            Self::MaybeBytes(bytes) => query.bind(bytes),
            Self::Int(number) => query.bind(number),
        }
    }
}

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Bind {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Option<String>> for Bind {
    fn from(text: Option<String>) -> Self {
        Self::MaybeText(text)
    }
}

impl From<Option<Vec<u8>>> for Bind {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        Self::MaybeBytes(bytes)
    }
}

impl From<u64> for Bind {
    fn from(number: u64) -> Self {
        Self::Int(int(number))
    }
}

impl From<bool> for Bind {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl From<Timestamp> for Bind {
    fn from(at: Timestamp) -> Self {
        Self::Text(instant(at))
    }
}

impl From<Option<Timestamp>> for Bind {
    fn from(at: Option<Timestamp>) -> Self {
        Self::MaybeText(at.map(instant))
    }
}

/// An instant in text of fixed width, so that it sorts as it falls.
pub(crate) fn instant(at: Timestamp) -> String {
    format!("{at:.9}")
}

/// A number as columns hold it; what is beyond them is no count of ours.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A statement of one user: `$1` is the user, `binds` follow from `$2` on.
pub(crate) fn query(
    sql: impl Into<String>,
    user: &UserId,
    binds: impl IntoIterator<Item = Bind>,
) -> Query {
    let query = sqlx::query(AssertSqlSafe(sql.into())).bind(user.as_str().to_owned());
    binds.into_iter().fold(query, |query, bind| bind.to(query))
}

pub(crate) async fn execute(
    on: &mut AnyConnection,
    sql: &str,
    user: &UserId,
    binds: impl IntoIterator<Item = Bind>,
) -> Result<u64, sqlx::Error> {
    let done = query(sql, user, binds).execute(on).await?;
    Ok(done.rows_affected())
}

/// `INSERT INTO {into} VALUES (…), … {then}`, where the first column is the user.
pub(crate) async fn insert(
    on: &mut AnyConnection,
    user: &UserId,
    (into, then): (&str, &str),
    mut rows: Vec<Vec<Bind>>,
) -> Result<(), sqlx::Error> {
    let columns = rows.first().map_or(0, Vec::len);
    for size in INSERT_SIZES {
        while rows.len() >= size {
            let rest = rows.split_off(size);
            let batch = std::mem::replace(&mut rows, rest);
            let sql = format!("INSERT INTO {into} VALUES {} {then}", tuples(size, columns));
            query(sql, user, batch.into_iter().flatten())
                .execute(&mut *on)
                .await?;
        }
    }
    Ok(())
}

fn tuples(rows: usize, columns: usize) -> String {
    let mut sql = String::with_capacity(rows * (columns + 1) * 6);
    for row in 0..rows {
        sql.push_str(if row == 0 { "($1" } else { ", ($1" });
        for column in 0..columns {
            sql.push_str(&format!(", ${}", 2 + row * columns + column));
        }
        sql.push(')');
    }
    sql
}

/// Runs `{before} ($n, …) {after}` over all `keys`, a bounded number at a time. `fixed` are
/// bound from `$2` on, the keys behind them.
pub(crate) async fn select_in(
    on: &mut AnyConnection,
    user: &UserId,
    (before, after): (&str, &str),
    fixed: &[Bind],
    keys: &[Bind],
) -> Result<Vec<AnyRow>, sqlx::Error> {
    let mut found = Vec::new();
    for keys in keys.chunks(KEY_SIZES[3]) {
        let query = in_query(user, (before, after), fixed, keys);
        found.extend(query.fetch_all(&mut *on).await?);
    }
    Ok(found)
}

/// As [`select_in`], for statements that answer nothing.
pub(crate) async fn execute_in(
    on: &mut AnyConnection,
    user: &UserId,
    (before, after): (&str, &str),
    fixed: &[Bind],
    keys: &[Bind],
) -> Result<(), sqlx::Error> {
    for keys in keys.chunks(KEY_SIZES[3]) {
        in_query(user, (before, after), fixed, keys)
            .execute(&mut *on)
            .await?;
    }
    Ok(())
}

fn in_query(user: &UserId, (before, after): (&str, &str), fixed: &[Bind], keys: &[Bind]) -> Query {
    let fits = KEY_SIZES.into_iter().find(|size| *size >= keys.len());
    let size = fits.unwrap_or(keys.len());
    let first = 2 + fixed.len();
    let numbers: Vec<String> = (first..first + size).map(|n| format!("${n}")).collect();
    let sql = format!("{before} ({}) {after}", numbers.join(", "));
    let filled = keys.iter().chain(std::iter::repeat_n(
        &keys[keys.len() - 1],
        size - keys.len(),
    ));
    query(sql, user, fixed.iter().chain(filled).cloned())
}

/// A column of a row; one that is not what the schema says is damage.
pub(crate) fn get<'r, T>(row: &'r AnyRow, column: &str) -> Result<T, StoreError>
where
    T: Decode<'r, Any> + Type<Any>,
{
    row.try_get(column)
        .map_err(|damage| corrupt(format_args!("the column {column}"), damage))
}

/// A count or version.
pub(crate) fn get_number(row: &AnyRow, column: &str) -> Result<u64, StoreError> {
    let number: i64 = get(row, column)?;
    u64::try_from(number).map_err(|damage| corrupt(format_args!("the column {column}"), damage))
}

/// A text that is the canonical form of something.
pub(crate) fn get_parsed<T>(row: &AnyRow, column: &str) -> Result<T, StoreError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text: &str = get(row, column)?;
    let damaged = |damage| corrupt(format_args!("the column {column}"), damage);
    text.parse().map_err(damaged)
}

/// As [`get_parsed`], for a column that may be empty.
pub(crate) fn get_maybe<T>(row: &AnyRow, column: &str) -> Result<Option<T>, StoreError>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text: Option<&str> = get(row, column)?;
    let damaged = |damage| corrupt(format_args!("the column {column}"), damage);
    text.map(str::parse).transpose().map_err(damaged)
}

/// Why a step of a transaction stopped: by a refusal of ours, or by the database.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(StoreError),
    Database(sqlx::Error),
}

impl Stop {
    /// Whether the whole transaction may simply be run again.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Database(error) if dialect::refusal(error) == Refusal::Busy)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<Stop> for StoreError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(error) => error,
            Stop::Database(error) => failed(error),
        }
    }
}

/// A failure of the database as its caller's next move.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    let constraint = error
        .as_database_error()
        .is_some_and(|error| !matches!(error.kind(), sqlx::error::ErrorKind::Other));
    if constraint || dialect::refusal(&error) == Refusal::Damaged {
        return StoreError::Corrupt {
            what: error.to_string(),
        };
    }
    let what = match dialect::refusal(&error) {
        Refusal::Busy => "another program keeps the database to itself",
        Refusal::Full => "no room is left on its drive",
        Refusal::Denied => "it may not be written",
        Refusal::Damaged | Refusal::Other => {
            return StoreError::Unavailable {
                source: Box::new(error),
            };
        }
    };
    StoreError::Unavailable {
        source: Box::new(Refused {
            what,
            source: error,
        }),
    }
}

/// What the database said, after what it means.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
struct Refused {
    what: &'static str,
    source: sqlx::Error,
}
