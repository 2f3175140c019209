//! Finding the route of a request. The table itself is in `routes`.

use super::call::{Api, Call, Reply};
use super::refusal::Refusal;
use super::routes::ROUTES;

pub(crate) type Handler = fn(&mut Call<'_>) -> Result<Reply, Refusal>;

/// What a caller must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing.
    Nobody,
    /// Nothing, but the call counts against the pre-auth limit.
    Limited,
    /// Any valid token.
    AnyToken,
    /// A login; API tokens are refused.
    Login,
    /// A login, or an API token with this group and permission.
    Scope(&'static str, &'static str),
}

pub(crate) struct Route {
    pub(crate) api: Api,
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

/// A row of `/api/v1`.
pub(crate) const fn v1(
    method: &'static str,
    path: &'static str,
    needs: Needs,
    run: Handler,
) -> Route {
    Route {
        api: Api::V1,
        method,
        path,
        needs,
        run,
    }
}

/// A row of `/api/v2`.
pub(crate) const fn v2(
    method: &'static str,
    path: &'static str,
    needs: Needs,
    run: Handler,
) -> Route {
    Route {
        api: Api::V2,
        method,
        path,
        needs,
        run,
    }
}

/// Finds the route of a request path below `/api/v1` or `/api/v2`.
pub(crate) fn find(api: Api, method: &str, path: &str) -> Found {
    let mut allowed = vec!["OPTIONS"];
    for route in ROUTES.iter().filter(|route| route.api == api) {
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
    if allowed.len() > 1 {
        Found::WrongMethod(allowed.join(", "))
    } else {
        Found::Nothing
    }
}

/// The parameters of `path` if it fits `pattern`.
fn matching(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut params = Vec::new();
    let mut parts = path.trim_end_matches('/').split('/');
    for wanted in pattern.split('/') {
        let part = parts.next()?;
        if wanted.starts_with(':') {
            params.push(part.to_owned());
        } else if wanted != part {
            return None;
        }
    }
    parts.next().is_none().then_some(params)
}

/// All scopes that exist: group and permission.
pub(crate) fn scopes() -> impl Iterator<Item = (&'static str, &'static str, &'static Route)> {
    ROUTES.iter().filter_map(|route| match route.needs {
        Needs::Scope(group, permission) => Some((group, permission, route)),
        _ => None,
    })
}
