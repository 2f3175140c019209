//! One change of one side until the other has it: `task add` and tags towards Vikunja, changes and
//! labels towards Taskwarrior. Beside each the same with bare tools: the command or the import alone,
//! one call for each thing that the service has to be told or asked, and the webhook's own way.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::super::home::{Home, MARK, Seed};
use super::super::scenario::Ground;
use super::moment::Moment;
use super::recorder::Exchange;
use super::row::{Goal, Row, Sample};
use super::{Live, SEEN_WITHIN};

/// Tags that tasks bear, and labels that exist, from the start.
const TAGS: usize = 10;

/// The time that the daemon spent itself, and in how many turns.
const OWN: [&str; 2] = [
    "instep_turn_own_seconds_sum",
    "instep_turn_own_seconds_count",
];

/// The turns that carry a change: one takes it in, another passes it on.
const CARRYING: f64 = 2.0;

/// A kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Tag,
    NewTag,
    Rename,
    Label,
}

impl Change {
    const ALL: [Self; 5] = [
        Self::Add,
        Self::Tag,
        Self::NewTag,
        Self::Rename,
        Self::Label,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Add => "live: task add -> Vikunja",
            Self::Tag => "live: tag -> label",
            Self::NewTag => "live: new tag -> label",
            Self::Rename => "live: Vikunja -> Taskwarrior",
            Self::Label => "live: label -> tag",
        }
    }

    fn goals(self) -> [Goal; 3] {
        let (p99, calls) = match self {
            Self::Add => (300.0, 3.0),
            Self::Tag => (1_000.0, 3.0),
            Self::NewTag => (1_000.0, 4.0),
            Self::Rename => (500.0, 1.0),
            Self::Label => (1_000.0, 1.0),
        };
        [Goal::Ratio(1.5), Goal::P99(p99), Goal::Calls(calls)]
    }
}

pub(super) fn run(ground: &Ground<'_>, done: &mut impl FnMut(Row)) -> Result<()> {
    let asked = Change::ALL.into_iter();
    let asked: Vec<Change> = asked
        .filter(|change| ground.bench.wants(change.name()))
        .collect();
    if asked.is_empty() {
        return Ok(());
    }
    // Each tag meets each of these tasks once; the first task bears all tags.
    let seed = Seed {
        tasks: 1 + ground.bench.samples().div_ceil(TAGS),
        projects: 1,
        tags_each: 0,
    };
    let live = Live::start(ground, seed, |home| {
        let tags: Vec<String> = (0..TAGS)
            .map(|tag| format!("+{}", known_tag(tag)))
            .collect();
        let mut args = vec![Seed::uuid(0)];
        args.push("modify".to_owned());
        args.extend(tags);
        home.task(&args.iter().map(String::as_str).collect::<Vec<_>>())
    })?;
    let mut carry = Carry::prepare(live, seed)?;
    for change in asked {
        for row in carry.measure(change, ground.bench.samples())? {
            done(row);
        }
    }
    carry.live.end(ground)
}

struct Carry<'a> {
    live: Live<'a>,
    seed: Seed,
    /// The numbers that Vikunja gave the tasks of the seed.
    items: Vec<i64>,
    /// As many tasks and labels that only floors use.
    floor_items: Vec<i64>,
    floor_labels: Vec<i64>,
    /// What the floors of a row took to ask for labels, in milliseconds.
    asking: Vec<f64>,
}

/// A change that was made, and when it was seen.
struct Made {
    sent: Moment,
    seen: Option<Moment>,
    /// The part of the floor that the change itself shows: how long the webhook was on its way.
    delay: Option<f64>,
}

/// A sample, when everything was at rest again.
struct Done {
    made: Made,
    calls: Option<u64>,
    all_calls: u64,
    /// Seconds that the daemon spent itself on carrying it.
    carried: Option<f64>,
    /// Seconds and turns that it spent itself until all was at rest.
    own: Option<(f64, f64)>,
    notes: Vec<String>,
}

fn known_tag(number: usize) -> String {
    format!("{MARK}tag_{}", number % TAGS)
}

impl<'a> Carry<'a> {
    fn prepare(mut live: Live<'a>, seed: Seed) -> Result<Self> {
        let listed = live.caller.tasks(live.project)?;
        let item = |at: usize| {
            let title = format!("bench task number {at}");
            let found = listed.iter().find(|(_, known)| *known == title);
            found
                .map(|(id, _)| *id)
                .context("a task is not on the server")
        };
        let items = (0..seed.tasks).map(item).collect::<Result<_>>()?;
        let (caller, project) = (&mut live.caller, live.floor_project);
        let made = |at| Ok(caller.create(project, &format!("floor {at}"))?.0);
        let floor_items = (0..seed.tasks).map(made).collect::<Result<_>>()?;
        let made = |at| live.caller.make("labels", &format!("floor_{at}"));
        let floor_labels = (0..TAGS).map(made).collect::<Result<_>>()?;
        Ok(Self {
            live,
            seed,
            items,
            floor_items,
            floor_labels,
            asking: Vec::new(),
        })
    }

