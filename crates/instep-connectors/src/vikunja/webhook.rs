//! Webhooks of projects: which there are, and making, changing and removing them one by one.
//! Nothing here decides whose a webhook is or which are missing, and no secret is ever read back:
//! Vikunja shows none (contract 2.9).

use std::collections::BTreeSet;

use instep_contract::ConnectorError;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::VikunjaConnector;
use super::api::Api;
use super::client::Call;
use super::refusal::Failure;
use super::wire;

/// What a project can tell that may matter to a task. The rest is about reminders, which nobody
/// edits by being reminded, and about who may see a project, which the next look finds.
const WANTED: [&str; 14] = [
    "project.deleted",
    "project.updated",
    "task.assignee.created",
    "task.assignee.deleted",
    "task.attachment.created",
    "task.attachment.deleted",
    "task.comment.created",
    "task.comment.deleted",
    "task.comment.edited",
    "task.created",
    "task.deleted",
    "task.relation.created",
    "task.relation.deleted",
    UPDATED,
];

/// Without this one a webhook is of no use.
const UPDATED: &str = "task.updated";

/// Webhooks of one project: no more are read.
const MAX_PAGES: usize = 20;

/// A project that no other visible one contains. A webhook on it hears of everything below it, but
/// for the deletion of a project below: only a webhook on that very project hears of that, and
/// the next look finds it (contract 5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopProject {
    /// Number of the project.
    pub id: i64,
    /// Its title.
    pub title: String,
}

/// A webhook as a project lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Number of the webhook.
    pub id: i64,
    /// Where Vikunja posts to.
    pub target_url: String,
    /// What it tells.
    pub events: BTreeSet<String>,
}

/// A webhook to be made.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where Vikunja is to post to.
    pub target_url: String,
    /// What it is to tell.
    pub events: BTreeSet<String>,
    /// What it signs with.
    pub secret: SecretString,
}

/// Where a person sees the webhooks of a project of the server at this address.
pub fn webhooks_page(url: &str, project: i64) -> String {
    let base = super::base_url(url).map_or_else(|_| format!("{url}/"), String::from);
    format!("{base}projects/{project}/settings/webhooks")
}

impl VikunjaConnector {
    /// Every event that can matter here and that this server offers. One call.
    ///
    /// # Errors
    /// [`ConnectorError::Setup`] where the server sends no webhooks or the token may not ask.
    pub async fn webhook_events(&mut self) -> Result<BTreeSet<String>, ConnectorError> {
        let offered = match self.api.event_names().await {
            Err(failure) if failure.is_unknown_route() => return Err(self.no_webhooks().await),
            answer => answer?,
        };
        let events: BTreeSet<String> = WANTED
            .iter()
            .filter(|name| offered.iter().any(|offer| offer == **name))
            .map(|name| (*name).to_owned())
            .collect();
        match events.contains(UPDATED) {
            true => Ok(events),
            false => Err(ConnectorError::Malformed {
                what: format!("the server's events lack `{UPDATED}`"),
            }),
        }
    }

    /// Why a part of the API that every version in use has is not there.
    async fn no_webhooks(&mut self) -> ConnectorError {
        match self.api.info().await {
            Ok(info) if info.webhooks_enabled == Some(false) => ConnectorError::Setup {
                what: "the server sends no webhooks: they are switched off there".into(),
                help: "set `webhooks.enabled: true` in Vikunja's own config and restart it".into(),
            },
            Ok(_) => ConnectorError::Setup {
                what: "the server does not know webhooks".into(),
                help: "Instep needs Vikunja 2.4 or newer; check its version".into(),
            },
            Err(error) => error,
        }
    }

    /// The projects that lie in no other visible one, archived ones too.
    ///
    /// # Errors
    /// As [`Connector::observe`](instep_contract::Connector::observe).
    pub async fn top_projects(&mut self) -> Result<Vec<TopProject>, ConnectorError> {
        let listed = self.api.projects().await?.rows;
        let ids: BTreeSet<i64> = listed.iter().map(|project| project.id).collect();
        let mut tops: Vec<TopProject> = listed
            .into_iter()
            .filter(|project| !ids.contains(&project.parent_project_id))
            .map(|project| TopProject {
                id: project.id,
                title: project.title,
            })
            .collect();
        tops.sort_by_key(|project| project.id);
        Ok(tops)
    }

