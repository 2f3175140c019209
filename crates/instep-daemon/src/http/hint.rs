//! What a webhook says, read as far as it can be: which items to look at. Nothing of it is taken
//! for true; what it is about is read again from the service, with our own token.

use serde::Deserialize;

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hint {
    /// These items.
    Items(Vec<i64>),
    /// The account as a whole.
    Account,
}

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

impl Hint {
    /// Reads a body. One that is signed and cannot be read still says that something happened.
    pub fn read(body: &[u8]) -> Self {
        let Ok(body) = serde_json::from_slice::<Body>(body) else {
            return Self::Account;
        };
        match body.data.task {
            Some(task) if body.event_name.starts_with("task.") => {
                // Only the near end of a relation is announced; the far end shows it as well.
                let other = body.data.relation.map(|relation| relation.other_task_id);
                let ids = std::iter::once(task.id).chain(other);
                match ids.clone().all(|id| id > 0) {
                    true => Self::Items(ids.collect()),
                    false => Self::Account,
                }
            }
            _ => Self::Account,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Hint;

    #[test]
    fn what_a_body_is_about() {
        let check = |body: &str, expected: Hint| {
            assert_eq!(Hint::read(body.as_bytes()), expected, "{body}")
        };
        let items = |ids: &[i64]| Hint::Items(ids.to_vec());
        check(
            r#"{"event_name":"task.updated","data":{"task":{"id":7,"x":[]},"y":1},"z":{}}"#,
            items(&[7]),
        );
        check(
            r#"{"event_name":"task.deleted","data":{"task":{"id":7}}}"#,
            items(&[7]),
        );
        check(
            r#"{"event_name":"task.relation.created","data":{"task":{"id":7},"relation":{"other_task_id":8}}}"#,
            items(&[7, 8]),
        );
        check(
            r#"{"event_name":"task.comment.edited","data":{"comment":{},"task":{"id":9}}}"#,
            items(&[9]),
        );
        check(
            r#"{"event_name":"project.updated","data":{"project":{"id":3}}}"#,
            Hint::Account,
        );
        check(
            r#"{"event_name":"project.deleted","data":{}}"#,
            Hint::Account,
        );
        check(
            r#"{"event_name":"task.updated","data":{"task":null}}"#,
            Hint::Account,
        );
        check(
            r#"{"event_name":"task.updated","data":{"task":{"id":-1}}}"#,
            Hint::Account,
        );
        check(
            r#"{"event_name":"task.updated","data":{"task":{"id":"7"}}}"#,
            Hint::Account,
        );
        check(r#"{"event_name":"task.updated"}"#, Hint::Account);
        check(r#"{"event_name":7}"#, Hint::Account);
        check("", Hint::Account);
        check("[1,2", Hint::Account);
    }

    #[test]
    fn a_body_of_any_depth_is_only_a_reason_to_look() {
        for depth in [200, 10_000, 500_000] {
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            assert_eq!(Hint::read(deep.as_bytes()), Hint::Account);
            let body = format!(
                r#"{{"event_name":"task.updated","extra":{deep},"data":{{"task":{{"id":7}}}}}}"#
            );
            assert!(matches!(
                Hint::read(body.as_bytes()),
                Hint::Items(_) | Hint::Account
            ));
        }
    }
}
