//! What a service lost of what people did in it, because two of its writers met: put back there, and
//! told in the journal (S32). Nothing is taken into the hub here; the next look sees it.

use instep_contract::{Connector, ConnectorError, Lost, PushStep, Store};
use instep_model::{Action, Direction, Fields, JournalEntry, RemoteId, Side, TaskId};

use crate::journal::{Event, changes_between};
use crate::pass::Pass;
use crate::round::Engine;
use crate::stop::Stop;
use crate::{Clock, Rng};

/// How often in one step: what is put back may be lost again.
const MOST_TIMES: usize = 5;

impl<S: Store, K: Clock, R: Rng> Engine<S, K, R> {
    /// Puts back what was lost of these items, of which somebody was told, and of what was written
    /// lately. Notes where somebody is writing still, so that nobody knows yet.
    pub(crate) async fn put_back_lost<C: Connector>(
        &self,
        pass: &mut Pass<'_, C>,
        reported: &[RemoteId],
    ) -> Result<(), Stop> {
        if pass.account.direction == Direction::FromRemote {
            return Ok(());
        }
        for _ in 0..MOST_TIMES {
            let lost = async |connector: &mut C| connector.lost(reported).await;
            let lost = match self.attempt(pass, lost).await? {
                Err(ConnectorError::Busy) => break,
                found => found?,
            };
            if lost.is_empty() {
                return Ok(());
            }
            let steps: Vec<PushStep> = lost
                .iter()
                .map(|lost| PushStep {
                    journal: self.told_lost(pass, lost),
                    ..PushStep::default()
                })
                .collect();
            let now = self.clock.now();
            self.store.commit_push(&pass.lease, &steps, now).await?;
            // Nothing of ours is sent with it.
            match self.apply(pass, &[], &[]).await? {
                Err(ConnectorError::Busy) => break,
                outcome => outcome?,
            };
        }
        pass.report.unsettled = true;
        Ok(())
    }

    fn told_lost<C: Connector>(&self, pass: &Pass<'_, C>, lost: &Lost) -> Vec<JournalEntry> {
        // Where a service gives ids of its own, nobody can say which task it was.
        let Ok(task) = lost.id.as_str().parse::<TaskId>() else {
            return Vec::new();
        };
        let nothing = Fields::new();
        let left = lost.left.as_ref().map_or(&nothing, |left| &left.fields);
        let wanted = lost.task.as_ref().map(|task| &task.fields);
        let changes = wanted.map_or_else(Vec::new, |wanted| changes_between(left, wanted));
        Event {
            operation: &self.operation_id(),
            at: self.clock.now(),
            side: Side::Remote,
            account: Some(&pass.account.id),
            task,
            action: wanted.map_or(Action::Delete, |_| Action::Restore),
            changes: &changes,
            cause: "put back: two commands wrote there at once, and one was lost",
        }
        .lines()
    }
}
