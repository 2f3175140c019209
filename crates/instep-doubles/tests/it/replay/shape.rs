//! Comparing two JSON values by form: keys, types, how dates are written.

use serde_json::Value;

/// Keys that are shown only under circumstances a replay does not repeat.
const CIRCUMSTANTIAL: &[&str] = &["subscription"];

/// Lists the differences in form between a recorded and an actual value.
pub(crate) fn compare(path: &str, recorded: &Value, got: &Value, differences: &mut Vec<String>) {
    let (wanted, actual) = (form(recorded), form(got));
    if wanted != actual {
        differences.push(format!(
            "{path}: recorded {wanted} {recorded}, got {actual} {got}"
        ));
        return;
    }
    match (recorded, got) {
        (Value::Object(recorded), Value::Object(got)) => {
            for (key, value) in recorded {
                match got.get(key) {
                    Some(got) => compare(&format!("{path}.{key}"), value, got, differences),
                    None if CIRCUMSTANTIAL.contains(&key.as_str()) => {}
                    None => differences.push(format!("{path}.{key} is missing")),
                }
            }
            for key in got.keys().filter(|key| !recorded.contains_key(*key)) {
                if !CIRCUMSTANTIAL.contains(&key.as_str()) {
                    differences.push(format!("{path}.{key} was not recorded"));
                }
            }
            if let (Some(recorded), Some(got)) = (recorded.get("code"), got.get("code"))
                && recorded != got
            {
                differences.push(format!("{path}.code: recorded {recorded}, got {got}"));
            }
        }
        (Value::Array(recorded), Value::Array(got)) => {
            if let (Some(first), Some(actual)) = (recorded.first(), got.first()) {
                compare(&format!("{path}[0]"), first, actual, differences);
            } else if recorded.len() != got.len() {
                let (wanted, actual) = (recorded.len(), got.len());
                differences.push(format!("{path}: recorded {wanted} items, got {actual}"));
            }
        }
        _ => {}
    }
}

/// What kind of value this is. Numbers are one kind: a float may be written without a fraction.
fn form(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "truth",
        Value::Number(_) => "number",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
        Value::String(text) => text_form(text),
    }
}

fn text_form(text: &str) -> &'static str {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    match parsed {
        Err(_) => "text",
        Ok(_) if text.starts_with("0001-") => "no date",
        Ok(_) => match (text.contains('.'), text.ends_with('Z')) {
            (true, true) => "precise UTC date",
            (true, false) => "precise date with offset",
            (false, true) => "UTC date",
            (false, false) => "date with offset",
        },
    }
}
