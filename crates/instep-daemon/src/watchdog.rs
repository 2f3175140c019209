//! What the service manager hears: ready, stopping, and that the daemon's one thread still turns.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::task::JoinSet;

/// Tells that questions are answered from now on.
pub(crate) fn ready() {
    notify(NotifyState::Ready);
}

/// Tells that the daemon is about to end.
pub(crate) fn stopping() {
    notify(NotifyState::Stopping);
}

/// Tells of life twice in the time that the service manager waits for it.
pub(crate) fn start(tasks: &mut JoinSet<()>) {
    let mut micros = 0;
    if !sd_notify::watchdog_enabled(false, &mut micros) {
        return;
    }
    let every = Duration::from_micros(micros / 2);
    tasks.spawn_local(async move {
        loop {
            notify(NotifyState::Watchdog);
            tokio::time::sleep(every).await;
        }
    });
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(false, &[state]) {
        tracing::debug!(%error, "the service manager did not listen");
    }
}
