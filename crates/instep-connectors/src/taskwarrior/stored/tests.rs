//! What the files tell, held against what the real 2.6 exports of the same tasks.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tempfile::TempDir;

use super::super::fetch;
use super::*;

/// A database of 2.6 with attributes of a person's own.
struct World {
    directory: TempDir,
}

const TASKRC: &str = "uda.text.type=string\nuda.size.type=numeric\nuda.on.type=date\n\
                      uda.span.type=duration\nuda.odd.label=Odd\n";

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let taskrc = format!("data.location={}\n{TASKRC}", data.display());
        std::fs::write(directory.path().join("taskrc"), taskrc).unwrap();
        Self { directory }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn run(&self, args: &[&str]) -> Vec<u8> {
        let program = std::env::var_os("INSTEP_TEST_TASK2").unwrap_or_else(|| "task".into());
        let output = Command::new(program)
            .args(["rc.confirmation=0", "rc.bulk=0", "rc.verbose=nothing"])
            .args(["rc.recurrence.confirmation=no", "rc.hooks=0"])
            .arg("rc.uda.vikunja_id.type=string")
            .args(args)
            .env_remove("TASKDATA")
            .env("TASKRC", self.directory.path().join("taskrc"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        output.stdout
    }

    fn import(&self, tasks: &[Json]) {
        let file = self.directory.path().join("import.json");
        let lines: String = tasks.iter().map(|task| format!("{task}\n")).collect();
        std::fs::write(&file, lines).unwrap();
        self.run(&["import", path(&file)]);
    }

    /// Adds a line that no command of this release writes.
    fn write(&self, file: &str, line: &[u8]) {
        let path = self.data().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(line);
        std::fs::write(&path, bytes).unwrap();
    }

    /// What an export shows, line by line.
    fn exported(&self) -> HashMap<Uuid, Exported> {
        let all = self.run(&["rc.gc=0", "rc.recurrence=0", "export"]);
        let lines = all.split(|byte| *byte == b'\n');
        let objects = lines.filter(|line| line.starts_with(b"{"));
        let read = |line: &[u8]| fetch::read(line.strip_suffix(b",").unwrap_or(line)).unwrap();
        objects
            .map(read)
            .map(|(row, mut object)| {
                object.remove("id");
                object.remove("urgency");
                (row.uuid, (row, object))
            })
            .collect()
    }

    fn kinds(&self) -> Kinds {
        Kinds::from_show(&String::from_utf8(self.run(&["_show"])).unwrap())
    }

    /// Holds every task against its export; answers how many the files told.
    fn check(&self) -> usize {
        let (kinds, exported) = (self.kinds(), self.exported());
        let files = Files::read(&self.data()).unwrap();
        let mut told = 0;
        for (uuid, shown) in &exported {
            match files.answer(*uuid, terms(Some(&kinds))) {
                Answer::Task(task) => {
                    assert_eq!(task.1, shown.1);
                    assert_eq!(task.0, shown.0);
                    told += 1;
                }
                Answer::Unsure => {}
                other => panic!("{other:?} for {shown:?}"),
            }
        }
        assert!(!exported.is_empty());
        told
    }

    fn answer(&self, number: u128) -> Answer {
        let kinds = Kinds::from_show(TASKRC);
        let files = Files::read(&self.data()).unwrap();
        files.answer(uuid(number), terms(Some(&kinds)))
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn terms(kinds: Option<&Kinds>) -> Terms<'_> {
    static MARKERS: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| vec!["vikunja_id".to_owned()]);
    Terms {
        markers: &MARKERS,
        kinds,
        now_secs: jiff::Timestamp::now().as_second(),
    }
}

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_0000 + number)
}

/// A task with a title and what else there is to it.
fn titled(number: u128, title: &str, more: Json) -> Json {
    let mut task = json!({ "uuid": uuid(number).to_string(), "description": title });
    let object = task.as_object_mut().unwrap();
    object.extend(more.as_object().unwrap().clone());
    task
}

