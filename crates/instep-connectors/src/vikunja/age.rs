//! Whether the server shows an older state than the last look saw: a copy of its database was put
//! back. Nothing here concludes anything from what is missing.
//!
//! A project's `updated` moves forward with nearly every change in it. Where it stands before what
//! was seen of it, either an older copy is back, or a clock that was set back has stamped a later
//! change. The second leaves the rows of earlier changes with their later stamps; a copy has none.

use instep_contract::ConnectorError;

use super::VikunjaConnector;
use super::api::{Listed, Place};
use super::cursor::{Mark, SETTLE_SECS, updated};
use super::wire;

/// Projects that are asked for their newest task. A copy takes all of them back that changed since.
const MAX_ASKED: usize = 3;

/// Stamps of one moment are no further apart.
const SLACK_SECS: i64 = 1;

impl VikunjaConnector {
    /// Whether an older copy was put back since `mark`. Costs nothing while time goes forward.
    pub(super) async fn went_back(
        &mut self,
        mark: &Mark,
        listed: &Listed<wire::Project>,
    ) -> Result<bool, ConnectorError> {
        for (id, last) in behind(mark, listed).into_iter().take(MAX_ASKED) {
            let after = last + SLACK_SECS + 1;
            let newer = self.api.newest(Place::Project(id), after, 0).await?;
            if newer.rows.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The same for a look that has read all tasks.
pub(super) fn shows_older<'a>(
    mark: &Mark,
    listed: &Listed<wire::Project>,
    tasks: impl Iterator<Item = &'a wire::Task> + Clone,
) -> bool {
    behind(mark, listed).into_iter().any(|(id, last)| {
        let mut inside = tasks.clone().filter(|task| task.project_id == id);
        inside.all(|task| updated(task) <= last + SLACK_SECS)
    })
}

/// Projects whose last change lies before the one that was seen, and when it was. A stamp that was
/// ahead of the server's own clock says nothing, nor does any while that clock itself is behind.
fn behind(mark: &Mark, listed: &Listed<wire::Project>) -> Vec<(i64, i64)> {
    if listed.date < mark.looked_at {
        return Vec::new();
    }
    let stepped_back = |project: &wire::Project| {
        let seen = mark.projects.get(&project.id)?.updated;
        let last = project.updated?.as_second();
        let sound = seen <= mark.looked_at + SETTLE_SECS;
        (sound && last < seen - SLACK_SECS).then_some((project.id, last))
    };
    listed.rows.iter().filter_map(stepped_back).collect()
}
