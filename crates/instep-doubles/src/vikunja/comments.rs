//! Comments of a task. Each change moves the task's `updated` a moment later.

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::events::Pending;
use super::refusal::Refusal;
use super::state::Comment;
use super::{schema, tasks, wire};

#[derive(Default, Deserialize)]
#[serde(default)]
struct NewComment {
    comment: Option<String>,
}

pub(super) fn missing() -> Refusal {
    Refusal::new(404, 4015, "This task comment does not exist")
}

fn find(call: &Call<'_>) -> Result<Comment, Refusal> {
    let (task, id) = (call.id(0)?, call.id(1)?);
    call.state.check_task_readable(call.user, task)?;
    let comments = call
        .state
        .live_task(task)
        .map(|task| task.comments.as_slice());
    let found = comments
        .unwrap_or_default()
        .iter()
        .find(|comment| comment.id == id);
    found.cloned().ok_or_else(missing)
}

fn find_own(call: &Call<'_>) -> Result<Comment, Refusal> {
    let comment = find(call)?;
    call.state.check_task_writable(call.user, call.id(0)?)?;
    if comment.author == call.user {
        Ok(comment)
    } else {
        Err(Refusal::forbidden())
    }
}

fn announce(call: &mut Call<'_>, name: &'static str, task: i64, comment: Value) {
    let project = call.state.live_task(task).map_or(0, |task| task.project);
    let event = Pending::task(name, task, project, call.user).with("comment", comment);
    call.state.emit(event.touching(task));
}

/// Adds the mail address where Vikunja lets it through.
fn add_mail(call: &Call<'_>, shown: &mut Value, user: i64) {
    if let Some(user) = call.state.users.get(&user) {
        shown["email"] = user.email.clone().into();
    }
}

/// `GET /tasks/{task}/comments`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let task = call.id(0)?;
    call.state.check_task_readable(call.user, task)?;
    let comments = call.state.live_task(task).map(|task| task.comments.clone());
    let mut comments = comments.unwrap_or_default();
    if call.request.query("order_by") == Some("desc") {
        comments.reverse();
    }
    call.list("TaskComment", &comments, |comment| {
        wire::comment(call.state, comment)
    })
}

/// `GET /tasks/{task}/comments/{comment}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let comment = find(call)?;
    let mut body = wire::comment(call.state, &comment);
    add_mail(call, &mut body["author"], comment.author);
    Ok(Reply::Read {
        body,
        headers: vec![("x-max-permission", "2".to_owned())],
    })
}

/// `PUT /tasks/{task}/comments` (v2: `POST`)
pub(crate) fn create(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let task = call.id(0)?;
    let text = call
        .body::<NewComment>(schema::COMMENT)?
        .comment
        .unwrap_or_default();
    if text.is_empty() {
        return Err(Refusal::invalid(
            "comment",
            "non zero value required",
            call.is_v2(),
        ));
    }
    call.state.check_task_writable(call.user, task)?;
    let now = call.state.second();
    let id = call.state.next_id("comment");
    let comment = Comment {
        id,
        text,
        author: call.user,
        created: now,
        updated: now,
    };
    let mut shown = wire::comment(call.state, &comment);
    shown["created"] = tasks::precise_now(call.state).into();
    shown["updated"] = tasks::precise_now(call.state).into();
    if let Some(task) = call.state.tasks.get_mut(&task) {
        task.comments.push(comment);
    }
    announce(call, "task.comment.created", task, shown.clone());
    Ok(Reply::Created(shown))
}

/// `POST /tasks/{task}/comments/{comment}` (v2: `PUT`)
pub(crate) fn update(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let task = call.id(0)?;
    let text = call
        .body::<NewComment>(schema::COMMENT)?
        .comment
        .unwrap_or_default();
    let comment = find_own(call)?;
    let now = call.state.second();
    if let Some(stored) = call.state.tasks.get_mut(&task)
        && let Some(stored) = stored
            .comments
            .iter_mut()
            .find(|known| known.id == comment.id)
    {
        stored.text.clone_from(&text);
        stored.updated = now;
    }
    let shown = json!({
        "id": comment.id, "comment": text, "author": null, "reactions": null,
        "created": wire::NO_DATE, "updated": tasks::precise_now(call.state),
    });
    announce(call, "task.comment.edited", task, shown.clone());
    Ok(Reply::Ok(shown))
}

/// `DELETE /tasks/{task}/comments/{comment}`
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let task = call.id(0)?;
    let comment = find_own(call)?;
    let mut shown = wire::comment(call.state, &comment);
    add_mail(call, &mut shown["author"], comment.author);
    if let Some(stored) = call.state.tasks.get_mut(&task) {
        stored.comments.retain(|known| known.id != comment.id);
    }
    announce(call, "task.comment.deleted", task, shown);
    Ok(Reply::Deleted)
}
