//! The program dies, the answer is lost, or somebody else is at it too: no task is doubled, none
//! is lost, and the next run goes on as if nothing had been.

use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::compare::{Sides, equal};
use crate::proxy::{Moment, Proxy, beat};
use crate::seeds;
use crate::server::id_of;
use crate::world::{Version, World, size, text};

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A pair of sides that somebody keeps working on.
struct Busy {
    world: World,
    dice: Dice,
    made: usize,
}

impl Busy {
    /// One with this many tasks in Taskwarrior that have not gone across.
    fn new(version: Version, count: usize, seed: u64) -> Self {
        let world = World::new(version);
        world.import(&seeds::for_taskwarrior("task", count));
        let dice = Dice(seed);
        Self {
            world,
            dice,
            made: count,
        }
    }

    /// A few edits of both sides, and a new task on each.
    fn work(&mut self) {
        let rows = self.world.rows();
        let tasks = self.world.server.tasks();
        for _ in 0..3 {
            let row = &rows[self.dice.roll(rows.len() as u64) as usize];
            let letter = ["H", "M", "L"][self.dice.roll(3) as usize];
            let priority = format!("priority:{letter}");
            let tag = format!("+w{}", self.dice.roll(5));
            // Nothing to change is exit 1 and as good.
            self.world
                .task(&[text(row, "uuid"), "modify", &priority, &tag]);
            if !tasks.is_empty() {
                let task = &tasks[self.dice.roll(tasks.len() as u64) as usize];
                let due = format!("2028-01-{:02}T09:00:00Z", 1 + self.dice.roll(28));
                self.world
                    .server
                    .patch(id_of(task), json!({ "due_date": due }));
            }
        }
        let number = self.made;
        let here = format!("made here {number}");
        self.world.task(&["add", &here, "+new", "project:New"]);
        self.world
            .server
            .make(json!({"title": format!("made there {number}")}));
        self.made += 2;
    }

    /// No title stands twice on a side, at whatever moment.
    fn is_not_doubled(&self) {
        let mut titles: Vec<String> = self
            .world
            .server
            .tasks()
            .iter()
            .map(|task| task["title"].to_string())
            .collect();
        titles.sort();
        let doubled = titles.windows(2).find(|pair| pair[0] == pair[1]);
        assert_eq!(doubled, None, "doubled in Vikunja");
    }

    /// All that was made is on both sides, once, and a preview has nothing to say.
    fn is_whole(&self) -> Sides {
        self.world.settle();
        let sides = equal(&self.world);
        assert_eq!(sides.rows.len(), self.made, "tasks were lost");
        self.world.is_in_step();
        sides
    }
}

/// Kills a program after a while; whether it was still at work.
fn kill_after(mut child: Child, span: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < span {
        if child.try_wait().expect("a child of ours").is_some() {
            return false;
        }
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(1));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    true
}

pub(crate) fn a_kill_at_any_moment(version: Version) {
    let kills = size("INSTEP_TEST_KILLS", 6);
    let mut busy = Busy::new(version, size("INSTEP_TEST_TASKS", 40), 1);
    let (mut killed, mut rounds) = (0, 0);
    // The first meeting: what one run left is the next one's start, at once.
    while killed < kills / 2 {
        let span = Duration::from_millis(10 + busy.dice.roll(600));
        if !kill_after(busy.world.start_sync(), span) {
            break;
        }
        killed += 1;
    }
    let first = killed;
    busy.is_not_doubled();
    busy.is_whole();
    while killed < kills {
        busy.work();
        rounds += 1;
        while killed < kills {
            let span = Duration::from_millis(1 + busy.dice.roll(500));
            if !kill_after(busy.world.start_sync(), span) {
                break;
            }
            killed += 1;
        }
        busy.is_not_doubled();
        if rounds % 5 == 0 {
            busy.is_whole();
        }
    }
    busy.is_whole();
    tell(
        version,
        &format!(
            "{first} kills in the first sync, {} in {rounds} rounds",
            killed - first
        ),
    );
}

/// Kills at a write of each run until the trap has sprung `kills` times.
fn kill_at_writes(version: Version, moments: &[Moment], seed: u64) {
    let kills = size("INSTEP_TEST_KILLS", 6) / 2;
    let mut busy = Busy::new(version, size("INSTEP_TEST_TASKS", 40).min(40), seed);
    let (mut killed, mut runs) = (0, 0);
    while killed < kills {
        let moment = moments[killed % moments.len()];
        let nth = 1 + busy.dice.roll(6) as u32;
        let sprung = busy
            .world
            .proxy
            .kill(nth, moment, || busy.world.start_sync());
        runs += 1;
        killed += usize::from(sprung);
        busy.is_not_doubled();
        if !sprung || killed % 5 == 0 {
            busy.is_whole();
            busy.work();
        }
    }
    busy.is_whole();
    tell(version, &format!("{killed} kills at writes in {runs} runs"));
}

