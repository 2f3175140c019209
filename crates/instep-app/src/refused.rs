//! What a service refused or cannot hold, in words: the task, the reason, when it is tried again, and
//! the command that helps.

use instep_api::{Exit, Failure, State};
use instep_connectors::vikunja;
use instep_engine::{LeftOut, Problem};
use instep_model::{Account, Field, NextTry, TaskId, Timestamp};
use instep_store::Refused;

use crate::say;

/// As many characters of an id as a person types.
const ID_CHARS: usize = 8;

/// What was refused, by the example of the task that is tried again first.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    task: TaskId,
    title: String,
    reason: String,
    next: NextTry,
    /// How many tasks were refused altogether.
    all: usize,
}

impl Refusal {
    /// What a round told of one task, where `all` were refused.
    pub(crate) fn of_problem(problem: &Problem, all: usize) -> Self {
        Self {
            task: problem.task,
            title: problem.title.clone(),
            reason: problem.reason.clone(),
            next: problem.next,
            all,
        }
    }

    /// What the hub remembers of one task, where `all` were refused.
    pub(crate) fn of_pair(refused: &Refused, all: usize) -> Self {
        Self {
            task: refused.pair.task,
            title: refused.title.clone(),
            reason: refused.pair.last_error.clone().unwrap_or_default(),
            next: refused.next,
            all,
        }
    }

    /// Whether the program goes on by itself, or waits for a person.
    pub(crate) fn state(&self) -> State {
        match self.next {
            NextTry::Parked => State::NeedsYou,
            NextTry::Sync | NextTry::At(_) => State::Waiting,
        }
    }

    /// As the failure of its account.
    pub(crate) fn failure(&self, account: &Account, now: Timestamp) -> Failure {
        let code = match self.next {
            NextTry::Parked => "parked",
            NextTry::Sync | NextTry::At(_) => "refused",
        };
        let one = if self.all > 1 {
            "they stay"
        } else {
            "it stays"
        };
        let (what, reason) = (self.what(account), self.reason.as_str());
        Failure::new(Exit::Partial, code, what, reason, self.advice(account)).now(format!(
            "{one} in the hub and in every other account; the rest is in step; {}",
            self.when(now)
        ))
    }

    /// In one line.
    pub(crate) fn line(&self, account: &Account, now: Timestamp) -> String {
        format!(
            "{}: {}; {}",
            self.what(account),
            self.reason,
            self.when(now)
        )
    }

    fn what(&self, account: &Account) -> String {
        let others = match self.all {
            0 | 1 => String::new(),
            more => format!(" and {} more", more - 1),
        };
        let service = say::service(account.kind);
        let what = format!("{service} refused the task \"{}\"{others}", self.title);
        let mut chars = what.chars();
        let first = chars.next().into_iter().flat_map(char::to_uppercase);
        first.chain(chars).collect()
    }

    /// The command that tries again at once.
    pub(crate) fn help(&self, account: &Account) -> String {
        match self.all {
            0 | 1 => push(self.task),
            _ => match self.next {
                NextTry::Parked => format!("instep retry {} --parked", account.name),
                NextTry::Sync | NextTry::At(_) => format!("instep retry {}", account.name),
            },
        }
    }

    /// What has to be done before that command helps, and what else can be done.
    fn advice(&self, account: &Account) -> String {
        let (help, service) = (self.help(account), say::service(account.kind));
        match self.is_archived() {
            true => format!(
                "un-archive the project in {service}, then: {help}\n\
                 or move a task that is not there yet: instep edit {} --project PATH",
                short(self.task)
            ),
            false => help,
        }
    }

    /// Whether it was refused because its project is archived.
    fn is_archived(&self) -> bool {
        self.reason.ends_with(vikunja::ARCHIVED)
    }

    fn when(&self, now: Timestamp) -> String {
        match self.next {
            NextTry::Sync => "the next sync tries again".to_owned(),
            NextTry::At(at) => {
                let wait = span(at.duration_since(now).as_secs().max(0) + 1);
                format!("a sync in {wait} or later tries again")
            }
            NextTry::Parked => "a plain sync no longer tries".to_owned(),
        }
    }
}

/// The command that tries one task again.
fn push(task: TaskId) -> String {
    format!("instep push {}", short(task))
}

fn short(task: TaskId) -> String {
    task.to_string().chars().take(ID_CHARS).collect()
}

/// What a service cannot hold of a task, told once.
pub(crate) fn left_out(account: &Account, left_out: &LeftOut) -> String {
    let (name, service) = (&account.name, say::service(account.kind));
    let id = short(left_out.task);
    if !left_out.is_there && left_out.fields.contains(&Field::Title) {
        return format!(
            "{name}: {service} holds no task without a title, so that {id} stays out of it \
             → instep edit {id} --title TITLE"
        );
    }
    let fields: Vec<&str> = left_out.fields.iter().map(|field| field.name()).collect();
    format!(
        "{name}: {service} cannot hold the {} of \"{}\"; the rest of it is there → instep show {id}",
        fields.join(" and "),
        left_out.title
    )
}

fn span(secs: i64) -> String {
    match secs {
        ..=89 => format!("{secs} s"),
        _ => format!("{} min", (secs + 59) / 60),
    }
}
