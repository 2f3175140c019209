//! Whether a service may be called.

use instep_contract::StoreError;
use instep_model::{Access, Breaker, Opening, Pause, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::text::Text;
use super::{read, write};

#[derive(Serialize, Deserialize)]
struct SpanRow {
    since: Text<Timestamp>,
    until: Text<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct OpeningRow {
    span: SpanRow,
    count: u32,
    failures: u32,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BreakerRow {
    Closed { failures: u32 },
    Open(OpeningRow),
    HalfOpen(OpeningRow),
}

#[derive(Serialize, Deserialize)]
struct PauseRow {
    since: Text<Timestamp>,
    until: Option<Text<Timestamp>>,
}

#[derive(Serialize, Deserialize)]
struct AccessBody {
    host: Option<String>,
    breaker: BreakerRow,
    spent: Option<(u32, Text<Timestamp>)>,
    throttle: Option<SpanRow>,
    pause: Option<PauseRow>,
}

impl From<Span> for SpanRow {
    fn from(span: Span) -> Self {
        Self {
            since: Text(span.since),
            until: Text(span.until),
        }
    }
}

impl From<SpanRow> for Span {
    fn from(row: SpanRow) -> Self {
        Self {
            since: row.since.0,
            until: row.until.0,
        }
    }
}

impl From<Opening> for OpeningRow {
    fn from(opening: Opening) -> Self {
        Self {
            span: opening.span.into(),
            count: opening.count,
            failures: opening.failures,
            reason: opening.reason,
        }
    }
}

impl From<OpeningRow> for Opening {
    fn from(row: OpeningRow) -> Self {
        Self {
            span: row.span.into(),
            count: row.count,
            failures: row.failures,
            reason: row.reason,
        }
    }
}

/// All of it but its version, which has a column.
pub(crate) fn access_body(access: &Access) -> String {
    let access = access.clone();
    write(&AccessBody {
        host: access.host,
        breaker: match access.breaker {
            Breaker::Closed { failures } => BreakerRow::Closed { failures },
            Breaker::Open(opening) => BreakerRow::Open(opening.into()),
            Breaker::HalfOpen(opening) => BreakerRow::HalfOpen(opening.into()),
        },
        spent: access.spent.map(|(spent, at)| (spent, Text(at))),
        throttle: access.throttle.map(SpanRow::from),
        pause: access.pause.map(|pause| PauseRow {
            since: Text(pause.since),
            until: pause.until.map(Text),
        }),
    })
}

pub(crate) fn read_access(account: &str, version: u64, body: &str) -> Result<Access, StoreError> {
    let row = || format!("the access of the account {account}");
    let body: AccessBody = read(row, body)?;
    Ok(Access {
        version,
        host: body.host,
        breaker: match body.breaker {
            BreakerRow::Closed { failures } => Breaker::Closed { failures },
            BreakerRow::Open(opening) => Breaker::Open(opening.into()),
            BreakerRow::HalfOpen(opening) => Breaker::HalfOpen(opening.into()),
        },
        spent: body.spent.map(|(spent, at)| (spent, at.0)),
        throttle: body.throttle.map(Span::from),
        pause: body.pause.map(|pause| Pause {
            since: pause.since.0,
            until: pause.until.map(|until| until.0),
        }),
    })
}
