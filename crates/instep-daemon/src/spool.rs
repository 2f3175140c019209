//! What hooks left in the spool while nobody listened: taken in at the start, and whenever something is
//! put there.

use std::rc::Rc;
use std::time::Duration;

use crate::shared::Shared;

/// How often the spool is looked into; a hook puts nothing there while the daemon answers.
const EVERY: Duration = Duration::from_secs(2);

/// Takes in whatever is spooled, for as long as the daemon runs.
pub(crate) async fn drain(shared: Rc<Shared>) {
    loop {
        match shared.app().take_in_spool().await {
            Ok(taken) if taken.everything => shared.look_at_everything(),
            Ok(taken) => {
                for account in &taken.accounts {
                    shared.bell(account).ring();
                }
            }
            Err(failure) => {
                let (what, why) = (failure.what, failure.why);
                tracing::error!(what, why, "the spool could not be taken in");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
