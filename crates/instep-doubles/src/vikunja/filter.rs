//! Vikunja's filter language: reading an expression and testing a task against it. Which tasks
//! are tested, and who may see them, is not decided here.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::refusal::Refusal;
use super::state::{State, Stored, Task};

/// Deepest nesting of parentheses that is read.
const MAX_DEPTH: usize = 32;

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
    Less,
    LessEqual,
    Like,
    In,
    NotIn,
}

#[derive(Clone, Debug)]
enum Value {
    Number(f64),
    Truth(bool),
    Text(String),
    Date(i64),
    Many(Vec<Value>),
}

#[derive(Clone, Debug)]
struct Test {
    field: String,
    op: Op,
    value: Value,
}

#[derive(Clone, Debug)]
enum Node {
    Test(Test),
    /// Parts joined left to right; `true` joins by "and".
    Chain(Box<Node>, Vec<(bool, Node)>),
}

/// What a field of a task holds.
#[derive(Clone, Debug)]
enum Held {
    Number(f64),
    Truth(bool),
    Text(String),
    Date(Stored),
    Numbers(Vec<i64>),
    Texts(Vec<String>),
    Dates(Vec<Stored>),
}

/// What kind of value a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Whole,
    Float,
    Truth,
    Text,
    Date,
}

fn kind_of(field: &str) -> Option<Kind> {
    Some(match field {
        "id" | "created_by_id" | "project_id" | "repeat_after" | "priority" | "index"
        | "bucket_id" | "labels" => Kind::Whole,
        "percent_done" | "position" => Kind::Float,
        "done" => Kind::Truth,
        "title" | "description" | "hex_color" | "assignees" => Kind::Text,
        "done_at" | "due_date" | "start_date" | "end_date" | "created" | "updated"
        | "reminders" => Kind::Date,
        _ => return None,
    })
}

/// A filter that was read, ready to test tasks.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    root: Node,
    include_nulls: bool,
}

/// Where and when a filter is read.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) zone: TimeZone,
    pub(crate) now: Timestamp,
    pub(crate) include_nulls: bool,
}

impl Filter {
    /// Reads an expression.
    pub(crate) fn read(text: &str, reading: &Reading) -> Result<Self, Refusal> {
        let mut parser = Parser {
            text,
            at: 0,
            reading,
            depth: 0,
        };
        let root = parser.chain()?;
        parser.skip_space();
        if parser.at < text.len() {
            return Err(parser.broken());
        }
        Ok(Self {
            root,
            include_nulls: reading.include_nulls,
        })
    }

    /// Whether a task passes.
    pub(crate) fn passes(&self, state: &State, task: &Task) -> bool {
        self.node(&self.root, state, task)
    }

    fn node(&self, node: &Node, state: &State, task: &Task) -> bool {
        match node {
            Node::Test(test) => self.test(test, state, task),
            Node::Chain(first, rest) => rest.iter().fold(
                self.node(first, state, task),
                |so_far, (and, next)| match and {
                    true => so_far && self.node(next, state, task),
                    false => so_far || self.node(next, state, task),
                },
            ),
        }
    }

