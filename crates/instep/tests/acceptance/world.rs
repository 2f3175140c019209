//! A person's computer: a home with a real Taskwarrior of one version, the program, and a Vikunja
//! behind a proxy. Everything is done as a person or a script does it; nothing looks inside.

use std::env;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::proxy::{Proxy, beat};
use crate::server::Server;

/// How long work that waits for its turn is given, in runs of `sync`.
const SETTLE: Duration = Duration::from_secs(90);

/// A task as `task export` shows it.
pub(crate) type Row = Map<String, Value>;

/// A version of Taskwarrior.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// 2.6
    Two,
    /// 3
    Three,
}

impl Version {
    fn program(self) -> PathBuf {
        let major = match self {
            Self::Two => 2,
            Self::Three => 3,
        };
        if let Some(named) = env::var_os(format!("INSTEP_TEST_TASK{major}")) {
            return on_path(Path::new(&named));
        }
        if self == Self::Two {
            return on_path(Path::new("task"));
        }
        let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
        let cache =
            env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
        cache.join("instep/taskwarrior-3/task")
    }

    /// What its `--version` begins with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Two => "2.6.",
            Self::Three => "3.",
        }
    }
}

/// The file that a name without a folder stands for.
fn on_path(name: &Path) -> PathBuf {
    if name.components().count() > 1 {
        return name.to_owned();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found = env::split_paths(&path).map(|folder| folder.join(name));
    found
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{} is not on the PATH", name.display()))
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Stdout as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// The computer.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) version: Version,
    pub(crate) proxy: Proxy,
    pub(crate) server: Server,
    home: TempDir,
}

impl World {
    /// One with Taskwarrior and Vikunja as accounts and no task anywhere.
    pub(crate) fn new(version: Version) -> Self {
        Self::beside(Server::start(), version)
    }

    /// The same with this Vikunja.
    pub(crate) fn beside(server: Server, version: Version) -> Self {
        let proxy = Proxy::start(&server.url);
        let home = TempDir::new().expect("a temporary directory");
        let world = Self {
            version,
            proxy,
            server,
            home,
        };
        world.install_taskwarrior();
        world.write_token(&world.server.token);
        world.good(&["init", "--yes", "--no-service", "--no-hook"]);
        let (url, token) = (world.proxy.url(), world.path("token"));
        let token = token.to_str().expect("a path in UTF-8");
        let add = [
            "account",
            "add",
            "vikunja",
            "--url",
            &url,
            "--secret-file",
            token,
        ];
        world.good(&add);
        world
    }

    fn install_taskwarrior(&self) {
        let (data, bin, run) = (self.path(".task"), self.path("bin"), self.path("run"));
        for folder in [&data, &bin, &run] {
            fs::create_dir(folder).expect("a folder");
        }
        symlink(self.version.program(), bin.join("task")).expect("a link");
        let data = data.display();
        self.write(
            ".taskrc",
            &format!("data.location={data}\nconfirmation=off\nbulk=0\nverbose=nothing\n"),
        );
        let answer = self.task(&["--version"]).stdout;
        let wanted = self.version.prefix();
        assert!(
            answer.starts_with(wanted),
            "Taskwarrior says it is {answer:?}, not {wanted}; install it or name one in \
             INSTEP_TEST_TASK2 and INSTEP_TEST_TASK3"
        );
    }

    /// Stores the token that the program reads.
    pub(crate) fn write_token(&self, token: &str) {
        self.write("token", token);
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(self.path("token"), mode).expect("a mode");
    }

    /// The path of a file in the home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file in the home.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file in the home can be written");
    }

    /// Reads a file in the home; nothing where there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(args)
            .env_clear()
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("TZ", "Europe/Berlin")
            .env("LANG", "C.UTF-8")
            .current_dir(self.home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut path = vec![self.path("bin")];
        path.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
        command.env("PATH", env::join_paths(path).expect("a PATH"));
        command
    }

    /// The program with these arguments, ready to be started.
    pub(crate) fn program(&self, args: &[&str]) -> Command {
        self.command(&assert_cmd::cargo::cargo_bin("instep"), args)
    }

    /// Taskwarrior with these arguments, ready to be started.
    pub(crate) fn taskwarrior(&self, args: &[&str]) -> Command {
        self.command(&self.path("bin/task"), args)
    }

    /// Runs the program.
    pub(crate) fn instep(&self, args: &[&str]) -> Ended {
        self.instep_with(args, &[])
    }

    /// The same with these variables in its environment.
    pub(crate) fn instep_with(&self, args: &[&str], set: &[(&str, &str)]) -> Ended {
        let program = assert_cmd::cargo::cargo_bin("instep");
        let mut command = self.command(&program, args);
        let output = command.envs(set.iter().copied()).output();
        output.expect("the program runs").into()
    }

    /// Runs the program and wants it to succeed.
    pub(crate) fn good(&self, args: &[&str]) -> Ended {
        let ended = self.instep(args);
        assert_eq!(ended.code, 0, "instep {args:?}: {ended:#?}");
        ended
    }

    /// Runs the program and wants JSON of success.
    pub(crate) fn told(&self, args: &[&str]) -> Value {
        let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
        let ended = self.good(&args);
        assert_eq!(ended.stderr, "", "JSON is all that is said");
        ended.json()
    }

    /// Starts a sync and leaves it running; nobody listens to what it says.
    pub(crate) fn start_sync(&self) -> Child {
        let program = assert_cmd::cargo::cargo_bin("instep");
        let mut command = self.command(&program, &["sync", "--yes", "--json"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    }

    /// Syncs, again and again as long as work waits for its turn (exit 3 or 6), until all is in
    /// step.
    pub(crate) fn settle(&self) -> Value {
        let start = Instant::now();
        loop {
            let ended = self.instep(&["sync", "--yes", "--json"]);
            if ended.code == 0 {
                return ended.json();
            }
            let waits = matches!(ended.code, 3 | 6) && start.elapsed() < SETTLE;
            assert!(waits, "instep sync did not settle: {ended:#?}");
            beat();
        }
    }

    /// A preview right after a sync has nothing to say.
    pub(crate) fn is_in_step(&self) {
        let preview = self.told(&["sync", "-n"]);
        assert_eq!(preview["plan"], Value::Array(Vec::new()), "{preview:#}");
        let said = self.good(&["sync", "-n"]).stdout;
        assert!(said.contains("nothing to do"), "{said}");
    }

    /// Runs `task`.
    pub(crate) fn task(&self, args: &[&str]) -> Ended {
        let program = self.path("bin/task");
        let output = self.command(&program, args).output();
        output.expect("Taskwarrior runs").into()
    }

    /// Runs `task` on one task and wants it to succeed.
    pub(crate) fn change(&self, row: &Row, args: &[&str]) {
        let uuid = text(row, "uuid");
        let args: Vec<&str> = [uuid].into_iter().chain(args.iter().copied()).collect();
        let ended = self.task(&args);
        assert_eq!(ended.code, 0, "task {args:?}: {ended:?}");
    }

    /// Puts tasks into Taskwarrior by its import.
    pub(crate) fn import(&self, tasks: &[Value]) {
        let lines: Vec<String> = tasks.iter().map(Value::to_string).collect();
        self.write("import.json", &lines.join("\n"));
        let ended = self.task(&["rc.hooks=0", "import", "import.json"]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }

    /// Everything in Taskwarrior but what is deleted.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let rows = self.all_rows();
        rows.into_iter()
            .filter(|row| text(row, "status") != "deleted")
            .collect()
    }

    /// Everything in Taskwarrior.
    pub(crate) fn all_rows(&self) -> Vec<Row> {
        let ended = self.task(&["rc.gc=0", "rc.hooks=0", "rc.recurrence=0", "export"]);
        assert_eq!(ended.code, 0, "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error} in {ended:?}"))
    }

    /// The one row of this title.
    pub(crate) fn row(&self, title: &str) -> Row {
        let found = self.all_rows().into_iter();
        let mut found: Vec<Row> = found
            .filter(|row| text(row, "description") == title)
            .collect();
        assert_eq!(found.len(), 1, "{title} is in Taskwarrior once");
        found.remove(0)
    }

    /// Has Taskwarrior note in `hooks.log` whatever wakes a hook of it.
    pub(crate) fn watch_hooks(&self) {
        let folder = self.path(".task/hooks");
        fs::create_dir_all(&folder).expect("a folder");
        let log = self.path("hooks.log");
        let log = log.display();
        let bodies = [
            ("on-add", "head -n 1"),
            ("on-modify", "tail -n 1"),
            ("on-exit", "cat >/dev/null"),
        ];
        for (name, body) in bodies {
            let script = folder.join(name);
            let lines = format!("#!/bin/sh\necho {name} \"$@\" >>'{log}'\n{body}\n");
            fs::write(&script, lines).expect("a script");
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&script, mode).expect("a mode");
        }
        self.task(&["_get", "rc.version"]);
        assert!(
            self.read("hooks.log").contains("on-exit"),
            "the hooks are heard"
        );
        self.write("hooks.log", "");
    }
}

/// A text attribute; empty where there is none.
pub(crate) fn text<'a>(row: &'a Row, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The account of this name in the answer of a sync.
pub(crate) fn account<'a>(reply: &'a Value, name: &str) -> &'a Value {
    let accounts = reply["accounts"].as_array();
    let found = accounts.and_then(|all| all.iter().find(|account| account["name"] == name));
    found.unwrap_or_else(|| panic!("no account {name} in {reply:#}"))
}

/// Waits until this long has passed since `start`.
pub(crate) fn pass_time(start: Instant, span: Duration) {
    while start.elapsed() < span {
        beat();
    }
}

/// The size that a variable sets, or `small`.
pub(crate) fn size(variable: &str, small: usize) -> usize {
    match env::var(variable) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={text} is no number")),
        Err(_) => small,
    }
}
