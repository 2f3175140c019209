//! What a crate never contains, as far as its tokens and its manifest show it.

use super::Finding;
use super::source::{Kind, Source};
use super::words::calls_sleep;

/// A crate and what it does without.
pub(super) struct Room {
    package: &'static str,
    /// Crates that its shipped part does not depend on, by the start of their names.
    banned_crates: &'static [&'static str],
    /// Paths that its shipped part does not name.
    banned_paths: &'static [&'static str],
    /// Whether its shipped part may call `sleep`.
    sleeps: bool,
}

const CLOCKS: [&str; 4] = ["SystemTime", "Instant::now", "Timestamp::now", "Zoned::now"];

const ROOMS: [Room; 11] = [
    Room {
        package: "instep-model",
        banned_crates: &[
            "axum", "rand", "reqwest", "serde", "sqlx", "tokio", "tracing",
        ],
        banned_paths: &[
            "Uuid::new_v4",
            "Uuid::now_v7",
            "serde",
            "std::fs",
            "std::net",
            "std::process",
            "std::thread",
            "tokio",
            CLOCKS[0],
            CLOCKS[1],
            CLOCKS[2],
            CLOCKS[3],
        ],
        sleeps: false,
    },
    Room {
        package: "instep-sync",
        banned_crates: &["axum", "rand", "reqwest", "sqlx", "tokio"],
        banned_paths: &[
            "Uuid::new_v4",
            "Uuid::now_v7",
            "std::fs",
            "std::net",
            "std::process",
            "std::thread",
            CLOCKS[0],
            CLOCKS[1],
            CLOCKS[2],
            CLOCKS[3],
        ],
        sleeps: false,
    },
    Room {
        package: "instep-contract",
        banned_crates: &["axum", "reqwest", "sqlx", "tokio"],
        banned_paths: &["std::fs", "std::net", "std::process"],
        sleeps: false,
    },
    Room {
        package: "instep-safefile",
        banned_crates: &["reqwest", "sqlx", "tokio"],
        banned_paths: &[],
        sleeps: true,
    },
    Room {
        package: "instep-connectors",
        banned_crates: &["axum", "sqlx"],
        banned_paths: &[],
        sleeps: false,
    },
    Room {
        package: "instep-store",
        banned_crates: &["axum", "reqwest"],
        banned_paths: &[],
        sleeps: true,
    },
    Room {
        package: "instep-engine",
        banned_crates: &["axum", "reqwest", "sqlx", "tokio"],
        banned_paths: &[CLOCKS[0], CLOCKS[1], CLOCKS[2], CLOCKS[3]],
        sleeps: false,
    },
    Room {
        package: "instep-api",
        banned_crates: &["axum", "sqlx"],
        banned_paths: &[],
        sleeps: true,
    },
    Room {
        package: "instep-app",
        banned_crates: &["axum", "sqlx"],
        banned_paths: &[],
        sleeps: true,
    },
    Room {
        package: "instep-daemon",
        banned_crates: &["sqlx"],
        banned_paths: &[],
        sleeps: true,
    },
    Room {
        package: "instep-sim",
        banned_crates: &["axum", "reqwest", "sqlx"],
        banned_paths: &["std::net", CLOCKS[0], CLOCKS[1], CLOCKS[2], CLOCKS[3]],
        sleeps: false,
    },
];

impl Room {
    /// Whether the shipped part has to do without `dependency`.
    pub(super) fn bans(&self, dependency: &str) -> bool {
        self.banned_crates
            .iter()
            .any(|banned| dependency.starts_with(banned))
    }
}

