//! The command line of Taskwarrior: starts `task`, feeds it, reads its lines and says what its
//! failures mean. A process never prompts, never makes instances of a repetition, never sees more
//! of our environment than it needs, and runs a person's hooks only where that was asked for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use instep_contract::{ConnectorError, Doubt};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::place::{Place, Stamp};
use super::stored::Kinds;

/// No command of ours takes longer, unless something holds it.
const LIMIT: Duration = Duration::from_secs(120);
/// What is kept of a process's complaints.
const MAX_COMPLAINT_BYTES: u64 = 64 * 1024;
/// A filter for one task. By itself a uuid may be taken for something else: `0004367d-…` is 4,367 days
/// to Taskwarrior, minus a word.
fn name(uuid: &str) -> String {
    format!("uuid:{uuid}")
}

/// More uuids than this are not named one by one: everything is exported instead.
const MAX_NAMED: usize = 200;
/// Given on every call; the reasons are the prompts and writes that each prevents.
const ALWAYS: [&str; 8] = [
    "rc.confirmation=0",
    "rc.bulk=0",
    "rc.recurrence=0",
    "rc.recurrence.confirmation=no",
    "rc.verbose=nothing",
    "rc.gc=0",
    "rc.context=",
    "rc.json.array=on",
];

/// Where a person's hooks find their own things.
const OF_HOOKS: [&str; 9] = [
    "USER",
    "LOGNAME",
    "SHELL",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// The commands that a log may name.
const COMMANDS: [&str; 2] = ["export", "import"];

/// What runs `task`.
#[derive(Debug)]
pub(super) struct Program {
    /// The program's file.
    pub(super) file: PathBuf,
    /// The taskrc.
    pub(super) taskrc: PathBuf,
    /// Attributes that are our markers, which every call declares as text.
    pub(super) markers: Vec<String>,
    /// Whether writes run a person's hooks.
    pub(super) run_hooks: bool,
    /// Processes started so far.
    pub(super) calls: u64,
    /// How long they, and Taskwarrior's library, took so far.
    pub(super) waited: Duration,
    /// A person's own attributes, and the state of the configuration that declared them.
    pub(super) kinds: Option<(Vec<Stamp>, Kinds)>,
}

/// How a process ended.
#[derive(Debug)]
pub(super) struct Ending {
    /// The exit code; `None` when a signal ended it.
    code: Option<i32>,
    complaint: String,
}

/// What became of an import.
#[derive(Debug)]
pub(super) enum Imported {
    /// All of it was taken.
    All,
    /// Something in it was refused; other parts may have been stored.
    Refused(String),
}

impl Ending {
    fn is_success(&self) -> bool {
        self.code == Some(0)
    }

    /// What it said, in one line.
    fn reason(&self) -> String {
        let lines: Vec<_> = self.complaint.lines().map(str::trim).collect();
        let said = lines.join(" ").chars().take(300).collect::<String>();
        match (said.is_empty(), self.code) {
            (false, _) => said,
            (true, Some(code)) => format!("task ended with exit code {code}"),
            (true, None) => "task was ended by a signal".to_owned(),
        }
    }

    /// A failure that says nothing about any one task, if this is one.
    fn general(&self) -> Option<ConnectorError> {
        failure(&self.complaint)
    }

    fn into_error(self) -> ConnectorError {
        self.general()
            .unwrap_or_else(|| ConnectorError::Unavailable {
                reason: self.reason(),
            })
    }
}

/// What a message of either version means for everything that is sent, if anything.
pub(super) fn failure(message: &str) -> Option<ConnectorError> {
    let has = |part: &str| message.contains(part);
    let first = message.lines().next().unwrap_or_default().trim();
    let setup = |help: &str| {
        Some(ConnectorError::Setup {
            what: format!("Taskwarrior cannot read its data: {first}"),
            help: help.to_owned(),
        })
    };
    if has("database is locked") || has("Unable to lock") || has("database table is locked") {
        Some(ConnectorError::Busy)
    } else if has("Could not read include file") {
        setup("mend or remove that `include` line in the taskrc")
    } else if has("too new") {
        setup("a newer Taskwarrior wrote this database: update the `task` that is set up here")
    } else if has("Cannot proceed without rc file") {
        setup("run `task` once to create a taskrc")
    } else if has("readonly database") || has("unable to open database") || has("not writable") {
        setup("check who owns the data directory and whether it can be written")
    } else {
        None
    }
}

impl Program {
    /// Counts what Taskwarrior takes, be it a process or its own library.
    pub(super) async fn timed<T>(&mut self, work: impl Future<Output = T>) -> T {
        let started = Instant::now();
        let done = work.await;
        self.waited += started.elapsed();
        done
    }

    /// What `task --version` says. It stands alone: with anything before it, it is a filter.
    pub(super) async fn version(&mut self) -> Result<String, ConnectorError> {
        let output = Command::new(&self.file)
            .arg("--version")
            .env_clear()
            .envs(inherited())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let output = self.timed(output).await;
        let output = output.map_err(|error| self.unstarted(error))?;
        self.calls += 1;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The answer to `task <args>`, without hooks.
    pub(super) async fn ask(
        &mut self,
        data: Option<&Path>,
        args: &[&str],
    ) -> Result<String, ConnectorError> {
        self.answer(data, false, args).await
    }

    /// The answer to `task <args>`, with hooks switched as the taskrc has it; it is the arguments
    /// that see to it that none runs.
    pub(super) async fn ask_as_set(
        &mut self,
        data: Option<&Path>,
        args: &[&str],
    ) -> Result<String, ConnectorError> {
        self.answer(data, true, args).await
    }

    async fn answer(
        &mut self,
        data: Option<&Path>,
        hooks: bool,
        args: &[&str],
    ) -> Result<String, ConnectorError> {
        let mut answer = Vec::new();
        let ending = self
            .run(data, hooks, args, Vec::new(), |line| {
                answer.extend_from_slice(line);
                answer.push(b'\n');
                Ok(())
            })
            .await
            .map_err(not_sent)?;
        if ending.is_success() {
            Ok(String::from_utf8_lossy(&answer).trim_end().to_owned())
        } else {
            Err(ending.into_error())
        }
    }

    /// A person's own attributes, where the configuration is what it was when they were asked for.
    pub(super) fn kinds(&self, place: &Place) -> Option<&Kinds> {
        let known = self.kinds.as_ref();
        let (_, kinds) = known.filter(|(origin, _)| *origin == place.origin)?;
        Some(kinds)
    }

    /// Asks for a person's own attributes.
    pub(super) async fn learn_kinds(&mut self, place: &Place) -> Result<(), ConnectorError> {
        let shown = self.ask(Some(&place.data), &["_show"]).await?;
        self.kinds = Some((place.origin.clone(), Kinds::from_show(&shown)));
        Ok(())
    }

    /// Exports the tasks with these uuids, or all, and hands each object to `each` as it comes.
    /// With many uuids it hands over more than was asked for.
    ///
    /// An export that failed or was cut short is an error.
    pub(super) async fn export(
        &mut self,
        data: &Path,
        uuids: Option<&[String]>,
        mut each: impl FnMut(&[u8]) -> Result<(), ConnectorError> + Send,
    ) -> Result<(), ConnectorError> {
        let named: Vec<String> = match uuids {
            Some([]) => return Ok(()),
            Some(uuids) if uuids.len() <= MAX_NAMED => {
                uuids.iter().map(|uuid| name(uuid)).collect()
            }
            _ => Vec::new(),
        };
        let mut args: Vec<&str> = Vec::new();
        for named in &named {
            if !args.is_empty() {
                args.push("or");
            }
            args.push(named);
        }
        args.push("export");
        let mut brackets = 0;
        let ending = self
            .run(Some(data), false, &args, Vec::new(), |line| match line {
                b"" => Ok(()),
                b"[" | b"]" => {
                    brackets += 1;
                    Ok(())
                }
                line => each(line.strip_suffix(b",").unwrap_or(line)),
            })
            .await
            .map_err(not_sent)?;
        if !ending.is_success() {
            return Err(ending.into_error());
        }
        if brackets != 2 {
            return Err(ConnectorError::Malformed {
                what: "an export that was cut short".into(),
            });
        }
        Ok(())
    }

    /// Imports these objects, one to a line.
    pub(super) async fn import(
        &mut self,
        data: &Path,
        lines: Vec<u8>,
    ) -> Result<Imported, ConnectorError> {
        let hooks = self.run_hooks;
        let ending = self
            .run(Some(data), hooks, &["import", "-"], lines, |_| Ok(()))
            .await?;
        if ending.is_success() {
            return Ok(Imported::All);
        }
        match ending.general() {
            Some(error) => Err(error),
            None => Ok(Imported::Refused(ending.reason())),
        }
    }

    async fn run(
        &mut self,
        data: Option<&Path>,
        hooks: bool,
        args: &[&str],
        input: Vec<u8>,
        each: impl FnMut(&[u8]) -> Result<(), ConnectorError> + Send,
    ) -> Result<Ending, ConnectorError> {
        let mut command = self.command(data, hooks);
        let started = Instant::now();
        let child = command
            .args(args)
            .spawn()
            .map_err(|error| self.unstarted(error))?;
        self.calls += 1;
        // Only the command's name: what stands before it may be a person's words.
        let word = args.iter().rfind(|arg| **arg != "-").copied();
        tracing::debug!(
            program = %self.file.display(),
            command = word.filter(|word| COMMANDS.contains(word)).unwrap_or("other"),
            "started Taskwarrior"
        );
        let ending = tokio::time::timeout(LIMIT, converse(child, input, each)).await;
        self.waited += started.elapsed();
        ending.unwrap_or_else(|late| {
            Err(ConnectorError::OutcomeUnknown {
                source: late.into(),
                doubt: Doubt::TimedOut,
            })
        })
    }

    fn command(&self, data: Option<&Path>, hooks: bool) -> Command {
        let declared = |name: &String| format!("rc.uda.{name}.type=string");
        let mut command = Command::new(&self.file);
        command
            .args(ALWAYS)
            .args(self.markers.iter().map(declared))
            .env_clear()
            .envs(inherited())
            .env("TASKRC", &self.taskrc)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(data) = data {
            // The variable beats the taskrc and `rc.data.location`, so it is set on purpose.
            command.env("TASKDATA", data);
        }
        if hooks {
            command.envs(set_of(&OF_HOOKS));
        } else {
            command.arg("rc.hooks=0");
        }
        command
    }

    fn unstarted(&self, error: std::io::Error) -> ConnectorError {
        match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                ConnectorError::Setup {
                    what: format!("{} cannot be started: {error}", self.file.display()),
                    help: "install Taskwarrior 2.6 or later, or set `program` to its `task`".into(),
                }
            }
            _ => ConnectorError::NotSent {
                source: error.into(),
            },
        }
    }
}

