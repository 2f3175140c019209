//! Pages of lists: how many, from where, and the cursor to the next one, which is bound to the
//! user and to all other parameters. Nothing is looked up here.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::exchange::Request;

use super::refusal::Refusal;

/// Page size when none is asked for.
const USUAL_PAGE: usize = 50;
/// Largest page size.
const LARGEST_PAGE: usize = 200;

/// A page on its way out.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Value>,
    pub(crate) next: Option<String>,
}

/// Cuts the asked page out of `all`.
pub(crate) fn cut(request: &Request, user: &str, all: Vec<Value>) -> Result<Page, Refusal> {
    let limit = limit(request)?;
    let start = match request.query("cursor") {
        None => 0,
        Some(cursor) => {
            let start = position(cursor).filter(|at| signed(request, user, *at) == cursor);
            start.ok_or_else(|| Refusal::invalid("cursor", "cursor of the last answer"))?
        }
    };
    let end = start.saturating_add(limit);
    let next = (all.len() > end).then(|| signed(request, user, end));
    let rows = all.into_iter().skip(start).take(limit).collect();
    Ok(Page { rows, next })
}

fn limit(request: &Request) -> Result<usize, Refusal> {
    let Some(text) = request.query("limit") else {
        return Ok(USUAL_PAGE);
    };
    let limit = text.parse().ok();
    limit
        .filter(|limit| (1..=LARGEST_PAGE).contains(limit))
        .ok_or_else(|| Refusal::invalid("limit", "integer from 1 to 200"))
}

/// Where a cursor leads, unchecked.
fn position(cursor: &str) -> Option<usize> {
    let (place, _) = cursor.split_once('.')?;
    usize::from_str_radix(place, 16).ok()
}

/// The cursor to a position.
fn signed(request: &Request, user: &str, position: usize) -> String {
    let others = request.query.iter().filter(|(key, _)| key != "cursor");
    let mut others: Vec<&(String, String)> = others.collect();
    others.sort();
    let bound = format!("{user} {} {others:?} {position}", request.path);
    let digest = Sha256::digest(bound);
    let signature: String = digest.iter().take(12).map(|b| format!("{b:02x}")).collect();
    format!("{position:08x}.{signature}")
}
