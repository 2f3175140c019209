//! The hook's file. It is a copy of the small program that does nothing else, with what it carries in a
//! file beside it: whatever becomes of the programs that were installed, Taskwarrior has a whole one to
//! start, and starts no shell for it. Where only `instep` is there, or a copy would not last, it is a
//! shell's text that calls that.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::carried::{self, Carried, PROGRAM, named};

/// The file's name; Taskwarrior runs every executable that begins so.
pub(super) const NAME: &str = "on-exit-instep";

/// Stands in every such file of ours, of whatever version and form.
pub const HOOK_MARK: &str =
    "Instep's on-exit hook: tells which tasks a command of Taskwarrior changed";

/// The program that does nothing else, beside the one that does everything.
const SMALL: &str = "instep-hook";

/// Where package managers keep programs with all that they need, of Nix and of Guix.
const STORES: [&str; 2] = ["/nix/store", "/gnu/store"];

/// A hook that calls a program.
///
/// The shell waits for the program instead of becoming it: what ends the program early would
/// otherwise be the hook's own end, and a hook that does not exit with 0 makes `task` fail. The
/// trap on EXIT is for the shell itself, where it cannot so much as start a process; the others
/// let it see to that after a key was pressed.
const SHELL: &str = r#"#!/bin/sh
# MARK. Made by
# `instep hook install`; `instep hook uninstall` takes it away. Whatever happens in it, it prints
# nothing and exits with 0.
trap 'exit 0' EXIT
trap : HUP INT QUIT TERM
{
CALL hook ARGUMENTS "$@"
} >/dev/null 2>&1
exit 0
"#;

/// What should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HookFile {
    /// The file itself.
    pub(super) content: Vec<u8>,
    /// The file beside it, where there is to be one.
    pub(super) beside: Option<Vec<u8>>,
}

impl HookFile {
    /// The hook of an instance that runs as this program.
    ///
    /// # Errors
    /// When the small program cannot be read, or what the hook carries cannot be written down.
    pub(super) fn of(program: &Path, carried: &Carried) -> io::Result<Self> {
        let mut arguments = carried.arguments();
        let told = |error: io::Error| io::Error::new(error.kind(), format!("{SMALL}: {error}"));
        let small = small(program).map_err(told)?;
        // Beside a package manager that takes its loader away once nothing of its own needs it.
        let Some(content) = small.filter(|_| !is_of_a_store(program)) else {
            return Ok(Self {
                content: shell(program, &arguments),
                beside: None,
            });
        };
        if carried.pass {
            arguments.push(named(PROGRAM, program));
        }
        let beside = carried::file(&arguments)?;
        Ok(Self { content, beside })
    }
}

/// Whether a program runs only for as long as a package manager knows that it is needed, which it does
/// not know of a copy.
fn is_of_a_store(program: &Path) -> bool {
    let program = fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    STORES.iter().any(|store| program.starts_with(store))
}

/// The small program beside this one, or beside the file that a link leads to.
fn small(program: &Path) -> io::Result<Option<Vec<u8>>> {
    for program in [program, &*fs::canonicalize(program)?] {
        match fs::read(program.with_file_name(SMALL)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => return read.map(Some),
        }
    }
    Ok(None)
}

fn shell(program: &Path, arguments: &[OsString]) -> Vec<u8> {
    let mut words = vec![quoted(program.as_os_str()), b"hook".to_vec()];
    words.extend(arguments.iter().map(|argument| quoted(argument)));
    let (before, after) = SHELL
        .split_once("CALL hook ARGUMENTS")
        .unwrap_or((SHELL, ""));
    let before = before.replace("MARK", HOOK_MARK).into_bytes();
    [before, words.join(&b' '), after.as_bytes().to_vec()].concat()
}

/// Whether a file is one of ours, of whatever version.
pub(super) fn is_ours(content: &[u8]) -> bool {
    memchr::memmem::find(content, HOOK_MARK.as_bytes()).is_some()
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

    fn with_programs(
        programs: &[(&str, &str)],
        carried: &Carried,
    ) -> (tempfile::TempDir, HookFile) {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, content) in programs {
            fs::write(dir.path().join(name), content).expect("a file");
        }
        let program = dir.path().join("instep");
        fs::write(&program, "").expect("a file");
        let file = HookFile::of(&program, carried).expect("a hook");
        (dir, file)
    }

    fn own() -> Carried {
        Carried {
            variables: vec![("HOME", PathBuf::from("/users/ann's"))],
            config: Some(PathBuf::from("/etc/my instep.toml")),
            pass: true,
        }
    }

    #[test]
    fn it_is_the_small_program_and_carries_nothing_where_all_is_usual() {
        let (_dir, file) = with_programs(&[(SMALL, "program")], &Carried::default());
        assert_eq!((&*file.content, file.beside), (&b"program"[..], None));
    }

    #[test]
    fn what_an_instance_needs_lies_beside_the_program_and_is_read_again() {
        let (dir, file) = with_programs(&[(SMALL, "program")], &own());
        let hook = dir.path().join(NAME);
        fs::write(dir.path().join(carried::FILE), file.beside.expect("a file")).expect("a file");
        let mut arguments = own().arguments();
        assert_eq!(arguments.len(), 3);
        arguments.push(named(PROGRAM, &dir.path().join("instep")));
        assert_eq!(carried::beside(hook.as_os_str()), arguments);
        assert_eq!(carried::beside(OsStr::new(NAME)), Vec::<OsString>::new());
    }

    #[test]
    fn what_no_line_can_hold_is_refused() {
        let odd = Carried {
            config: Some(PathBuf::from("/etc/a\nb.toml")),
            ..Carried::default()
        };
        let (dir, _) = with_programs(&[(SMALL, "program")], &Carried::default());
        let refused = HookFile::of(&dir.path().join("instep"), &odd).expect_err("a line break");
        assert!(refused.to_string().contains("line break"), "{refused}");
    }

    #[test]
    fn without_the_small_program_a_shell_calls_the_whole_one() {
        let (dir, file) = with_programs(&[], &own());
        let program = dir.path().join("instep");
        let text = String::from_utf8(file.content).expect("text");
        let call = format!(
            "\n'{}' hook '--env=HOME=/users/ann'\\''s' '--config=/etc/my instep.toml' '--pass' \"$@\"\n",
            program.display()
        );
        assert!(text.contains(&call), "{text}");
        assert!(is_ours(text.as_bytes()) && !is_ours(b"#!/bin/sh\nexit 0\n"));
        assert_eq!(file.beside, None);
    }

    #[test]
    fn the_small_program_is_found_where_a_link_leads() {
        let (dir, there) = with_programs(&[(SMALL, "program")], &Carried::default());
        let elsewhere = tempfile::tempdir().expect("a directory");
        let link = elsewhere.path().join("instep");
        std::os::unix::fs::symlink(dir.path().join("instep"), &link).expect("a link");
        let found = HookFile::of(&link, &Carried::default()).expect("a hook");
        assert_eq!(found, there);
    }
}
