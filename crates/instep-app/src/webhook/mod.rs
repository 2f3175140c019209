//! Webhooks of an account: installed, listed, kept in order, removed. What a service posts is only
//! ever a reason to look (DESIGN 2); without any webhook everything still arrives, by polling.

mod address;
mod farewell;
mod keys;
mod memory;
mod obstacle;
mod registrations;
mod secret;
mod service;

use std::collections::BTreeSet;

use instep_api::{
    AccountWebhooks, Exit, Failure, NotesLine, SCHEMA_VERSION, WebhookShown, WebhookState,
    WebhooksReply,
};
use instep_contract::{ConnectorError, Delivery, Store};
use instep_engine::Clock;
use instep_model::{Collection, Kind};
use sha2::{Digest, Sha256};

pub use self::keys::{HookAccount, HookKeys};
use self::memory::{HookFiles, Memory};
use self::obstacle::Obstacle;
use self::registrations::Registrations;
use self::secret::{HookSecrets, key_of};
use self::service::Service;
use crate::app::App;
use crate::config::{self, Entry};
use crate::connector::AnyService;
use crate::notice::{advice, remark};
use crate::runtime::SystemClock;
use crate::{say, wiring};

/// Webhooks are compared with the service once in so many seconds, also where nothing moved.
const CHECK_AFTER_SECS: i64 = 24 * 60 * 60;

/// What a look at an account's webhooks is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// A person asked for them.
    Install {
        /// Gives all of them another secret.
        rotate: bool,
    },
    /// They are kept in order.
    Upkeep,
}

impl App {
    /// Registers webhooks on every top-level project of an account, or of all that can have any.
    /// The address is remembered, so that later repairs need none.
    ///
    /// # Errors
    /// When nobody ever said where services reach this computer, the address is none, or no account
    /// can have webhooks. What concerns one account stands in the reply.
    pub async fn webhook_install(
        &self,
        account: Option<&str>,
        public_url: Option<&str>,
        rotate: bool,
    ) -> Result<WebhooksReply, Failure> {
        let known = self.config.daemon.public_url.clone();
        let public_url = match public_url {
            Some(text) => address::public_url(text)?,
            None => known.clone().ok_or_else(no_address)?,
        };
        let mut entries = self.with_webhooks(account)?;
        if known.as_ref() != Some(&public_url) {
            config::set_public_url(&self.places, &public_url)?;
            // The others that have webhooks are to be posted to at the new address too.
            for entry in self.with_webhooks(None)? {
                let is_installed = self.hook_files(entry).is_installed();
                if is_installed && !entries.iter().any(|one| one.account.id == entry.account.id) {
                    entries.push(entry);
                }
            }
        }
        let mut accounts = Vec::new();
        for entry in entries {
            let purpose = Purpose::Install { rotate };
            let before = known.as_deref().filter(|known| *known != public_url);
            let done = self.set_right(entry, &public_url, before, purpose).await;
            accounts.push(done);
        }
        let notes = address::remarks(&public_url);
        Ok(self.webhooks_reply(Some(public_url), accounts, notes))
    }

    /// Keeps the webhooks of an account in order: makes missing ones, mends changed ones. Costs no
    /// call unless its projects moved, the secret changed, or a day has passed. `None` where there
    /// was nothing to do.
    ///
    /// # Errors
    /// When there is no such account, or the hub cannot be read. What the service refused stands in
    /// the reply.
    pub async fn ensure_webhooks(&self, account: &str) -> Result<Option<AccountWebhooks>, Failure> {
        let entry = self.entry(account)?;
        let files = self.hook_files(entry);
        let Some(public_url) = self.config.daemon.public_url.as_deref() else {
            return Ok(None);
        };
        if !sends(entry) || !files.is_installed() {
            return Ok(None);
        }
        let target = address::target(public_url, &entry.account.name);
        let memory = Memory::read(&files.memory);
        let secrets = HookSecrets::read(&files.secret);
        let key = secrets.map(|secrets| key_of(&secrets.current));
        let is_current = key.is_some_and(|key| memory.hooks.values().all(|one| one.key == key));
        let age_secs = SystemClock.now().as_second() - memory.checked_at;
        let is_recent = (0..CHECK_AFTER_SECS).contains(&age_secs);
        let is_settled = memory.intents.is_empty() && memory.target == target;
        if is_current && is_recent && is_settled && memory.seen == Some(self.seen(entry).await?) {
            return Ok(None);
        }
        let done = self.set_right(entry, public_url, None, Purpose::Upkeep);
        Ok(Some(done.await))
    }

