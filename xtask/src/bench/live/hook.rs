//! What our hook adds to a command of Taskwarrior, beyond a hook that does nothing: with the daemon up,
//! and without one, where the report has to lie in the spool before `task` returns.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::super::home::{Home, Seed};
use super::super::scenario::Ground;
use super::row::{Goal, Row, Sample};
use super::{Live, spooled};

/// Both commands, each with both states of the daemon.
const NAMES: [&str; 4] = [
    "hook: task add, daemon up",
    "hook: task add, no daemon",
    "hook: task modify, daemon up",
    "hook: task modify, no daemon",
];

/// Between one command and the next, so that each begins on a machine at rest.
const BREATH: Duration = Duration::from_millis(100);

/// What the daemon calls the reports that it stored.
const STORED: &str = "instep_hook_reports_total";

const SEED: Seed = Seed {
    tasks: 10,
    projects: 1,
    tags_each: 0,
};

pub(super) fn run(ground: &Ground<'_>, done: &mut impl FnMut(Row)) -> Result<()> {
    let wanted = NAMES.map(|name| ground.bench.wants(name));
    if !wanted.contains(&true) {
        return Ok(());
    }
    let live = Live::start(ground, SEED, |_| Ok(()))?;
    let alone = ground.home(SEED)?;
    alone.set_up(&live.server)?;
    alone.run_our_hook()?;
    for (command, names) in [("add", &NAMES[..2]), ("modify", &NAMES[2..])] {
        if !names.iter().any(|name| ground.bench.wants(name)) {
            continue;
        }
        let (up, down) = measure(ground, &live, &alone, command, names)?;
        done(up);
        done(down);
    }
    live.end(ground)
}

fn measure(
    ground: &Ground<'_>,
    live: &Live<'_>,
    alone: &Home<'_>,
    command: &str,
    names: &[&str],
) -> Result<(Row, Row)> {
    let beyond = |most| [Goal::Beyond(most), Goal::BeyondP99(50.0)];
    let mut up = Row::new(names[0], "ms", &beyond(3.0));
    let mut down = Row::new(names[1], "ms", &beyond(10.0));
    let stored = live.daemon.metric(STORED)?.unwrap_or(0.0);
    for number in 0..ground.bench.samples() {
        let text = format!("bench {command} number {number:05}");
        let uuid = Seed::uuid(number % SEED.tasks);
        let args: Vec<&str> = match command {
            "add" => vec!["add", "project:bench_0", &text],
            _ => vec![&uuid, "modify", &text],
        };
        let mut took = [0.0; 3];
        let mut kept = true;
        // Each is first, second and third equally often.
        for turn in 0..3 {
            let which = (turn + number) % 3;
            thread::sleep(BREATH);
            took[which] = match which {
                0 => live.twin.timed_task(&args)?,
                1 => live.home.timed_task(&args)?,
                _ => {
                    let before = spooled(alone);
                    let took = alone.timed_task(&args)?;
                    kept = spooled(alone) == before + 1;
                    took
                }
            };
            if which == 1 {
                live.rest()?;
            }
        }
        let [floor, with, without] = took;
        let sample = |took: Option<f64>| Sample {
            took,
            floor: Some(floor),
            ..Sample::default()
        };
        up.push(sample(Some(with)));
        down.push(sample(kept.then_some(without)));
    }
    let stored = live.daemon.metric(STORED)?.unwrap_or(0.0) - stored;
    let all = ground.bench.samples();
    up.note(format!(
        "{stored} of {all} reports were taken by the daemon; the others went by the spool"
    ));
    down.note(
        "a report that was not in the spool when `task` returned counts as missed".to_owned(),
    );
    ensure!(
        spooled(&live.home) == 0,
        "the daemon left reports in the spool"
    );
    Ok((up, down))
}