    fn test(&self, test: &Test, state: &State, task: &Task) -> bool {
        let held = held(&test.field, state, task);
        let any = |mut one: Box<dyn FnMut(&Value) -> bool + '_>| match (&test.op, &test.value) {
            (Op::In | Op::NotIn, Value::Many(values)) => values.iter().any(&mut one),
            (_, value) => one(value),
        };
        let negated = test.op == Op::NotIn;
        // For lists "unlike" means that no item is alike.
        let plain = if negated { Op::In } else { test.op };
        match held {
            Held::Date(at) => {
                if at.is_none() {
                    return self.include_nulls;
                }
                any(Box::new(|v| {
                    compare_date(at, plain, v, !state.concurrent_writes)
                })) != negated
            }
            Held::Number(number) => {
                let hit = any(Box::new(|value| compare_number(number, plain, value))) != negated;
                hit || (self.include_nulls && number == 0.0)
            }
            Held::Truth(truth) => any(Box::new(|value| match (plain, value) {
                (Op::NotEqual, Value::Truth(wanted)) => truth != *wanted,
                (_, Value::Truth(wanted)) => truth == *wanted,
                _ => false,
            })),
            Held::Text(text) => any(Box::new(|value| compare_text(&text, plain, value))) != negated,
            Held::Numbers(numbers) => self.any_of(&numbers, test, |number, value| {
                // Ids are far below the precision of a float.
                #[allow(clippy::cast_precision_loss)]
                compare_number(*number as f64, Op::In, value)
            }),
            Held::Texts(texts) => {
                let op = if plain == Op::Like { Op::Like } else { Op::In };
                self.any_of(&texts, test, |text, value| compare_text(text, op, value))
            }
            Held::Dates(dates) => {
                let sqlite = !state.concurrent_writes;
                self.any_of(&dates, test, |at, value| {
                    compare_date(*at, plain, value, sqlite)
                })
            }
        }
    }

    fn any_of<T>(&self, items: &[T], test: &Test, hit: impl Fn(&T, &Value) -> bool) -> bool {
        if items.is_empty() && self.include_nulls {
            return true;
        }
        let values = match &test.value {
            Value::Many(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        let found = items
            .iter()
            .any(|item| values.iter().any(|value| hit(item, value)));
        found != matches!(test.op, Op::NotIn | Op::NotEqual)
    }
}

fn held(field: &str, state: &State, task: &Task) -> Held {
    // Everything numbered stays far below the precision of a float.
    #[allow(clippy::cast_precision_loss)]
    let whole = |number: i64| Held::Number(number as f64);
    match field {
        "id" => whole(task.id),
        "created_by_id" => whole(task.created_by),
        "project_id" => whole(task.project),
        "repeat_after" => whole(task.repeat_after),
        "priority" => whole(task.priority),
        "index" => whole(task.index),
        "bucket_id" => whole(task.buckets.values().copied().next().unwrap_or(0)),
        "percent_done" => Held::Number(task.percent_done),
        "done" => Held::Truth(task.done),
        "title" => Held::Text(task.title.clone()),
        "description" => Held::Text(task.description.clone()),
        "hex_color" => Held::Text(task.hex_color.clone()),
        "done_at" => Held::Date(task.done_at),
        "due_date" => Held::Date(task.due),
        "start_date" => Held::Date(task.start),
        "end_date" => Held::Date(task.end),
        "created" => Held::Date(Some(task.created)),
        "updated" => Held::Date(Some(task.updated)),
        "labels" => Held::Numbers(task.labels.clone()),
        "reminders" => Held::Dates(task.reminders.iter().map(|reminder| reminder.at).collect()),
        "assignees" => {
            let users = task.assignees.iter().filter_map(|id| state.users.get(id));
            Held::Texts(users.map(|user| user.username.clone()).collect())
        }
        _ => Held::Number(0.0),
    }
}

fn compare_number(held: f64, op: Op, value: &Value) -> bool {
    let Value::Number(wanted) = value else {
        return false;
    };
    match op {
        Op::Equal | Op::In => held == *wanted,
        Op::NotEqual => held != *wanted,
        Op::Greater => held > *wanted,
        Op::GreaterEqual => held >= *wanted,
        Op::Less => held < *wanted,
        Op::LessEqual => held <= *wanted,
        Op::Like | Op::NotIn => false,
    }
}

/// On SQLite a stored date is text that sorts just before the same second in a filter.
fn compare_date(held: Stored, op: Op, value: &Value, sqlite: bool) -> bool {
    let (Some(held), Value::Date(wanted)) = (held, value) else {
        return false;
    };
    let (less, equal) = match sqlite {
        true => (held <= *wanted, false),
        false => (held < *wanted, held == *wanted),
    };
    match op {
        Op::Equal | Op::In => equal,
        Op::NotEqual => !equal,
        Op::Greater => !less && !equal,
        Op::GreaterEqual => !less,
        Op::Less => less,
        Op::LessEqual => less || equal,
        Op::Like | Op::NotIn => false,
    }
}

fn compare_text(held: &str, op: Op, value: &Value) -> bool {
    let Value::Text(wanted) = value else {
        return false;
    };
    match op {
        Op::Equal | Op::In => held == wanted,
        Op::NotEqual => held != wanted,
        Op::Greater => held > wanted.as_str(),
        Op::GreaterEqual => held >= wanted.as_str(),
        Op::Less => held < wanted.as_str(),
        Op::LessEqual => held <= wanted.as_str(),
        Op::Like => like(&held.to_lowercase(), &wanted.to_lowercase()),
        Op::NotIn => false,
    }
}

/// SQL's `LIKE '%pattern%'` with its two wildcards.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = format!("%{pattern}%").chars().collect();
    // reached[i]: the pattern so far can end at text position i.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for wanted in pattern {
        let mut next = vec![false; text.len() + 1];
        match wanted {
            '%' => {
                let mut open = false;
                for (at, was) in reached.iter().enumerate() {
                    open |= was;
                    next[at] = open;
                }
            }
            wanted => {
                for (at, c) in text.iter().enumerate() {
                    next[at + 1] = reached[at] && (wanted == '_' || *c == wanted);
                }
            }
        }
        reached = next;
    }
    reached[text.len()]
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    reading: &'a Reading,
    depth: usize,
}

impl Parser<'_> {
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
