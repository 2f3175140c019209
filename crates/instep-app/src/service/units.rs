//! The units of systemd as text: those below `dist/`, with the lines in them that differ from one
//! computer to the next. Nothing is read, written or started here.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::needs::Needs;

/// How the file of a unit of ours begins. Nothing without it is ever written over or taken away.
pub(super) const MARK: &str = "# Made for Instep.";

/// A unit of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    /// Its name.
    pub(super) name: &'static str,
    template: &'static str,
    /// What it is for.
    pub(super) part: Part,
    /// Whether it is enabled by itself; if not, another one starts it.
    pub(super) enabled: bool,
}

/// What a unit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Daemon,
    Timer,
}

macro_rules! template {
    ($name:literal) => {
        include_str!(concat!("../../../../dist/systemd/user/", $name))
    };
}

/// Every unit; one that needs another comes after it.
pub(super) const UNITS: [Unit; 4] = [
    Unit {
        name: "instep.socket",
        template: template!("instep.socket"),
        part: Part::Daemon,
        enabled: true,
    },
    Unit {
        name: "instep.service",
        template: template!("instep.service"),
        part: Part::Daemon,
        enabled: true,
    },
    Unit {
        name: "instep-sync.service",
        template: template!("instep-sync.service"),
        part: Part::Timer,
        enabled: false,
    },
    Unit {
        name: "instep-sync.timer",
        template: template!("instep-sync.timer"),
        part: Part::Timer,
        enabled: true,
    },
];

/// Settings that keep a service from writing and calling what it does not need. A service that is
/// not confined has none of them.
const CONFINING: [&str; 10] = [
    "KeyringMode=",
    "LockPersonality=",
    "MemoryDenyWriteExecute=",
    "NoNewPrivileges=",
    "Private",
    "Protect",
    "ReadWritePaths=",
    "RemoveIPC=",
    "Restrict",
    "SystemCall",
];

impl Unit {
    /// Its text for this computer and these accounts.
    pub(super) fn text(&self, needs: &Needs) -> String {
        let mut text = String::new();
        for line in self.template.lines() {
            self.line(&mut text, line, needs);
        }
        text
    }

    /// One line of the template, as this computer needs it.
    fn line(&self, text: &mut String, line: &str, needs: &Needs) {
        if let Some(command) = line.strip_prefix("ExecStart=") {
            let arguments = command.split_once(' ').map_or("", |(_, rest)| rest);
            let _ = write!(text, "ExecStart={} {arguments}", argument(&needs.program));
            if let Some(config) = &needs.config {
                let _ = write!(text, " --config {}", argument(config));
            }
            text.push('\n');
            for (name, value) in &needs.environment {
                let set = word(&format!("{name}={value}"));
                let _ = writeln!(text, "Environment={set}");
            }
            return;
        }
        let confining = CONFINING.iter().any(|setting| line.starts_with(setting));
        if confining && needs.unconfined {
            return;
        }
        if line.starts_with("ReadWritePaths=") {
            let _ = writeln!(text, "ReadWritePaths=-%t/instep");
            for path in &needs.writable {
                let path = word(&format!("-{}", path.display()));
                let _ = writeln!(text, "ReadWritePaths={path}");
            }
            return;
        }
        // Whatever lies there would be hidden from it.
        if line == "PrivateTmp=yes" && needs.paths().any(is_shared) {
            return;
        }
        text.push_str(line);
        text.push('\n');
    }

    /// Where its file belongs.
    pub(super) fn path(&self, config_home: &Path) -> PathBuf {
        config_home.join("systemd/user").join(self.name)
    }
}

fn is_shared(path: &Path) -> bool {
    ["/tmp", "/var/tmp"].iter().any(|dir| path.starts_with(dir))
}

/// A word as systemd reads one: quoted where need be, and nothing in it expanded.
fn word(text: &str) -> String {
    let text = text.replace('%', "%%");
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(quoted, "\\x{:02x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A word of a command line, in which systemd would also expand variables.
fn argument(path: &Path) -> String {
    word(&path.display().to_string()).replace('$', "$$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_back_as_it_was() {
        let check = |text: &str, written: &str| assert_eq!(word(text), written);
        check("/usr/bin/instep", "/usr/bin/instep");
        check("/a b/100%", "\"/a b/100%%\"");
        check("/say \"hi\"\\", "\"/say \\\"hi\\\"\\\\\"");
        check("/two\nlines", "\"/two\\nlines\"");
        check("", "\"\"");
        assert_eq!(argument(Path::new("/a$b")), "\"/a$$b\"");
    }

    /// One text stands in both, since systemd has no way to share it that every version knows.
    #[test]
    fn both_services_are_confined_alike() {
        let confined = |unit: &Unit| -> Vec<&str> {
            let lines = unit.template.lines();
            lines
                .filter(|line| CONFINING.iter().any(|setting| line.starts_with(setting)))
                .collect()
        };
        let [_, daemon, sync, _] = &UNITS;
        assert_eq!(confined(daemon), confined(sync));
        assert!(confined(daemon).len() > 20, "{:?}", confined(daemon));
    }

    #[test]
    fn every_unit_says_whose_it_is() {
        for unit in UNITS {
            assert!(unit.template.starts_with(MARK), "{}", unit.name);
        }
    }
}
