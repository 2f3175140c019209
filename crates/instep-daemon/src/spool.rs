//! What hooks left in the spool while nobody listened: taken in at the start, and whenever something is
//! put there. A file leaves the spool once what it says is stored.

use std::rc::Rc;
use std::time::Duration;

use instep_app::{Places, Spool, Told};

use crate::intake::Intake;
use crate::shared::Shared;

/// How often the spool is looked into; a hook puts nothing there while the daemon answers.
const EVERY: Duration = Duration::from_secs(2);

/// Takes in whatever is spooled, for as long as the daemon runs.
pub(crate) async fn drain(shared: Rc<Shared>, places: Places, intake: Intake) {
    let spool = Spool::of(&places);
    loop {
        let names = spool.list().unwrap_or_default();
        for name in names {
            let Some(spooled) = spool.read(&name) else {
                continue;
            };
            let stored = match &spooled.told {
                Told::Report(report) => intake.accept(report.clone()).await,
                // A daemon that dies before it looked begins with a look at everything.
                Told::Everything => {
                    shared.look_at_everything();
                    true
                }
            };
            if stored && let Err(error) = spool.remove(&spooled) {
                tracing::warn!(%error, "a file of the spool could not be removed");
            }
        }
        tokio::time::sleep(EVERY).await;
    }
}