/// Texts that a file may hold otherwise than they are shown.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "plain",
        " leading and trailing ",
        "[brackets] ][ [[",
        "&open;x&close; & &amp; &open",
        "\"quotes\" and \\ back \\\\ slashes \\n \\u0041 / a/b",
        "ends in \\",
        "line\nline\ttab\rreturn\u{8}\u{c}",
        "\u{1}\u{2}\u{1b}\u{7f}\u{85}\u{2028}",
        "über ñ 漢字 🎉 👩‍👩‍👧 שלום e\u{301}",
        "key:\"value\" uuid:\"10000000-0000-4000-8000-000000000002\"] [",
        "{ } < > % $ ` +tag project:x",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("x".repeat(100_000));
    texts
}

#[test]
fn every_task_is_told_as_it_is_exported() {
    let world = World::new();
    let mut tasks = Vec::new();
    for (number, text) in (100..).zip(texts()) {
        let notes = json!([
            { "entry": "20260101T000000Z", "description": text },
            { "entry": "20260102T000000Z", "description": "second" },
        ]);
        let more = json!({ "annotations": notes, "orphan": text, "text": text, "project": text });
        tasks.push(titled(number, &text, more));
    }
    let texts = tasks.len();
    let second = "20270102T030405Z";
    for (number, more) in (200..).zip([
        json!({ "due": second, "wait": second, "scheduled": second, "until": second }),
        json!({ "status": "completed", "end": "20260102T030405Z", "start": "20260101T030405Z" }),
        json!({ "status": "deleted", "end": "20260102T030405Z" }),
        json!({ "wait": "20260101T000000Z", "due": "1980-01-01T00:00:00Z" }),
        json!({ "due": "99991231T000000Z", "entry": "20000101T000000Z" }),
        json!({ "priority": "H", "project": "a.b c" }),
        json!({ "priority": "odd" }),
        json!({ "tags": ["b", "a", "a b", "über", "1st", "+x", "hy-phen", "dot.dot", "漢", "UP"] }),
        json!({ "depends": [uuid(100).to_string(), uuid(9999).to_string()] }),
        json!({ "size": 5, "on": second, "span": "P2D", "odd": "text" }),
        json!({ "size": 2.5, "span": "2d", "vikunja_id": "12345678901234" }),
        json!({ "size": -0.125, "span": "P1Y2M3DT4H5M6S", "vikunja_id": "7" }),
        json!({ "number": 5, "fraction": 2.5, "yes": true, "nested": { "a": [1] } }),
        json!({ "orphan.dotted": "x", "orphan_date": second, "Orphan": "y" }),
    ]) {
        tasks.push(titled(number, "attributes", more));
    }
    let certain = tasks.len();
    let due = json!({ "status": "recurring", "recur": "weekly", "due": second });
    tasks.push(titled(300, "template", due));
    world.import(&tasks);
    // By hand, as a person does.
    let first = uuid(100).to_string();
    world.run(&[&first, "start"]);
    world.run(&[&first, "annotate", "a note [x] \"y\""]);
    world.run(&[&uuid(101).to_string(), "done"]);
    world.run(&[&uuid(102).to_string(), "delete"]);
    world.run(&[
        "add",
        "typed",
        "size:3",
        "span:3weeks",
        "on:2027-05-05",
        "+x",
    ]);
    world.run(&[
        "add",
        "every day",
        "due:2027-01-01",
        "recur:daily",
        "size:1",
    ]);
    let told = world.check();
    assert!(
        told >= certain,
        "{told} of {certain}, {texts} of them texts"
    );
    // A report makes instances, and moves what is closed to the other file.
    world.run(&["list"]);
    let told = world.check();
    assert!(told > certain, "{told} of {certain}");
    assert!(matches!(world.answer(1), Answer::Absent));
}

#[test]
fn texts_of_every_kind_are_told_as_they_are_exported() {
    let world = World::new();
    let mut runner = TestRunner::deterministic();
    let text = "[\\PC\n\t\"\\\\\\[\\]&;:'/ \u{1}\u{7f}]{1,12}";
    let mut draw = |pattern: &str| {
        let strategy = proptest::string::string_regex(pattern).unwrap();
        strategy.new_tree(&mut runner).unwrap().current()
    };
    let tasks = (0..400).map(|number| {
        let tag = draw("[^,:\"\\\\\\p{Cc}]{1,6}");
        let more = json!({
            "project": draw(text), "orphan": draw(text), "text": draw(text), "tags": [tag],
            "annotations": [{ "entry": "20260101T000000Z", "description": draw(text) }],
        });
        titled(number, &draw(text), more)
    });
    let tasks: Vec<Json> = tasks.collect();
    world.import(&tasks);
    let told = world.check();
    assert_eq!(told, tasks.len());
}