    /// The task that this sample changes: never the first, and none twice with the same tag.
    fn target(&self, number: usize) -> usize {
        1 + number / TAGS % (self.seed.tasks - 1)
    }

    /// The row, and that of the daemon's own part in it.
    fn measure(&mut self, change: Change, samples: usize) -> Result<[Row; 2]> {
        let mut row = Row::new(change.name(), "ms", &change.goals());
        let name = change.name().replacen("live", "own", 1);
        let mut own = Row::new(&name, "ms", &[Goal::Median(10.0), Goal::P99(100.0)]);
        own.note(
            "the daemon's two turns that carried it, without calls and `task` processes".to_owned(),
        );
        let (mut turns, mut in_turns) = (0.0, 0.0);
        for number in 0..samples {
            let text = format!("{MARK}{change:?}_{number:05}");
            self.live.rest()?;
            // Every other time the floor comes first.
            let before = match number % 2 {
                0 => None,
                _ => Some(self.floor(change, number, &text)?),
            };
            let done = self.one(change, number, &text)?;
            let floor = match before {
                Some(before) => before,
                None => self.floor(change, number, &text)?,
            };
            let floor = match change.is_from_vikunja() {
                true => done.made.delay.map(|delay| delay + floor),
                false => Some(floor),
            };
            row.push(Sample {
                took: done.made.seen.map(|seen| seen.ms_since(done.made.sent)),
                floor,
                calls: done.calls,
                all_calls: Some(done.all_calls),
            });
            for note in done.notes {
                row.note(format!("sample {number}: {note}"));
            }
            if let Some(seconds) = done.carried {
                own.value(seconds * 1e3);
            }
            if let Some((seconds, count)) = done.own {
                turns += count;
                in_turns += seconds * 1e3;
            }
        }
        let mut asking = std::mem::take(&mut self.asking);
        asking.sort_by(f64::total_cmp);
        if let Some(median) = asking.get(asking.len() / 2) {
            row.note(format!(
                "the floor asks for the label first, which takes it {median:.1} ms"
            ));
        }
        let (each, all) = (in_turns / turns, in_turns / samples as f64);
        own.note(format!(
            "{turns:.0} turns for {samples} samples until all was at rest, echoes and ids with \
             them: {each:.2} ms each, {all:.2} ms a sample"
        ));
        Ok([row, own])
    }

    /// One sample, from rest to rest.
    fn one(&mut self, change: Change, number: usize, text: &str) -> Result<Done> {
        let label = match change {
            Change::Label => {
                let label = self.live.caller.make("labels", &text[MARK.len()..])?;
                self.live.rest()?;
                label
            }
            _ => 0,
        };
        let own_before = self.own()?;
        let (calls, webhooks) = (self.live.calls.count(), self.live.webhooks.count());
        let made = self.make(change, number, text, label)?;
        // Nothing is told of it before the first turn.
        let own_before = own_before.unwrap_or_default();
        let carried = self.carried(own_before)?;
        self.live.rest()?;
        let at_rest = Moment::now()?;
        let own = self.own_since(own_before)?;
        let mut notes = Vec::new();
        if made.seen.is_none() {
            let came = match self.is_there(change, calls, text) {
                true => "it came after the time",
                false => "it never came",
            };
            notes.push(came.to_owned());
        }
        if change.is_from_vikunja() && made.delay.is_none() {
            let others = self.live.webhooks.count() - webhooks;
            notes.push(format!("no webhook told of it; {others} others came"));
        }
        Ok(Done {
            calls: made.seen.map(|seen| self.live.count(calls, seen)),
            all_calls: self.live.count(calls, at_rest),
            made,
            carried,
            own,
            notes,
        })
    }

    /// Seconds and turns that the daemon spent itself so far, where it tells.
    fn own(&self) -> Result<Option<(f64, f64)>> {
        let [seconds, turns] = OWN.map(|name| self.live.daemon.metric(name));
        Ok(seconds?.zip(turns?))
    }

    /// The same since some moment.
    fn own_since(&self, before: (f64, f64)) -> Result<Option<(f64, f64)>> {
        let own = self.own()?;
        Ok(own.map(|after| (after.0 - before.0, after.1 - before.1)))
    }

