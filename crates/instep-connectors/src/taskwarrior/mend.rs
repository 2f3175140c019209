//! Looking after what commands of 2.6 lost to each other: how far the journal was read, where it
//! begins to count, and what the next write has to put back. Reads only; the importing is done by
//! whoever writes.

use std::collections::{BTreeMap, HashMap, HashSet};

use instep_contract::ConnectorError;
use instep_model::Timestamp;
use uuid::Uuid;

use super::client::Program;
use super::fetch::{Trust, fetch};
use super::lost::Story;
use super::place::Place;
use super::stored::Exported;
use super::undo::{self, Mark};
use super::wire::Row;

/// What was written to no longer ago is looked at without being reported.
const RECENT_SECS: i64 = 600;
/// How much of the journal is read in any case, and how much at most where more is new.
const LAST_BYTES: u64 = 256 * 1024;
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// How much of the journal is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Span {
    /// What was written lately.
    Recent,
    /// All of it, which takes its time.
    Whole,
    /// All of it, for whole tasks: whoever undid that one was added took its entry away.
    Tasks,
}

/// What is remembered between two looks for losses.
#[derive(Debug, Default)]
pub(super) struct Watch {
    mark: Option<Mark>,
    /// Where entries begin to count, in bytes: who undid something may have meant what stood before.
    from: u64,
    /// Tasks for which the next write has to look again.
    pub(super) due: Option<HashSet<Uuid>>,
}

/// Tasks that lost something.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// What stands there.
    pub(super) left: HashMap<Uuid, Exported>,
    /// What has to.
    pub(super) wanted: BTreeMap<Uuid, Row>,
    /// Tasks that are not there, as the journal has it.
    ended: HashSet<Uuid>,
}

impl Watch {
    /// Those of these tasks, none of which was found, that nobody removed as far as the journal tells:
    /// lost ones, which the next write puts back, and such that a command was only writing anew.
    pub(super) async fn vanished(
        &mut self,
        program: &mut Program,
        place: &Place,
        missing: &HashSet<Uuid>,
    ) -> Result<HashSet<Uuid>, ConnectorError> {
        if missing.is_empty() || place.major() >= 3 {
            return Ok(HashSet::new());
        }
        let alive = undo::lost(&place.data, missing)?;
        if alive.is_empty() {
            return Ok(alive);
        }
        let found = self.look(program, place, &alive, Span::Tasks).await?;
        let is_lost = |uuid: &&Uuid| found.wanted.contains_key(uuid);
        let lost: HashSet<Uuid> = alive.iter().filter(is_lost).copied().collect();
        if !lost.is_empty() {
            tracing::warn!(
                tasks = lost.len(),
                "Taskwarrior lost tasks that nobody removed"
            );
            self.due.get_or_insert_default().extend(&lost);
        }
        Ok(alive.difference(&found.ended).copied().collect())
    }

    /// Finds what was lost of the `reported` tasks, and of those that were written to lately.
    pub(super) async fn look(
        &mut self,
        program: &mut Program,
        place: &Place,
        reported: &HashSet<Uuid>,
        span: Span,
    ) -> Result<Losses, ConnectorError> {
        let data = place.data.as_path();
        let now = undo::mark(data)?;
        let length = now.length();
        let known = self.mark.replace(now);
        if let Some(known) = &known
            && !undo::holds(data, known)?
        {
            self.from = length;
            if span != Span::Tasks {
                return Ok(Losses::default());
            }
        }
        let fresh = known.map_or(0, |known| length.saturating_sub(known.length()));
        let most = match span {
            Span::Recent => fresh.clamp(LAST_BYTES, MOST_BYTES),
            Span::Whole | Span::Tasks => length,
        };
        let from = match span {
            Span::Recent | Span::Whole => self.from,
            Span::Tasks => 0,
        };
        let tail = undo::tail(data, from, most)?;
        let now_secs = Timestamp::now().as_second();
        let mut stories = Story::all(tail.steps);
        stories.retain(|uuid, story| {
            let asked = reported.contains(uuid) || story.last_secs >= now_secs - RECENT_SECS;
            asked && !tail.unread.contains(uuid)
        });
        // Where there is nothing at all, nobody's command did that.
        if stories.is_empty() || undo::is_empty(data) {
            return Ok(Losses::default());
        }
        let uuids: Vec<Uuid> = stories.keys().copied().collect();
        // Of what is in no file the program has the last word.
        let trust = Trust::Files {
            absent: &HashSet::new(),
        };
        let mut left = fetch(program, place, &uuids, trust).await?;
        let (mut wanted, mut ended) = (BTreeMap::new(), HashSet::new());
        for (uuid, story) in stories {
            let now = left.get(&uuid).map(|(row, _)| row);
            match story.restored(uuid, now, now_secs) {
                Some(row) => drop(wanted.insert(uuid, row)),
                None if now.is_none() => drop(ended.insert(uuid)),
                None => {}
            }
        }
        left.retain(|uuid, _| wanted.contains_key(uuid));
        Ok(Losses {
            left,
            wanted,
            ended,
        })
    }
}