    /// All webhooks of one project, whoever made them.
    ///
    /// # Errors
    /// [`ConnectorError::CollectionGone`] when there is no such project,
    /// [`ConnectorError::ReadOnly`] when it is not ours to look into.
    pub async fn webhooks(&mut self, project: i64) -> Result<Vec<Webhook>, ConnectorError> {
        let listed = self.api.webhooks(project).await;
        let rows = listed.map_err(|failure| failure.within(project))?;
        Ok(rows.into_iter().map(Webhook::from).collect())
    }

    /// Makes a webhook; answers its number. Doing it twice makes two.
    ///
    /// # Errors
    /// [`ConnectorError::OutcomeUnknown`] when it may have been made all the same;
    /// [`ConnectorError::Setup`] for a secret that signs nothing.
    pub async fn make_webhook(
        &mut self,
        project: i64,
        new: &NewWebhook,
    ) -> Result<i64, ConnectorError> {
        if new.secret.expose_secret().is_empty() {
            return Err(ConnectorError::Setup {
                what: "a webhook without a secret would be believed whoever sent it".into(),
                help: "instep webhook install".into(),
            });
        }
        let path = format!("api/v2/projects/{project}/webhooks");
        let body = json!({
            "target_url": new.target_url,
            "events": new.events,
            "secret": new.secret.expose_secret(),
        });
        let reply = self.api.make(path, "projects_webhooks: create", body).await;
        let reply = reply.map_err(|failure| failure.within(project))?;
        let made: wire::Webhook = reply.json()?;
        Ok(made.id)
    }

    /// Gives a webhook other events; nothing else of one can be changed.
    ///
    /// # Errors
    /// [`ConnectorError::ReadOnly`] when it is gone or not ours.
    pub async fn set_webhook_events(
        &mut self,
        project: i64,
        webhook: &Webhook,
        events: &BTreeSet<String>,
    ) -> Result<(), ConnectorError> {
        let path = format!("api/v2/projects/{project}/webhooks/{}", webhook.id);
        // Refused without a valid address, which is echoed and not stored.
        let body = json!({ "target_url": webhook.target_url, "events": events });
        let scope = "projects_webhooks: update";
        let reply = self.api.write(Method::PUT, path, scope, body).await;
        let reply = reply.map_err(|failure| failure.within(project))?;
        reply.confirms(|stored: wire::Webhook| stored.id == webhook.id)
    }

    /// Removes a webhook. One that is gone already cannot be told from one that is not ours: both
    /// are [`ConnectorError::ReadOnly`].
    ///
    /// # Errors
    /// [`ConnectorError::CollectionGone`] when the project went with it.
    pub async fn remove_webhook(
        &mut self,
        project: i64,
        webhook: i64,
    ) -> Result<(), ConnectorError> {
        let path = format!("api/v2/projects/{project}/webhooks/{webhook}");
        let removed = self.api.remove(path, "projects_webhooks: delete").await;
        removed.map_err(|failure| failure.within(project))
    }

    /// What the token may not do of what webhooks need. One call for each right, none of which can
    /// change anything.
    ///
    /// # Errors
    /// As [`Connector::observe`](instep_contract::Connector::observe).
    pub async fn missing_webhook_rights(&mut self) -> Result<Vec<&'static str>, ConnectorError> {
        self.api.missing_webhook_rights().await
    }
}

impl Api {
    /// The names of all events that a webhook can tell.
    async fn event_names(&self) -> Result<Vec<String>, Failure> {
        let call = Call::get("api/v2/webhooks/events", "webhooks: events");
        Ok(self.client.send(call).await?.json()?)
    }

    async fn webhooks(&self, project: i64) -> Result<Vec<wire::Webhook>, Failure> {
        let path = format!("api/v2/projects/{project}/webhooks");
        let call = || Call::get(path.clone(), "projects_webhooks: read_all");
        self.pages("webhooks", MAX_PAGES, call).await
    }
}

impl From<wire::Webhook> for Webhook {
    fn from(row: wire::Webhook) -> Self {
        Self {
            id: row.id,
            target_url: row.target_url,
            events: row.events.into_iter().collect(),
        }
    }
}
