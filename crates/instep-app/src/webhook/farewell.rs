//! The webhooks of an account that is removed: they go with it, as far as the service lets them. An
//! account is never kept because of them.

use std::time::Duration;

use instep_api::{NotesLine, WebhookState};
use instep_connectors::vikunja;

use super::memory::Memory;
use super::{address, nothing_yet};
use crate::app::App;
use crate::config::{Entry, Reach};
use crate::notice::{advice, failed, remark};
use crate::say;

/// How long a service is waited for. A person waits for this too.
const PATIENCE: Duration = Duration::from_secs(15);

/// No more projects are named one by one.
const MOST_NAMED: usize = 5;

impl App {
    /// Takes an account's webhooks away, and in any case what they are signed with: from then on
    /// nobody here believes them. Answers what stays at the service, and where to remove it.
    pub(crate) async fn part_with_webhooks(&self, entry: &Entry) -> Vec<NotesLine> {
        let files = self.hook_files(entry);
        if !files.is_installed() {
            return Vec::new();
        }
        let mut told = nothing_yet(entry, None);
        let removed = self.holding(&entry.account.id, async |_, _| {
            self.withdraw(entry, &mut told.webhooks).await
        });
        let why = match tokio::time::timeout(PATIENCE, removed).await {
            Ok(Ok(())) => None,
            Ok(Err(failure)) => Some(failure.why),
            Err(_) => Some(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        let of = |state| told.webhooks.iter().filter(move |one| one.state == state);
        let refused = of(WebhookState::Refused).find_map(|one| one.why.clone());
        let gone = of(WebhookState::Removed).count();
        let mut notes = Vec::new();
        if gone > 0 {
            let gone = say::count(gone, "webhook");
            notes.push(remark(format!("{gone} removed from its service")));
        }
        if let Some(why) = why.or(refused) {
            notes.extend(self.left_there(entry, &Memory::read(&files.memory), &why));
        }
        notes.extend(files.remove().err().as_ref().map(failed));
        notes
    }

    /// What is said of webhooks that stay.
    fn left_there(&self, entry: &Entry, memory: &Memory, why: &str) -> Vec<NotesLine> {
        let Reach::Vikunja { url, .. } = &entry.reach else {
            return Vec::new();
        };
        let public = self.config.daemon.public_url.as_deref();
        let target = match memory.target.is_empty() {
            true => public.map(|public| address::target(public, &entry.account.name)),
            false => Some(memory.target.clone()),
        };
        let target = target.unwrap_or_else(|| "this computer".to_owned());
        let text = format!("webhooks that post to {target} may still be there: {why}");
        let projects = memory.hooks.keys().chain(memory.intents.keys());
        let mut pages: Vec<String> = projects
            .map(|project| vikunja::webhooks_page(url, *project))
            .collect();
        pages.dedup();
        pages.truncate(MOST_NAMED);
        if pages.is_empty() {
            let page = "remove them in Vikunja, in the settings of each project: Webhooks";
            return vec![advice(text, page)];
        }
        let pages = pages.into_iter();
        let lines = pages.map(|page| advice(text.clone(), format!("remove it there: {page}")));
        lines.collect()
    }
}
