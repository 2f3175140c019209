//! Plays one schedule from its first step to quiet, and stops at the first breach.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use instep_contract::{MemoryStore, Moment, Store};
use instep_engine::{Need, Problem, RoundReport, Trouble};
use instep_model::{ConflictState, Direction, Field, MappingState, Operation};

use crate::bugs::Bug;
use crate::coverage::Coverage;
use crate::executor::poll;
use crate::ledger::{Key, Place, numbers, read_title, texts};
use crate::owners::Owners;
use crate::schedule::{Reinstall, Schedule, Step};
use crate::shown::{Body, Shown};
use crate::stage::{Breach, NAMES, Plan, Stage, breach};

/// How a schedule ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The first breach, if there was one.
    pub breach: Option<Breach>,
    /// What was met on the way.
    pub coverage: Coverage,
    /// The same for the same seed, and for hardly any other.
    pub digest: u64,
    /// What happened, where that was asked for.
    pub trace: Vec<String>,
}

/// Rounds within which everything has to be quiet (I3), first looks and approvals apart.
const ROUNDS_TO_QUIET: usize = 3;

/// Rounds within which an account is put in step before a deed that needs that.
const ROUNDS_TO_SETTLE: usize = 6;

/// Plays a schedule, with one planted bug or none.
pub fn play(schedule: &Schedule, bug: Option<Bug>, traced: bool) -> Outcome {
    let mut stage = Stage::new(schedule.seed, schedule.setting, bug, traced);
    for name in schedule.setting.names() {
        stage.world.coverage(|counts| counts.set(name));
    }
    let breach = stage.play(schedule).err();
    let coverage = stage.world.coverage(|coverage| coverage.clone());
    if let Some(breach) = &breach {
        stage.dump();
        stage
            .trace
            .note(|| format!("{}: {}", breach.invariant, breach.what));
    }
    Outcome {
        breach,
        coverage,
        digest: stage.trace.digest,
        trace: stage.trace.lines.unwrap_or_default(),
    }
}

impl Stage {
    /// Tells where everything stands.
    fn dump(&mut self) {
        if self.trace.lines.is_none() {
            return;
        }
        let mut lines = Vec::new();
        for task in self.store.all_tasks() {
            let alive = if task.is_alive() { "" } else { " (deleted)" };
            lines.push(format!("  hub {}{alive} {:?}", task.id, task.fields));
        }
        for mapping in self.store.all_mappings() {
            lines.push(format!(
                "  pair {} {} {:?} {:?} gone {:?} error {:?} attempts {} base {:?}",
                mapping.account,
                mapping.task,
                mapping.remote,
                mapping.state,
                mapping.gone,
                mapping.last_error,
                mapping.attempts,
                mapping.base.fields
            ));
        }
        for account in &self.accounts {
            let open = poll(pin!(self.store.open_intents(&account.id)));
            let open = open.and_then(Result::ok).unwrap_or_default();
            lines.extend(
                open.iter()
                    .map(|intent| format!("  {} {intent:?}", account.id)),
            );
        }
        for (index, remote) in self.remotes.iter().enumerate() {
            for task in remote.tasks() {
                lines.push(format!("  {} {} {:?}", NAMES[index], task.id, task.fields));
            }
            let reviews = self.store.all_reviews(&self.accounts[index].id);
            lines.extend(reviews.iter().map(|review| format!("  {review:?}")));
        }
        lines.extend(self.store.all_journal().iter().map(|entry| {
            let account = entry.account.as_ref().map_or("a person", |id| id.as_str());
            let task = entry.task.map(|id| id.to_string()).unwrap_or_default();
            let field = entry.field.map_or("", Field::name);
            let (at, side, action, cause) = (entry.at, entry.side, entry.action, &entry.cause);
            let (from, to) = (&entry.from, &entry.to);
            format!("  {at} {side:?} {account} {task} {action:?} {field} {from:?} {to:?}: {cause}")
        }));
        for line in lines {
            self.trace.note(|| line);
        }
    }

