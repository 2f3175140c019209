//! One look at the webhooks of an account, with what it takes to set them right. Whoever runs it
//! holds the account, so that only one does; nothing is removed that is not ours by its address.

use std::collections::BTreeSet;
use std::time::Duration;

use instep_api::{WebhookShown, WebhookState};
use instep_connectors::vikunja::{NewWebhook, TopProject, Webhook};
use instep_contract::{ConnectorError, Doubt};
use instep_engine::{Clock, STILL_WORKING, STILL_WORKING_AFTER_TIMEOUT};

use super::memory::{HookFiles, Intent, Memory, Registered};
use super::obstacle::Obstacle;
use super::secret::{HookSecrets, key_of};
use super::service::Service;
use crate::runtime::SystemClock;

/// By how much the two clocks of a wait may differ.
const GRAIN: Duration = Duration::from_millis(20);

/// How often a write is sent that the service was too busy for.
const TRIES: u32 = 4;

/// The pause before a second try; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(60);

/// The webhooks of one account, as they are set right.
pub(crate) struct Registrations<'a> {
    pub(crate) service: &'a mut Service,
    pub(crate) files: &'a HookFiles,
    pub(crate) memory: Memory,
    pub(crate) secrets: HookSecrets,
    /// What ours are to tell.
    pub(crate) events: BTreeSet<String>,
    pub(crate) shown: Vec<WebhookShown>,
}