/// The part of our environment that `task` needs: its hooks' path, `~`, and a locale for text. Our
/// own hook is told not to report what we write.
fn inherited() -> impl Iterator<Item = (&'static str, OsString)> {
    set_of(&["PATH", "HOME", "LANG", "LC_ALL", "TZ"]).chain([("INSTEP_HOOK", "off".into())])
}

fn set_of(names: &[&'static str]) -> impl Iterator<Item = (&'static str, OsString)> {
    let set = |name: &&'static str| Some((*name, std::env::var_os(name)?));
    names.iter().filter_map(set)
}

/// For a read, an answer that never came leaves no doubt: nothing was written.
fn not_sent(error: ConnectorError) -> ConnectorError {
    match error {
        ConnectorError::OutcomeUnknown { source, .. } => ConnectorError::NotSent { source },
        error => error,
    }
}

async fn converse(
    mut child: Child,
    input: Vec<u8>,
    mut each: impl FnMut(&[u8]) -> Result<(), ConnectorError> + Send,
) -> Result<Ending, ConnectorError> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A process that leaves without reading says why on its way out.
            let _ = stdin.write_all(&input).await;
            let _ = stdin.shutdown().await;
        }
    };
    let listen = async {
        let Some(stdout) = stdout else { return Ok(()) };
        let mut lines = BufReader::with_capacity(64 * 1024, stdout);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).await.map_err(lost)? > 0 {
            each(line.strip_suffix(b"\n").unwrap_or(&line))?;
            line.clear();
        }
        Ok::<_, ConnectorError>(())
    };
    let complain = async {
        let mut complaint = Vec::new();
        if let Some(stderr) = stderr {
            let mut kept = stderr.take(MAX_COMPLAINT_BYTES);
            let _ = kept.read_to_end(&mut complaint).await;
            let mut rest = kept.into_inner();
            let _ = tokio::io::copy(&mut rest, &mut tokio::io::sink()).await;
        }
        String::from_utf8_lossy(&complaint).into_owned()
    };
    let ((), listened, complaint) = tokio::join!(feed, listen, complain);
    let status = child.wait().await.map_err(lost)?;
    let ending = Ending {
        code: status.code(),
        complaint,
    };
    // What the process said of itself explains more than the line we stumbled over.
    if ending.is_success() {
        listened?;
    }
    Ok(ending)
}

fn lost(error: std::io::Error) -> ConnectorError {
    ConnectorError::OutcomeUnknown {
        source: error.into(),
        doubt: Doubt::Lost,
    }
}
