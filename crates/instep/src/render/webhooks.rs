//! Webhooks, account by account and project by project.

use instep_api::{AccountWebhooks, WebhookShown, WebhookState, WebhooksReply};

use super::page::{Line, Page, Tint, widest};
use super::{count, reasons, remarks};

/// What there is of webhooks, or what became of them.
pub(super) fn reply(reply: &WebhooksReply) -> Page {
    let mut page = Page::default();
    for account in &reply.accounts {
        account_lines(&mut page, account);
    }
    remarks(&mut page, &reply.notes);
    page
}

fn account_lines(page: &mut Page, account: &AccountWebhooks) {
    let stands = match (&account.target_url, account.webhooks.len()) {
        (Some(target), _) => target.clone(),
        (None, 0) => "no webhooks".to_owned(),
        (None, all) => count(all, "webhook"),
    };
    page.line(
        Line::new()
            .tint(Tint::Strong, &account.name)
            .parts([stands.as_str()]),
    );
    let projects = widest(account.webhooks.iter().map(|one| &one.project)).min(30);
    for webhook in &account.webhooks {
        webhook_line(page, webhook, projects);
    }
    if account.new_secret {
        page.line(Line::new().text("  signed with a new secret"));
    }
    if let Some(failure) = &account.error {
        page.line(Line::new().tint(Tint::Bad, "  error: ").text(&failure.what));
        reasons(page, failure);
    }
}

fn webhook_line(page: &mut Page, webhook: &WebhookShown, projects: usize) {
    let (tint, mark, word) = match webhook.state {
        WebhookState::Installed => (Tint::Good, "✓ ", "installed"),
        WebhookState::Made => (Tint::Good, "+ ", "made"),
        WebhookState::Mended => (Tint::Good, "~ ", "mended"),
        WebhookState::Removed => (Tint::Faint, "- ", "removed"),
        WebhookState::Missing => (Tint::Warn, "! ", "missing"),
        WebhookState::Refused => (Tint::Bad, "✗ ", "refused"),
        WebhookState::InDoubt => (Tint::Warn, "? ", "in doubt"),
    };
    let number = format!("project {}", webhook.project_id);
    let project = match webhook.project.is_empty() {
        true => &number,
        false => &webhook.project,
    };
    page.line(
        Line::new()
            .text("  ")
            .tint(tint, mark)
            .cell(Tint::Plain, project, projects)
            .parts([word, webhook.why.as_deref().unwrap_or_default()])
            .hang(4),
    );
}