impl Registrations<'_> {
    /// Sees to every project, then to what was in doubt.
    pub(crate) async fn run(&mut self, tops: &[TopProject]) -> Result<(), Obstacle> {
        for top in tops {
            self.see_to(top).await?;
        }
        for top in tops {
            let left = self.doubt_left(top.id).unwrap_or_default();
            if self.memory.intents.contains_key(&top.id) && left <= STILL_WORKING {
                SystemClock.sleep(left + GRAIN).await;
                self.shown.retain(|shown| shown.project_id != top.id);
                self.see_to(top).await?;
            }
        }
        let wanted: BTreeSet<i64> = tops.iter().map(|top| top.id).collect();
        self.withdraw_all_but(&wanted).await?;
        self.forget_previous_secret()
    }

    /// Takes ours away wherever they are.
    pub(crate) async fn withdraw_everywhere(
        &mut self,
        tops: &[TopProject],
    ) -> Result<(), Obstacle> {
        for top in tops {
            self.withdraw(top).await?;
        }
        self.withdraw_all_but(&BTreeSet::new()).await
    }

    /// Tells how one project stands, and changes nothing.
    pub(crate) async fn tell(&mut self, top: &TopProject) -> Result<(), Obstacle> {
        let ours = match self.ours(top.id).await? {
            Ok(ours) => ours,
            Err(error) => return self.left(top, error),
        };
        let fit = ours.iter().find(|hook| self.is_fit(top.id, hook));
        let (hook, state, why) = match (fit, ours.first()) {
            (Some(hook), _) if hook.events == self.events => {
                (Some(hook.id), WebhookState::Installed, None)
            }
            (Some(hook), _) => (
                Some(hook.id),
                WebhookState::Missing,
                Some("it has other events"),
            ),
            (None, Some(hook)) => (
                Some(hook.id),
                WebhookState::Missing,
                Some("nobody knows what it was signed with, or it posts to another address"),
            ),
            (None, None) => (None, WebhookState::Missing, None),
        };
        self.show(top, hook, state, why);
        Ok(())
    }

    /// Takes ours away wherever they are known to be, but for these projects.
    async fn withdraw_all_but(&mut self, wanted: &BTreeSet<i64>) -> Result<(), Obstacle> {
        let known = self.memory.hooks.keys().chain(self.memory.intents.keys());
        let others: BTreeSet<i64> = known.copied().filter(|id| !wanted.contains(id)).collect();
        for project in others {
            let top = TopProject {
                id: project,
                title: String::new(),
            };
            self.withdraw(&top).await?;
        }
        Ok(())
    }

    /// Takes ours away from one project.
    async fn withdraw(&mut self, top: &TopProject) -> Result<(), Obstacle> {
        match self.ours(top.id).await? {
            Ok(ours) => {
                for hook in ours {
                    if self.remove(top, hook.id).await? {
                        self.show(top, Some(hook.id), WebhookState::Removed, None);
                    }
                }
            }
            // With the project went its webhooks, or at least any way to reach them.
            Err(ConnectorError::CollectionGone { .. }) => {}
            Err(error) => return self.left(top, error),
        }
        self.memory.hooks.remove(&top.id);
        self.memory.intents.remove(&top.id);
        self.keep_memory()
    }

    async fn see_to(&mut self, top: &TopProject) -> Result<(), Obstacle> {
        let ours = match self.ours(top.id).await? {
            Ok(ours) => ours,
            Err(error) => return self.left(top, error),
        };
        self.adopt(top.id, &ours)?;
        let fit = ours.iter().find(|hook| self.is_fit(top.id, hook));
        let stands = match fit {
            Some(hook) => self.mend(top, hook).await?,
            None => self.replace(top, &ours).await?,
        };
        let Some(stands) = stands else {
            return Ok(());
        };
        for hook in ours.iter().filter(|hook| hook.id != stands) {
            self.remove(top, hook.id).await?;
        }
        Ok(())
    }

    /// The webhooks of a project that are ours by their address.
    async fn ours(
        &mut self,
        project: i64,
    ) -> Result<Result<Vec<Webhook>, ConnectorError>, Obstacle> {
        let mut listed = self.service.webhooks(project).await?;
        if let Ok(listed) = &mut listed {
            listed.retain(|hook| self.memory.is_ours(&hook.target_url));
        }
        Ok(listed)
    }

    /// Whether a webhook posts where it should and is known to sign with the current secret.
    fn is_fit(&self, project: i64, hook: &Webhook) -> bool {
        let known = self.memory.hooks.get(&project);
        hook.target_url == self.memory.target
            && known.is_some_and(|known| known.id == hook.id && known.key == self.key())
    }

    fn key(&self) -> String {
        key_of(&self.secrets.current)
    }

    /// What was about to be made and is there now was made (S14).
    fn adopt(&mut self, project: i64, ours: &[Webhook]) -> Result<(), Obstacle> {
        let Some(intent) = self.memory.intents.get(&project) else {
            return Ok(());
        };
        let new = ours
            .iter()
            .filter(|hook| hook.target_url == intent.target && !intent.before.contains(&hook.id));
        let Some(new) = new.max_by_key(|hook| hook.id) else {
            return Ok(());
        };
        let known = Registered {
            id: new.id,
            key: intent.key.clone(),
        };
        self.memory.hooks.insert(project, known);
        self.memory.intents.remove(&project);
        self.keep_memory()
    }

    /// Gives a webhook the events it lacks.
    async fn mend(&mut self, top: &TopProject, hook: &Webhook) -> Result<Option<i64>, Obstacle> {
        if hook.events == self.events {
            self.show(top, Some(hook.id), WebhookState::Installed, None);
            return Ok(Some(hook.id));
        }
        let events = self.events.clone();
        let mut tries = Tries::default();
        loop {
            let set = self.service.set_webhook_events(top.id, hook, &events);
            match set.await? {
                Err(ConnectorError::OutcomeUnknown { .. }) if tries.again().await => {}
                Err(error) => return self.left(top, error).map(|()| None),
                Ok(()) => break,
            }
        }
        self.show(
            top,
            Some(hook.id),
            WebhookState::Mended,
            Some("it had other events"),
        );
        Ok(Some(hook.id))
    }

    /// Makes a webhook in the place of those that cannot be used; those stay until it stands.
    async fn replace(
        &mut self,
        top: &TopProject,
        ours: &[Webhook],
    ) -> Result<Option<i64>, Obstacle> {
        if self.doubt_left(top.id).is_some() {
            self.show(top, None, WebhookState::InDoubt, Some(LOST));
            return Ok(None);
        }
        let intent = Intent {
            target: self.memory.target.clone(),
            key: self.key(),
            before: ours.iter().map(|hook| hook.id).collect(),
            sent_at: SystemClock.now().as_millisecond(),
            timed_out: false,
        };
        let new = NewWebhook {
            target_url: intent.target.clone(),
            events: self.events.clone(),
            secret: self.secrets.current.clone(),
        };
        self.memory.intents.insert(top.id, intent);
        self.keep_memory()?;
        let made = self.service.make_webhook(top.id, &new).await;
        if made.is_err() {
            self.memory.intents.remove(&top.id);
            self.keep_memory()?;
        }
        match made? {
            Ok(id) => {
                self.made(top.id, id)?;
                let state = match ours.is_empty() {
                    true => (WebhookState::Made, None),
                    false => (WebhookState::Mended, Some(self.why_replaced(ours))),
                };
                self.show(top, Some(id), state.0, state.1);
                Ok(Some(id))
            }
            Err(ConnectorError::OutcomeUnknown { doubt, .. }) => {
                self.look_again(top, doubt == Doubt::TimedOut).await
            }
            Err(error) => {
                // Refused, or never sent: nothing was made.
                self.memory.intents.remove(&top.id);
                self.keep_memory()?;
                self.left(top, error).map(|()| None)
            }
        }
    }

    fn why_replaced(&self, ours: &[Webhook]) -> &'static str {
        match ours
            .iter()
            .any(|hook| hook.target_url == self.memory.target)
        {
            true => "the one before was made with another secret",
            false => "the one before posted to another address",
        }
    }

    fn made(&mut self, project: i64, id: i64) -> Result<(), Obstacle> {
        let key = self.key();
        self.memory.hooks.insert(project, Registered { id, key });
        self.memory.intents.remove(&project);
        self.keep_memory()
    }

    /// The first of two looks for what may have been made.
    async fn look_again(
        &mut self,
        top: &TopProject,
        timed_out: bool,
    ) -> Result<Option<i64>, Obstacle> {
        if let Some(intent) = self.memory.intents.get_mut(&top.id) {
            intent.timed_out = timed_out;
            self.keep_memory()?;
        }
        let ours = self.ours(top.id).await??;
        self.adopt(top.id, &ours)?;
        match ours.iter().find(|hook| self.is_fit(top.id, hook)) {
            Some(hook) => {
                self.show(top, Some(hook.id), WebhookState::Made, None);
                Ok(Some(hook.id))
            }
            None => {
                self.show(top, None, WebhookState::InDoubt, Some(LOST));
                Ok(None)
            }
        }
    }

    /// How long what was about to be made in a project may still turn up; `None` without doubt.
    fn doubt_left(&self, project: i64) -> Option<Duration> {
        let intent = self.memory.intents.get(&project)?;
        let span = match intent.timed_out {
            true => STILL_WORKING_AFTER_TIMEOUT,
            false => STILL_WORKING,
        };
        let now = SystemClock.now().as_millisecond();
        // An intent from the future was written before the clock was set back: long ago, it may be.
        let passed = u64::try_from(now - intent.sent_at).unwrap_or(u64::MAX);
        let left = span.saturating_sub(Duration::from_millis(passed));
        (!left.is_zero()).then_some(left)
    }

    /// Removes one of ours; false where it was gone already, or is not to be had.
    async fn remove(&mut self, top: &TopProject, id: i64) -> Result<bool, Obstacle> {
        let mut tries = Tries::default();
        loop {
            match self.service.remove_webhook(top.id, id).await? {
                Ok(()) => return Ok(true),
                Err(ConnectorError::OutcomeUnknown { .. }) if tries.again().await => {}
                // Sent twice, it is gone the second time.
                Err(
                    ConnectorError::ReadOnly { .. }
                    | ConnectorError::CollectionGone { .. }
                    | ConnectorError::OutcomeUnknown { .. }
                    | ConnectorError::Busy,
                ) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Goes on without a project that has no webhook to be had; stops for what is about the account.
    fn left(&mut self, top: &TopProject, error: ConnectorError) -> Result<(), Obstacle> {
        let why = match &error {
            ConnectorError::ReadOnly { reason } | ConnectorError::Rejected { reason, .. } => {
                reason.clone()
            }
            ConnectorError::CollectionGone { .. } => "the project is gone".to_owned(),
            ConnectorError::Busy => "the server was busy each time".to_owned(),
            ConnectorError::OutcomeUnknown { .. } => LOST.to_owned(),
            _ => return Err(error.into()),
        };
        self.show(top, None, WebhookState::Refused, Some(&why));
        Ok(())
    }

    /// Once no webhook is known that signs with it, the secret before counts no more.
    fn forget_previous_secret(&mut self) -> Result<(), Obstacle> {
        let Some(previous) = &self.secrets.previous else {
            return Ok(());
        };
        let key = key_of(previous);
        let mut known = self.memory.hooks.values();
        if known.any(|known| known.key == key) || !self.memory.intents.is_empty() {
            return Ok(());
        }
        self.secrets.previous = None;
        self.secrets
            .write(&self.files.secret)
            .map_err(Obstacle::Files)
    }

    pub(crate) fn keep_memory(&self) -> Result<(), Obstacle> {
        self.memory
            .write(&self.files.memory)
            .map_err(Obstacle::Files)
    }

    fn show(&mut self, top: &TopProject, id: Option<i64>, state: WebhookState, why: Option<&str>) {
        self.shown.push(WebhookShown {
            project_id: top.id,
            project: top.title.clone(),
            webhook_id: id,
            state,
            why: why.map(str::to_owned),
        });
    }
}

/// What is said of a create without an answer.
const LOST: &str = "the answer was lost; it is looked for before another is made";

/// The tries of one write.
#[derive(Debug, Default)]
struct Tries {
    made: u32,
}

impl Tries {
    /// Waits before another try; false when there were enough.
    async fn again(&mut self) -> bool {
        self.made += 1;
        if self.made == TRIES {
            return false;
        }
        SystemClock.sleep(PAUSE * 2_u32.pow(self.made - 1)).await;
        true
    }
}
