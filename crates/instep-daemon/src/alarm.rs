//! Raises the alarm for accounts that were not synced for too long. Which those are is decided below.

use std::rc::Rc;

use instep_app::{Alarm, Places};

use crate::shared::Shared;

/// Looks for them for as long as the daemon runs.
pub(crate) async fn run(shared: Rc<Shared>, places: Places) {
    let mut alarm = Alarm::of(&places);
    loop {
        tokio::time::sleep(shared.app().look_for_silence_every()).await;
        if let Err(failure) = alarm.look(&shared.app()).await {
            let code = failure.code;
            tracing::warn!(code, "silent accounts could not be looked for");
        }
    }
}
