//! Every path that is made is its owner's alone, whatever the umask is, and nothing is made in a
//! directory that is shared; what somebody planted in the place of one of ours is refused.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};

use crate::home::{Home, TWO_TASKS};
use crate::server::Server;
use crate::serving::{Serving, program, until};

/// A program that makes whatever it makes without the umask's help.
fn unmasked(home: &Home, args: &[&str], runtime: Option<&Path>) -> Command {
    let mut command = home.command(Path::new("sh"));
    command
        .args(["-c", r#"umask 000; exec "$0" "$@""#])
        .arg(program())
        .args(args)
        .env("TMPDIR", home.path("tmp"))
        .env("INSTEP_LOG", "debug");
    if let Some(runtime) = runtime {
        command.env("XDG_RUNTIME_DIR", runtime);
    }
    command
}

/// Every path below a directory and its mode, without following a link.
fn modes(dir: &Path, found: &mut BTreeMap<PathBuf, (bool, u32)>) {
    for entry in fs::read_dir(dir).expect("it can be read").flatten() {
        let about = entry.metadata().expect("it is there");
        let mode = about.permissions().mode() & 0o7777;
        found.insert(entry.path(), (about.is_dir(), mode));
        if about.is_dir() {
            modes(&entry.path(), found);
        }
    }
}

/// What of a home is not ours to make, or is meant for others to read.
fn is_theirs(path: &Path) -> bool {
    let theirs = [
        ".task",
        ".taskrc",
        "tasks.json",
        "token",
        "tmp",
        "run",
        "said",
        "manager.sock",
    ];
    let is_of_task = path.starts_with(".task") && !path.ends_with("on-exit-instep");
    is_of_task || theirs.iter().any(|name| path == Path::new(name))
}

fn check_modes(home: &Home) -> usize {
    let mut found = BTreeMap::new();
    modes(&home.path(""), &mut found);
    let mut looked = 0;
    for (path, (is_dir, mode)) in &found {
        let short = path.strip_prefix(home.path("")).expect("it is below");
        let wanted = match (is_dir, short.ends_with("on-exit-instep")) {
            _ if is_theirs(short) => continue,
            // A copy of a person's file is for whom that file is for.
            _ if short.to_string_lossy().starts_with("tasks.json.backup") => 0o640,
            (true, _) => 0o700,
            (false, true) => 0o755,
            (false, false) => 0o600,
        };
        assert_eq!(
            *mode,
            wanted,
            "{}: {mode:o}, not {wanted:o}",
            short.display()
        );
        looked += 1;
    }
    looked
}

/// What was made in a directory since it is watched, also where it is gone again.
struct Watched(std::os::fd::OwnedFd);

impl Watched {
    fn start(dir: &Path) -> Self {
        let watch = init(CreateFlags::NONBLOCK).expect("inotify");
        let made = WatchFlags::CREATE | WatchFlags::MOVED_TO;
        add_watch(&watch, dir, made).expect("it can be watched");
        Self(watch)
    }

    fn made(&self) -> Vec<String> {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.0, &mut buffer);
        let mut made = Vec::new();
        while let Ok(event) = reader.next() {
            made.extend(
                event
                    .file_name()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
        }
        made
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

fn check(with_runtime_dir: bool) {
    let (home, server) = (Home::new(), Server::start());
    for dir in ["tmp", "run"] {
        fs::create_dir(home.path(dir)).expect("a directory");
        let mode = fs::Permissions::from_mode(0o700);
        fs::set_permissions(home.path(dir), mode).expect("its mode can be set");
    }
    let shared = Watched::start(&home.path("tmp"));
    let runtime = with_runtime_dir.then(|| home.path("run"));
    let good = |args: &[&str]| run(&mut unmasked(&home, args, runtime.as_deref()));
    home.write("tasks.json", TWO_TASKS);
    let mode = fs::Permissions::from_mode(0o640);
    fs::set_permissions(home.path("tasks.json"), mode).expect("its mode can be set");
    home.secret("token", server.vikunja.token());
    good(&["init", "--yes", "--no-service"]);
    good(&["account", "add", "file", "--path", "tasks.json"]);
    let secret = ["--secret-file", "token"];
    let add = ["account", "add", "vikunja", "--url", server.vikunja.url()];
    good(&[&add[..], &secret[..]].concat());
    good(&["sync", "--yes"]);
    // No daemon: what the hook tells goes into the spool.
    let task = |args: &[&str]| {
        let mut command = home.command(Path::new("task"));
        command.args(args).env("TMPDIR", home.path("tmp"));
        if let Some(runtime) = &runtime {
            command.env("XDG_RUNTIME_DIR", runtime);
        }
        run(&mut command);
    };
    task(&["add", "Spooled"]);
    let spool = home.path(".local/share/instep/spool");
    fs::write(spool.join("0000000000001-bad.json"), "no report").expect("a file");
    let bad = fs::Permissions::from_mode(0o600);
    fs::set_permissions(spool.join("0000000000001-bad.json"), bad).expect("its mode can be set");
    let waits =
        || fs::read_dir(&spool).is_ok_and(|all| all.flatten().any(|one| one.path().is_file()));
    assert!(waits());
    let mut serving = Serving::start(&home, &mut unmasked(&home, &["serve"], runtime.as_deref()));
    until("the spool is empty", || !waits());
    task(&["add", "Told"]);
    until("the task is in the file", || {
        home.read("tasks.json").contains("Told")
    });
    good(&["add", "By hand"]);
    good(&["sync"]);
    assert!(check_modes(&home) > 20);
    serving.stop();
    good(&["doctor"]);
    good(&["sync", "--full"]);
    assert!(check_modes(&home) > 20);
    let kept = fs::metadata(home.path("tasks.json")).expect("it is there");
    assert_eq!(kept.permissions().mode() & 0o777, 0o640);
    assert_eq!(shared.made(), Vec::<String>::new());
}

#[test]
fn whatever_the_umask_is_every_path_is_its_owners_alone() {
    check(true);
}

#[test]
fn the_same_without_a_runtime_directory() {
    check(false);
}

/// Wants a start with something planted to be refused in words that say what to do.
fn check_planted(what: &str, plant: impl FnOnce(&Home), words: &[&str]) {
    let home = Home::new();
    home.good(&["init", "--yes"]);
    fs::create_dir(home.path("elsewhere")).expect("a directory");
    plant(&home);
    let ended = home.instep(&["serve"]);
    assert_ne!(ended.code, 0, "{what}: {}", ended.whole());
    for word in words {
        assert!(ended.stderr.contains(word), "{what}: {}", ended.whole());
    }
    let touched = fs::read_dir(home.path("elsewhere"))
        .expect("it is there")
        .count();
    assert_eq!(touched, 0, "{what}");
}

/// The path of the socket in a home.
fn socket(home: &Home) -> PathBuf {
    let places = instep_app::Places::under(&home.path(""));
    let [own, _] = places.sockets();
    own
}

#[test]
fn what_was_planted_in_the_place_of_ours_is_refused() {
    const RUN: &str = ".local/state/instep/run";
    const LOCK: &str = ".local/share/instep/daemon.lock";
    let words = ["ls -la", "run"];
    let link = |home: &Home| {
        symlink(home.path("elsewhere"), home.path(RUN)).expect("a link");
    };
    check_planted("a link to a directory", link, &words);
    let file = |home: &Home| home.write(RUN, "no directory");
    check_planted("a file for a directory", file, &words);
    let dir = |home: &Home| fs::create_dir_all(socket(home).join("full")).expect("a directory");
    check_planted("a directory for the socket", dir, &words);
    let lock = |home: &Home| {
        symlink(home.path("elsewhere/new"), home.path(LOCK)).expect("a link");
    };
    check_planted("a link for the lock", lock, &["ls -la", "daemon.lock"]);
}

#[test]
fn a_link_in_the_place_of_the_log_is_told_and_the_daemon_runs() {
    let home = Home::new();
    home.good(&["init", "--yes"]);
    let log = home.path(".local/state/instep/instep.log");
    symlink(home.path("precious"), log).expect("a link");
    let mut serving = Serving::start(&home, home.command(program()).arg("serve"));
    serving.stop();
    let said = home.read("said");
    let said: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in ["instep.log", "it is a link", "mv ", "ready"] {
        assert!(said.contains(word), "{said}");
    }
    assert!(!home.path("precious").exists());
}
