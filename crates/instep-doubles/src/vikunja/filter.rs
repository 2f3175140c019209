//! Vikunja's filter language: testing a task against a filter that was read. Which tasks are
//! tested, and who may see them, is not decided here; reading is in `filter_text`.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::filter_text::Parser;
use super::refusal::Refusal;
use super::state::{State, Stored, Task};

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
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
pub(crate) enum Value {
    Number(f64),
    Truth(bool),
    Text(String),
    Date(i64),
    Many(Vec<Value>),
}

#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) field: String,
    pub(crate) op: Op,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
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
pub(crate) enum Kind {
    Whole,
    Float,
    Truth,
    Text,
    Date,
}

/// The kind of value a field takes; `None` for fields that cannot be filtered by.
pub(crate) fn kind_of(field: &str) -> Option<Kind> {
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
        let root = Parser::new(text, reading).whole()?;
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
