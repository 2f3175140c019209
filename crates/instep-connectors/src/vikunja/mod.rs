//! Vikunja, from 2.4 on, through its second API. Nothing here merges, retries, sleeps, or writes
//! through anything but [`Connector::apply`].

mod age;
mod api;
mod client;
pub mod convert;
mod cursor;
mod elements;
mod find;
mod gate;
mod labels;
mod look;
pub mod markdown;
mod moves;
mod post;
mod projects;
mod refusal;
mod rights;
mod sockets;
mod webhook;
pub mod wire;
mod write;

use std::time::Duration;

use instep_contract::{Applied, Connector, ConnectorError, Cursor, Look, Observation};
use instep_model::{Capabilities, Identity, Operation, RemoteId, RemoteTask, TimeZone, Timestamp};
use secrecy::SecretString;
use url::Url;

use self::api::{Api, Place};
use self::client::{Client, Timeouts};
use self::cursor::Mark;
use self::labels::Labels;
pub use self::post::posted;
use self::projects::Projects;
pub use self::refusal::ARCHIVED;
pub use self::webhook::{NewWebhook, TopProject, Webhook, webhooks_page};

/// What it takes to reach one user's Vikunja.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where Vikunja answers, with or without `/api/v1` at its end.
    pub url: String,
    /// An API token.
    pub token: SecretString,
    /// The person's time zone, in which a date is a midnight (S21).
    pub zone: TimeZone,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long one call may take, from its first byte to its last.
    pub call_timeout: Duration,
    /// How many reads of a look may be under way at once, at least one. Writes go one at a time.
    pub parallel_reads: usize,
}

impl Settings {
    /// Settings with the usual time-outs, 5 s to connect and 30 s for a call, and four reads at once.
    pub fn new(url: impl Into<String>, token: SecretString, zone: TimeZone) -> Self {
        Self {
            url: url.into(),
            token,
            zone,
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(30),
            parallel_reads: 4,
        }
    }
}

/// One user's Vikunja. Keeps its connections, the tree of projects and the labels as last read.
#[derive(Debug)]
pub struct VikunjaConnector {
    capabilities: Capabilities,
    zone: TimeZone,
    host: Option<String>,
    api: Api,
    /// The user who asks, and the user's inbox, once they are known.
    user: Option<User>,
    projects: Option<Projects>,
    labels: Labels,
    /// Operations carried out since the last look that read tasks.
    written: usize,
}

#[derive(Debug, Clone, Copy)]
struct User {
    id: i64,
    inbox: i64,
}

impl VikunjaConnector {
    /// Prepares a connector. Nothing is read, written or connected to before the first call.
    ///
    /// # Errors
    /// [`ConnectorError::Setup`] when the address is none.
    pub fn connect(settings: Settings) -> Result<Self, ConnectorError> {
        let timeouts = Timeouts {
            connect: settings.connect_timeout,
            call: settings.call_timeout,
        };
        let base = base_url(&settings.url)?;
        let host = named_host(&base);
        let client = Client::new(base, settings.token, timeouts, settings.parallel_reads)?;
        Ok(Self {
            capabilities: convert::capabilities(),
            zone: settings.zone,
            host,
            api: Api { client },
            user: None,
            projects: None,
            labels: Labels::default(),
            written: 0,
        })
    }

    /// Forgets what may have changed since the last turn of a connector that is kept.
    pub fn begin(&mut self) {
        self.labels.forget();
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> u64 {
        self.api.client.connections()
    }

    /// What the server calls its version, such as `v2.5.0`. One call.
    ///
    /// # Errors
    /// As [`Connector::observe`].
    pub async fn version(&mut self) -> Result<String, ConnectorError> {
        Ok(self.api.info().await?.version)
    }

    /// What the token may not do of what this account needs, such as `tasks: delete`; an account
    /// that writes nothing (`writes` is false) needs less. One call for each, none of which can
    /// change anything.
    ///
    /// # Errors
    /// As [`Connector::observe`].
    pub async fn missing_rights(
        &mut self,
        writes: bool,
    ) -> Result<Vec<&'static str>, ConnectorError> {
        self.api.missing_rights(writes).await
    }

    /// Where a person makes an API token.
    pub fn token_page(&self) -> String {
        format!("{}user/settings/api-tokens", self.api.client.base())
    }

    /// How many milliseconds the server's clock is ahead of ours, by its last answer; 0 before
    /// the first one, and for anything below two seconds, which its answers cannot tell.
    pub fn clock_ahead_ms(&self) -> i64 {
        self.api.client.offset_ms()
    }

    fn remember(&mut self, mark: &Mark) {
        self.user = Some(User {
            id: mark.owner.user,
            inbox: mark.inbox,
        });
    }

    async fn user(&mut self) -> Result<User, ConnectorError> {
        if let Some(user) = self.user {
            return Ok(user);
        }
        let told = self.api.user().await?;
        let user = User {
            id: told.id,
            inbox: told.inbox(),
        };
        self.user = Some(user);
        Ok(user)
    }

    /// The tree of projects as known, listed when nothing is.
    async fn projects(&mut self) -> Result<&Projects, ConnectorError> {
        if self.projects.is_none() {
            self.list_projects().await?;
        }
        Ok(self.projects.get_or_insert_default())
    }