    /// Its seconds when the turn has ended that passed the change on; the one before it took it in. Asked
    /// once the change was seen, in its last moments.
    fn carried(&self, before: (f64, f64)) -> Result<Option<f64>> {
        let began = Instant::now();
        loop {
            match self.own_since(before)? {
                Some((seconds, turns)) if turns >= CARRYING => return Ok(Some(seconds)),
                _ if began.elapsed() > SEEN_WITHIN => return Ok(None),
                _ => thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    /// Makes the change and waits until it is seen on the other side.
    fn make(&mut self, change: Change, number: usize, text: &str, label: i64) -> Result<Made> {
        let target = self.target(number);
        let live = &mut self.live;
        let first = live.calls.count();
        let uuid = Seed::uuid(target);
        if change.is_from_vikunja() {
            let first_webhook = live.webhooks.count();
            let stamps = live.sight.stamps();
            let item = self.items[target];
            let called = match change {
                Change::Rename => live.caller.rename(item, text)?,
                _ => live.caller.attach(item, label)?,
            };
            let seen = live.sight.wait(&stamps, text, SEEN_WITHIN)?;
            let came = live.webhooks.find(first_webhook, |webhook| {
                webhook.holds(text).then_some(webhook.asked)
            });
            return Ok(Made {
                sent: called.sent,
                seen,
                delay: came.map(|came| came.ms_since(called.sent)),
            });
        }
        let tag = format!("+{}", tag(change, number, text));
        let args = match change {
            Change::Add => vec!["add", "project:bench_0", text],
            _ => vec![uuid.as_str(), "modify", tag.as_str()],
        };
        let sent = Moment::now()?;
        live.home.timed_task(&args)?;
        let seen = live.written(first, |call| is_arrival(change, call, text))?;
        Ok(Made {
            sent,
            seen,
            delay: None,
        })
    }

    /// Whether the change arrived after all.
    fn is_there(&self, change: Change, first: usize, text: &str) -> bool {
        if change.is_from_vikunja() {
            return self.live.sight.shows(text);
        }
        let arrived = |call: &Exchange| call.written().filter(|_| is_arrival(change, call, text));
        self.live.calls.find(first, arrived).is_some()
    }

    /// What the job cannot do without, in milliseconds; without the webhook's own way.
    fn floor(&mut self, change: Change, number: usize, text: &str) -> Result<f64> {
        let target = self.target(number);
        let item = self.floor_items[target];
        let live = &mut self.live;
        let uuid = Seed::uuid(target);
        if change.is_from_vikunja() {
            let read = live.caller.read(item)?.ms();
            return Ok(read + import(&live.twin, change, &uuid, text)?);
        }
        let (task, calls) = match change {
            Change::Add => {
                let task = live.twin.timed_task(&["add", "project:bench_0", text])?;
                (task, live.caller.create(live.floor_project, text)?.1)
            }
            _ => {
                let tag = format!("+{}", tag(change, number, text));
                let task = live.twin.timed_task(&[&uuid, "modify", &tag])?;
                // Labels are told by their numbers, and titles are not unique: whoever has a tag to set
                // asks first.
                let label = match change {
                    Change::NewTag => format!("{text}_floor"),
                    _ => format!("{MARK}floor_{}", number % TAGS),
                };
                let path = format!("api/v2/labels?q={label}");
                let asking = live.caller.call("GET", &path, json!(null))?.ms();
                self.asking.push(asking);
                let mut calls = asking;
                let label = match change {
                    Change::NewTag => {
                        let title = json!({ "title": label });
                        let made = live.caller.call("POST", "api/v2/labels", title)?;
                        calls += made.ms();
                        made.answer["id"].as_i64().context("no number")?
                    }
                    _ => self.floor_labels[number % TAGS],
                };
                calls += live.caller.attach(item, label)?.ms();
                (task, calls)
            }
        };
        Ok(task + calls)
    }
}

/// The tag that a sample puts on its task.
fn tag(change: Change, number: usize, text: &str) -> String {
    match change {
        Change::NewTag => text.to_owned(),
        _ => known_tag(number),
    }
}

impl Change {
    fn is_from_vikunja(self) -> bool {
        matches!(self, Self::Rename | Self::Label)
    }
}

/// Whether this call brought the change to the service.
fn is_arrival(change: Change, call: &Exchange, text: &str) -> bool {
    let line = call.line();
    match change {
        Change::Add => line.contains("/tasks") && call.holds(text),
        _ => line.contains("/tasks/") && line.contains("/labels"),
    }
}

/// A bare import of the one task as it would be.
fn import(twin: &Home<'_>, change: Change, uuid: &str, text: &str) -> Result<f64> {
    let mut task = json!({
        "uuid": uuid,
        "description": "bench task",
        "status": "pending",
        "entry": "20260101T080000Z",
        "project": "bench_0",
    });
    match change {
        Change::Rename => task["description"] = json!(text),
        Change::Label => task["tags"] = json!([text]),
        _ => bail!("nothing is imported"),
    }
    fs::write(twin.path("one"), format!("{task}\n"))?;
    twin.timed_task(&["rc.hooks=off", "import", "one"])
}
