//! Reading the recorded exchanges.

use std::path::PathBuf;

use serde_json::Value;

/// Ids above this stand for things that do not exist.
pub(crate) const NOWHERE: i64 = 90_000_000;

/// A request and its recorded answer.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Value>,
    pub(crate) status: u16,
    pub(crate) answer_headers: Vec<(String, String)>,
    pub(crate) answer: Value,
}

/// One recorded case.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) exchanges: Vec<Exchange>,
}

/// A recorded webhook request.
#[derive(Debug)]
pub(crate) struct Hooked {
    pub(crate) secret: String,
    pub(crate) signature: String,
    pub(crate) body: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/vikunja")
}

fn read(name: &str) -> Value {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let map = value.as_object().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    map.iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

impl Exchange {
    fn new(recorded: &Value) -> Self {
        let (request, response) = (&recorded["request"], &recorded["response"]);
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Self {
            method: text(&request["method"]),
            path: text(&request["path"]),
            headers: pairs(&request["headers"]),
            body: Some(request["body"].clone()).filter(|body| !body.is_null()),
            status: u16::try_from(response["status"].as_u64().expect("a status")).expect("small"),
            answer_headers: pairs(&response["headers"]),
            answer: response["body"].clone(),
        }
    }
}

impl Recording {
    pub(crate) fn read(name: &str) -> Self {
        let whole = read(name);
        let exchanges = match whole["series"].as_array() {
            Some(series) => series.iter().map(Exchange::new).collect(),
            None => vec![Exchange::new(&whole)],
        };
        Self { exchanges }
    }

    /// The task as it was before the recording: its first whole object, sent or received.
    pub(crate) fn first_state(&self, task: i64) -> Option<Value> {
        let whole = |value: &&Value| value["id"] == task && value["project_id"].is_i64();
        self.exchanges
            .iter()
            .flat_map(|exchange| exchange.body.iter().chain([&exchange.answer]))
            .find(whole)
            .cloned()
    }
}

/// All recorded webhook requests, by recording.
pub(crate) fn webhooks() -> Vec<(String, Vec<Hooked>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder()).expect("the recordings") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a name")
            .to_owned();
        let whole = read(&name);
        let Some(deliveries) = whole["deliveries"].as_array() else {
            continue;
        };
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let hooked = deliveries.iter().map(|delivery| Hooked {
            secret: text(&whole["secret"]),
            signature: text(&delivery["request"]["headers"]["X-Vikunja-Signature"]),
            body: text(&delivery["request"]["body_raw"]),
        });
        all.push((name, hooked.collect()));
    }
    all
}
