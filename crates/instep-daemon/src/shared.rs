//! What the daemon's parts share: the opened hub with its config, and who has to be woken. Nothing is
//! decided here.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use instep_api::{Exit, Failure, StatusReply};
use instep_app::{AccountId, App, Part, Unstored, reason_for_log};
use tokio::sync::Notify;

use crate::ground::{self, Ground};
use crate::listen::Http;
use crate::metrics::Metrics;

/// One account's wake-up.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Notify,
    hurry: Cell<bool>,
    look: Cell<bool>,
}

impl Bell {
    /// Something was told of the account, or is due for it.
    pub(crate) fn ring(&self) {
        self.rung.notify_one();
    }

    /// The account is to be looked at.
    pub(crate) fn ask_for_a_look(&self) {
        self.look.set(true);
        self.rung.notify_one();
    }

    /// Whatever failed before is worth another try.
    pub(crate) fn try_again(&self) {
        self.hurry.set(true);
        self.rung.notify_one();
    }

    /// Whether another try is worth it, whenever it would be by itself; asked once.
    pub(crate) fn take_hurry(&self) -> bool {
        self.hurry.take()
    }

    /// Whether a look was asked for since the last time.
    pub(crate) fn take_look(&self) -> bool {
        self.look.take()
    }

    /// Waits until it rings; a ring that nobody waited for is not lost.
    pub(crate) async fn wait(&self) {
        self.rung.notified().await;
    }
}

/// What the daemon's parts share.
#[derive(Debug)]
pub(crate) struct Shared {
    app: RefCell<Rc<App>>,
    bells: RefCell<BTreeMap<AccountId, Rc<Bell>>>,
    /// Where it answers over HTTP.
    pub(crate) http: Http,
    /// An account has to meet the hub.
    pub(crate) meeting: Notify,
    /// The config was read again.
    pub(crate) reloaded: Notify,
    /// The files below are not where they were.
    pub(crate) fallen: Notify,
    ground: Ground,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// What went wrong and the hub could not take.
    unstored: RefCell<Unstored>,
    stopping: Cell<bool>,
    /// How often the config was read again.
    generation: Cell<u64>,
}

impl Shared {
    pub(crate) fn new(app: App, http: Http, ground: Ground) -> Self {
        Self {
            app: RefCell::new(Rc::new(app)),
            bells: RefCell::default(),
            http,
            meeting: Notify::new(),
            reloaded: Notify::new(),
            fallen: Notify::new(),
            ground,
            metrics: Metrics::default(),
            unstored: RefCell::default(),
            stopping: Cell::new(false),
            generation: Cell::new(0),
        }
    }

    /// The hub with its config as it is now.
    pub(crate) fn app(&self) -> Rc<App> {
        Rc::clone(&self.app.borrow())
    }

    /// Reads the config again; one that is not valid changes nothing.
    pub(crate) async fn reload(&self) -> Result<(), Failure> {
        let app = match self.app().reopen().await {
            Ok(app) => app,
            Err(failure) => {
                // What is wrong with the config itself is seen in it for as long as it is.
                if failure.exit != Exit::Config {
                    self.keep(Part::Config, &failure);
                }
                return Err(failure);
            }
        };
        self.app.replace(Rc::new(app));
        self.generation.set(self.generation.get() + 1);
        self.forget(&Part::Config);
        self.reloaded.notify_one();
        Ok(())
    }

    /// How often the config was read again: lanes of an earlier one end after their turn.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.get()
    }

    /// Notes what turns and requests that were dropped half-way had sent.
    pub(crate) async fn note_given_up(&self) {
        if let Err(failure) = self.app().note_given_up().await {
            let (code, why) = (&failure.code, reason_for_log(&failure));
            tracing::warn!(code, why, "what was given up half-way could not be noted");
        }
    }

    /// Remembers for `status` what went wrong and could not be stored.
    pub(crate) fn keep(&self, part: Part, failure: &Failure) {
        self.unstored.borrow_mut().keep(part, failure.clone());
    }

    /// What this was about has come through.
    pub(crate) fn forget(&self, part: &Part) {
        self.unstored.borrow_mut().forget(part);
    }

    /// Tells in a status what only the daemon knows: what could not be stored, and that another program
    /// has its address.
    pub(crate) fn tell(&self, reply: &mut StatusReply) {
        self.unstored.borrow().tell(&self.app(), reply);
        if let Http::Taken(at) = &self.http {
            reply.problems.push(self.app().not_heard(at));
        }
    }

    /// What could not be stored, by the name of what it is about.
    pub(crate) fn unstored(&self) -> Vec<String> {
        self.unstored.borrow().names(&self.app())
    }

    /// The bell of an account.
    pub(crate) fn bell(&self, account: &AccountId) -> Rc<Bell> {
        let mut bells = self.bells.borrow_mut();
        Rc::clone(bells.entry(account.clone()).or_default())
    }

    /// Has every account see whether anything is due for it.
    pub(crate) fn ring_all(&self) {
        for bell in self.bells.borrow().values() {
            bell.ring();
        }
    }

    /// Has every account try again, whatever failed before.
    pub(crate) fn try_again(&self) {
        for bell in self.bells.borrow().values() {
            bell.try_again();
        }
    }

    /// Has every account looked at.
    pub(crate) fn look_at_everything(&self) {
        for bell in self.bells.borrow().values() {
            bell.ask_for_a_look();
        }
    }

    /// Whether the files that all rests on are where they were. Where they are not, the daemon stops.
    pub(crate) fn stands(&self) -> bool {
        let stands = self.ground.holds();
        if !stands {
            self.fallen.notify_one();
        }
        stands
    }

    /// How the daemon ends.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        match self.stands() {
            true => Ok(()),
            false => Err(ground::moved()),
        }
    }

    /// From now on no turn begins.
    pub(crate) fn stop(&self) {
        self.stopping.set(true);
        self.try_again();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Closes the hub.
    pub(crate) async fn close(&self) {
        self.app().close().await;
    }
}
