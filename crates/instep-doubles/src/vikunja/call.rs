//! One call being served: the parsed request, the caller, and what a handler gives back. No rules
//! of tasks or projects here.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::exchange::Request;

use super::refusal::Refusal;
use super::schema::{self, Schema};
use super::state::State;

/// Largest page `/api/v1` serves.
pub(crate) const V1_PAGE: usize = 50;
/// Largest page `/api/v2` serves.
const V2_PAGE: usize = 1000;

/// Which of the two APIs was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    V1,
    V2,
}

/// A page that was asked for. `number` 0 means everything at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Page {
    pub(crate) number: usize,
    pub(crate) size: usize,
}

impl Page {
    /// Cuts this page out of a whole list.
    pub(crate) fn cut<T: Clone>(self, all: &[T]) -> Vec<T> {
        if self.number == 0 {
            return all.to_vec();
        }
        let start = (self.number - 1).saturating_mul(self.size);
        all.iter().skip(start).take(self.size).cloned().collect()
    }
}

/// A list on its way out.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) items: Vec<Value>,
    /// How many items the page counts as holding; pseudo projects are not all counted.
    pub(crate) counted: usize,
    pub(crate) total: usize,
    pub(crate) page: Page,
    /// What the items are, in the words of v2's schemas.
    pub(crate) kind: &'static str,
}

/// What a handler answers with; the API's version decides how it is written.
#[derive(Debug)]
pub(crate) enum Reply {
    /// 200 with this body.
    Ok(Value),
    /// 201 with this body.
    Created(Value),
    /// One thing that was read: 200, with headers of its own.
    Read {
        body: Value,
        headers: Vec<(&'static str, String)>,
    },
    /// A page of a list.
    List(List),
    /// Something was deleted.
    Deleted,
    /// 304 without a body.
    Unchanged,
    /// Any status with a body.
    Status(u16, Value),
    /// Bytes of a file.
    File { mime: String, bytes: Vec<u8> },
}

/// A call on its way through a handler.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) request: &'a Request,
    pub(crate) api: Api,
    /// The caller; 0 on routes that need none.
    pub(crate) user: i64,
    /// The `:name` parts of the path, in order.
    pub(crate) params: Vec<String>,
}

impl Call<'_> {
    pub(crate) fn is_v2(&self) -> bool {
        self.api == Api::V2
    }

    /// The `at`-th path parameter as a number.
    pub(crate) fn id(&self, at: usize) -> Result<i64, Refusal> {
        let text = self.params.get(at).map_or("", String::as_str);
        text.parse().map_err(|_| match self.api {
            Api::V1 => Refusal::bad_model(),
            Api::V2 => {
                let text = Value::from(text);
                Refusal::schema("invalid integer", "path", &text)
            }
        })
    }

    /// The body as a value.
    pub(crate) fn json(&self) -> Result<Value, Refusal> {
        if self.request.body.is_empty() {
            return match self.api {
                Api::V1 => Ok(Value::Object(serde_json::Map::new())),
                Api::V2 => Err(Refusal::bare(400, "request body is required")),
            };
        }
        serde_json::from_slice(&self.request.body).map_err(|_| match self.api {
            Api::V1 => Refusal::bad_model(),
            Api::V2 => Refusal::bare(400, "validation failed"),
        })
    }

    /// The body as `T`, which skips unknown keys; `/api/v2` checks it against `schema` first.
    pub(crate) fn body<T: DeserializeOwned>(&self, schema: Schema) -> Result<T, Refusal> {
        self.shape(self.json()?, schema)
    }

    /// Like [`Call::body`], for a value at hand.
    pub(crate) fn shape<T: DeserializeOwned>(
        &self,
        value: Value,
        schema: Schema,
    ) -> Result<T, Refusal> {
        if self.is_v2() {
            schema::check(&value, schema, "body")?;
        }
        serde_json::from_value(value).map_err(|error| match self.api {
            Api::V1 => Refusal::bad_model(),
            Api::V2 => Refusal::schema(&error.to_string(), "body", &Value::Null),
        })
    }

    /// The page asked for, by the rules of the API called.
    pub(crate) fn page(&self) -> Result<Page, Refusal> {
        match self.api {
            Api::V1 => self.v1_page(),
            Api::V2 => {
                let number = self.v2_number("page", 1, usize::MAX)?.unwrap_or(1);
                let size = self.v2_number("per_page", 1, V2_PAGE)?.unwrap_or(V1_PAGE);
                Ok(Page { number, size })
            }
        }
    }

    fn v1_page(&self) -> Result<Page, Refusal> {
        let number = |key: &str, missing: i64, what: &str| match self.request.query(key) {
            None | Some("") => Ok(missing),
            Some(text) => text
                .parse::<i64>()
                .map_err(|_| Refusal::bare(400, format!("Bad {what} requested."))),
        };
        let page = number("page", 1, "page")?;
        let size = number("per_page", 0, "per page amount")?;
        let negative = |what: &str| Refusal::bare(400, format!("{what} cannot be negative."));
        let number = usize::try_from(page).map_err(|_| negative("Page number"))?;
        let size = usize::try_from(size).map_err(|_| negative("Per page amount"))?;
        let size = if size == 0 || size > V1_PAGE {
            V1_PAGE
        } else {
            size
        };
        Ok(Page { number, size })
    }

    fn v2_number(&self, key: &str, least: usize, most: usize) -> Result<Option<usize>, Refusal> {
        let Some(text) = self.request.query(key) else {
            return Ok(None);
        };
        let location = format!("query.{key}");
        let Ok(number) = text.parse::<i64>() else {
            return Err(Refusal::schema(
                "invalid integer",
                &location,
                &Value::from(text),
            ));
        };
        let size = usize::try_from(number).unwrap_or(0);
        if size < least {
            let why = format!("expected number >= {least}");
            return Err(Refusal::schema(&why, &location, &number.into()));
        }
        if size > most {
            let why = format!("expected number <= {most}");
            return Err(Refusal::schema(&why, &location, &number.into()));
        }
        Ok(Some(size))
    }

    /// A list reply holding the asked page of `all`; `kind` as in [`List`].
    pub(crate) fn list<T: Clone>(
        &self,
        kind: &'static str,
        all: &[T],
        show: impl Fn(&T) -> Value,
    ) -> Result<Reply, Refusal> {
        let page = self.page()?;
        let items: Vec<Value> = page.cut(all).iter().map(show).collect();
        Ok(Reply::List(List {
            counted: items.len(),
            items,
            total: all.len(),
            page,
            kind,
        }))
    }
}
