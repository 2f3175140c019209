//! Schedules hold every promise, and a seed always tells the same story.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, thread};

use instep_sim::{Coverage, Schedule, play, shrink};

/// Schedules of one test run; a nightly run plays many more of other seeds.
const SCHEDULES: u64 = if cfg!(debug_assertions) { 1_000 } else { 4_000 };

/// Plays these seeds on every core and answers what was met.
fn check(seeds: &[u64]) -> Coverage {
    let next = AtomicU64::new(0);
    let work = || {
        let mut coverage = Coverage::default();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(seed) = usize::try_from(at).ok().and_then(|at| seeds.get(at)) else {
                return coverage;
            };
            let outcome = play(&Schedule::draw(*seed), None, false);
            coverage.absorb(&outcome.coverage);
            assert!(
                outcome.breach.is_none(),
                "seed {seed}: {:?}\n{}",
                outcome.breach,
                shrink(&Schedule::draw(*seed), None)
            );
        }
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut coverage = Coverage::default();
        for worker in workers {
            match worker.join() {
                Ok(met) => coverage.absorb(&met),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        coverage
    })
}

#[test]
fn schedules_hold_every_promise() {
    let seeds: Vec<u64> = (0..SCHEDULES).collect();
    let coverage = check(&seeds);
    let never: Vec<String> = coverage
        .lines()
        .into_iter()
        // Where a round is left is met thinly: `cargo xtask sim` asks for all of that.
        .filter(|(name, count)| *count == 0 && !name.starts_with("stop"))
        .map(|(name, _)| name)
        .collect();
    assert!(never.is_empty(), "never met: {never:?}");
}

/// Schedules that failed once, as they were kept, by their names.
fn kept() -> Vec<(String, Schedule)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let files = fs::read_dir(&folder).expect("the folder of kept schedules is there");
    let mut kept: Vec<(String, Schedule)> = files
        .filter_map(|file| {
            let path = file.ok()?.path();
            let name = path.file_stem()?.to_str()?.to_owned();
            let text = fs::read_to_string(&path).expect("a kept schedule can be read");
            Some((name, text.parse().expect("a kept schedule is one")))
        })
        .collect();
    kept.sort_by(|(one, _), (other, _)| one.cmp(other));
    kept
}

#[test]
fn schedules_that_failed_once_never_fail_again() {
    let kept = kept();
    assert!(!kept.is_empty(), "nothing is kept");
    for (name, schedule) in &kept {
        let breach = play(schedule, None, false).breach;
        assert!(breach.is_none(), "{name}: {breach:?}\n{schedule}");
    }
}

#[test]
fn a_schedule_that_is_written_down_reads_as_itself() {
    for seed in 0..50 {
        let schedule = Schedule::draw(seed);
        let read: Schedule = schedule.to_string().parse().expect("what was just written");
        assert_eq!(read.to_string(), schedule.to_string(), "seed {seed}");
        let (one, other) = (play(&schedule, None, false), play(&read, None, false));
        assert_eq!(one.digest, other.digest, "seed {seed}");
    }
}

#[test]
fn a_seed_tells_the_same_story_twice() {
    let mut digests = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let schedule = Schedule::draw(seed);
        let (first, second) = (play(&schedule, None, true), play(&schedule, None, true));
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.digest, second.digest, "seed {seed}");
        assert_eq!(first.coverage, second.coverage, "seed {seed}");
        let silent = play(&schedule, None, false);
        assert_eq!(first.digest, silent.digest, "seed {seed} is watched");
        digests.insert(first.digest);
    }
    assert_eq!(digests.len(), 60, "every seed tells its own");
}

#[test]
fn a_schedule_is_long_enough() {
    for seed in 0..1_000 {
        assert!(Schedule::draw(seed).len() >= 40, "seed {seed}");
    }
}
