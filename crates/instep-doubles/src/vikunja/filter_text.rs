//! Vikunja's filter language: reading an expression, its values and its dates. No task is seen
//! here.

use jiff::civil::{Date, DateTime};
use jiff::{Span, Timestamp};

use super::filter::{Kind, Node, Op, Reading, Test, Value, kind_of};
use super::refusal::Refusal;

/// Deepest nesting of parentheses that is read.
const MAX_DEPTH: usize = 32;

/// Where reading stands in an expression.
pub(crate) struct Parser<'a> {
    text: &'a str,
    at: usize,
    reading: &'a Reading,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub(crate) fn new(text: &'a str, reading: &'a Reading) -> Self {
        Self {
            text,
            at: 0,
            reading,
            depth: 0,
        }
    }

    /// Reads the whole text as one expression.
    pub(crate) fn whole(mut self) -> Result<Node, Refusal> {
        let root = self.chain()?;
        self.skip_space();
        if self.at < self.text.len() {
            Err(self.broken())
        } else {
            Ok(root)
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn broken(&self) -> Refusal {
        let text = self.text;
        let why = "invalid or incomplete filter expression";
        Refusal::new(
            400,
            4024,
            format!("The filter expression '{text}' is invalid: {why}"),
        )
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn chain(&mut self) -> Result<Node, Refusal> {
        let first = self.part()?;
        let mut rest = Vec::new();
        loop {
            let and = self.eat("&&");
            if !and && !self.eat("||") {
                break;
            }
            rest.push((and, self.part()?));
        }
        Ok(Node::Chain(Box::new(first), rest))
    }

    fn part(&mut self) -> Result<Node, Refusal> {
        if self.eat("(") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.broken());
            }
            let inner = self.chain()?;
            self.depth -= 1;
            return if self.eat(")") {
                Ok(inner)
            } else {
                Err(self.broken())
            };
        }
        self.test().map(Node::Test)
    }

    fn test(&mut self) -> Result<Test, Refusal> {
        self.skip_space();
        let word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let length = self.rest().find(|c| !word(c)).unwrap_or(self.rest().len());
        let field = self.rest()[..length].to_owned();
        self.at += length;
        let op = self
            .op()
            .filter(|_| !field.is_empty())
            .ok_or_else(|| self.broken())?;
        let raw = self.raw_value()?;
        let field = if field == "project" {
            "project_id".to_owned()
        } else {
            field
        };
        let bad_value = |value: &str| {
            let text = format!("The task filter value '{value}' for field '{field}' is invalid.");
            Refusal::new(400, 4019, text)
        };
        if field == "uid" {
            return Err(bad_value(&raw));
        }
        let Some(kind) = kind_of(&field) else {
            return Err(Refusal::new(
                400,
                4016,
                format!("The task field '{field}' is invalid."),
            ));
        };
        if op == Op::Like && kind != Kind::Text {
            return Err(bad_value(&raw));
        }
        let value = self.value(kind, op, &raw).ok_or_else(|| bad_value(&raw))?;
        Ok(Test { field, op, value })
    }

    fn op(&mut self) -> Option<Op> {
        let tokens = [
            (">=", Op::GreaterEqual),
            ("<=", Op::LessEqual),
            ("!=", Op::NotEqual),
            ("=", Op::Equal),
            (">", Op::Greater),
            ("<", Op::Less),
            ("not in ", Op::NotIn),
            ("in ", Op::In),
            ("like ", Op::Like),
            ("~", Op::Like),
        ];
        tokens
            .into_iter()
            .find(|(token, _)| self.eat(token))
            .map(|(_, op)| op)
    }

    /// The value up to the next joiner. Quotes protect neither `&` nor `|` nor parentheses.
    fn raw_value(&mut self) -> Result<String, Refusal> {
        self.skip_space();
        let length = self
            .rest()
            .find(['&', '|', '(', ')'])
            .unwrap_or(self.rest().len());
        let raw = self.rest()[..length].trim().to_owned();
        self.at += length;
        if raw.is_empty() {
            return Err(self.broken());
        }
        for quote in ['\'', '"'] {
            if let Some(inner) = raw.strip_prefix(quote) {
                return match inner.strip_suffix(quote) {
                    Some(inner) if !inner.contains(quote) => Ok(inner.to_owned()),
                    _ => Err(self.broken()),
                };
            }
        }
        Ok(raw)
    }

    fn value(&self, kind: Kind, op: Op, raw: &str) -> Option<Value> {
        if matches!(op, Op::In | Op::NotIn) {
            let parts = raw.split(',').map(|part| self.single(kind, part.trim()));
            return parts.collect::<Option<Vec<Value>>>().map(Value::Many);
        }
        self.single(kind, raw)
    }

    fn single(&self, kind: Kind, raw: &str) -> Option<Value> {
        Some(match kind {
            // Ids are far below the precision of a float.
            #[allow(clippy::cast_precision_loss)]
            Kind::Whole => Value::Number(raw.parse::<i64>().ok()? as f64),
            Kind::Float => Value::Number(raw.parse().ok()?),
            Kind::Truth => Value::Truth(match raw {
                "true" | "TRUE" | "True" | "t" | "T" | "1" => true,
                "false" | "FALSE" | "False" | "f" | "F" | "0" => false,
                _ => return None,
            }),
            Kind::Text => Value::Text(raw.to_owned()),
            Kind::Date => Value::Date(date(raw, self.reading)?),
        })
    }
}

