//! What a person changes in the hub itself: add, edit, done, remove. The accounts hear of it with
//! the next sync, or at once where that is asked for.

use instep_api::{Failure, SCHEMA_VERSION, TaskEdit, TouchedReply};
use instep_engine::Edited;
use instep_model::{Action, Direction, Field, Fields, ProjectPath, Status, TaskId, Value};
use uuid::Uuid;

use crate::app::App;
use crate::{dates, say};

/// Values to be set; the inner `None` clears a field.
#[derive(Debug, Default)]
struct Wanted {
    values: Vec<(Field, Option<Value>)>,
    tags: Vec<String>,
    untags: Vec<String>,
}

impl Wanted {
    fn apply(&self, fields: &mut Fields) {
        for (field, value) in &self.values {
            fields.set(*field, value.clone());
        }
        let mut tags = fields.tags();
        tags.extend(self.tags.iter().cloned());
        tags.retain(|tag| !self.untags.contains(tag));
        fields.set(Field::Tags, Value::Tags(tags));
    }
}

impl App {
    /// Makes a task; with `to`, it is carried to that account at once.
    ///
    /// # Errors
    /// When it has no title, a value makes no sense, or the account is unknown or only read from.
    /// An account that could not be reached is no error: the task is in the hub, and `carried` tells.
    pub async fn add(&self, edit: &TaskEdit, to: Option<&str>) -> Result<TouchedReply, Failure> {
        if let Some(name) = to {
            let account = &self.entry(name)?.account;
            if account.direction == Direction::FromRemote {
                return Err(say::usage(
                    "never_written",
                    format!("nothing can be added to {name}"),
                    "its direction is from-remote: Instep only reads it",
                    format!("instep account show {name}"),
                ));
            }
        }
        let wanted = self.wanted(edit)?;
        let mut fields = Fields::new();
        wanted.apply(&mut fields);
        if fields.title().is_empty() {
            return Err(empty_title());
        }
        let engine = self.engine(self.hub.clone());
        let id = TaskId(Uuid::new_v4());
        let made = engine.add_task(id, fields).await;
        let made = made.map_err(|error| say::from_edit(&error))?;
        let carried = match to {
            Some(name) => Some(self.carry_to(id, name).await?),
            None => None,
        };
        let mut reply = self.touched(made).await?;
        reply.carried = carried;
        Ok(reply)
    }

    /// Changes a task.
    ///
    /// # Errors
    /// When the id names none or several, or a value makes no sense.
    pub async fn edit(&self, id: &str, edit: &TaskEdit) -> Result<TouchedReply, Failure> {
        let wanted = self.wanted(edit)?;
        self.change(id, |fields| wanted.apply(fields)).await
    }

    /// Completes a task.
    ///
    /// # Errors
    /// When the id names none or several.
    pub async fn done(&self, id: &str) -> Result<TouchedReply, Failure> {
        let done = Value::Status(Status::Done);
        self.change(id, |fields| fields.set(Field::Status, done.clone()))
            .await
    }

    /// Deletes a task; it stays known as deleted.
    ///
    /// # Errors
    /// When the id names none or several.
    pub async fn remove(&self, id: &str) -> Result<TouchedReply, Failure> {
        let task = self.find_task(id).await?;
        let engine = self.engine(self.hub.clone());
        let edited = engine.delete_task(task.id).await;
        self.touched(edited.map_err(|error| say::from_edit(&error))?)
            .await
    }

    async fn change(
        &self,
        id: &str,
        change: impl Fn(&mut Fields),
    ) -> Result<TouchedReply, Failure> {
        let task = self.find_task(id).await?;
        let engine = self.engine(self.hub.clone());
        let edited = engine.edit_task(task.id, change).await;
        self.touched(edited.map_err(|error| say::from_edit(&error))?)
            .await
    }

    pub(crate) async fn touched(&self, edited: Edited) -> Result<TouchedReply, Failure> {
        let action = match edited.action {
            None => "nothing".to_owned(),
            Some(Action::Restore) => Action::Create.to_string(),
            Some(action) => action.to_string(),
        };
        Ok(TouchedReply {
            schema_version: SCHEMA_VERSION,
            action,
            task: self.view_of(&edited.task).await?,
            carried: None,
        })
    }

    /// From what was typed to values.
    fn wanted(&self, edit: &TaskEdit) -> Result<Wanted, Failure> {
        let mut wanted = Wanted {
            tags: tags(&edit.tags)?,
            untags: edit.untags.clone(),
            ..Wanted::default()
        };
        let set = &mut wanted.values;
        if let Some(title) = &edit.title {
            let line: Vec<&str> = title.split_whitespace().collect();
            if line.is_empty() {
                return Err(empty_title());
            }
            let title = title.trim().replace(['\n', '\r'], " ");
            set.push((Field::Title, Some(Value::Text(title))));
        }
        if let Some(notes) = &edit.notes {
            set.push((Field::Notes, Some(Value::Text(notes.clone()))));
        }
        if let Some(project) = &edit.project {
            set.push((Field::Project, project_of(project)?.map(Value::Path)));
        }
        if let Some(priority) = edit.priority {
            let value = Value::parse(Field::Priority, &priority.to_string());
            let value = value.map_err(|error| {
                let why = error.to_string();
                say::usage(
                    "bad_priority",
                    format!("`{priority}` is not a priority"),
                    why,
                    "--priority 3",
                )
            })?;
            set.push((Field::Priority, Some(value)));
        }
        if let Some(due) = &edit.due {
            let now = instep_model::Timestamp::now();
            let due = dates::read(due, now, &self.config.zone)?;
            set.push((Field::Due, due.map(Value::When)));
        }
        if let Some(status) = &edit.status {
            let parsed: Status = status.parse().map_err(|error: instep_model::ParseError| {
                say::usage(
                    "bad_status",
                    format!("`{status}` is not a status"),
                    error.to_string(),
                    "--status done",
                )
            })?;
            set.push((Field::Status, Some(Value::Status(parsed))));
        }
        Ok(wanted)
    }
}

fn empty_title() -> Failure {
    say::usage(
        "empty_title",
        "a task needs a title",
        "there is nothing in it but blanks",
        "instep add \"Call the bank\"",
    )
}

/// A project as a person types it; none for an empty text or `none`.
fn project_of(text: &str) -> Result<Option<ProjectPath>, Failure> {
    if text.trim().is_empty() || text == "none" {
        return Ok(None);
    }
    let path = text.parse().map_err(|error: instep_model::ParseError| {
        say::usage(
            "bad_project",
            format!("`{text}` is not a project"),
            error.to_string(),
            "--project Work.Garden",
        )
    })?;
    Ok(Some(path))
}

fn tags(typed: &[String]) -> Result<Vec<String>, Failure> {
    let tags: Vec<String> = typed.iter().map(|tag| tag.trim().to_owned()).collect();
    if tags.iter().any(String::is_empty) {
        let why = "there is nothing in it but blanks";
        return Err(say::usage(
            "bad_tag",
            "a tag needs a word",
            why,
            "--tag garden",
        ));
    }
    Ok(tags)
}