/// What is known of `package`, if it has rules of its own.
pub(super) fn room(package: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.package == package)
}

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    let file = source.file;
    let Some(package) = file.package().filter(|_| file.path.contains("/src/")) else {
        return Vec::new();
    };
    let room = room(package);
    let is_program = ["instep", "xtask"].contains(&package)
        || file.path.ends_with("/src/main.rs")
        || file.path.contains("/src/bin/");
    let mut findings = Vec::new();
    for (at, token) in source.tokens.iter().enumerate() {
        let line = token.start.line;
        if token.kind != Kind::Word || source.is_test(line) {
            continue;
        }
        if !is_program && prints(source, at) {
            let message = format!("`{}!` in a library; only the program prints", token.text);
            findings.push(file.finding(line, message));
        }
        let Some(room) = room else { continue };
        if let Some(path) = room
            .banned_paths
            .iter()
            .find(|path| names(source, at, path))
        {
            findings.push(file.finding(line, format!("`{path}` has no place in {package}")));
        }
        if !room.sleeps && calls_sleep(source, at) {
            findings.push(file.finding(line, format!("{package} never sleeps")));
        }
    }
    findings
}

fn prints(source: &Source<'_>, at: usize) -> bool {
    ["print", "println", "eprint", "eprintln", "dbg"]
        .iter()
        .any(|name| source.reads(at, &[name, "!"]))
}

fn names(source: &Source<'_>, at: usize, path: &str) -> bool {
    match path.split_once("::") {
        Some((parent, child)) => source.reads(at, &[parent, ":", ":", child]),
        None => source.reads(at, &[path]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::findings_in;

    fn check(path: &str, code: &str, expected: &[&str]) {
        let found = findings_in(path, &format!("//! X.\n{code}\n"));
        let expected: Vec<String> = expected
            .iter()
            .map(|text| format!("{path}:2: {text}"))
            .collect();
        assert_eq!(found, expected, "{code}");
    }

    #[test]
    fn the_pure_crates_stay_pure() {
        let model = "crates/instep-model/src/task.rs";
        check(
            model,
            "use serde::Serialize;",
            &["`serde` has no place in instep-model"],
        );
        check(
            model,
            "use std::fs;",
            &["`std::fs` has no place in instep-model"],
        );
        check(
            model,
            "let id = Uuid::new_v4();",
            &["`Uuid::new_v4` has no place in instep-model"],
        );
        check(model, "use std::time::Duration; // no serde", &[]);
        let sync = "crates/instep-sync/src/plan.rs";
        check(
            sync,
            "let now = Instant::now();",
            &["`Instant::now` has no place in instep-sync"],
        );
        check(
            sync,
            "use std::time::SystemTime;",
            &["`SystemTime` has no place in instep-sync"],
        );
        let sim = "crates/instep-sim/src/clock.rs";
        check(
            sim,
            "let now = Timestamp::now();",
            &["`Timestamp::now` has no place in instep-sim"],
        );
        check(
            "crates/instep-app/src/wiring.rs",
            "let now = Instant::now();",
            &[],
        );
    }

    #[test]
    fn tests_may_do_what_the_shipped_part_may_not() {
        let code = "#[cfg(test)] mod tests { use serde::Serialize; }";
        check("crates/instep-model/src/task.rs", code, &[]);
        check(
            "crates/instep-model/tests/it/task.rs",
            "use serde::Serialize;",
            &[],
        );
    }

    #[test]
    fn only_the_program_prints() {
        let finding = "`println!` in a library; only the program prints";
        check(
            "crates/instep-store/src/lib.rs",
            "fn f() { println!() }",
            &[finding],
        );
        check(
            "crates/instep-store/src/lib.rs",
            "fn f() { write!(o, \"println!\") }",
            &[],
        );
        check("crates/instep/src/output.rs", "fn f() { println!() }", &[]);
        check(
            "crates/instep-sim/src/main.rs",
            "fn f() { println!() }",
            &[],
        );
    }

    #[test]
    fn connectors_leave_waiting_to_the_engine() {
        let code = "async fn f() { tokio::time::sleep(x).await }";
        let path = "crates/instep-connectors/src/vikunja/client.rs";
        check(path, code, &["instep-connectors never sleeps"]);
        check("crates/instep-app/src/watch.rs", code, &[]);
    }
}