    fn play(&mut self, schedule: &Schedule) -> Result<(), Breach> {
        for (number, step) in schedule.steps.iter().enumerate() {
            self.trace.note(|| format!("{number}: {step:?}"));
            self.world.coverage(|counts| counts.stepped(step.name()));
            self.take(*step)?;
            if step.is_the_engines() {
                self.settle()?;
                self.check_always()?;
            }
            self.world.pass(1_000);
            self.trace.mix(u64::try_from(number).unwrap_or_default());
        }
        self.end(schedule.needs_sweep(), 1 + schedule.seed % 8)
    }

    // tidy: long because it is the one list of what a step does
    fn take(&mut self, step: Step) -> Result<(), Breach> {
        match step {
            Step::Act { place, deed, pick } => self.act(place, deed, pick),
            Step::Round {
                everything,
                crash,
                between,
                salt,
            } => {
                self.world.reseed(salt);
                self.ledger.round_began = self.ledger.clock;
                let plan = Plan {
                    crash: crash.map(u64::from),
                    interrupt: between.map(|(at, ..)| u64::from(at)),
                    writes_only: !salt.is_multiple_of(3),
                    everything,
                    accept: !salt.is_multiple_of(4),
                    ..Plan::default()
                };
                let report = self.round(plan, |stage| {
                    if let Some((_, place, deed, pick)) = between {
                        stage.act(place, deed, pick);
                    }
                });
                self.after(report.as_ref(), between.is_some());
            }
            Step::Stall { at, salt } => self.stall(at.into(), salt)?,
            Step::Twin { at, then, salt } => self.twin(at.into(), then.into(), salt)?,
            Step::Meanwhile {
                read,
                everything,
                crash,
                place,
                deed,
                pick,
                salt,
            } => {
                let look = Plan {
                    hold: Some(if read { Moment::After } else { Moment::Before }),
                    everything,
                    crash: crash.map(u64::from),
                    accept: true,
                    ..Plan::default()
                };
                self.meanwhile(look, (place, deed, pick), salt)?;
            }
            Step::Event {
                remote,
                pick,
                times,
                crash,
                salt,
            } => self.event(remote, pick, times, crash.map(u64::from), salt)?,
            Step::Rehearse { salt } => {
                self.world.reseed(salt);
                self.rehearse()?;
            }
            Step::Disk { one_in } => self.world.skies(|skies| skies.disk = Some(one_in)),
            Step::Pass { millis } => self.pass(millis),
            Step::Weather {
                remote,
                weather,
                one_in,
            } => self
                .world
                .skies(|skies| skies.weather[remote] = Some((weather, one_in))),
            Step::Calm => self.world.skies(|skies| {
                skies.weather = [None; 3];
                skies.disk = None;
            }),
            Step::Lie { remote } => self.lie(remote),
            Step::Save => self.saved = Some(self.store.snapshot()),
            Step::Lose { settled } => self.lose(settled, false)?,
            Step::RollBack { settled } => self.lose(settled, true)?,
            Step::Reinstall { how, settled } => {
                self.prepare(settled)?;
                self.wreck(|place| place == Place::Remote(0));
                self.disaster();
                self.reinstall(0, how);
                if how == Reinstall::Empty {
                    self.ledger.shades.retain(|(remote, _), _| *remote != 0);
                }
                self.show_all(0);
            }
            Step::Wipe { remote } => self.wipe(remote)?,
        }
        Ok(())
    }

    /// Time passes, or every clock is set back; what a service is working on takes as long as it takes.
    fn pass(&mut self, millis: i64) {
        self.world.pass(millis);
        if millis < 0 {
            let by = Duration::from_millis(millis.unsigned_abs());
            for remote in &self.remotes {
                remote.clocks_set_back(by);
            }
        }
    }

