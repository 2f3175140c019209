//! What one look finds: each task held against its digest of last time. It reads no file itself,
//! and takes nothing for gone unless the whole listing was read.

use std::collections::HashSet;
use std::path::Path;

use instep_contract::{ConnectorError, Look};
use instep_model::{Evidence, Gone, RemoteId, RemoteTask, Timestamp};
use uuid::Uuid;

use super::age::{Age, SLACK_SECS};
use super::convert::Rules;
use super::cursor::{FORGOTTEN, Header, Table};
use super::place::{DATABASE, Stamp};
use super::wire::{Row, State};
use super::{fetch, scan, undo};

/// The findings of a look, growing with each task that is taken in.
pub(super) struct Seen<'a> {
    old: &'a Table,
    /// For each entry of `old`, whether it is still there.
    present: Vec<bool>,
    everything: bool,
    rules: &'a Rules,
    header: &'a mut Header,
    /// When the stamps of last time were taken, in seconds.
    looked_at: i64,
    age: Age,
    table: Table,
    total: usize,
    tasks: Vec<RemoteTask>,
    gone: Vec<Gone>,
}

/// What a look found once all of it was taken in.
pub(super) struct Findings {
    pub(super) table: Table,
    pub(super) tasks: Vec<RemoteTask>,
    pub(super) gone: Vec<Gone>,
    /// How many rows there were, templates included.
    pub(super) total: usize,
    /// How many of those were there last time.
    pub(super) known: usize,
    pub(super) age: Age,
}

impl<'a> Seen<'a> {
    pub(super) fn new(
        old: &'a Table,
        look: Look,
        rules: &'a Rules,
        header: &'a mut Header,
        looked_at: i64,
    ) -> Self {
        Self {
            old,
            present: vec![false; old.len()],
            everything: look == Look::Everything,
            rules,
            header,
            looked_at,
            age: Age::default(),
            table: Table::default(),
            total: 0,
            tasks: Vec::new(),
            gone: Vec::new(),
        }
    }

    /// Takes in one exported line.
    pub(super) fn take_line(&mut self, line: &[u8]) -> Result<(), ConnectorError> {
        let scan = scan::scan(line).ok_or_else(|| ConnectorError::Malformed {
            what: "a line of an export that is no task".into(),
        })?;
        self.total += 1;
        self.age.newest = self.age.newest.max(scan.modified.unwrap_or(0));
        if scan.template || !self.is_new(scan.uuid, scan.digest, scan.until) {
            return Ok(());
        }
        match fetch::read(line) {
            Ok((row, _)) => self.take_row(&row, scan.digest),
            // One task that nobody can read must not stop the others, and is not gone either.
            Err(_) => {
                tracing::warn!(task.id = %scan.uuid, "a Taskwarrior task cannot be read");
                self.keep(scan.uuid, scan.digest);
            }
        }
        Ok(())
    }

    /// Takes in one task as the library holds it.
    #[cfg(feature = "taskchampion")]
    pub(super) fn take_properties(
        &mut self,
        uuid: Uuid,
        properties: &std::collections::HashMap<String, String>,
    ) {
        self.total += 1;
        let mut sorted: Vec<_> = properties.iter().collect();
        sorted.sort_unstable();
        let mut digest = scan::Digest::default();
        for (key, value) in sorted {
            // The time of the last change too: a step that is undone with a write of ours before it may
            // leave all else as it was.
            digest.any_attribute(key.as_bytes(), value.as_bytes());
        }
        let digest = digest.finish();
        let second = |key| {
            properties
                .get(key)
                .and_then(|text| text.parse::<i64>().ok())
        };
        let until = second("until");
        self.age.newest = self.age.newest.max(second("modified").unwrap_or(0));
        let template = properties
            .get("status")
            .is_some_and(|status| status == "recurring");
        if !template && self.is_new(uuid, digest, until) {
            self.take_row(&Row::from_properties(uuid, properties), digest);
        }
    }

