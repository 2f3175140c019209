//! What the hook reports of real commands of both Taskwarriors, to whom, and that it changes
//! nothing about them.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Child, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

use instep_api::socket::{
    Envelope, HookReport, MAX_QUESTION_BYTES, Question, Said, read_frame, write_frame,
};
use instep_app::{Places, Spool, Told};

use crate::home::Home;

/// A line as Taskwarrior tells it to a hook.
pub(crate) const LINE: &[u8] =
    b"{\"description\":\"milk\",\"uuid\":\"3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10\"}\n";

/// How long anything may take that is waited for.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn places(home: &Home) -> Places {
    Places::under(&home.path(""))
}

/// All reports in the spool, which is emptied.
pub(crate) fn spooled(home: &Home) -> Vec<HookReport> {
    let spool = Spool::of(&places(home));
    let names = spool.list().expect("the spool");
    let read = names.iter().filter_map(|name| spool.read(name));
    let reports = read.map(|spooled| {
        spool.remove(&spooled).expect("it can be removed");
        match spooled.told {
            Told::Report(report) => report,
            Told::Everything => panic!("{spooled:?} could not be read"),
        }
    });
    reports.collect()
}

/// The program as Taskwarrior's hook calls it, with this on stdin.
pub(crate) fn call(home: &Home, stdin: &[u8], env: &[(&str, &str)]) -> Output {
    let program = assert_cmd::cargo::cargo_bin("instep");
    let mut command = home.command(&program);
    command
        .args(["hook", "api:2", "command:add", "data:/var/lib/ann/.task"])
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    let mut input = child.stdin.take().expect("its stdin");
    // It may leave before it has read anything.
    let _ = input.write_all(stdin);
    drop(input);
    child.wait_with_output().expect("it ends")
}

/// Wants a hook to have ended well and in silence.
pub(crate) fn check_silent(output: &Output, what: &str) {
    assert!(output.status.success(), "{what}: {output:?}");
    assert!(
        output.stdout.is_empty() && output.stderr.is_empty(),
        "{what}: {output:?}"
    );
}

/// Listens where a daemon would: at its own name, or at the one that every unit has.
pub(crate) fn listen(home: &Home, at: usize) -> UnixListener {
    let socket = socket(home, at);
    let dir = socket.parent().expect("a directory");
    fs::create_dir_all(dir).expect("a directory");
    let mode = fs::Permissions::from_mode(0o700);
    fs::set_permissions(dir, mode).expect("its mode can be set");
    UnixListener::bind(&socket).expect("a socket")
}

pub(crate) fn socket(home: &Home, at: usize) -> PathBuf {
    places(home).sockets()[at].clone()
}

/// Takes this many reports, and says so.
fn daemon(listener: UnixListener, times: usize) -> Receiver<Envelope> {
    let (tell, told) = channel();
    spawn(move || {
        for _ in 0..times {
            let (mut stream, _) = listener.accept().expect("a caller");
            let asked = read_frame(&mut stream, MAX_QUESTION_BYTES).expect("a question");
            write_frame(&mut stream, &Said::Accepted, 100).expect("it waits for the answer");
            tell.send(asked).expect("the test waits for it");
        }
    });
    told
}

fn report(envelope: Envelope) -> HookReport {
    match envelope.question {
        Question::Hook(report) => report,
        other => panic!("{other:?}"),
    }
}

/// What differs from one home and one second to another: ids, and moments. Taskwarrior 3 shows those
/// in seconds when it asks about an undo, 2.6 by their day.
fn without_chance(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
    let is_of_time = |c: char| c.is_ascii_digit() || c == '-';
    let words = text.split_inclusive(|c: char| !is_part(c)).map(|word| {
        let bare = word.trim_end_matches(|c| !is_part(c));
        let shown = match bare.len() {
            36 => "UUID",
            10 if bare.chars().all(is_of_time) => "MOMENT",
            _ => bare,
        };
        format!("{shown}{}", &word[bare.len()..])
    });
    within_a_second(words.collect())
}

/// A command during which a second ended moves `modified` twice in Taskwarrior 3, which is one operation
/// more to undo.
fn within_a_second(said: String) -> String {
    let indent = " ".repeat(37);
    let again = format!("\n{indent}Update property 'modified' from\n{indent}'MOMENT' to 'MOMENT'");
    let said = said.replace(&again, "");
    (2..10).fold(said, |said, count| {
        said.replace(
            &format!("following {count} operations"),
            "following operations",
        )
    })
}

