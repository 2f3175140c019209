//! The text of the hook file. It does no more than call the program, in a process of its own, so
//! that nothing which can happen to that becomes Taskwarrior's: not the program missing, not a
//! signal, not the memory running out.

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The file's name; Taskwarrior runs every executable that begins so.
pub(super) const NAME: &str = "on-exit-instep";

/// Stands in every such file of ours.
const MARK: &[u8] = b"\n# Instep's on-exit hook";

/// The beginning of a file that is read to tell whose it is.
pub(super) const HEAD_BYTES: u64 = 4096;

/// The file as packages ship it, which is that of a program in its usual place.
///
/// A shell waits for the program instead of becoming it: what ends the program early would
/// otherwise be the hook's own end, and a hook that does not exit with 0 makes `task` fail. The
/// trap on EXIT is for the shell itself, where it cannot so much as start a process; the others
/// let it see to that after a key was pressed.
const SHIPPED: &str = include_str!("../../../../dist/hook/on-exit-instep");

/// The line of the shipped file that differs from one instance to another.
const CALL: &str = "'/usr/bin/instep-hook' \"$@\"\n";

/// The program that does nothing else, and starts in half the time.
const SMALL: &str = "instep-hook";

/// What a hook file calls: the small program where it lies beside the whole one and runs, as it does
/// wherever both were installed; otherwise that.
pub(super) fn caller(program: PathBuf) -> PathBuf {
    let small = program.with_file_name(SMALL);
    let runs = std::fs::metadata(&small)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    if runs { small } else { program }
}

/// What a hook file has to carry to find this instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Script {
    /// The program, by its whole path.
    pub(super) program: PathBuf,
    /// Variables that are not what they are where nobody sets them.
    pub(super) variables: Vec<(&'static str, PathBuf)>,
    /// The config, where it is not the usual one.
    pub(super) config: Option<PathBuf>,
    /// Whether a pass is started where no daemon runs.
    pub(super) pass: bool,
}

impl Script {
    /// The file's text.
    pub(super) fn text(&self) -> Vec<u8> {
        let (beginning, end) = SHIPPED.split_once(CALL).unwrap_or((SHIPPED, ""));
        let mut text = beginning.as_bytes().to_vec();
        for (name, value) in &self.variables {
            text.extend_from_slice(format!("export {name}=").as_bytes());
            text.extend(quoted(value.as_os_str()));
            text.push(b'\n');
        }
        text.extend(quoted(self.program.as_os_str()));
        if self.program.file_name() != Some(OsStr::new(SMALL)) {
            text.extend_from_slice(b" hook");
        }
        if self.pass {
            text.extend_from_slice(format!(" {}", super::PASS).as_bytes());
        }
        if let Some(config) = &self.config {
            let mut named = std::ffi::OsString::from(super::CONFIG);
            named.push(config);
            text.push(b' ');
            text.extend(quoted(&named));
        }
        text.extend_from_slice(b" \"$@\"\n");
        text.extend_from_slice(end.as_bytes());
        text
    }
}

/// Whether a file's beginning is one of ours, of whatever version.
pub(super) fn is_ours(head: &[u8]) -> bool {
    head.windows(MARK.len()).any(|part| part == MARK)
}

fn quoted(text: &OsStr) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for byte in text.as_bytes() {
        match byte {
            b'\'' => quoted.extend_from_slice(br"'\''"),
            byte => quoted.push(*byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

/// The variables that place an instance and are not what the system would give.
pub(super) fn variables() -> Vec<(&'static str, PathBuf)> {
    let set = |name: &str| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from).filter(|path| path.is_absolute())
    };
    let uid = nix::unistd::geteuid();
    let user = nix::unistd::User::from_uid(uid).ok().flatten();
    let login = user.map(|user| user.dir);
    let home = set("HOME").or_else(|| login.clone());
    let home = home.unwrap_or_else(|| Path::new("/").to_owned());
    let usual = [
        ("HOME", login),
        ("XDG_CONFIG_HOME", Some(home.join(".config"))),
        ("XDG_DATA_HOME", Some(home.join(".local/share"))),
        ("XDG_STATE_HOME", Some(home.join(".local/state"))),
        ("XDG_RUNTIME_DIR", Some(format!("/run/user/{uid}").into())),
    ];
    let odd = usual.into_iter().filter_map(|(name, usual)| {
        let value = set(name)?;
        (Some(&value) != usual.as_ref()).then_some((name, value))
    });
    odd.collect()
}

/// A path that is still the program's after it was updated: where `PATH` leads to the file that
/// runs, the name there, which a package manager keeps while the file behind it moves.
pub(super) fn program() -> Option<PathBuf> {
    let running = std::env::current_exe().ok()?;
    let file = std::fs::canonicalize(&running).ok();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut named = std::env::split_paths(&path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join("instep"));
    let same = |path: &PathBuf| file.is_some() && std::fs::canonicalize(path).ok() == file;
    named.find(same).or_else(|| {
        // An update that removed the file leaves a mark behind its name.
        let replaced = running.as_os_str().as_bytes().strip_suffix(b" (deleted)");
        let replaced = replaced.map(|path| std::ffi::OsString::from_vec(path.to_vec()).into());
        let found = file.map(|_| running.clone()).or(replaced);
        found.filter(|path: &PathBuf| path.is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_that_of_the_usual_instance() {
        let usual = Script {
            program: PathBuf::from("/usr/bin/instep-hook"),
            variables: Vec::new(),
            config: None,
            pass: false,
        };
        let text = String::from_utf8(usual.text()).expect("text");
        assert_eq!(text, SHIPPED);
        assert!(is_ours(&usual.text()));
    }

    #[test]
    fn what_an_instance_needs_takes_the_place_of_the_shipped_call() {
        let own = Script {
            program: caller(PathBuf::from("/opt/it's/instep")),
            variables: vec![("HOME", PathBuf::from("/users/ann"))],
            config: Some(PathBuf::from("/etc/instep.toml")),
            pass: true,
        };
        let call = concat!(
            "export HOME='/users/ann'\n",
            "'/opt/it'\\''s/instep' hook --pass '--config=/etc/instep.toml' \"$@\"\n"
        );
        let text = String::from_utf8(own.text()).expect("text");
        assert_eq!(text, SHIPPED.replacen(CALL, call, 1));
    }
}
