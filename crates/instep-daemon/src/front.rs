//! Between the HTTP listener and the hub: whoever comes in by it is answered by the one task that
//! may ask the hub. Nothing of a request is looked at here.

use std::rc::Rc;
use std::sync::{Arc, PoisonError, RwLock};

use instep_app::{Delivery, HookAccount, HookKeys, Part};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::http::{self, Health, House, Later, Limits, Problem};
use crate::shared::Shared;

/// Questions that wait to be answered; whoever comes on top waits to be let in.
const QUEUE: usize = 256;

/// What somebody at the listener wants.
enum Asked {
    Hear(Delivery, oneshot::Sender<bool>),
    Health(oneshot::Sender<Health>),
    Metrics(oneshot::Sender<String>),
}

/// What the listener knows, and the way to who knows more.
struct Front {
    keys: Arc<RwLock<HookKeys>>,
    asked: mpsc::Sender<Asked>,
}

impl Front {
    async fn ask<T>(&self, asked: impl FnOnce(oneshot::Sender<T>) -> Asked) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.asked.send(asked(answer)).await.ok()?;
        answered.await.ok()
    }
}

impl House for Front {
    fn poster(&self, name: &str) -> Option<HookAccount> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        keys.account(name)
    }

    fn hear(&self, delivery: Delivery) -> Later<'_, Result<(), Problem>> {
        Box::pin(async {
            match self.ask(|answer| Asked::Hear(delivery, answer)).await {
                Some(true) => Ok(()),
                Some(false) | None => Err(Problem::NotKept),
            }
        })
    }

    fn health(&self) -> Later<'_, Health> {
        Box::pin(async {
            let unknown = || Health {
                ok: false,
                silent: Vec::new(),
                not_stored: Vec::new(),
            };
            self.ask(Asked::Health).await.unwrap_or_else(unknown)
        })
    }

    fn metrics(&self) -> Later<'_, String> {
        Box::pin(async { self.ask(Asked::Metrics).await.unwrap_or_default() })
    }
}

/// The keys that the listener goes by, to be replaced when the config was read again.
pub(crate) type Keys = Arc<RwLock<HookKeys>>;

/// Opens the listener; it is closed when the tasks are.
pub(crate) fn open(
    tasks: &mut JoinSet<()>,
    shared: &Rc<Shared>,
    listener: TcpListener,
) -> (Keys, watch::Sender<bool>) {
    let keys: Keys = Arc::new(RwLock::new(shared.app().hook_keys()));
    let (asked, questions) = mpsc::channel(QUEUE);
    let house = Arc::new(Front {
        keys: Arc::clone(&keys),
        asked,
    });
    let limits = Limits::default();
    let (stop, stopped) = watch::channel(false);
    let router = http::router(house, limits);
    tasks.spawn_local(http::serve(listener, router, limits, stopped));
    tasks.spawn_local(answer(Rc::clone(shared), questions));
    (keys, stop)
}

/// Has the listener go by the config as it is by now.
pub(crate) fn renew(keys: &Keys, shared: &Shared) {
    *keys.write().unwrap_or_else(PoisonError::into_inner) = shared.app().hook_keys();
}

/// Answers what is asked, each by itself: a webhook does not wait for whoever reads the metrics.
async fn answer(shared: Rc<Shared>, mut questions: mpsc::Receiver<Asked>) {
    let mut answers = JoinSet::new();
    while let Some(asked) = questions.recv().await {
        while answers.try_join_next().is_some() {}
        let shared = Rc::clone(&shared);
        answers.spawn_local(async move {
            // Whoever asked may have gone away.
            match asked {
                Asked::Hear(delivery, answer) => {
                    let _ = answer.send(hear(&shared, &delivery).await);
                }
                Asked::Health(answer) => {
                    let _ = answer.send(health(&shared).await);
                }
                Asked::Metrics(answer) => {
                    let _ = answer.send(metrics(&shared).await);
                }
            }
        });
    }
}

async fn hear(shared: &Shared, delivery: &Delivery) -> bool {
    let app = shared.app();
    let account = &delivery.account;
    if !app.account_ids().contains(account) {
        return true;
    }
    match app.accept_webhook(delivery).await {
        Ok(()) => {
            shared.bell(account).ring();
            shared.metrics.webhook(app.account_name(account), true);
            shared.forget(&Part::Webhooks);
            true
        }
        Err(failure) => {
            let code = &failure.code;
            tracing::error!(code, "a webhook was not stored");
            shared.keep(Part::Webhooks, &failure);
            // Its service may give up before it can be: a look finds what it was about.
            shared.bell(account).ask_for_a_look();
            shared.metrics.webhook(app.account_name(account), false);
            false
        }
    }
}

async fn metrics(shared: &Shared) -> String {
    let app = shared.app();
    shared.metrics.text(&app).await
}

async fn health(shared: &Shared) -> Health {
    let silent = shared.app().silent_accounts().await.map(|silent| {
        let names = silent.into_iter().map(|one| one.name);
        names.collect::<Vec<_>>()
    });
    let not_stored = shared.unstored();
    Health {
        ok: silent.as_ref().is_ok_and(Vec::is_empty) && not_stored.is_empty(),
        silent: silent.unwrap_or_default(),
        not_stored,
    }
}
