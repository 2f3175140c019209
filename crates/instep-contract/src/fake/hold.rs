//! What a service makes of a value that it is given. Written from the capability record alone,
//! apart from the decisions that are tested with it.

use instep_model::{Field, Grid, Hold, TextRule, TimeZone, Timestamp, Value, When};

use super::profile::Profile;

/// What is stored when `field` is given `value`; `None` where nothing is left of it.
pub(super) fn stored(profile: &Profile, field: Field, value: &Value) -> Option<Value> {
    let held = match profile.capabilities.hold(field) {
        Hold::No | Hold::Follows(_) => return None,
        Hold::Whole | Hold::Once => value.clone(),
        Hold::Coarse(grid) => on_grid(grid, value, &profile.zone)?,
    };
    let held = match held {
        Value::Text(text) if profile.trims.contains(&field) => {
            Value::Text(text.trim_end().to_owned())
        }
        held => held,
    };
    (!held.is_empty()).then_some(held)
}

fn on_grid(grid: &Grid, value: &Value, zone: &TimeZone) -> Option<Value> {
    let held = match (grid, value) {
        (Grid::Bands(bands), Value::Number(number)) => {
            let last = bands.len() - 1;
            let index = usize::try_from(*number).map_or(last, |index| index.min(last));
            Value::Number(bands[index].into())
        }
        (Grid::Statuses(statuses), Value::Status(status)) => {
            let index = instep_model::Status::ALL
                .iter()
                .position(|one| one == status)
                .unwrap_or_default();
            Value::Status(statuses[index])
        }
        (Grid::Instants { millis, within }, Value::When(when)) => {
            let at = cut(when.instant(zone), *millis);
            if !within.contains(&at) {
                return None;
            }
            Value::When(When::At(at))
        }
        (Grid::Instants { millis, within }, Value::Instant(at)) => {
            let at = cut(*at, *millis);
            if !within.contains(&at) {
                return None;
            }
            Value::Instant(at)
        }
        (Grid::Days, Value::When(when)) => Value::When(When::Date(when.date(zone))),
        (Grid::Text(rule), Value::Text(text)) => Value::Text(by_rule(rule, text)),
        (Grid::Tags(rule), Value::Tags(tags)) => Value::Tags(
            tags.iter()
                .filter(|tag| !tag.contains(rule.forbidden.as_slice()))
                .filter(|tag| rule.max_chars == 0 || tag.chars().count() <= rule.max_chars)
                .cloned()
                .collect(),
        ),
        (Grid::Steps(step), Value::Number(number)) => Value::Number(number - number % step),
        _ => value.clone(),
    };
    Some(held)
}

fn by_rule(rule: &TextRule, text: &str) -> String {
    let mut out: String = text
        .chars()
        .map(|c| {
            if rule.one_line && matches!(c, '\n' | '\r') {
                ' '
            } else {
                c
            }
        })
        .filter(|c| !rule.no_controls || !c.is_control() || matches!(c, '\n' | '\t'))
        .collect();
    if rule.trimmed {
        out = out.trim().to_owned();
    }
    if rule.max_chars > 0 {
        out = out.chars().take(rule.max_chars).collect();
    }
    out
}

/// Cuts towards the past, as clocks do.
pub(super) fn cut(at: Timestamp, millis: i64) -> Timestamp {
    let whole = at.as_millisecond().div_euclid(millis) * millis;
    Timestamp::from_millisecond(whole).unwrap_or(at)
}
