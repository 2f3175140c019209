//! The filter language, as far as to-do clients use it: terms joined by `&`, `|`, `!` and
//! parentheses. Terms that are not known make the whole query invalid.

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::state::{Store, Task};

/// How deep parentheses may nest.
const MOST_DEPTH: usize = 30;

/// Largest count in "next 7 days".
const MOST_DAYS: i64 = 3660;

/// A parsed filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    All,
    NoDate,
    Recurring,
    Overdue,
    Today,
    /// Due from today on, within so many days.
    Days(i64),
    Priority(i64),
    Label(String),
    NoLabels,
    Project(String),
    Search(String),
    Not(Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
}

impl Filter {
    pub(crate) fn parse(query: &str) -> Option<Self> {
        let mut rest = query;
        let filter = either(&mut rest, 0)?;
        rest.trim().is_empty().then_some(filter)
    }

    pub(crate) fn fits(&self, store: &Store, task: &Task) -> bool {
        let today = store.moment.today();
        let day: Option<Date> = task.due.as_ref().map(|due| due.when.civil().date());
        match self {
            Self::All => true,
            Self::NoDate => day.is_none(),
            Self::Recurring => task.due.as_ref().is_some_and(|due| due.rule.is_some()),
            Self::Overdue => day.is_some_and(|day| day < today),
            Self::Today => day == Some(today),
            Self::Days(count) => {
                let end = today.saturating_add(count.days());
                day.is_some_and(|day| day >= today && day < end)
            }
            Self::Priority(priority) => task.priority == *priority,
            Self::Label(name) => task.labels.iter().any(|it| it.to_lowercase() == *name),
            Self::NoLabels => task.labels.is_empty(),
            Self::Project(name) => store
                .project(&task.project)
                .is_ok_and(|it| it.name.to_lowercase() == *name),
            Self::Search(text) => task.content.to_lowercase().contains(text),
            Self::Not(inner) => !inner.fits(store, task),
            Self::And(one, other) => one.fits(store, task) && other.fits(store, task),
            Self::Or(one, other) => one.fits(store, task) || other.fits(store, task),
        }
    }
}

fn either(rest: &mut &str, depth: usize) -> Option<Filter> {
    let mut left = both(rest, depth)?;
    while take(rest, '|') {
        left = Filter::Or(Box::new(left), Box::new(both(rest, depth)?));
    }
    Some(left)
}

fn both(rest: &mut &str, depth: usize) -> Option<Filter> {
    let mut left = single(rest, depth)?;
    while take(rest, '&') {
        left = Filter::And(Box::new(left), Box::new(single(rest, depth)?));
    }
    Some(left)
}

fn single(rest: &mut &str, depth: usize) -> Option<Filter> {
    if depth > MOST_DEPTH {
        return None;
    }
    if take(rest, '!') {
        return Some(Filter::Not(Box::new(single(rest, depth + 1)?)));
    }
    if take(rest, '(') {
        let inner = either(rest, depth + 1)?;
        return take(rest, ')').then_some(inner);
    }
    let end = rest.find(['&', '|', '!', '(', ')']).unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    term(&word.trim().to_lowercase())
}

/// Takes a symbol off the front, with the blanks before it.
fn take(rest: &mut &str, symbol: char) -> bool {
    match rest.trim_start().strip_prefix(symbol) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

fn term(word: &str) -> Option<Filter> {
    Some(match word {
        "all" | "view all" => Filter::All,
        "no date" | "no due date" => Filter::NoDate,
        "recurring" => Filter::Recurring,
        "overdue" | "over due" | "od" => Filter::Overdue,
        "today" | "tod" => Filter::Today,
        "no labels" => Filter::NoLabels,
        "p1" => Filter::Priority(4),
        "p2" => Filter::Priority(3),
        "p3" => Filter::Priority(2),
        "p4" | "no priority" => Filter::Priority(1),
        _ => return named(word),
    })
}

fn named(word: &str) -> Option<Filter> {
    if let Some(text) = word.strip_prefix("search:") {
        return Some(Filter::Search(text.trim().to_owned()));
    }
    if let Some(label) = word.strip_prefix('@') {
        return Some(Filter::Label(label.to_owned()));
    }
    if let Some(project) = word.strip_prefix('#') {
        let name = project.trim_start_matches('#');
        return Some(Filter::Project(name.to_owned()));
    }
    let days = word.strip_suffix(" days")?;
    let days = days.strip_prefix("next ").unwrap_or(days);
    let days: Option<i64> = days.parse().ok();
    days.filter(|days| (1..=MOST_DAYS).contains(days))
        .map(Filter::Days)
}