#[test]
fn what_is_said_in_another_second_sounds_the_same() {
    let said = |moment: &str, day: &str, id: &str| {
        format!("{id} Update 'modified' from '{moment}' to '{moment}'\nentry  {day}\n")
    };
    let first = said(
        "1795324780",
        "2026-11-22",
        "3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10",
    );
    let second = said(
        "1795324781",
        "2026-11-23",
        "232f461f-7b44-41ee-bd97-ce30818c9a47",
    );
    assert_eq!(without_chance(&first), without_chance(&second));
    assert_eq!(without_chance("Created task 2."), "Created task 2.");

    let indent = " ".repeat(37);
    let moved = format!("Update property 'modified' from\n{indent}'1795324780' to '1795324781'\n");
    let undone = |count: usize, more: &str| {
        format!(
            "The following {count} operations would be reverted:\n{moved}\
             {indent}Add property 'end'\n{more}{indent}Delete\n"
        )
    };
    let again = format!("{indent}{moved}");
    assert_eq!(
        without_chance(&undone(3, "")),
        without_chance(&undone(4, &again))
    );
}

fn uuids(home: &Home) -> BTreeSet<String> {
    let text = home.task(&["export"]);
    let tasks: serde_json::Value = serde_json::from_str(&text).expect("an export");
    let tasks = tasks.as_array().expect("a list").iter();
    tasks
        .map(|task| task["uuid"].as_str().expect("a uuid").to_owned())
        .collect()
}

#[test]
fn a_daemon_takes_the_report_at_either_of_its_names() {
    for at in [0, 1] {
        let home = Home::new();
        let told = daemon(listen(&home, at), 1);
        check_silent(&call(&home, LINE, &[]), "the hook");
        let envelope = told.recv_timeout(LIMIT).expect("a report");
        assert_eq!(envelope.data, places(&home).data().display().to_string());
        let report = report(envelope);
        assert_eq!(report.tasks, ["3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10"]);
        assert_eq!(
            (&*report.command, &*report.data),
            ("add", "/var/lib/ann/.task")
        );
        assert_eq!(spooled(&home), [], "socket {at}");
    }
}

#[test]
fn without_a_daemon_the_report_is_in_the_spool() {
    let home = Home::new();
    check_silent(&call(&home, LINE, &[]), "the hook");
    check_silent(&call(&home, b"", &[]), "nothing changed");
    check_silent(
        &call(&home, LINE, &[("INSTEP_HOOK", "off")]),
        "switched off",
    );
    let reports = spooled(&home);
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0].tasks, ["3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10"]);
}

#[test]
fn what_real_commands_change_is_reported() {
    for major in [2, 3] {
        let home = Home::with_taskwarrior(major);
        home.good(&["init", "--yes"]);
        let check = |command: &str, args: &[&str]| {
            home.task(args);
            let reports = spooled(&home);
            assert_eq!(reports.len(), 1, "{major} {args:?}: {reports:?}");
            let report = &reports[0];
            assert_eq!(report.command, command);
            assert_eq!(report.data, home.path(".task").display().to_string());
            let known = uuids(&home);
            assert!(!report.tasks.is_empty());
            assert!(
                report.tasks.iter().all(|task| known.contains(task)),
                "{report:?}"
            );
        };
        check("add", &["add", "Buy milk"]);
        check("modify", &["1", "modify", "Buy oat milk"]);
        check("annotate", &["1", "annotate", "from the corner shop"]);
        check("done", &["1", "done"]);
        check("add", &["add", "Every day", "due:tomorrow", "recur:daily"]);
        home.task(&["next"]);
        spooled(&home);
        for args in [
            &["next"][..],
            &["export"],
            &["_get", "rc.data.location"],
            &["undo"],
        ] {
            home.task(args);
            assert_eq!(spooled(&home), [], "{major} {args:?}");
        }
    }
}