    /// The webhooks of an account, or of all, as the services have them; nothing is changed.
    ///
    /// # Errors
    /// When there is no such account, or it can have none.
    pub async fn webhooks(&self, account: Option<&str>) -> Result<WebhooksReply, Failure> {
        let mut accounts = Vec::new();
        for entry in self.with_webhooks(account)? {
            let mut told = nothing_yet(entry, None);
            let files = self.hook_files(entry);
            if files.is_installed() {
                let memory = Memory::read(&files.memory);
                told.target_url = Some(memory.target.clone()).filter(|target| !target.is_empty());
                match self.listed(entry, &files, memory).await {
                    Ok(webhooks) => told.webhooks = webhooks,
                    Err(failure) => told.error = Some(failure),
                }
            }
            accounts.push(told);
        }
        let installed = accounts.iter().any(|told| told.target_url.is_some());
        let notes = match installed {
            true => Vec::new(),
            false => vec![advice(
                "no webhooks are installed; changes arrive by polling",
                "instep webhook install --public-url URL",
            )],
        };
        Ok(self.webhooks_reply(self.config.daemon.public_url.clone(), accounts, notes))
    }

    /// Removes all webhooks of ours from an account, or from all, and their secret.
    ///
    /// # Errors
    /// When there is no such account, or it can have none.
    pub async fn webhook_remove(&self, account: Option<&str>) -> Result<WebhooksReply, Failure> {
        let mut accounts = Vec::new();
        for entry in self.with_webhooks(account)? {
            let target = Memory::read(&self.hook_files(entry).memory).target;
            let mut told = nothing_yet(entry, Some(target).filter(|target| !target.is_empty()));
            let removed = self.holding(&entry.account.id, async |_, _| {
                self.withdraw(entry, &mut told.webhooks).await
            });
            match removed.await {
                Ok(()) => told.target_url = None,
                Err(failure) => told.error = Some(failure),
            }
            accounts.push(told);
        }
        let all_gone = accounts.iter().all(|told| told.error.is_none());
        let notes = all_gone.then(|| remark("changes arrive by polling from now on"));
        let notes = Vec::from_iter(notes);
        Ok(self.webhooks_reply(self.config.daemon.public_url.clone(), accounts, notes))
    }

    /// Who may post, and what they sign with; for whoever listens.
    pub fn hook_keys(&self) -> HookKeys {
        let accounts = self.config.accounts.iter().filter(|entry| sends(entry));
        HookKeys::new(&self.places, accounts.map(|entry| entry.account.clone()))
    }

    /// Accepts what a webhook told, so that a power cut does not take it (I10). Nothing of it is taken
    /// for true. What is about an account that is not known is dropped.
    ///
    /// # Errors
    /// When the hub fails: nothing was accepted then.
    pub async fn accept_webhook(&self, delivery: &Delivery) -> Result<(), Failure> {
        let deliveries = std::slice::from_ref(delivery);
        let accepted = self.hub.accept(deliveries, SystemClock.now()).await;
        accepted.map(drop).map_err(|error| say::from_store(&error))
    }

    fn webhooks_reply(
        &self,
        public_url: Option<String>,
        accounts: Vec<AccountWebhooks>,
        notes: Vec<NotesLine>,
    ) -> WebhooksReply {
        WebhooksReply {
            schema_version: SCHEMA_VERSION,
            public_url,
            accounts,
            notes,
        }
    }

    fn hook_files(&self, entry: &Entry) -> HookFiles {
        HookFiles::of(&self.places, &entry.account.id)
    }

    /// The account of this name, or all, as far as their services send webhooks.
    fn with_webhooks(&self, account: Option<&str>) -> Result<Vec<&Entry>, Failure> {
        if let Some(name) = account {
            let entry = self.entry(name)?;
            return match sends(entry) {
                true => Ok(vec![entry]),
                false => Err(no_webhooks_here(entry)),
            };
        }
        let entries: Vec<&Entry> = self
            .config
            .accounts
            .iter()
            .filter(|entry| sends(entry))
            .collect();
        match entries.is_empty() {
            false => Ok(entries),
            true => Err(say::usage(
                "no_webhooks",
                "no account has webhooks",
                "there is no Vikunja account yet",
                "instep account add vikunja --url URL --secret-file FILE",
            )),
        }
    }