    /// The tree of projects as it is now.
    async fn list_projects(&mut self) -> Result<&Projects, ConnectorError> {
        let inbox = self.user().await?.inbox;
        let listed = self.api.projects().await?;
        let nodes = listed.rows.into_iter().map(|project| {
            let node = projects::Node {
                title: project.title,
                parent: project.parent_project_id,
                archived: project.is_archived,
            };
            (project.id, node)
        });
        Ok(self.projects.insert(Projects::new(nodes, inbox)))
    }

    async fn read_all(
        &mut self,
        ids: &[RemoteId],
    ) -> Result<Vec<Option<RemoteTask>>, ConnectorError> {
        let kept = self.projects.is_some();
        self.projects().await?;
        let numbers: Vec<i64> = ids.iter().filter_map(|id| number(id).ok()).collect();
        let mut found = match numbers.len() {
            0 | 1 => Default::default(),
            _ => self.api.tasks_by_id(Place::Everywhere, &numbers).await?,
        };
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            let task = match number(id).map(|number| (number, found.remove(&number))) {
                Ok((_, Some(task))) => Some(task),
                Ok((number, None)) => self.read_one(number).await?,
                Err(_) => None,
            };
            read.push(task);
        }
        let tree = self.projects.as_ref();
        let knows = |id| tree.is_some_and(|tree| tree.is_archived(id).is_some());
        let is_new = |task: &wire::Task| !knows(task.project_id);
        if kept && read.iter().flatten().any(is_new) {
            // Made since the tree was listed.
            self.list_projects().await?;
        }
        let seen = |task: Option<wire::Task>| task.map(|task| self.seen(&task));
        Ok(read.into_iter().map(seen).collect())
    }

    /// A listing leaves out tasks of archived projects: only this call knows what does not exist.
    async fn read_one(&mut self, id: i64) -> Result<Option<wire::Task>, ConnectorError> {
        match self.api.task(id).await {
            Ok(task) => Ok(Some(task)),
            Err(failure) if failure.code() == refusal::code::NO_TASK => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// A task in the engine's terms.
    fn seen(&self, task: &wire::Task) -> RemoteTask {
        let none = Projects::default();
        let projects = self.projects.as_ref().unwrap_or(&none);
        convert::remote_task(task, projects, self.api.client.offset_ms())
    }
}

impl Connector for VikunjaConnector {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn identity(&mut self) -> Result<Identity, ConnectorError> {
        let told = self.api.user().await?;
        self.user = Some(User {
            id: told.id,
            inbox: told.inbox(),
        });
        Ok(self.owner(&told).identity())
    }

    async fn observe(
        &mut self,
        since: Option<&Cursor>,
        look: Look,
    ) -> Result<Observation, ConnectorError> {
        self.labels.forget();
        self.look(since, look).await
    }

    async fn read(&mut self, ids: &[RemoteId]) -> Result<Vec<Option<RemoteTask>>, ConnectorError> {
        self.read_all(ids).await
    }

    async fn missing_tags(&mut self, tags: &[String]) -> Result<Vec<String>, ConnectorError> {
        self.unlabelled(tags).await
    }

    async fn apply(
        &mut self,
        batch: &[Operation],
    ) -> Result<Vec<Result<Applied, ConnectorError>>, ConnectorError> {
        // Counted before: a write whose answer is lost may have been carried out.
        self.written += batch.len();
        self.carry_out(batch).await
    }

    async fn find(
        &mut self,
        sent: &[Operation],
        since: Timestamp,
    ) -> Result<Vec<Vec<Applied>>, ConnectorError> {
        self.look_for(sent, since).await
    }

    fn beside(&self) -> Option<Self> {
        Some(Self {
            capabilities: self.capabilities.clone(),
            zone: self.zone.clone(),
            host: self.host.clone(),
            api: Api {
                client: self.api.client.beside(),
            },
            user: self.user,
            projects: self.projects.clone(),
            labels: Labels::default(),
            written: 0,
        })
    }

    fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    fn calls(&self) -> u64 {
        self.api.client.calls()
    }

    fn waited(&self) -> Duration {
        self.api.client.waited()
    }
}

/// The host that a server's address names, as [`Connector::host`] does.
pub fn host_of(url: &str) -> Option<String> {
    named_host(&base_url(url).ok()?)
}

/// The address that is called for this one, as a person may be shown it: without the name and the
/// password that may stand in it.
pub fn shown_address(url: &str) -> Option<String> {
    let mut base = base_url(url).ok()?;
    base.set_username("").ok()?;
    base.set_password(None).ok()?;
    Some(base.as_str().trim_end_matches('/').to_owned())
}

fn named_host(base: &Url) -> Option<String> {
    let host = base.host_str()?;
    Some(match base.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// The number behind an id of ours.
fn number(id: &RemoteId) -> Result<i64, ConnectorError> {
    id.as_str()
        .parse()
        .map_err(|_| ConnectorError::Gone { id: id.clone() })
}

/// The address under which `api/…` is found.
fn base_url(text: &str) -> Result<Url, ConnectorError> {
    let wrong = || ConnectorError::Setup {
        what: format!("`{text}` is not the address of a Vikunja server"),
        help: "write it as `https://vikunja.example.org`".into(),
    };
    let mut url = Url::parse(text.trim()).map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong());
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/');
    let root = ["/api/v1", "/api/v2"]
        .iter()
        .find_map(|end| path.strip_suffix(end))
        .unwrap_or(path);
    let root = format!("{root}/");
    url.set_path(&root);
    Ok(url)
}
