//! Dry runs: a whole round is played on a copy of the hub, and nothing may be left of it (I19).

use std::pin::pin;

use instep_contract::{MemorySnapshot, MemoryStore};
use instep_engine::{Member, Rehearsal, RoundReport};

use crate::bugs::{Bug, REHEARSAL};
use crate::executor::poll;
use crate::stage::{Breach, NAMES, Plan, Stage, breach};
use crate::world::Halt;

impl Stage {
    /// Plays a round and answers what it would do.
    pub(crate) fn rehearse(&mut self) -> Result<RoundReport, Breach> {
        for remote in &self.remotes {
            remote.land(self.world.now());
        }
        self.settle()?;
        let before = self.store.snapshot();
        let shown = self
            .remotes
            .each_ref()
            .map(|remote| (remote.version(), remote.is_working()));
        let skies = self.world.skies(|skies| skies.clone());
        let report = self.play_on_copy(&before);
        self.world.skies(|now| *now = skies);
        if self.store.snapshot() != before {
            return breach("I19", "a dry run changed the hub");
        }
        for (index, (version, was_working)) in shown.into_iter().enumerate() {
            // What the service itself was still working on is not the dry run's.
            if !was_working && self.remotes[index].version() != version {
                return breach("I19", format!("a dry run wrote to {}", NAMES[index]));
            }
        }
        self.settle()?;
        Ok(report)
    }

    fn play_on_copy(&self, before: &MemorySnapshot) -> RoundReport {
        let copy = if self.bug == Some(Bug::RehearsalRemembers) {
            self.store.clone()
        } else {
            let copy = MemoryStore::new();
            copy.restore(before);
            copy
        };
        let engine = self.engine(&copy, REHEARSAL);
        let options = Plan {
            accept: true,
            ..Plan::default()
        }
        .options();
        self.world.begin(Halt::Never, None, false);
        let mut members = self.members(REHEARSAL);
        if self.bug == Some(Bug::RehearsalWrites) {
            return poll(pin!(engine.run_round(&mut members, &options))).unwrap_or_default();
        }
        let mut members: Vec<_> = members
            .into_iter()
            .map(|member| Member {
                account: member.account,
                connector: Rehearsal::new(member.connector),
            })
            .collect();
        poll(pin!(engine.run_round(&mut members, &options))).unwrap_or_default()
    }
}
