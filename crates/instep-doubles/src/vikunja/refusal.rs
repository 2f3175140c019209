//! Every refusal the double speaks, in one place. No decision is made here.

use serde_json::{Value, json};

use crate::exchange::reason;

/// Why a call was refused: status, Vikunja's own code where it has one, and words.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    /// Vikunja's error code; framework errors have none.
    pub(crate) code: Option<i64>,
    pub(crate) message: String,
    /// What few refusals carry.
    rest: Box<Rest>,
}

#[derive(Clone, Debug, Default)]
struct Rest {
    /// Extra keys of a body, such as `invalid_fields`.
    extra: Vec<(&'static str, Value)>,
    /// The `errors` list of a v2 body.
    details: Vec<Value>,
    headers: Vec<(&'static str, String)>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: i64, message: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            ..Self::bare(status, message)
        }
    }

    /// A framework error, without Vikunja's code.
    pub(crate) fn bare(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            code: None,
            message: message.into(),
            rest: Box::default(),
        }
    }

    /// The same refusal in other words.
    pub(crate) fn worded(mut self, message: String) -> Self {
        self.message = message;
        self
    }

    /// Adds a key to the body.
    pub(crate) fn with(mut self, key: &'static str, value: Value) -> Self {
        self.rest.extra.push((key, value));
        self
    }

    /// Adds a header.
    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.rest.headers.push((name, value));
        self
    }

    fn with_detail(mut self, detail: Value) -> Self {
        self.rest.details.push(detail);
        self
    }

    pub(crate) fn headers(&self) -> &[(&'static str, String)] {
        &self.rest.headers
    }

    pub(crate) fn token() -> Self {
        let text = "missing, malformed, expired or otherwise invalid token provided";
        Self::new(401, 11, text)
    }

    pub(crate) fn forbidden() -> Self {
        Self::new(403, 0, "Forbidden")
    }

    pub(crate) fn unreadable() -> Self {
        Self::new(403, 0, "You don't have the permission to see this")
    }

    pub(crate) fn bad_model() -> Self {
        Self::new(400, 2004, "Invalid model provided: Bad Request")
    }

    pub(crate) fn no_project() -> Self {
        Self::new(404, 3001, "This project does not exist.")
    }

    pub(crate) fn archived() -> Self {
        let text = "This project is archived. Editing or creating new tasks is not possible.";
        Self::new(412, 3008, text)
    }

    pub(crate) fn no_task() -> Self {
        Self::new(404, 4002, "This task does not exist")
    }

    pub(crate) fn no_label() -> Self {
        Self::new(404, 8002, "This label does not exist.")
    }

    /// The server failed; v2 words it its own way.
    pub(crate) fn failure(v2: bool) -> Self {
        Self::bare(
            500,
            if v2 {
                "unexpected error occurred"
            } else {
                "Internal Server Error"
            },
        )
    }

    /// A model that fails validation: 412 on v1, 422 on v2.
    pub(crate) fn invalid(field: &str, why: &str, v2: bool) -> Self {
        Self::invalid_all(&[(field, why.to_owned())], v2)
    }

    /// Like [`Refusal::invalid`], for several fields; an empty reason leaves only the name.
    pub(crate) fn invalid_all(faults: &[(&str, String)], v2: bool) -> Self {
        if v2 {
            let refusal = Self::new(422, 2002, "Struct is invalid. Invalid Data");
            return faults.iter().fold(refusal, |refusal, (field, why)| {
                let message = if why.is_empty() { "Invalid data" } else { why };
                let location = format!("body.{field}");
                refusal.with_detail(json!({"message": message, "location": location}))
            });
        }
        let named = faults.iter().map(|(field, why)| match why.as_str() {
            "" => (*field).to_owned(),
            why => format!("{field}: {why}"),
        });
        let named: Vec<String> = named.collect();
        Self::new(412, 2002, "Invalid Data").with("invalid_fields", json!(named))
    }

    /// A request that misses v2's schema.
    pub(crate) fn schema(message: &str, location: &str, value: &Value) -> Self {
        let value = super::events::sorted(value.clone());
        let detail = json!({"message": message, "location": location, "value": value});
        Self::bare(422, "validation failed").with_detail(detail)
    }

    /// The body as `/api/v1` sends it.
    pub(crate) fn v1_body(&self) -> Value {
        let mut body = serde_json::Map::new();
        if let Some(code) = self.code {
            body.insert("code".to_owned(), code.into());
        }
        body.insert("message".to_owned(), self.message.clone().into());
        for (key, value) in &self.rest.extra {
            body.insert((*key).to_owned(), value.clone());
        }
        Value::Object(body)
    }

    /// The body as `/api/v2` sends it (RFC 9457), with the schema's address under `base`.
    pub(crate) fn v2_body(&self, base: &str) -> Value {
        let mut body = serde_json::Map::new();
        let schema = format!("{base}/api/v2/schemas/VikunjaErrorModel.json");
        body.insert("$schema".to_owned(), schema.into());
        body.insert("title".to_owned(), reason(self.status).into());
        body.insert("status".to_owned(), self.status.into());
        body.insert("detail".to_owned(), self.message.clone().into());
        if !self.rest.details.is_empty() {
            body.insert("errors".to_owned(), self.rest.details.clone().into());
        }
        if let Some(code) = self.code.filter(|code| *code != 0) {
            body.insert("code".to_owned(), code.into());
        }
        for (key, value) in self
            .rest
            .extra
            .iter()
            .filter(|(key, _)| *key == "i18n_params")
        {
            body.insert((*key).to_owned(), value.clone());
        }
        Value::Object(body)
    }
}