    /// Takes note of how a round ended.
    pub(crate) fn after(&mut self, report: Option<&RoundReport>, disturbed: bool) {
        if let Some(report) = report {
            self.trace.note(|| {
                let troubles = report
                    .accounts
                    .iter()
                    .filter_map(|one| one.trouble.as_ref());
                format!("    {:?}", troubles.collect::<Vec<_>>())
            });
        }
        if !disturbed && Self::is_clean(report) {
            self.recovering = false;
            self.ledger.settled = self.ledger.tick();
            if self.has_open_conflicts() || !self.is_all_carried() {
                // Places that keep values of their own, or lack some, are not in step.
                self.ledger.in_step = None;
                return;
            }
            let now = self.ledger.tick();
            self.ledger.in_step = Some(now);
        } else if report.is_none() {
            self.forget_late();
            // What was written and not confirmed is neither old nor new.
            self.ledger.in_step = None;
        }
    }

    /// Who was killed does not know that an answer took too long: two seconds have to do then, and
    /// a create that takes longer may double (S14).
    pub(crate) fn forget_late(&mut self) {
        for remote in &self.remotes {
            for operation in remote.accepted() {
                let title = match operation {
                    Operation::Create(draft) => Some(draft.fields.title().to_owned()),
                    Operation::AddNote { id, .. } => {
                        let task = remote.remembered(&id);
                        task.map(|task| task.fields.title().to_owned())
                    }
                    _ => None,
                };
                let key = title.and_then(|title| read_title(&title));
                self.ledger.fluid.extend(key.map(|(key, _)| key));
            }
        }
    }

    fn is_all_carried(&self) -> bool {
        let pairs = self.store.all_mappings();
        pairs
            .iter()
            .all(|pair| pair.state == MappingState::Synced && pair.last_error.is_none())
    }

    fn has_open_conflicts(&self) -> bool {
        let conflicts = self.store.all_conflicts();
        conflicts
            .iter()
            .any(|conflict| conflict.state == ConflictState::Open)
    }

    /// The next look at a remote lies, if that is more than the guard lets pass.
    fn lie(&mut self, remote: usize) {
        let touched = self.ledger.touched.values().copied().max();
        let in_step = self.ledger.in_step > touched;
        if in_step && !self.recovering && self.pairs_within(remote) >= 4 {
            self.world.skies(|skies| skies.lies[remote] = true);
        }
    }

    /// How many items of an account are paired and belong to it: the guard weighs only these.
    fn pairs_within(&self, remote: usize) -> usize {
        let pairs = self.store.all_mappings();
        let own = pairs.iter().filter(|pair| {
            pair.account == self.accounts[remote].id
                && pair.state == MappingState::Synced
                && pair.remote.is_some()
                && pair.gone.is_none()
        });
        own.count()
    }

