//! Where hook reports are accepted: those that arrive together are committed together, and each is
//! answered once that is through (I10).

use std::rc::Rc;

use instep_api::socket::HookReport;
use instep_app::{Part, reason_for_log};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::shared::Shared;

/// Reports that wait to be committed; whoever comes on top waits to be let in.
const QUEUE: usize = 1024;

/// Reports in one transaction.
const MOST_AT_ONCE: usize = 256;

/// A report and who waits for its commit.
type Waiting = (HookReport, oneshot::Sender<bool>);

/// The way in.
#[derive(Debug, Clone)]
pub(crate) struct Intake(mpsc::Sender<Waiting>);

impl Intake {
    /// Whether the report is stored by now.
    pub(crate) async fn accept(&self, report: HookReport) -> bool {
        let (answer, stored) = oneshot::channel();
        self.0.send((report, answer)).await.is_ok() && stored.await.unwrap_or(false)
    }
}

/// Starts taking reports.
pub(crate) fn start(tasks: &mut JoinSet<()>, shared: Rc<Shared>) -> Intake {
    let (sender, waiting) = mpsc::channel(QUEUE);
    tasks.spawn_local(run(shared, waiting));
    Intake(sender)
}

async fn run(shared: Rc<Shared>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, MOST_AT_ONCE).await > 0 {
        let (reports, answers): (Vec<HookReport>, Vec<_>) = batch.drain(..).unzip();
        let accepted = shared.app().accept_hooks(&reports).await;
        if let Err(failure) = &accepted {
            tracing::error!(
                code = failure.code,
                why = reason_for_log(failure),
                "hook reports were not stored"
            );
            shared.keep(Part::Hooks, failure);
            // What was told is found by looking, once that can be stored.
            shared.look_at_everything();
        }
        if accepted.is_ok() {
            shared.metrics.hook_reports(reports.len());
            shared.forget(&Part::Hooks);
        }
        for answer in answers {
            // A hook that no longer waits has put its report into the spool.
            let _ = answer.send(accepted.is_ok());
        }
        for account in accepted.unwrap_or_default() {
            shared.bell(&account).ring();
        }
    }
}
