//! Finding the route of a request. The table itself is in `routes`.

use super::call::{Call, Reply};
use super::refusal::Refusal;
use super::routes::ROUTES;

pub(crate) type Handler = fn(&mut Call<'_>) -> Result<Reply, Refusal>;

/// What a caller's token must allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing; no token is asked for.
    Nobody,
    Read,
    /// Adding a task.
    Add,
    Write,
    Delete,
    DeleteProject,
}

impl Needs {
    /// The scopes of which one is enough.
    pub(crate) fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Nobody => &[],
            Self::Read => &["data:read", "data:read_write"],
            Self::Add => &["task:add", "data:read_write"],
            Self::Write => &["data:read_write"],
            Self::Delete => &["data:delete"],
            Self::DeleteProject => &["project:delete", "data:delete"],
        }
    }
}

pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    pub(crate) run: Handler,
}

/// What a path and method lead to.
pub(crate) enum Found {
    Route(&'static Route, Vec<String>),
    /// The path exists, with these other methods.
    WrongMethod(String),
    Nothing,
}

/// Finds the route of a request path below `/api/v1`.
pub(crate) fn find(method: &str, path: &str) -> Found {
    let mut allowed: Vec<&str> = Vec::new();
    for route in ROUTES {
        let Some(params) = matching(route.path, path) else {
            continue;
        };
        if route.method == method {
            return Found::Route(route, params);
        }
        if !allowed.contains(&route.method) {
            allowed.push(route.method);
        }
    }
    if allowed.is_empty() {
        Found::Nothing
    } else {
        Found::WrongMethod(allowed.join(", "))
    }
}

/// The parameters of `path` if it fits `pattern`.
fn matching(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut params = Vec::new();
    let mut parts = path.split('/');
    for wanted in pattern.split('/') {
        let part = parts.next()?;
        if wanted.starts_with(':') {
            let decoded = url::form_urlencoded::parse(part.as_bytes()).next();
            params.push(decoded.map(|(key, _)| key.into_owned()).unwrap_or_default());
        } else if wanted != part {
            return None;
        }
    }
    parts.next().is_none().then_some(params)
}
