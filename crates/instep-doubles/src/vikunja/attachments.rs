//! Attachments of a task, kept in memory. Uploading is silent, as on the real server.

use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::events::Pending;
use super::refusal::Refusal;
use super::state::Attachment;
use super::wire;

/// `GET /tasks/{task}/attachments`
pub(crate) fn list(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let task = call.id(0)?;
    call.state.check_task_readable(call.user, task)?;
    let all = call
        .state
        .live_task(task)
        .map(|task| task.attachments.clone())
        .unwrap_or_default();
    call.list("TaskAttachment", &all, |attachment| {
        wire::attachment(call.state, task, attachment)
    })
}

fn find(call: &Call<'_>) -> Result<Attachment, Refusal> {
    let (task, id) = (call.id(0)?, call.id(1)?);
    call.state.check_task_readable(call.user, task)?;
    let all = call
        .state
        .live_task(task)
        .map(|task| task.attachments.as_slice());
    let found = all
        .unwrap_or_default()
        .iter()
        .find(|attachment| attachment.id == id);
    found
        .cloned()
        .ok_or_else(|| Refusal::new(404, 4011, "This task attachment does not exist."))
}

/// `GET /tasks/{task}/attachments/{attachment}`
pub(crate) fn read(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let attachment = find(call)?;
    Ok(Reply::File {
        mime: attachment.mime,
        bytes: attachment.bytes,
    })
}

/// `PUT /tasks/{task}/attachments` (v2: `POST`): the form field `files`, repeated.
pub(crate) fn upload(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let task = call.id(0)?;
    call.state.check_task_writable(call.user, task)?;
    let kind = call.request.header("content-type").unwrap_or_default();
    let boundary = kind
        .split("boundary=")
        .nth(1)
        .map(|text| text.trim_matches('"').to_owned());
    let boundary = boundary.ok_or_else(Refusal::bad_model)?;
    let mut added = Vec::new();
    for (name, mime, bytes) in form_files(&call.request.body, &boundary) {
        let attachment = Attachment {
            id: call.state.next_id("attachment"),
            file_id: call.state.next_id("file"),
            name,
            mime,
            bytes,
            author: call.user,
            created: call.state.second(),
        };
        added.push(wire::attachment(call.state, task, &attachment));
        if let Some(task) = call.state.tasks.get_mut(&task) {
            task.attachments.push(attachment);
        }
    }
    let body = json!({"errors": null, "success": added});
    Ok(if call.is_v2() {
        Reply::Created(body)
    } else {
        Reply::Ok(body)
    })
}

/// The files of a multipart form: name, media type, bytes. Parts without a file name are left out.
fn form_files(body: &[u8], boundary: &str) -> Vec<(String, String, Vec<u8>)> {
    let mark = format!("--{boundary}");
    let mut files = Vec::new();
    let mut rest = body;
    while let Some(start) = position(rest, mark.as_bytes()) {
        let part = &rest[start + mark.len()..];
        let end = position(part, mark.as_bytes()).unwrap_or(part.len());
        let Some(head_end) = position(&part[..end], b"\r\n\r\n") else {
            break;
        };
        let head = String::from_utf8_lossy(&part[..head_end]).into_owned();
        let content = part[head_end + 4..end]
            .strip_suffix(b"\r\n")
            .unwrap_or_default();
        if let Some(name) = head
            .split("filename=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
        {
            let lower = head.to_lowercase();
            let mime = lower
                .split("content-type:")
                .nth(1)
                .and_then(|rest| rest.lines().next());
            let mime = mime
                .map_or("application/octet-stream", str::trim)
                .to_owned();
            files.push((name.to_owned(), mime, content.to_vec()));
        }
        rest = &part[end..];
    }
    files
}

fn position(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// `DELETE /tasks/{task}/attachments/{attachment}`
pub(crate) fn delete(call: &mut Call<'_>) -> Result<Reply, Refusal> {
    let task = call.id(0)?;
    let attachment = find(call)?;
    call.state.check_task_writable(call.user, task)?;
    let shown: Value = wire::attachment(call.state, task, &attachment);
    let Some(stored) = call.state.tasks.get_mut(&task) else {
        return Err(Refusal::no_task());
    };
    stored.attachments.retain(|known| known.id != attachment.id);
    let project = stored.project;
    let event = Pending::task("task.attachment.deleted", task, project, call.user);
    call.state
        .emit(event.with("attachment", shown).touching(task));
    Ok(Reply::Deleted)
}
