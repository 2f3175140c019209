//! The service that keeps the daemon running: what is asked about it, and what is answered.

use serde::{Deserialize, Serialize};

use crate::NotesLine;

/// `instep service install`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceRequest {
    /// Also a timer that looks at everything once a day.
    pub timer: bool,
    /// Without the limits on what the service may write and call.
    pub unconfined: bool,
}

/// How a unit's file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    /// It is what this version would write for these accounts.
    Installed,
    /// It is ours, and differs from what this version would write for these accounts.
    Outdated,
    /// Somebody else wrote it.
    Foreign,
    /// There is none.
    Missing,
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitView {
    /// Its name, such as `instep.service`.
    pub name: String,
    /// Its file.
    pub path: String,
    /// How the file stands.
    pub state: UnitState,
    /// Whether it starts by itself; null where no service runs that could tell, or there is
    /// nothing to enable.
    pub enabled: Option<bool>,
    /// Whether it runs, or listens, or waits for its time; null where nobody can tell.
    pub active: Option<bool>,
}

/// `instep service install`, `uninstall` and `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceReply {
    /// 1.
    pub schema_version: u32,
    /// Whether a systemd of this user answers, and looks at these files.
    pub systemd: bool,
    /// Every unit that Instep knows.
    pub units: Vec<UnitView>,
    /// What there is to know or to do.
    pub notes: Vec<NotesLine>,
}

/// A file as it would be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFile {
    /// Its name.
    pub name: String,
    /// Where it belongs.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// `instep service install --print`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceText {
    /// 1.
    pub schema_version: u32,
    /// The files.
    pub files: Vec<ServiceFile>,
}

/// `instep service logs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLogs {
    /// 1.
    pub schema_version: u32,
    /// `journal`, or the file that the lines are from; null where there is neither.
    pub source: Option<String>,
    /// The last lines, the newest at the end.
    pub lines: Vec<String>,
    /// What there is to know.
    pub notes: Vec<NotesLine>,
}