pub(crate) fn a_kill_while_a_request_is_under_way(version: Version) {
    kill_at_writes(version, &[Moment::BeforeServer, Moment::BeforeAnswer], 2);
}

pub(crate) fn a_kill_between_answer_and_commit(version: Version) {
    kill_at_writes(version, &[Moment::AfterAnswer], 3);
}

/// S14: an edit that a person takes back after the program was killed over it, or the task itself: the
/// server's copy of that edit is nobody's.
pub(crate) fn what_is_taken_back_after_a_kill_stays_taken_back(version: Version) {
    let world = World::new(version);
    // Enough of them that a few deletions are nothing strange.
    world.import(&seeds::for_taskwarrior("task", 40));
    let edits = [
        ("priority:H", "priority:L"),
        ("+urgent", "-urgent"),
        ("-home", "+home"),
        ("project:Later", "project:Home"),
    ];
    world.task(&["add", "a neighbour", "project:Later", "+urgent"]);
    for (edit, back) in edits {
        for moment in [Moment::BeforeAnswer, Moment::AfterAnswer] {
            let title = format!("{moment:?} of {}", edit.replace([':', '+', '-'], " "));
            world.task(&["add", &title, "+home", "priority:L", "project:Home"]);
            world.settle();
            let (before, row) = (there(&world, &title), world.row(&title));
            let uuid = text(&row, "uuid");
            world.task(&[uuid, "modify", edit]);
            assert!(world.proxy.kill(1, moment, || world.start_sync()));
            assert_ne!(there(&world, &title), before, "{title} was carried");
            world.task(&[uuid, "modify", back]);
            world.settle();
            assert_eq!(there(&world, &title), before, "{title}");
            equal(&world);

            if moment == Moment::BeforeAnswer {
                continue;
            }
            world.task(&[uuid, "modify", edit]);
            assert!(world.proxy.kill(1, moment, || world.start_sync()));
            world.task(&[uuid, "delete"]);
            world.settle();
            let left = world.server.tasks();
            assert!(left.iter().all(|task| task["title"] != title), "{title}");
            equal(&world);
        }
    }
    world.is_in_step();
}

/// What of the task of this title anybody would see in Vikunja.
fn there(world: &World, title: &str) -> Vec<String> {
    let tasks = world.server.tasks();
    let task = tasks.iter().find(|task| task["title"] == title);
    let task = task.unwrap_or_else(|| panic!("no `{title}` in Vikunja"));
    let labels = task["labels"].as_array().into_iter().flatten();
    let mut seen: Vec<String> = labels.map(|label| label["title"].to_string()).collect();
    seen.sort();
    let rest = ["priority", "project_id", "done"].map(|key| task[key].to_string());
    seen.extend(rest);
    seen
}

pub(crate) fn lost_answers(version: Version) {
    answers_go_wrong(version, |proxy| proxy.lose_every(5));
}

/// S14: what the server did may be said to have failed by whatever stands before it.
pub(crate) fn false_answers(version: Version) {
    answers_go_wrong(version, |proxy| proxy.deny_every(3));
}

fn answers_go_wrong(version: Version, begin: impl Fn(&Proxy)) {
    let mut busy = Busy::new(version, size("INSTEP_TEST_TASKS", 40), 4);
    begin(&busy.world.proxy);
    for _ in 0..(size("INSTEP_TEST_KILLS", 6) / 4).min(25) {
        busy.world.instep(&["sync", "--yes"]);
        busy.is_not_doubled();
        busy.work();
    }
    let lost = busy.world.proxy.calm();
    assert!(lost > 2, "only {lost} answers were lost");
    busy.is_whole();
    tell(version, &format!("{lost} answers lost"));
}

pub(crate) fn two_and_five_syncs_at_once(version: Version) {
    let mut busy = Busy::new(version, size("INSTEP_TEST_TASKS", 40), 5);
    for together in [2, 5, 2, 5] {
        let mut children: Vec<Child> = (0..together).map(|_| busy.world.start_sync()).collect();
        for child in &mut children {
            let code = loop {
                if let Some(status) = child.try_wait().expect("a child of ours") {
                    break status.code();
                }
                beat();
            };
            assert!(matches!(code, Some(0 | 8)), "exit {code:?}");
        }
        busy.is_whole();
        busy.work();
    }
    busy.is_whole();
}

/// A line about how much was met, for whoever runs the full sizes.
fn tell(version: Version, what: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "{version:?}: {what}").expect("stderr");
}
