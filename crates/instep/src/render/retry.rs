//! What was tried again, and what became of it.

use instep_api::{RetryEnd, RetryReply};

use super::page::{Line, Page, Screen, Tint, widest};
use super::{count, sync, values};

/// Failures that the lines of the tasks tell already.
const TOLD: [&str; 2] = ["refused", "parked"];

/// One line per task, then what stands in the way of a whole account.
pub(super) fn reply(reply: &RetryReply, screen: &Screen) -> Page {
    let mut page = Page::default();
    if reply.retried.is_empty() {
        page.line(Line::new().text("nothing to try again"));
    }
    let accounts = widest(reply.retried.iter().map(|task| &task.account));
    for task in &reply.retried {
        let (tint, mark, words) = match task.end {
            RetryEnd::Carried => (Tint::Good, "✓ ", "carried"),
            RetryEnd::Waiting => (Tint::Warn, "… ", "not tried yet"),
            RetryEnd::Refused => (Tint::Warn, "! ", "refused again"),
            RetryEnd::Parked => (Tint::Warn, "! ", "refused again, and parked"),
        };
        let mut line = Line::new()
            .tint(tint, mark)
            .cell(Tint::Plain, &task.account, accounts)
            .text("  ")
            .quoted(&task.title, 40)
            .text(format!("  {words}"));
        if let Some(why) = &task.why {
            line = line.text(": ").text(why);
        }
        if let Some(at) = &task.retry_at {
            line = line.text(format!("; next {}", values::relative(at, screen)));
        }
        page.line(line.hang(accounts + 4));
    }
    let whole = reply.carried.iter().flat_map(|sync| &sync.accounts);
    let whole = whole.filter(|account| {
        let mut error = account.error.iter();
        error.all(|error| !TOLD.contains(&error.code.as_str()))
    });
    sync::troubles(&mut page, &whole.cloned().collect::<Vec<_>>());
    if reply.left_parked > 0 {
        let parked = count(reply.left_parked, "parked task");
        page.line(Line::new().text(format!("{parked} left alone")));
        page.command("  ", "instep retry --parked");
    }
    page
}
