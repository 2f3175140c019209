//! More than one run of the engine at once: rounds that stand still, rounds side by side, and
//! events that arrive more than once (I4, I13).

use std::pin::pin;

use instep_model::{Conflict, Mapping, MappingState, RemoteTask, Task};

use crate::executor::poll;
use crate::shown::index;
use crate::stage::{Breach, NAMES, Patience, Plan, Stage, breach};
use crate::world::Halt;

/// Deliveries of one event after which everything that it leads to has been done (S8).
const DELIVERIES: usize = 3;

/// What deliveries of one event have to leave alone, once it has been dealt with.
#[derive(PartialEq)]
struct Settled {
    tasks: Vec<Task>,
    mappings: Vec<Mapping>,
    conflicts: Vec<Conflict>,
    remotes: Vec<Vec<RemoteTask>>,
}

impl Stage {
    /// One round stands still, its lease runs out, another runs, and the first goes on (I13).
    pub(crate) fn stall(&mut self, at: u64, salt: u64) -> Result<(), Breach> {
        self.world.reseed(salt);
        let plan = Plan {
            interrupt: Some(at),
            writes_only: !salt.is_multiple_of(3),
            accept: true,
            ..Plan::default()
        };
        let mut outcome = Ok(());
        let report = self.round(plan, |stage| {
            outcome = stage.settle();
            stage.world.pass(120_000);
            let point = stage.world.halted();
            let second = stage.round(
                Plan {
                    accept: true,
                    ..Plan::default()
                },
                |_| {},
            );
            let outcome_of_second = stage.settle();
            outcome = outcome.clone().and(outcome_of_second);
            stage.after(second.as_ref(), false);
            stage
                .trace
                .note(|| format!("    the first goes on at {point:?}"));
        });
        outcome?;
        self.settle()?;
        self.after(report.as_ref(), true);
        self.ledger.in_step = None;
        Ok(())
    }

    /// Two processes run a round each over the same hub: the first is left at one await, the
    /// second at another, then the first goes on, then the second (I13).
    pub(crate) fn twin(&mut self, at: u64, then: u64, salt: u64) -> Result<(), Breach> {
        self.world.reseed(salt);
        let writes_only = salt.is_multiple_of(3);
        let plan = Plan {
            accept: true,
            ..Plan::default()
        };
        let waits = Plan {
            patience: if salt.is_multiple_of(4) {
                Patience::Long
            } else {
                Patience::Short
            },
            ..plan
        };
        let failures = self.world.disk_failures();
        let (one, two) = (self.process(), self.process());
        let engines = (self.engine(&self.store, one), self.engine(&self.store, two));
        let (mut ours, mut theirs) = (self.members(one), self.members(two));
        let options = (plan.options(), waits.options());

        self.world.begin(Halt::Never, Some(at), writes_only);
        let mut first = pin!(engines.0.run_round(&mut ours, &options.0));
        let mut first_report = poll(first.as_mut());
        let first_waits = self.world.take_interruption();
        self.settle()?;

        self.world.begin(Halt::Never, Some(then), writes_only);
        let mut second = pin!(engines.1.run_round(&mut theirs, &options.1));
        let mut second_report = poll(second.as_mut());
        let second_waits = self.world.take_interruption();
        self.settle()?;

        self.world.begin(Halt::Never, None, writes_only);
        if let Some(ticket) = first_waits {
            self.world.resume(ticket);
            first_report = poll(first.as_mut());
            self.settle()?;
        }
        if let Some(ticket) = second_waits {
            self.world.resume(ticket);
            second_report = poll(second.as_mut());
            self.settle()?;
        }
        if self.world.disk_failures() > failures {
            self.forget_late();
        }
        self.after(first_report.as_ref(), true);
        self.after(second_report.as_ref(), true);
        self.ledger.in_step = None;
        Ok(())
    }

    /// An event about one item arrives, and arrives again: what it led to is done once (I4).
    pub(crate) fn event(
        &mut self,
        remote: usize,
        pick: u32,
        times: u8,
        crash: Option<u64>,
        salt: u64,
    ) -> Result<(), Breach> {
        self.world.reseed(salt);
        let ids = self.remotes[remote].all_ids();
        let Some(item) = index(pick, ids.len()).map(|at| ids[at].clone()) else {
            return Ok(());
        };
        let mut clean = 0;
        let mut settled: Option<Settled> = None;
        for time in 0..times {
            self.ledger.round_began = self.ledger.clock;
            let plan = Plan {
                accept: true,
                crash: crash.filter(|_| time == 0),
                ..Plan::default()
            };
            let failures = self.world.failures();
            let report = self.single(plan, remote, &item);
            self.settle()?;
            if report.is_none() {
                self.forget_late();
                self.ledger.in_step = None;
            }
            self.check_always()?;
            // What was refused is tried again when its wait is over, event or not.
            let pairs = self.store.all_mappings();
            let waits = pairs.iter().any(|pair| pair.state == MappingState::Error);
            let failed = waits || self.world.failures() > failures;
            let calm = Self::is_clean(report.as_ref()) && !failed;
            clean = if calm { clean + 1 } else { 0 };
            if clean < DELIVERIES {
                continue;
            }
            let now = self.settled();
            if settled.is_some_and(|before| before != now) {
                let what = format!(
                    "event {time} about {item} in {} changed more",
                    NAMES[remote]
                );
                return breach("I4", what);
            }
            settled = Some(now);
        }
        Ok(())
    }

    fn settled(&self) -> Settled {
        Settled {
            tasks: self.store.all_tasks(),
            mappings: self.store.all_mappings(),
            conflicts: self.store.all_conflicts(),
            remotes: self.remotes.iter().map(|remote| remote.tasks()).collect(),
        }
    }
}
