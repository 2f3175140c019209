//! What hooks left in the spool while nobody listened: taken in at the start, and whenever something is
//! put there.

use std::rc::Rc;
use std::time::Duration;

use instep_app::{Part, Places, Spool, SpoolWatch};

use crate::shared::Shared;

/// How soon the spool is looked into again where it cannot be watched, or where not all of it could be
/// stored.
const SOON: Duration = Duration::from_secs(2);

/// How often it is looked into although it is watched.
const SELDOM: Duration = Duration::from_secs(10 * 60);

/// Takes in whatever is spooled, for as long as the daemon runs.
pub(crate) async fn drain(shared: Rc<Shared>, places: Places) {
    let spool = Spool::of(&places);
    let mut watch = None;
    loop {
        // Before it is looked into: what is put there in between rings.
        if watch.as_ref().is_none_or(SpoolWatch::is_over) {
            watch = watched(&spool);
        }
        let all_stored = take(&shared).await;
        let wait = match watch {
            Some(_) if all_stored => SELDOM,
            _ => SOON,
        };
        tokio::select! {
            () = changed(watch.as_ref()), if all_stored => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// Takes in what is there; answers whether all of it was stored.
async fn take(shared: &Shared) -> bool {
    match shared.app().take_in_spool().await {
        Ok(taken) if taken.everything => shared.look_at_everything(),
        Ok(taken) => {
            for account in &taken.accounts {
                shared.bell(account).ring();
            }
        }
        Err(failure) => {
            let code = &failure.code;
            tracing::error!(code, "the spool could not be taken in");
            shared.keep(Part::Spool, &failure);
            return false;
        }
    }
    shared.forget(&Part::Spool);
    true
}

fn watched(spool: &Spool) -> Option<SpoolWatch> {
    match spool.watch() {
        Ok(watch) => Some(watch),
        Err(error) => {
            tracing::warn!(%error, "the spool cannot be watched, and is looked into now and then");
            None
        }
    }
}

/// Waits until something was put there.
async fn changed(watch: Option<&SpoolWatch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}