/// The whole of what `task` says and how it ends is the same with the hook as without.
#[test]
fn commands_end_and_sound_the_same_with_the_hook() {
    for major in [2, 3] {
        let (with, without) = (Home::with_taskwarrior(major), Home::with_taskwarrior(major));
        with.good(&["init", "--yes"]);
        without.good(&["init", "--yes", "--no-hook"]);
        assert!(!without.path(".task/hooks/on-exit-instep").exists());
        let run = |home: &Home, args: &[&str]| {
            let said = "rc.verbose=affected,new-id,footnote,header,label,project";
            let output = home
                .task_command()
                .arg(said)
                .args(args)
                .output()
                .expect("it runs");
            let text = |bytes: &[u8]| {
                let text = String::from_utf8_lossy(bytes).into_owned();
                let text = text.replace(&home.path("").display().to_string(), "~/");
                without_chance(&text)
            };
            (
                output.status.code(),
                text(&output.stdout),
                text(&output.stderr),
            )
        };
        for args in [
            &["add", "Buy milk", "project:Home"][..],
            &["add", "Buy bread", "+shop"],
            &["add", "Buy", "due:nonsense"],
            &["1", "modify", "Buy oat milk"],
            &["1", "modify", "Buy oat milk"],
            &["99", "modify", "nothing"],
            &["1", "annotate", "soon"],
            &["1", "start"],
            &["1", "done"],
            &["2", "delete"],
            &["undo"],
            &["import", "tasks.json"],
            &["import", "missing.json"],
            &["_get", "rc.confirmation"],
            &["projects"],
            &["modify", "x"],
        ] {
            for home in [&with, &without] {
                let task =
                    "{\"uuid\":\"3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10\",\"description\":\"x\"}";
                home.write("tasks.json", task);
            }
            assert_eq!(run(&with, args), run(&without, args), "{major} {args:?}");
        }
        assert!(spooled(&with).len() >= 5);
    }
}

#[test]
fn of_a_hundred_commands_at_once_each_is_reported() {
    for major in [2, 3] {
        let home = Home::with_taskwarrior(major);
        home.good(&["init", "--yes"]);
        home.task(&["add", "First"]);
        spooled(&home);
        let before = uuids(&home);
        let add = |number: usize| -> Child {
            let mut command = home.task_command();
            command.args(["add", &format!("Task {number}")]);
            command.stdout(Stdio::null()).spawn().expect("it runs")
        };
        let all: Vec<Child> = (0..100).map(add).collect();
        for (number, mut task) in all.into_iter().enumerate() {
            // On a busy machine Taskwarrior 3 gives up on a locked database, and stores nothing.
            if !task.wait().expect("it ends").success() {
                assert_eq!(major, 3);
                assert!(add(number).wait().expect("it ends").success());
            }
        }
        let mut known = uuids(&home);
        known.retain(|uuid| !before.contains(uuid));
        let reports = spooled(&home);
        assert_eq!(reports.len(), 100);
        let ids: BTreeSet<&str> = reports.iter().map(|report| &*report.id).collect();
        assert_eq!(ids.len(), 100);
        let told = reports
            .iter()
            .flat_map(|report| report.tasks.iter().cloned());
        assert_eq!(
            told.collect::<BTreeSet<String>>(),
            known,
            "Taskwarrior {major}"
        );
    }
}

/// Where that is wished for, a change travels without a daemon and without a command.
#[test]
fn a_hook_can_start_a_pass() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    let config = home.read(".config/instep/config.toml");
    home.write(
        ".config/instep/config.toml",
        &format!("{config}\n[daemon]\nhook_pass = true\n"),
    );
    let state = home.instep(&["hook", "status", "--json"]).json();
    assert_eq!(state["accounts"][0]["state"], "outdated", "{state}");
    home.good(&["hook", "install"]);
    home.task(&["add", "Feed the cat"]);
    let began = Instant::now();
    while !home.read("tasks.json").contains("Feed the cat") {
        assert!(began.elapsed() < LIMIT, "{}", home.read("tasks.json"));
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// What a hook holds off does not hold in the pass that it starts: that ends when it is told to.
#[test]
fn a_pass_that_a_hook_started_can_be_ended() {
    let home = Home::new();
    let program = home.path("stand-in");
    let said = home.path("said");
    let text = format!(
        "#!/bin/sh\ngrep SigBlk /proc/$$/status > {0}.part\nmv {0}.part {0}\n",
        said.display()
    );
    fs::write(&program, text).expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut command = home.command(&assert_cmd::cargo::cargo_bin("instep-hook"));
    let pass = format!("--program={}", program.display());
    let child = command
        .args(["api:2", "--pass", &pass])
        .stdin(Stdio::piped())
        .spawn();
    let mut child = child.expect("the program runs");
    let mut input = child.stdin.take().expect("its stdin");
    input.write_all(LINE).expect("it reads");
    drop(input);
    assert!(child.wait().expect("it ends").success());
    let began = Instant::now();
    while !said.exists() {
        assert!(began.elapsed() < LIMIT, "no pass was started");
        std::thread::park_timeout(Duration::from_millis(20));
    }
    let blocked = fs::read_to_string(said).expect("a file");
    assert_eq!(
        blocked.split_whitespace().last(),
        Some("0000000000000000"),
        "{blocked}"
    );
}