    /// Runs rounds in calm weather until one ends without trouble.
    fn calm_rounds(&mut self) -> Result<bool, Breach> {
        self.in_calm(|stage| {
            for _ in 0..ROUNDS_TO_SETTLE {
                stage.world.pass(3_700_000);
                let plan = Plan {
                    accept: true,
                    everything: true,
                    ..Plan::default()
                };
                let report = stage.round(plan, |_| {});
                stage.after(report.as_ref(), false);
                stage.settle()?;
                if Self::is_clean(report.as_ref()) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
    }

    /// Before a disaster: puts everything in step where that is wanted, and notes what is not.
    fn prepare(&mut self, settled: bool) -> Result<(), Breach> {
        if settled {
            self.calm_rounds()?;
        }
        Ok(())
    }

    fn disaster(&mut self) {
        self.ledger.forget_deaths();
        self.recovering = true;
        self.had_disaster = true;
        self.ledger.refused.clear();
        // Who remembers nothing cannot see that a listing lies.
        self.world.skies(|skies| skies.lies = [false; 3]);
        for remote in &self.remotes {
            remote.land(self.world.now());
        }
        for key in self.out_of_step() {
            self.ledger.fluid.insert(key);
        }
        // Nobody remembers what an item held that is gone by now.
        let mut there = BTreeSet::new();
        for (index, remote) in self.remotes.iter().enumerate() {
            remote.for_each(|task| {
                there.extend(read_title(task.fields.title()).map(|(key, _)| (index, key)));
            });
        }
        self.ledger.shades.retain(|item, _| there.contains(item));
    }

    /// Values that only lost places have go down with them.
    fn wreck(&mut self, lost: impl Fn(Place) -> bool) {
        let mut kept = BTreeSet::new();
        if !lost(Place::Hub) {
            for task in self.store.all_tasks() {
                let notes = task.fields.annotations();
                kept.extend(numbers(
                    &task.fields,
                    notes.values().map(|note| note.text.as_str()),
                ));
            }
        }
        for (index, remote) in self.remotes.iter().enumerate() {
            // What is never read gives nothing back.
            let read = self.accounts[index].direction != Direction::ToRemote;
            if read && !lost(Place::Remote(index)) {
                remote.for_each(|task| kept.extend(numbers(&task.fields, texts(&task.notes))));
            }
        }
        for entry in &mut self.ledger.entries {
            entry.wrecked |= !kept.contains(&(entry.slot, entry.number));
        }
    }

    /// The hub's database is lost, or becomes an earlier one (I9).
    fn lose(&mut self, settled: bool, back: bool) -> Result<(), Breach> {
        self.prepare(settled)?;
        self.archive.extend(self.store.all_conflicts());
        self.wreck(|place| place == Place::Hub);
        self.disaster();
        match (back, self.saved.clone()) {
            (true, Some(saved)) => {
                self.store.restore(&saved);
                // Whoever opens it sees that it is an older one.
                let forgotten = poll(pin!(self.store.forget_cursors()));
                debug_assert!(matches!(forgotten, Some(Ok(()))));
            }
            _ => self.store = MemoryStore::new(),
        }
        // Leases are gone with it, or those of an earlier time.
        self.world.owners(|owners, _| *owners = Owners::default());
        if back {
            // What moved since cannot be told by its content from something new.
            let moved = self.out_of_step();
            let hub = self.store.all_tasks();
            let is_old = |key: &Key| {
                let mut titles = hub.iter().map(|task| read_title(task.fields.title()));
                titles.any(|title| title.is_some_and(|(one, _)| one == *key))
            };
            self.ledger.fluid.extend(moved.into_iter().filter(is_old));
        }
        Ok(())
    }

    /// After an import, titles are shown under other ids.
    fn show_all(&mut self, remote: usize) {
        let shown = &mut self.ledger.shown;
        self.remotes[remote].for_each(|task| {
            if let Some((_, number)) = read_title(task.fields.title()) {
                shown.insert((remote, task.id.clone(), number));
            }
        });
    }

    /// Everything is deleted in one remote: the guard has to hold that (I7).
    fn wipe(&mut self, remote: usize) -> Result<(), Breach> {
        if !self.calm_rounds()? {
            return Ok(());
        }
        let items = self.remotes[remote].tasks();
        if items.len() < 4
            || self.pairs_within(remote) < 3
            || self.accounts[remote].direction != Direction::Both
        {
            return Ok(());
        }
        for task in items {
            if let Some((key, _)) = read_title(task.fields.title()) {
                self.delete(&Shown {
                    key,
                    body: Body::Remote(remote, task),
                });
            }
        }
        let alive = |stage: &Self| {
            let tasks = stage.store.all_tasks();
            tasks.iter().filter(|task| task.is_alive()).count()
        };
        let before = alive(self);
        let report = self.in_calm(|stage| {
            stage.round(
                Plan {
                    accept: true,
                    ..Plan::default()
                },
                |_| {},
            )
        });
        self.after(report.as_ref(), false);
        let after = alive(self);
        if after < before {
            let what = format!(
                "{before} tasks became {after} after {} was wiped",
                NAMES[remote]
            );
            return breach("I7", what);
        }
        Ok(())
    }

    /// Faults end, and rounds run until nothing is left to do (I3). The first round in which a person
    /// approves is killed at this write.
    // tidy: long because the order of the last rounds and checks is what it says
    fn end(&mut self, look_at_everything: bool, killed_at: u64) -> Result<(), Breach> {
        self.trace.note(|| "the end".to_owned());
        self.world.skies(|skies| {
            skies.weather = [None; 3];
            skies.lies = [false; 3];
            skies.disk = None;
        });
        let mut rounds = 0;
        let mut approved = 0;
        loop {
            self.world.pass(3_700_000);
            let killed = approved == 1;
            let plan = Plan {
                accept: true,
                everything: rounds == 0 && look_at_everything,
                approve: approved > 0,
                crash: killed.then_some(killed_at),
                writes_only: killed,
                ..Plan::default()
            };
            let report = self.round(plan, |_| {});
            self.after(report.as_ref(), false);
            self.settle_end()?;
            self.check_always()?;
            rounds += 1;
            if self.is_quiet(report.as_ref()) {
                break;
            }
            if report.is_none() {
                // Killed: nothing of it counts but what is there.
                approved += 1;
                rounds -= 1;
                continue;
            }
            let held = report.as_ref().is_some_and(Self::is_guarded);
            if held && approved < ROUNDS_TO_QUIET {
                // A person who is asked approves what people did.
                approved += 1;
                rounds -= 1;
                self.world
                    .coverage(|counts| counts.stepped("guard approved"));
            }
            if rounds > ROUNDS_TO_QUIET {
                let troubles: Vec<String> = report
                    .iter()
                    .flat_map(|report| &report.accounts)
                    .map(|one| format!("{:?} {:?} {:?}", one.trouble, one.problems, one.remote))
                    .collect();
                return breach("I3", format!("still not quiet: {troubles:?}"));
            }
        }
        self.world.pass(3_700_000);
        let report = self.round(
            Plan {
                accept: true,
                ..Plan::default()
            },
            |_| {},
        );
        if self.settle_end()? > 0 {
            return breach("I3", "a quiet round wrote something");
        }
        if !self.is_quiet(report.as_ref()) {
            return breach("I3", format!("a quiet round did something: {report:?}"));
        }
        // After a round a dry run has nothing to say (S8).
        let report = self.rehearse()?;
        if !report.changes.is_empty() {
            let what = format!(
                "a dry run finds work after a quiet round: {:?}",
                report.changes
            );
            return breach("I3", what);
        }
        self.check_always()?;
        self.check_quiet()
    }

    fn settle_end(&mut self) -> Result<usize, Breach> {
        let written: usize = self
            .remotes
            .iter()
            .map(|remote| {
                remote
                    .peek_effects()
                    .iter()
                    .filter(|one| one.changed)
                    .count()
            })
            .sum();
        self.settle()?;
        Ok(written)
    }

    fn is_guarded(report: &RoundReport) -> bool {
        report
            .accounts
            .iter()
            .any(|account| matches!(account.trouble, Some(Trouble::NeedsYou(Need::Guard { .. }))))
    }

    /// Whether nothing was done and nothing is in the way but what only a person can decide. A twin
    /// that a disaster made is refused where the id of both is taken.
    fn is_quiet(&self, report: Option<&RoundReport>) -> bool {
        let is_twin = |problem: &Problem| {
            let key = read_title(&problem.title).map(|(key, _)| key);
            key.is_some_and(|key| self.had_disaster && self.ledger.fluid.contains(&key))
        };
        report.is_some_and(|report| {
            report.changes.is_empty()
                && report.accounts.iter().all(|account| {
                    account.problems.iter().all(is_twin)
                        && matches!(
                            account.trouble,
                            None | Some(Trouble::NeedsYou(Need::Review { .. }))
                        )
                })
        })
    }
}
