//! Who may write to which remote, noted beside the store and without believing it (I13).

use std::collections::{BTreeMap, BTreeSet};

use instep_contract::Lease;
use instep_model::{Operation, Timestamp};

/// A run of the engine: one process, one round.
pub(crate) type Process = u64;

/// The last to be given the right to run an account.
#[derive(Debug, Clone)]
struct Owner {
    process: Process,
    lease: Lease,
    until: Timestamp,
}

/// Owners of all accounts, by the index of their remote, and what they did against the rules.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    owners: BTreeMap<usize, Owner>,
    /// Processes that were killed: the kernel frees what they held (S11).
    killed: BTreeSet<Process>,
    /// What each process wrote after somebody else had taken the account over.
    late: BTreeMap<(Process, usize), Vec<Vec<Operation>>>,
    trespasses: Vec<String>,
}

impl Owners {
    /// The lease that a killed owner left behind; with `all`, anybody's.
    pub(crate) fn left_behind(&self, remote: usize, all: bool) -> Option<Lease> {
        let owner = self.owners.get(&remote)?;
        (all || self.killed.contains(&owner.process)).then(|| owner.lease.clone())
    }

    pub(crate) fn claimed(
        &mut self,
        remote: usize,
        process: Process,
        lease: Lease,
        until: Timestamp,
        now: Timestamp,
    ) {
        if let Some(owner) = self.owners.get(&remote)
            && owner.process != process
            && owner.until > now
            && !self.killed.contains(&owner.process)
        {
            let (other, end) = (owner.process, owner.until);
            let two = format!(
                "round {process} runs account {remote} at {now}, which is round {other}'s until {end}"
            );
            self.trespasses.push(two);
        }
        let owner = Owner {
            process,
            lease,
            until,
        };
        self.owners.insert(remote, owner);
    }

    /// A commit under the lease went through and keeps it.
    pub(crate) fn renewed(&mut self, remote: usize, process: Process, until: Timestamp) {
        if let Some(owner) = self.owners.get_mut(&remote)
            && owner.process == process
        {
            owner.until = owner.until.max(until);
        }
    }

    pub(crate) fn released(&mut self, remote: usize, process: Process) {
        if let Some(owner) = self.owners.get_mut(&remote)
            && owner.process == process
        {
            owner.until = Timestamp::MIN;
        }
    }

    pub(crate) fn killed(&mut self, process: Process) {
        self.killed.insert(process);
    }

    /// A process has written. Who was taken over may finish the one request that it had
    /// started (S12); sending that one again is no other.
    pub(crate) fn wrote(&mut self, remote: usize, process: Process, batch: &[Operation]) {
        let Some(owner) = self.owners.get(&remote) else {
            return;
        };
        if owner.process == process {
            return;
        }
        let late = self.late.entry((process, remote)).or_default();
        if late.iter().any(|known| known == batch) {
            return;
        }
        late.push(batch.to_vec());
        if late.len() > 1 {
            let many = format!(
                "a round that lost account {remote} wrote {} times",
                late.len()
            );
            self.trespasses.push(many);
        }
    }

    /// What was written late, each with the index of its remote.
    pub(crate) fn take_late(&mut self) -> Vec<(usize, Operation)> {
        let late = std::mem::take(&mut self.late);
        let batches = late.into_iter().flat_map(|((_, remote), batches)| {
            let operations = batches.into_iter().flatten();
            operations.map(move |operation| (remote, operation))
        });
        batches.collect()
    }

    /// The first thing that was done against the rules.
    pub(crate) fn take_trespass(&mut self) -> Option<String> {
        let first = self.trespasses.first().cloned();
        self.trespasses.clear();
        first
    }
}
