//! Rules of shape: a module opens by saying what it is for, files and functions stay short.

use super::Finding;
use super::source::{Function, Source};

/// The longest file under `src`, its tests not counted, in lines.
const FILE_LINES: usize = 600;
/// The longest Rust file of any kind, tests and all, in lines.
const WHOLE_FILE_LINES: usize = 700;
/// The longest function without a stated reason, in lines.
const FUNCTION_LINES: usize = 70;
/// Stands above a longer function, followed by the reason.
const LONG_BECAUSE: &str = "// tidy: long because ";

pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    let file = source.file;
    let lines: Vec<&str> = file.text.lines().collect();
    let mut findings = Vec::new();

    if !lines.first().is_some_and(|line| line.starts_with("//! ")) {
        findings.push(file.finding(1, "does not begin with a `//!` line saying what it is for"));
    }
    let untested = (1..=lines.len())
        .filter(|line| !source.is_test(*line))
        .count();
    if file.path.contains("/src/") && untested > FILE_LINES {
        let message = format!("has {untested} lines without its tests; split it by idea");
        findings.push(file.finding(0, message));
    }
    if lines.len() > WHOLE_FILE_LINES {
        findings.push(file.finding(0, format!("has {} lines; split it by idea", lines.len())));
    }
    for Function { name, lines: body } in source.functions() {
        let length = body.end() - body.start() + 1;
        if length > FUNCTION_LINES && !is_justified(&lines, *body.start()) {
            let message = format!("`{name}` has {length} lines; split it, or say why above it");
            findings.push(file.finding(*body.start(), message));
        }
    }
    findings
}

/// Whether the comments and attributes right above `line` give a reason for its length.
fn is_justified(lines: &[&str], line: usize) -> bool {
    let above = lines[..line - 1].iter().rev().map(|line| line.trim());
    above
        .take_while(|line| line.starts_with("//") || line.starts_with('#'))
        .any(|line| {
            line.strip_prefix(LONG_BECAUSE)
                .is_some_and(|reason| !reason.is_empty())
        })
}

#[cfg(test)]
mod tests {
    use super::super::findings_in;

    fn check(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(findings_in(path, text), expected);
    }

    fn function(lines: usize) -> String {
        format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines - 2))
    }

    #[test]
    fn a_file_opens_with_what_it_is_for() {
        let finding =
            "crates/a/src/lib.rs:1: does not begin with a `//!` line saying what it is for";
        check("crates/a/src/lib.rs", "//! The nouns.\n", &[]);
        check("crates/a/src/lib.rs", "", &[finding]);
        check("crates/a/src/lib.rs", "use b::C;\n//! Late.\n", &[finding]);
        check("crates/a/src/lib.rs", "//!\n", &[finding]);
        check("README.md", "# Instep\n", &[]);
    }

    #[test]
    fn a_long_function_gives_its_reason() {
        let long = function(71);
        let finding = "x.rs:2: `f` has 71 lines; split it, or say why above it";
        check("x.rs", &format!("//! X.\n{}", function(70)), &[]);
        check("x.rs", &format!("//! X.\n{long}"), &[finding]);
        check(
            "x.rs",
            &format!("//! X.\n// tidy: long because one table.\n#[a]\n{long}"),
            &[],
        );
        let silent = format!("//! X.\n// tidy: long because \n{long}");
        check(
            "x.rs",
            &silent,
            &["x.rs:3: `f` has 71 lines; split it, or say why above it"],
        );
    }

    #[test]
    fn a_long_function_hides_neither_in_a_macro_nor_behind_a_bracket() {
        let body = "g();\n".repeat(70);
        for head in [
            "m! {\nfn f(a: [u8; 2], b: fn(u8)) {\n",
            "mod m {\nfn f() -> [u8; 2] {\n",
        ] {
            let text = format!("//! X.\n{head}{body}}}\n}}\n");
            check(
                "x.rs",
                &text,
                &["x.rs:3: `f` has 72 lines; split it, or say why above it"],
            );
        }
        check("x.rs", "//! X.\ntrait T {\nfn f();\n}\n", &[]);
    }

    #[test]
    fn a_long_file_is_split() {
        let code = |lines: usize| format!("//! X.\n{}", "use a::B;\n".repeat(lines - 1));
        let tests = |lines| {
            format!(
                "#[cfg(test)]\nmod tests {{\n{}}}\n",
                "use a::B;\n".repeat(lines)
            )
        };
        let path = "crates/a/src/b.rs";
        check(path, &code(600), &[]);
        check(path, &(code(600) + &tests(97)), &[]);
        let without = "crates/a/src/b.rs: has 601 lines without its tests; split it by idea";
        check(path, &code(601), &[without]);
        let whole = "crates/a/src/b.rs: has 701 lines; split it by idea";
        check(path, &(code(600) + &tests(98)), &[whole]);
        check("crates/a/tests/it/b.rs", &code(700), &[]);
    }
}