/// A date of a filter as seconds. Bare numbers are milliseconds, whatever the caller meant.
fn date(raw: &str, reading: &Reading) -> Option<i64> {
    if let Some(math) = raw.strip_prefix("now") {
        return date_math(math, reading);
    }
    if raw.len() >= 20 && raw.as_bytes().get(10) == Some(&b'T') {
        return Some(raw.parse::<Timestamp>().ok()?.as_second());
    }
    let local = |civil: DateTime| Some(civil.to_zoned(reading.zone.clone()).ok()?.timestamp());
    if let Ok(civil) = DateTime::strptime("%Y-%m-%dT%H:%M:%S", raw) {
        return local(civil).map(Timestamp::as_second);
    }
    if let Ok(civil) = DateTime::strptime("%Y-%m-%d %H:%M", raw) {
        return local(civil).map(Timestamp::as_second);
    }
    if let Ok(date) = Date::strptime("%Y-%m-%d", raw) {
        return local(date.at(0, 0, 0, 0)).map(Timestamp::as_second);
    }
    Some(raw.parse::<i64>().ok()?.div_euclid(1000))
}

/// `now` with steps such as `-1h`, `+1d`, `/d`.
fn date_math(math: &str, reading: &Reading) -> Option<i64> {
    let mut at = reading.now.to_zoned(reading.zone.clone());
    let mut rest = math.trim();
    while !rest.is_empty() {
        let sign = rest.chars().next()?;
        let digits = rest[1..].find(|c: char| !c.is_ascii_digit())? + 1;
        let count: i64 = if digits == 1 {
            1
        } else {
            rest[1..digits].parse().ok()?
        };
        let unit = rest[digits..].chars().next()?;
        let span = match unit {
            's' => Span::new().try_seconds(count),
            'm' => Span::new().try_minutes(count),
            'h' | 'H' => Span::new().try_hours(count),
            'd' => Span::new().try_days(count),
            'w' => Span::new().try_weeks(count),
            'M' => Span::new().try_months(count),
            'y' => Span::new().try_years(count),
            _ => return None,
        };
        at = match sign {
            '+' => at.checked_add(span.ok()?).ok()?,
            '-' => at.checked_sub(span.ok()?).ok()?,
            '/' if unit == 'd' => at.start_of_day().ok()?,
            '/' if unit == 'h' => at
                .round(
                    jiff::ZonedRound::new()
                        .smallest(jiff::Unit::Hour)
                        .mode(jiff::RoundMode::Trunc),
                )
                .ok()?,
            _ => return None,
        };
        rest = &rest[digits + unit.len_utf8()..];
    }
    Some(at.timestamp().as_second())
}