    /// A mark of the projects that the hub knows of an account; it moves when one comes, goes, or
    /// moves below another.
    async fn seen(&self, entry: &Entry) -> Result<String, Failure> {
        let covered = self.covered(entry).await;
        let is_below = |one: &Collection| one.path.as_ref().is_some_and(|at| at.parent().is_some());
        let mut lines: Vec<String> = covered
            .collections
            .iter()
            .map(|one| format!("{} {}\n", one.id, is_below(one)))
            .collect();
        lines.sort();
        let digest = Sha256::digest(lines.concat().as_bytes());
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Sets the webhooks of one account right, while nobody else works on it.
    async fn set_right(
        &self,
        entry: &Entry,
        public_url: &str,
        before: Option<&str>,
        purpose: Purpose,
    ) -> AccountWebhooks {
        let name = &entry.account.name;
        let mut told = nothing_yet(entry, Some(address::target(public_url, name)));
        let before = before.map(|url| address::target(url, name));
        let done = self.holding(&entry.account.id, async |_, _| {
            self.set_right_held(entry, before, purpose, &mut told).await
        });
        if let Err(failure) = done.await {
            told.error = Some(failure);
        }
        told
    }

    async fn set_right_held(
        &self,
        entry: &Entry,
        before: Option<String>,
        purpose: Purpose,
        told: &mut AccountWebhooks,
    ) -> Result<(), Failure> {
        let mut service = self.service(entry).await?;
        if let Purpose::Install { .. } = purpose {
            let missing = told_of(entry, service.missing_rights().await)?;
            if !missing.is_empty() {
                return Err(lacks_rights(entry, &missing, &service.token_page()));
            }
        }
        let events = told_of(entry, service.events().await)?;
        let tops = told_of(entry, service.top_projects().await)?;
        let files = self.hook_files(entry);
        let mut memory = Memory::read(&files.memory);
        let target = told.target_url.clone().unwrap_or_default();
        memory
            .former
            .extend(before.filter(|before| *before != target));
        memory.aim(&target);
        let (secrets, is_new) = secrets_for(&files, purpose)?;
        told.new_secret = is_new;
        let mut registrations = Registrations {
            service: &mut service,
            files: &files,
            memory,
            secrets,
            events,
            shown: Vec::new(),
        };
        let ended = registrations.run(&tops).await;
        let is_doubtful = |shown: &WebhookShown| shown.state == WebhookState::InDoubt;
        if ended.is_ok() && !registrations.shown.iter().any(is_doubtful) {
            if !registrations
                .shown
                .iter()
                .any(|one| one.state == WebhookState::Refused)
            {
                registrations.memory.former.clear();
            }
            registrations.memory.seen = Some(self.seen(entry).await?);
            registrations.memory.checked_at = SystemClock.now().as_second();
        }
        let kept = registrations.keep_memory();
        told.webhooks = std::mem::take(&mut registrations.shown);
        ended.and(kept).map_err(|obstacle| obstacle.told(entry))
    }

    async fn withdraw(&self, entry: &Entry, shown: &mut Vec<WebhookShown>) -> Result<(), Failure> {
        let files = self.hook_files(entry);
        let mut memory = Memory::read(&files.memory);
        // Where nothing is remembered, the address in the config tells which are ours.
        if let Some(url) = &self.config.daemon.public_url {
            let target = address::target(url, &entry.account.name);
            memory
                .former
                .extend((target != memory.target).then_some(target));
        }
        if memory.target.is_empty() && memory.former.is_empty() {
            return Ok(());
        }
        let mut service = self.service(entry).await?;
        let tops = told_of(entry, service.top_projects().await)?;
        let mut registrations = Registrations {
            service: &mut service,
            files: &files,
            memory,
            secrets: HookSecrets::fresh()?,
            events: BTreeSet::new(),
            shown: Vec::new(),
        };
        let ended = registrations.withdraw_everywhere(&tops).await;
        let refused = registrations
            .shown
            .iter()
            .any(|one| one.state == WebhookState::Refused);
        shown.append(&mut registrations.shown);
        ended.map_err(|obstacle| obstacle.told(entry))?;
        match refused {
            false => files.remove(),
            true => Ok(()),
        }
    }

    /// How the webhooks of an account stand, project by project.
    async fn listed(
        &self,
        entry: &Entry,
        files: &HookFiles,
        memory: Memory,
    ) -> Result<Vec<WebhookShown>, Failure> {
        let mut service = self.service(entry).await?;
        let events = told_of(entry, service.events().await)?;
        let tops = told_of(entry, service.top_projects().await)?;
        let mut registrations = Registrations {
            service: &mut service,
            files,
            memory,
            secrets: HookSecrets::read(&files.secret).map_or_else(HookSecrets::fresh, Ok)?,
            events,
            shown: Vec::new(),
        };
        for top in &tops {
            registrations
                .tell(top)
                .await
                .map_err(|obstacle| obstacle.told(entry))?;
        }
        Ok(registrations.shown)
    }

    async fn service(&self, entry: &Entry) -> Result<Service, Failure> {
        let (places, state) = (&self.places, self.places.state());
        let connector = wiring::connect(places, &self.config, &self.secrets, entry, state).await?;
        match connector.service {
            AnyService::Vikunja(vikunja) => Ok(Service::new(
                self.engine(self.hub.clone()),
                &entry.account.id,
                vikunja,
            )),
            AnyService::Taskwarrior(_) | AnyService::File(_) => Err(no_webhooks_here(entry)),
        }
    }
}

/// Whether the service of an account sends webhooks.
fn sends(entry: &Entry) -> bool {
    match entry.account.kind {
        Kind::Vikunja => true,
        Kind::Taskwarrior | Kind::Todoist | Kind::Caldav | Kind::File => false,
    }
}

/// What the service answered, or why a person has no answer.
fn told_of<T>(
    entry: &Entry,
    asked: Result<Result<T, ConnectorError>, Obstacle>,
) -> Result<T, Failure> {
    let answer = asked.and_then(|answer| answer.map_err(Obstacle::from));
    answer.map_err(|obstacle| obstacle.told(entry))
}

/// An account of whose webhooks nothing is told yet.
fn nothing_yet(entry: &Entry, target_url: Option<String>) -> AccountWebhooks {
    AccountWebhooks {
        name: entry.account.name.clone(),
        target_url,
        webhooks: Vec::new(),
        new_secret: false,
        error: None,
    }
}

/// The secrets to make webhooks with, and whether that is a new one.
fn secrets_for(files: &HookFiles, purpose: Purpose) -> Result<(HookSecrets, bool), Failure> {
    let known = HookSecrets::read(&files.secret);
    let rotate = matches!(purpose, Purpose::Install { rotate: true });
    let secrets = match known {
        Some(known) if !rotate => return Ok((known, false)),
        Some(known) => HookSecrets {
            previous: Some(known.current),
            ..HookSecrets::fresh()?
        },
        None => HookSecrets::fresh()?,
    };
    // Durable before the first webhook signs with it.
    secrets.write(&files.secret)?;
    Ok((secrets, true))
}

fn no_address() -> Failure {
    say::usage(
        "no_public_url",
        "webhooks cannot be installed yet",
        "nobody has said under which address services reach this computer",
        "instep webhook install --public-url https://tasks.example.org",
    )
}

fn no_webhooks_here(entry: &Entry) -> Failure {
    let name = &entry.account.name;
    let why = format!("{} sends none", say::service(entry.account.kind));
    let what = format!("`{name}` has no webhooks");
    say::usage("no_webhooks", what, why, "instep webhook list")
}

fn lacks_rights(entry: &Entry, missing: &[&str], token_page: &str) -> Failure {
    let source = entry.reach.secret();
    let login = source.map(|source| say::login_command(&entry.account.name, source));
    Failure::new(
        Exit::NeedsLogin,
        "missing_rights",
        format!(
            "the API token of `{}` may not register webhooks",
            entry.account.name
        ),
        format!("it lacks {}", missing.join(", ")),
        format!(
            "make a token that has them at {token_page}, then: {}",
            login.unwrap_or_else(|| "instep account login".to_owned())
        ),
    )
}

/// How the command ends that told this.
pub fn exit_of_webhooks(reply: &WebhooksReply) -> Exit {
    let states = reply.accounts.iter().flat_map(|told| &told.webhooks);
    let refused = states.filter(|one| {
        matches!(
            one.state,
            WebhookState::Refused | WebhookState::InDoubt | WebhookState::Missing
        )
    });
    let errors = reply.accounts.iter().filter_map(|told| told.error.as_ref());
    let exits = refused.map(|_| Exit::Partial);
    Exit::worst(exits.chain(errors.map(|error| error.exit)))
}