    /// Whether a task has to be read; one that is as it was is kept at once.
    fn is_new(&mut self, uuid: Uuid, digest: u64, until: Option<i64>) -> bool {
        self.header.note_expiry(until);
        let known = self.old.find(uuid);
        if !self.everything && known.is_some_and(|(_, old)| old == digest) {
            self.keep(uuid, digest);
            return false;
        }
        true
    }

    fn keep(&mut self, uuid: Uuid, digest: u64) {
        if let Some((at, _)) = self.old.find(uuid) {
            self.present[at] = true;
        }
        self.table.push(uuid, digest);
    }

    fn take_row(&mut self, row: &Row, digest: u64) {
        // A task that became a template is no task any more: its instances are.
        if row.is_template() {
            return;
        }
        let other = self
            .old
            .find(row.uuid)
            .is_some_and(|(_, old)| old != digest && old != FORGOTTEN);
        let earlier = |at: &i64| *at < self.looked_at - SLACK_SECS;
        self.age.differs |= other && row.times.get("modified").is_some_and(earlier);
        self.keep(row.uuid, digest);
        if row.state == State::Deleted {
            let at = row.times.get("end").or_else(|| row.times.get("modified"));
            self.gone.push(Gone {
                id: RemoteId::new(row.uuid.to_string()),
                evidence: Evidence::Flagged,
                at: at.and_then(|at| Timestamp::from_second(*at).ok()),
                last: Some(self.rules.task(row)),
            });
        } else {
            self.tasks.push(self.rules.task(row));
        }
    }

    /// Ends a look that read everything: what was known and did not turn up is gone, unless
    /// 2.6 is known to have lost it (S32).
    ///
    /// # Errors
    /// Where tasks are missing and the journal that knows whether they were lost cannot be read.
    pub(super) fn finish(mut self) -> Result<Findings, ConnectorError> {
        let missing = self.old.entries().zip(&self.present);
        let missing: Vec<_> = missing
            .filter(|(_, present)| !**present)
            .map(|(entry, _)| entry)
            .collect();
        self.age.missing = missing.len();
        let lost = if missing.is_empty() || self.header.place.major() >= 3 {
            HashSet::new()
        } else {
            let missing = missing.iter().map(|(uuid, _)| *uuid).collect();
            undo::lost(&self.header.place.data, &missing)?
        };
        for (uuid, digest) in missing {
            if lost.contains(&uuid) {
                tracing::warn!(task.id = %uuid, "Taskwarrior lost a task that nobody removed");
                self.table.push(uuid, digest);
            } else {
                self.gone.push(Gone {
                    id: RemoteId::new(uuid.to_string()),
                    evidence: Evidence::Unlisted,
                    at: None,
                    last: None,
                });
            }
        }
        self.table.sort();
        Ok(Findings {
            table: self.table,
            tasks: self.tasks,
            gone: self.gone,
            total: self.total,
            known: self.present.iter().filter(|present| **present).count(),
            age: self.age,
        })
    }
}

/// Refuses to take an empty listing for "all gone" where the files that held the tasks are gone
/// themselves, or are others than they were.
pub(super) fn check_still_there(data: &Path, before: &[Stamp]) -> Result<(), ConnectorError> {
    let database = data.join(DATABASE);
    // Reading with 2.6 makes its other files where there are none, but not its journal.
    let exists = database.is_file() || data.join("undo.data").is_file();
    let inode = |stamp: &Stamp| stamp.state.map(|(inode, ..)| inode);
    // 2.6 may write a file anew; 3 keeps its one file for ever.
    let exchanged = before
        .iter()
        .filter(|stamp| stamp.path == database && stamp.state.is_some())
        .any(|stamp| inode(stamp) != inode(&Stamp::of(&database)));
    if !exists || exchanged {
        return Err(missing(data));
    }
    Ok(())
}

/// The data is not where it was.
pub(super) fn missing(data: &Path) -> ConnectorError {
    ConnectorError::Setup {
        what: format!(
            "the Taskwarrior database in {} is missing or was replaced",
            data.display()
        ),
        help: "put it back, or remove and add the account to begin with what is there now".into(),
    }
}
