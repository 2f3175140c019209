//! Makes a failing schedule short: steps are left out, and made plainer, while it still fails.

use crate::bugs::Bug;
use crate::play::play;
use crate::schedule::{Schedule, Step};

/// The most plays that one shrinking takes.
const MOST_PLAYS: usize = 4_000;

/// A shorter schedule that breaks the same invariant; the schedule itself if it breaks none.
pub fn shrink(schedule: &Schedule, bug: Option<Bug>) -> Schedule {
    let Some(first) = play(schedule, bug, false).breach else {
        return schedule.clone();
    };
    let mut plays = 0;
    let mut fails = |candidate: &Schedule| {
        plays += 1;
        plays <= MOST_PLAYS
            && play(candidate, bug, false)
                .breach
                .is_some_and(|breach| breach.invariant == first.invariant)
    };
    let mut best = schedule.clone();
    loop {
        let before = (best.len(), best.weight());
        leave_out(&mut best, &mut fails);
        make_plainer(&mut best, &mut fails);
        if (best.len(), best.weight()) == before {
            return best;
        }
    }
}

fn leave_out(best: &mut Schedule, fails: &mut impl FnMut(&Schedule) -> bool) {
    let mut size = (best.len() / 2).max(1);
    loop {
        let mut start = 0;
        while start < best.len() {
            let end = (start + size).min(best.len());
            let candidate = best.without(start..end);
            if fails(&candidate) {
                *best = candidate;
            } else {
                start = end;
            }
        }
        if size == 1 {
            return;
        }
        size /= 2;
    }
}

fn make_plainer(best: &mut Schedule, fails: &mut impl FnMut(&Schedule) -> bool) {
    for at in 0..best.len() {
        for plainer in best.steps[at].plainer() {
            let mut candidate = best.clone();
            candidate.steps[at] = plainer;
            if fails(&candidate) {
                *best = candidate;
            }
        }
    }
    for plainer in best.setting.plainer() {
        let mut candidate = best.clone();
        candidate.setting = plainer;
        if fails(&candidate) {
            *best = candidate;
        }
    }
}

impl Schedule {
    /// How far it is from plain.
    fn weight(&self) -> usize {
        let steps = self.steps.iter().map(|step| step.plainer().len());
        steps.sum::<usize>() + self.setting.plainer().len()
    }
}

impl Step {
    fn plainer(&self) -> Vec<Self> {
        match *self {
            Self::Round {
                everything,
                crash,
                between,
                salt,
            } => {
                let round = |everything, crash, between| Self::Round {
                    everything,
                    crash,
                    between,
                    salt,
                };
                let mut plainer = Vec::new();
                if crash.is_some() {
                    plainer.push(round(everything, None, between));
                }
                if between.is_some() {
                    plainer.push(round(everything, crash, None));
                }
                if everything {
                    plainer.push(round(false, crash, between));
                }
                plainer
            }
            Self::Event {
                remote,
                pick,
                times,
                crash,
                salt,
            } => {
                let event = |times, crash| Self::Event {
                    remote,
                    pick,
                    times,
                    crash,
                    salt,
                };
                let mut plainer = Vec::new();
                if crash.is_some() {
                    plainer.push(event(times, None));
                }
                if times > 1 {
                    plainer.push(event(times - 1, crash));
                }
                plainer
            }
            Self::Weather {
                remote,
                weather,
                one_in,
            } if one_in > 1 => vec![Self::Weather {
                remote,
                weather,
                one_in: 1,
            }],
            _ => Vec::new(),
        }
    }
}
