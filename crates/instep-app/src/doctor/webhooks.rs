//! Whether a service tells of its changes, where the config says at what address it could.

use instep_api::WebhookState;
use instep_model::Kind;

use super::checks::Checks;
use crate::app::App;
use crate::config::Entry;
use crate::daemon::is_deaf;
use crate::say;

/// Looks at the webhooks of an account whose service answers.
pub(super) async fn check(app: &App, entry: &Entry, checks: &mut Checks) {
    let name = &entry.account.name;
    let id = format!("account.{name}.webhooks");
    if entry.account.kind != Kind::Vikunja || app.config.daemon.public_url.is_none() {
        return;
    }
    let fix = format!("instep webhook install {name}");
    let Some(told) = app.webhooks(Some(name)).await.ok() else {
        return;
    };
    let Some(told) = told.accounts.into_iter().next() else {
        return;
    };
    if let Some(failure) = &told.error {
        return checks.failure("accounts", &id, failure);
    }
    if told.target_url.is_none() {
        let message =
            format!("{name}: no webhooks, so that changes there are seen when it is polled");
        return checks.note("accounts", &id, message, fix);
    }
    let all = told.webhooks.len();
    let well = told.webhooks.iter();
    let well = well
        .filter(|one| one.state == WebhookState::Installed)
        .count();
    let message = format!("{name}: {well} of {} in place", say::count(all, "webhook"));
    if well < all {
        return checks.problem("accounts", &id, message, fix);
    }
    match is_deaf(&app.places) {
        false => checks.ok("accounts", &id, message),
        true => {
            let message = format!("{message}, but the daemon does not listen for them");
            let fix = "instep service logs    # says why; then start the daemon again".to_owned();
            checks.problem("accounts", &id, message, fix);
        }
    }
}
