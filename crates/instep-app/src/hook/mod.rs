//! What Taskwarrior's on-exit hook does, and how it gets into place.
//!
//! A call hands the uuids of the changed tasks to the daemon or to the spool and leaves. It never
//! fails, prints, or waits longer than it takes; no task's text is looked at, and no config is
//! read.

mod carried;
mod file;
mod hand_over;
mod install;
mod pass;
mod told;

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use instep_api::socket::HookReport;
use uuid::Uuid;

use crate::Places;
use crate::spool::Spool;
use carried::{CONFIG, PASS, PROGRAM, VARIABLE};
pub use file::HOOK_MARK;
pub use install::{exit_of_hooks, hook_install, hook_status, hook_uninstall};
pub(crate) use install::{install, look};
use told::Changed;

/// Set to `off` where `task` is started by us: what it changes is known.
pub(crate) const SWITCH: &str = "INSTEP_HOOK";

/// Longer names of commands and directories are not Taskwarrior's.
const MAX_ARGUMENT_BYTES: usize = 4096;

/// A call of the hook, as its arguments say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HookCall {
    /// Taskwarrior's data directory.
    data: String,
    /// The command's name.
    command: String,
    /// Whether a pass is to be started where no daemon takes the report.
    pass: bool,
    /// This is that pass, not a call of Taskwarrior.
    is_pass: bool,
    instance: Instance,
}

/// What the arguments say of whose hook it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Instance {
    /// Variables that win over the environment.
    variables: Vec<(OsString, OsString)>,
    config: Option<PathBuf>,
    /// The program of a pass, where it does not lie beside this one.
    program: Option<PathBuf>,
}

impl Instance {
    fn places(&self) -> Option<Places> {
        Places::from_env_but(self.config.clone(), &self.variables).ok()
    }
}

impl HookCall {
    /// The call that arguments behind `instep` mean; `None` where a person typed them.
    /// `is_typed` says whether a person may have typed `instep hook` and nothing else.
    pub fn parse(args: &[OsString], is_typed: impl FnOnce() -> bool) -> Option<Self> {
        let (first, rest) = args.split_first()?;
        match first == "hook" {
            true => Self::of(rest, is_typed),
            false => None,
        }
    }

    /// The call that arguments behind `instep hook`, or those of the hook itself, mean.
    pub fn of(args: &[OsString], is_typed: impl FnOnce() -> bool) -> Option<Self> {
        let mut call = Self::default();
        let is_call = call.take(args) || args.is_empty() && !is_typed();
        is_call.then_some(call)
    }

    /// The call of a program that is the hook itself, by this name: what it carries lies beside it.
    #[must_use]
    pub fn with_carried(mut self, program: &OsStr) -> Self {
        self.take(&carried::beside(program));
        self
    }

    /// Takes arguments in; answers whether they show that this is a call.
    fn take(&mut self, args: &[OsString]) -> bool {
        let mut is_call = false;
        let path = |bytes: &[u8]| Some(PathBuf::from(OsStr::from_bytes(bytes)));
        for arg in args {
            let bytes = &arg.as_bytes()[..arg.len().min(MAX_ARGUMENT_BYTES)];
            let value = |name: &str| bytes.strip_prefix(name.as_bytes());
            let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
            if value("api:").is_some() {
                is_call = true;
            } else if let Some(data) = value("data:") {
                self.data = text(data);
            } else if let Some(command) = value("command:") {
                self.command = text(command);
            } else if let Some(config) = value(CONFIG) {
                self.instance.config = path(config);
            } else if let Some(program) = value(PROGRAM) {
                self.instance.program = path(program);
            } else if let Some(variable) = value(VARIABLE) {
                self.instance.variables.extend(carried::variable(variable));
            } else if arg == PASS {
                self.pass = true;
            } else if arg == pass::RUN {
                self.is_pass = true;
                is_call = true;
            }
        }
        is_call
    }

    /// Reads what changed; `None` where there is nothing to tell. A pass that was started by a
    /// hook is carried out instead.
    pub fn read(&self, input: &mut impl Read) -> Option<HookReport> {
        if self.is_pass {
            pass::run(&self.instance);
            return None;
        }
        if std::env::var_os(SWITCH).is_some_and(|value| value == "off") {
            return None;
        }
        let tasks = match told::told(input) {
            Changed::Nothing => return None,
            Changed::Tasks(tasks) => tasks,
            Changed::Anything => Vec::new(),
        };
        Some(HookReport {
            id: Uuid::new_v4().simple().to_string(),
            data: self.data.clone(),
            command: self.command.clone(),
            tasks,
            at_ms: now_ms(),
        })
    }

    /// Tells the daemon, or leaves the report in the spool. Nothing that goes wrong is told: a
    /// change that nobody heard of is found by the next look.
    pub fn tell(&self, report: &HookReport) {
        let Some(places) = self.instance.places() else {
            return;
        };
        if hand_over::hand_over(&places, report) {
            return;
        }
        if Spool::of(&places).put(report).is_ok() && self.pass {
            pass::start(&self.instance);
        }
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0))
}
