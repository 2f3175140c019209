//! A task by the beginning of its id, and what to say when that names none or several.

use instep_api::Failure;
use instep_model::Task;
use instep_store::TaskFilter;

use crate::app::App;
use crate::say;

/// How many candidates are shown.
const MOST_SHOWN: usize = 5;

/// Fewer characters of an id are more likely a slip than a name.
const LEAST_CHARS: usize = 4;

/// Refuses a beginning of an id that is too short to act on.
pub(crate) fn check_length(prefix: &str, help: &str) -> Result<(), Failure> {
    if prefix.trim().chars().count() >= LEAST_CHARS {
        return Ok(());
    }
    Err(say::usage(
        "short_id",
        format!("`{prefix}` is too short for an id"),
        format!("it takes at least the first {LEAST_CHARS} characters of one"),
        help,
    ))
}

impl App {
    /// The living task whose id begins with `prefix`.
    pub(crate) async fn find_task(&self, prefix: &str) -> Result<Task, Failure> {
        check_length(prefix, "instep list")?;
        let failed = |error| say::from_store(&error);
        let found = self.hub.find_task(prefix.trim()).await.map_err(failed)?;
        let (mut living, buried): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|found| !found.is_tombstone);
        match (living.len(), buried.first()) {
            (1, _) => Ok(living.remove(0).task),
            (0, Some(tombstone)) => Err(say::usage(
                "unknown_task",
                format!("there is no task {prefix}"),
                format!("\"{}\" was deleted", tombstone.task.fields.title()),
                format!("instep log --task {prefix}"),
            )),
            (0, None) => Err(self.unknown(prefix).await?),
            (several, _) => {
                let mut shown: Vec<String> = living
                    .iter()
                    .take(MOST_SHOWN)
                    .map(|found| describe(&found.task, prefix.len() + 4))
                    .collect();
                if several > MOST_SHOWN {
                    shown.push(format!("and {} more", several - MOST_SHOWN));
                }
                Err(say::usage(
                    "ambiguous_task",
                    format!("{several} tasks have an id that begins with {prefix}"),
                    shown.join(", "),
                    "give more of the id",
                ))
            }
        }
    }

    /// Nothing has such an id: the nearest id, or tasks whose title has the word.
    async fn unknown(&self, typed: &str) -> Result<Failure, Failure> {
        let tasks = self.hub.list_tasks(&TaskFilter::default()).await;
        let tasks = tasks.map_err(|error| say::from_store(&error))?;
        let word = typed.to_lowercase();
        let mut near: Vec<&Task> = tasks
            .iter()
            .filter(|task| !word.is_empty() && task.fields.title().to_lowercase().contains(&word))
            .collect();
        if near.is_empty() {
            let length = typed.chars().count();
            near.extend(tasks.iter().filter(|task| {
                let id: String = task.id.to_string().chars().take(length).collect();
                length >= 3 && strsim::damerau_levenshtein(&id, &word) == 1
            }));
        }
        let shown: Vec<String> = near
            .iter()
            .take(MOST_SHOWN)
            .map(|task| describe(task, 8))
            .collect();
        let why = if shown.is_empty() {
            "no id begins like that".to_owned()
        } else {
            format!("did you mean {}?", shown.join(", "))
        };
        Ok(say::usage(
            "unknown_task",
            format!("there is no task {typed}"),
            why,
            "instep list",
        ))
    }
}

fn describe(task: &Task, length: usize) -> String {
    let id: String = task.id.to_string().chars().take(length.max(8)).collect();
    format!("{id} \"{}\"", task.fields.title())
}
