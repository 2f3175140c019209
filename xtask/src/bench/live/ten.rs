//! `instep sync` through the running daemon, with ten projects of a hundred tasks: nothing changed, and
//! one task of each project changed in Taskwarrior.

use anyhow::Result;
use serde_json::json;

use super::super::home::Seed;
use super::super::scenario::Ground;
use super::Live;
use super::moment::Moment;
use super::row::{Goal, Row, Sample};

const NOTHING: &str = "daemon: sync of 10 projects, nothing changed";
const EACH: &str = "daemon: sync of 10 projects, one changed in each";

const PROJECTS: usize = 10;

const SEED: Seed = Seed {
    tasks: 1_000,
    projects: PROJECTS,
    tags_each: 0,
};

pub(super) fn run(ground: &Ground<'_>, done: &mut impl FnMut(Row)) -> Result<()> {
    let wanted = [NOTHING, EACH].map(|name| ground.bench.wants(name));
    if wanted == [false, false] {
        return Ok(());
    }
    let mut live = Live::start(ground, SEED, |_| Ok(()))?;
    if wanted[0] {
        done(nothing(ground, &mut live)?);
    }
    if wanted[1] {
        done(each(ground, &mut live)?);
    }
    live.end(ground)
}

fn nothing(ground: &Ground<'_>, live: &mut Live<'_>) -> Result<Row> {
    let mut row = Row::new(NOTHING, "ms", &[Goal::Median(100.0), Goal::Calls(1.0)]);
    for _ in 0..ground.bench.samples() {
        let floor = projects(live)?;
        live.rest()?;
        row.push(synced(live, live.calls.count(), floor)?);
    }
    row.note("floor: the one call, on a kept connection".to_owned());
    Ok(row)
}

fn each(ground: &Ground<'_>, live: &mut Live<'_>) -> Result<Row> {
    // As many as one change takes by itself, for each, and the projects.
    let goals = [Goal::P99(5_000.0), Goal::Calls(31.0)];
    let mut row = Row::new(EACH, "ms", &goals);
    let mut items = Vec::new();
    for at in 0..PROJECTS {
        items.push(
            live.caller
                .create(live.floor_project, &format!("floor {at}"))?
                .0,
        );
    }
    for number in 0..ground.bench.few_changes() {
        let text = format!("bench changed {number:05}");
        let mut floor = projects(live)?;
        for item in &items {
            floor += live.caller.rename(*item, &text)?.ms();
        }
        live.rest()?;
        let first = live.calls.count();
        let uuids: Vec<String> = (0..PROJECTS).map(Seed::uuid).collect();
        let mut args = vec!["rc.hooks=off", "rc.bulk=0"];
        args.extend(uuids.iter().map(String::as_str));
        args.extend(["modify", &text]);
        live.home.task(&args)?;
        let sample = synced(live, first, floor)?;
        let written = live.calls.since(first);
        let written = written
            .iter()
            .filter(|call| call.written().is_some() && call.holds(&text));
        let written = written.count();
        if written != PROJECTS {
            row.note(format!(
                "sample {number}: {written} writes arrived for {PROJECTS} changes"
            ));
        }
        row.push(sample);
    }
    row.note("floor: the projects and one write for each, one after the other".to_owned());
    Ok(row)
}

/// A sync, with what it took and the calls from number `first` on.
fn synced(live: &Live<'_>, first: usize, floor: f64) -> Result<Sample> {
    let ended = live.home.sync(&[])?;
    let calls = live.count(first, Moment::now()?);
    live.rest()?;
    Ok(Sample {
        took: Some(ended.cost.wall_ms),
        floor: Some(floor),
        calls: Some(calls),
        all_calls: Some(live.count(first, Moment::now()?)),
    })
}

fn projects(live: &mut Live<'_>) -> Result<f64> {
    let path = "api/v2/projects?is_archived=true&per_page=1000&page=1";
    Ok(live.caller.call("GET", path, json!(null))?.ms())
}
