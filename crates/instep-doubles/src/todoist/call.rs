//! One call being served: the parsed request, the caller, and what a handler gives back. No rules
//! of tasks or projects here.

use serde_json::{Map, Value, json};

use crate::exchange::Request;

use super::cursor;
use super::draft;
use super::id;
use super::refusal::Refusal;
use super::state::{Scopes, State, Store};

/// What a handler answers with.
#[derive(Debug)]
pub(crate) enum Reply {
    /// 200 with this body.
    Ok(Value),
    /// Done, without a body: 204, or as the double was told.
    Done,
}

/// A call on its way through a handler.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) request: &'a Request,
    /// What the caller's token allows.
    pub(crate) scopes: Scopes,
    /// The `:name` parts of the path, in order.
    pub(crate) params: Vec<String>,
}

impl Call<'_> {
    pub(crate) fn store(&mut self) -> &mut Store {
        &mut self.state.store
    }

    /// The `at`-th path parameter as an id of a task, project, section, comment or reminder.
    pub(crate) fn id(&self, at: usize) -> Result<String, Refusal> {
        let id = self.param(at);
        if id::is_well_formed(&id) {
            Ok(id)
        } else {
            Err(Refusal::bad_id("id"))
        }
    }

    /// The `at`-th path parameter as it is.
    pub(crate) fn param(&self, at: usize) -> String {
        self.params.get(at).cloned().unwrap_or_default()
    }

    /// The JSON object in the body; an empty body is an empty object.
    pub(crate) fn body(&self) -> Result<Map<String, Value>, Refusal> {
        if self.request.body.is_empty() {
            return Ok(Map::new());
        }
        let body = serde_json::from_slice(&self.request.body);
        let body = body.map_err(|_| Refusal::malformed("the body is no JSON"))?;
        draft::object(body)
    }

    /// An id in the query.
    pub(crate) fn query_id(&self, key: &str) -> Result<Option<String>, Refusal> {
        match self.request.query(key) {
            None | Some("") => Ok(None),
            Some(id) if id::is_well_formed(id) => Ok(Some(id.to_owned())),
            Some(_) => Err(Refusal::bad_id(key)),
        }
    }

    /// The asked page of a list.
    pub(crate) fn page(&self, all: Vec<Value>) -> Result<Reply, Refusal> {
        let page = cursor::cut(self.request, &self.state.store.user, all)?;
        Ok(Reply::Ok(
            json!({"results": page.rows, "next_cursor": page.next}),
        ))
    }

    /// The asked page of a list of completed tasks, which names things its own way.
    pub(crate) fn completed_page(&self, all: Vec<Value>) -> Result<Reply, Refusal> {
        let page = cursor::cut(self.request, &self.state.store.user, all)?;
        let mut body = json!({"items": page.rows});
        if let Some(next) = page.next {
            body["next_cursor"] = next.into();
        }
        Ok(Reply::Ok(body))
    }
}
