//! What Vikunja posts to a webhook: whether it did, and which items that is about (contract 5).
//! Nothing of it is taken for true; what it is about is read again, with our own token.

use instep_contract::Post;
use instep_model::RemoteId;
use secrecy::SecretString;
use serde::Deserialize;

use crate::signature;

/// Carries the signature: lower-case hex, and nothing else.
const HEADER: &str = "x-vikunja-signature";

#[derive(Deserialize)]
struct Body {
    event_name: String,
    #[serde(default)]
    data: Data,
}

#[derive(Default, Deserialize)]
struct Data {
    #[serde(default)]
    task: Option<Task>,
    #[serde(default)]
    relation: Option<Relation>,
}

#[derive(Deserialize)]
struct Task {
    id: i64,
}

#[derive(Deserialize)]
struct Relation {
    other_task_id: i64,
}

/// The items that a post is about, none of them where it is about the account as a whole; `None`
/// where none of these secrets signed it.
pub fn posted(post: &Post<'_>, secrets: &[SecretString]) -> Option<Vec<RemoteId>> {
    let sent = post.header(HEADER).and_then(from_hex);
    signature::holds(sent, post.body, secrets).then(|| items(post.body))
}

/// What a body is about. One that cannot be read still says that something happened.
fn items(body: &[u8]) -> Vec<RemoteId> {
    let everything = Vec::new();
    let Ok(body) = serde_json::from_slice::<Body>(body) else {
        return everything;
    };
    match body.data.task {
        Some(task) if body.event_name.starts_with("task.") => {
            // Only the near end of a relation is announced; the far end shows it as well.
            let other = body.data.relation.map(|relation| relation.other_task_id);
            let ids = std::iter::once(task.id).chain(other);
            match ids.clone().all(|id| id > 0) {
                true => ids.map(|id| RemoteId::new(id.to_string())).collect(),
                false => everything,
            }
        }
        _ => everything,
    }
}

fn from_hex(text: &[u8]) -> Option<[u8; signature::BYTES]> {
    let mut bytes = [0; signature::BYTES];
    if text.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
