//! A throw-away home with its own Taskwarrior, task file and hub.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// What stands in a task file with two tasks.
pub(crate) const TWO_TASKS: &str = r#"[
  {"id": 1, "name": "Buy milk", "comment": "", "description": "", "priority": 1, "tag": "shop", "done": false},
  {"id": 2, "name": "Water the plants", "comment": "", "description": "", "priority": 1, "tag": "", "done": false}
]
"#;

/// How a command ended, with what differs from run to run taken out.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// All of it, for a snapshot.
    pub(crate) fn whole(&self) -> String {
        let part = |name: &str, text: &str| match text {
            "" => String::new(),
            text => format!("{name}:\n{text}"),
        };
        let (out, err) = (part("stdout", &self.stdout), part("stderr", &self.stderr));
        format!("exit {}\n{out}{err}", self.code)
    }

    /// Stdout as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in\n{}\n{}", self.stdout, self.stderr))
    }
}

/// A home.
pub(crate) struct Home {
    dir: TempDir,
    /// Where `task` is looked for first.
    programs: Option<PathBuf>,
}

impl Home {
    /// One that knows Taskwarrior, with no task in it.
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let data = dir.path().join(".task");
        let taskrc = format!(
            "confirmation=off\nverbose=nothing\nbulk=0\ndata.location={}\n",
            data.display()
        );
        fs::write(dir.path().join(".taskrc"), taskrc).expect("a taskrc");
        let programs = None;
        Self { dir, programs }
    }

    /// One with a Taskwarrior of this major version, which `INSTEP_TEST_TASK2` and
    /// `INSTEP_TEST_TASK3` can name.
    pub(crate) fn with_taskwarrior(major: u32) -> Self {
        let mut home = Self::new();
        let programs = home.path("programs");
        fs::create_dir(&programs).expect("a directory");
        std::os::unix::fs::symlink(taskwarrior(major), programs.join("task")).expect("a link");
        home.programs = Some(programs);
        let version = home.task(&["_version"]);
        assert!(
            version.starts_with(&format!("{major}.")),
            "`task` answers with version {version}; install Taskwarrior {major} or name it in \
             INSTEP_TEST_TASK{major}"
        );
        home
    }

    /// The search path for programs.
    fn search_path(&self) -> OsString {
        let given = std::env::var_os("PATH").unwrap_or_default();
        let all = self
            .programs
            .iter()
            .cloned()
            .chain(std::env::split_paths(&given));
        std::env::join_paths(all).expect("no colon in a temporary directory")
    }

    /// One with Taskwarrior and a file of two tasks as accounts.
    pub(crate) fn with_two_accounts() -> Self {
        let home = Self::new();
        home.write("tasks.json", TWO_TASKS);
        home.good(&["init", "--yes"]);
        home.good(&[
            "account",
            "add",
            "file",
            "--name",
            "file",
            "--path",
            "tasks.json",
        ]);
        home
    }

    /// The path of a file in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file in the home can be written");
    }

    /// Writes a file that only its owner can read.
    pub(crate) fn secret(&self, name: &str, text: &str) {
        self.write(name, text);
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(self.path(name), mode).expect("its mode can be set");
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file in the home can be read")
    }

    /// Runs the program.
    pub(crate) fn instep(&self, args: &[&str]) -> Ended {
        self.instep_with(args, &[])
    }

    /// Runs the program with these variables.
    pub(crate) fn instep_with(&self, args: &[&str], env: &[(&str, &str)]) -> Ended {
        let mut command = assert_cmd::Command::cargo_bin("instep").expect("the program is built");
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("TZ", "UTC");
        command.env("PATH", self.search_path());
        command
            .envs(env.iter().copied())
            .current_dir(self.dir.path());
        let output = command.args(args).output().expect("the program runs");
        self.ended(&output)
    }

    /// Starts the program, and says nothing of how it ends.
    pub(crate) fn begin(&self, args: &[&str]) -> std::process::Child {
        let program = assert_cmd::cargo::cargo_bin("instep");
        let mut command = std::process::Command::new(program);
        command.env_clear().env("HOME", self.dir.path());
        command.env("TZ", "UTC").env("PATH", self.search_path());
        command.args(args).current_dir(self.dir.path());
        let quiet = std::process::Stdio::null;
        command.stdin(quiet()).stdout(quiet()).stderr(quiet());
        command.spawn().expect("the program runs")
    }

    /// Runs the program and wants it to succeed.
    pub(crate) fn good(&self, args: &[&str]) -> Ended {
        let ended = self.instep(args);
        assert_eq!(ended.code, 0, "instep {args:?}\n{}", ended.whole());
        ended
    }

    /// Runs the real `task`.
    pub(crate) fn task(&self, args: &[&str]) -> String {
        let output = self.task_command().args(args).output();
        let output = output.expect("Taskwarrior is installed");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The real `task`, ready to be run in this home.
    pub(crate) fn task_command(&self) -> Command {
        let named = self.programs.as_ref().map(|dir| dir.join("task"));
        self.command(&named.unwrap_or_else(|| "task".into()))
    }

    /// A program, ready to be run in this home.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("TZ", "UTC")
            .env("PATH", self.search_path())
            .stdin(Stdio::null())
            .current_dir(self.dir.path());
        command
    }

    fn ended(&self, output: &Output) -> Ended {
        let told = |bytes: &[u8]| {
            let text = String::from_utf8(bytes.to_vec()).expect("the program prints UTF-8");
            settle(&text.replace(&self.dir.path().display().to_string(), "~"))
        };
        Ended {
            code: output.status.code().expect("the program was not killed"),
            stdout: told(&output.stdout),
            stderr: told(&output.stderr),
        }
    }
}

/// The first program of this name on the search path.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|dir| dir.join(name));
    found.find(|file| file.is_file())
}

/// A program that checks what is shipped beside ours. Where there is none, the case that asks for it
/// is skipped, and the run says so.
pub(crate) fn checker(name: &str) -> Option<PathBuf> {
    let found = program(name);
    if found.is_none() {
        // A test that passes would keep what is printed to itself.
        let _ = writeln!(std::io::stderr(), "SKIPPED: this machine has no {name}");
    }
    found
}

/// A Taskwarrior of this major version.
fn taskwarrior(major: u32) -> PathBuf {
    if let Some(named) = std::env::var_os(format!("INSTEP_TEST_TASK{major}")) {
        return PathBuf::from(named);
    }
    if major == 2 {
        return program("task").expect("Taskwarrior is installed");
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    cache
        .unwrap_or_else(|| home.join(".cache"))
        .join("instep/taskwarrior-3/task")
}

/// Takes durations out: `17 ms` becomes `N ms`.
fn settle(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.split('\n') {
        let mut line = line.to_owned();
        if let Some(start) = line.strip_suffix(" ms") {
            let start = start.trim_end_matches(|c: char| c.is_ascii_digit());
            line = format!("{start}N ms");
        }
        lines.push(line);
    }
    lines.join("\n")
}