#[test]
fn what_is_not_certain_is_left_to_the_program() {
    let world = World::new();
    world.import(&[titled(1, "task", json!({}))]);
    let named = |number| {
        let name = uuid(number);
        format!(
            "description:\"odd\" entry:\"1790000000\" modified:\"1790000000\" \
             status:\"pending\" uuid:\"{name}\""
        )
    };
    let lines = [
        // Expired, or about to be.
        format!("[{} until:\"1790000000\"]", named(10)),
        // What Taskwarrior adds when it reads.
        format!("[{} recur:\"weekly\"]", named(11)),
        // Escapes of another release.
        format!("[{} text:\"\\u0041\"]", named(12)),
        format!("[{} text:\"\\x\"]", named(13)),
        // A set without its list, a list without its set.
        format!("[{} tags_a:\"x\"]", named(14)),
        format!("[{} tags:\"a\"]", named(15)),
        format!("[{} dep_{}:\"x\"]", named(16), uuid(1)),
        // Broken in some way.
        format!("[{} text]", named(17)),
        format!("[{} text:\"a\"  other:\"b\"]", named(18)),
        format!("[{} text:\"a\" text:\"b\"]", named(19)),
        format!("{} text:\"a\"", named(20)),
        format!("[{} due:\"tomorrow\"]", named(21)),
        format!("[{} due:\"100\"]", named(22)),
        format!("[{} size:\"many\"]", named(23)),
        format!("[{} span:\"2 weeks\"]", named(24)),
        format!("[{}]", named(25).replace("pending", "waiting")),
        format!("[{}]", named(26).replace("entry", "entered")),
        // Twice.
        format!("[{}]\n[{}]", named(27), named(27)),
    ];
    for (number, line) in (10..).zip(&lines) {
        world.write("pending.data", format!("{line}\n").as_bytes());
        let answer = world.answer(number);
        assert!(matches!(answer, Answer::Unsure), "{line}: {answer:?}");
    }
    let mut broken = format!("[{} text:\"", named(40)).into_bytes();
    broken.extend(b"\xff\xfe\"]\n");
    world.write("pending.data", &broken);
    assert!(matches!(world.answer(40), Answer::Unsure));
    // In both files.
    let line = format!("[{}]\n", named(41));
    world.write("pending.data", line.as_bytes());
    assert!(matches!(world.answer(41), Answer::Task(_)));
    world.write("completed.data", line.as_bytes());
    assert!(matches!(world.answer(41), Answer::Unsure));
    // What stands beside them is told all the same.
    assert!(matches!(world.answer(1), Answer::Task(_)));
    // Attributes of a person's own cannot be told without knowing what they are.
    let files = Files::read(&world.data()).unwrap();
    let without = files.answer(uuid(23), terms(None));
    assert!(matches!(without, Answer::Undeclared));
    // Half a line: somebody writes.
    world.write("completed.data", b"[descr");
    assert!(Files::read(&world.data()).is_none());
}

#[test]
fn files_that_a_command_is_at_are_left_alone() {
    let world = World::new();
    world.import(&[titled(1, "task", json!({}))]);
    assert!(Files::read(&world.data()).is_some());
    // A lock is a process's own, so that another one has to hold it.
    let script = "import fcntl,sys,time\nf=open(sys.argv[1],'r+')\n\
                  fcntl.lockf(f,fcntl.LOCK_EX)\nprint('held',flush=True)\nsys.stdin.read()";
    for name in TASKS {
        let mut holder = Command::new("python3")
            .args(["-c", script, path(&world.data().join(name))])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut held = [0; 5];
        let mut stdout = holder.stdout.take().unwrap();
        stdout.read_exact(&mut held).unwrap();
        assert!(Files::read(&world.data()).is_none(), "{name}");
        drop(holder.stdin.take());
        holder.wait().unwrap();
        assert!(Files::read(&world.data()).is_some(), "{name}");
    }
    std::fs::remove_file(world.data().join("completed.data")).unwrap();
    assert!(Files::read(&world.data()).is_none());
}
