//! Accounts that have not met the hub yet: their first meeting takes a whole round over all accounts,
//! and, where it would change anything, a person's word.

use std::rc::Rc;
use std::time::Duration;

use instep_api::SyncRequest;
use instep_app::reason_for_log;
use tokio::time::{Instant, sleep_until};

use crate::shared::Shared;

/// How often a meeting that waits for a person is tried again by itself.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// Runs a round each time one is asked for, and not too often.
pub(crate) async fn run(shared: Rc<Shared>) {
    let mut last: Option<Instant> = None;
    loop {
        shared.meeting.notified().await;
        if let Some(at) = last {
            sleep_until(at + EVERY).await;
        }
        last = Some(Instant::now());
        let outcome = shared
            .app()
            .sync(&SyncRequest::default(), &mut |_| {})
            .await;
        match outcome {
            Ok(reply) => tracing::info!(outcome = reply.outcome, "a first meeting was tried"),
            Err(failure) => tracing::warn!(
                code = failure.code,
                why = reason_for_log(&failure),
                "a first meeting failed"
            ),
        }
        instep_unsafe::give_back();
        shared.ring_all();
    }
}
