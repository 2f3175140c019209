//! What a hook carries to find its instance from wherever `task` is started: arguments, which stand
//! before those of Taskwarrior. A program that is the hook itself reads them from a file beside it, one
//! to a line.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Says that a pass is to be started where no daemon takes a report.
pub(super) const PASS: &str = "--pass";

/// Names the config of that pass; the file follows it.
pub(super) const CONFIG: &str = "--config=";

/// Names the program of that pass; its file follows it.
pub(super) const PROGRAM: &str = "--program=";

/// Sets a variable for the hook and that pass; `NAME=VALUE` follows it.
pub(super) const VARIABLE: &str = "--env=";

/// The file's name; Taskwarrior takes nothing for a hook that begins so.
pub(super) const FILE: &str = "instep-hook.conf";

/// Its first line, which begins with [`MARK`].
const HEAD: &[u8] =
    b"# Arguments of `on-exit-instep`, one a line; made by `instep hook install`.\n";

/// How every such file of ours begins, of whatever version.
const MARK: &[u8] = b"# Arguments of `on-exit-instep`";

/// Longer ones are not ours.
const MAX_BYTES: u64 = 64 * 1024;

/// What one instance's hook carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Carried {
    /// Variables that are not what they are where nobody sets them.
    pub(super) variables: Vec<(&'static str, PathBuf)>,
    /// The config, where it is not the usual one.
    pub(super) config: Option<PathBuf>,
    /// Whether a pass is started where no daemon runs.
    pub(super) pass: bool,
}

impl Carried {
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let variables = self.variables.iter();
        let variables = variables.map(|(name, value)| named(&format!("{VARIABLE}{name}="), value));
        let config = self.config.iter().map(|config| named(CONFIG, config));
        let pass = self.pass.then(|| OsString::from(PASS));
        variables.chain(config).chain(pass).collect()
    }
}

/// The variable that such an argument sets, as `NAME=VALUE`.
pub(super) fn variable(text: &[u8]) -> Option<(OsString, OsString)> {
    let end = text.iter().position(|byte| *byte == b'=')?;
    let part = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
    Some((part(&text[..end]), part(&text[end + 1..])))
}

/// An argument that has a path as its value.
pub(super) fn named(name: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(name);
    argument.push(path);
    argument
}

/// The file with these arguments; none where there are none.
///
/// # Errors
/// Where one has a line break in it.
pub(super) fn file(arguments: &[OsString]) -> io::Result<Option<Vec<u8>>> {
    if arguments.is_empty() {
        return Ok(None);
    }
    let mut text = HEAD.to_vec();
    for argument in arguments {
        if argument.as_bytes().contains(&b'\n') {
            let told = format!("{} has a line break in it", argument.display());
            return Err(io::Error::new(ErrorKind::InvalidInput, told));
        }
        text.extend_from_slice(argument.as_bytes());
        text.push(b'\n');
    }
    Ok(Some(text))
}

/// Whether a file's content is that of such a file.
pub(super) fn is_ours(content: &[u8]) -> bool {
    content.starts_with(MARK)
}

/// The arguments that lie beside a program which was called by this name.
pub(super) fn beside(program: &OsStr) -> Vec<OsString> {
    let dir = Path::new(program).parent();
    // A name without a directory was found by `PATH`.
    let Some(dir) = dir.filter(|dir| !dir.as_os_str().is_empty()) else {
        return Vec::new();
    };
    let content = content(&dir.join(FILE)).unwrap_or_default();
    if !is_ours(&content) {
        return Vec::new();
    }
    let lines = content.split(|byte| *byte == b'\n').skip(1);
    let lines = lines.filter(|line| !line.is_empty());
    lines
        .map(|line| OsString::from_vec(line.to_vec()))
        .collect()
}

/// The beginning of a file. What is none may have no end.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    if fs::metadata(path)?.is_file() {
        File::open(path)?
            .take(MAX_BYTES)
            .read_to_end(&mut content)?;
    }
    Ok(content)
}
