//! Rules of wording: nothing left unfinished, no empty names, no sleeping tests, no SQL outside
//! the store, nobody's home folder.

use super::Finding;
use super::source::{Kind, Source, Token};
use super::tree::TextFile;

/// Marks of unfinished work. Spelt apart so that this file does not bear them itself.
const UNFINISHED_MARKS: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
/// Where a developer's checkout lies. Spelt apart for the same reason.
const MACHINE_FOLDERS: [&str; 3] = [
    concat!("/", "home/"),
    concat!("/", "root/"),
    concat!("/", "work/"),
];
/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = [
    "common", "helper", "helpers", "manager", "misc", "util", "utils",
];
/// How an SQL statement begins, and the word that must follow for it to be one; any will do for "".
const SQL: [(&str, &str); 12] = [
    ("ALTER", "TABLE"),
    ("BEGIN", "IMMEDIATE"),
    ("CREATE", "INDEX"),
    ("CREATE", "TABLE"),
    ("DELETE", "FROM"),
    ("DROP", "TABLE"),
    ("INSERT", "INTO"),
    ("INSERT", "VALUES"),
    ("PRAGMA", ""),
    ("SELECT", "FROM"),
    ("UPDATE", "SET"),
    ("WITH", "SELECT"),
];

/// Rules for text files of any kind.
pub(super) fn check_text(file: &TextFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(word) = file
        .path
        .split(['/', '_', '-', '.'])
        .find(|word| is_empty_name(word))
    {
        findings.push(file.finding(0, format!("`{word}` in a file's name says nothing")));
    }
    let is_rust = file.path.ends_with(".rs");
    let commented_by_hash = [".toml", ".sh", "Makefile", ".ci/run"];
    let is_script = file.path.starts_with("scripts/")
        || commented_by_hash.iter().any(|end| file.path.ends_with(end));
    for (line, text) in (1..).zip(file.text.lines()) {
        if let Some(folder) = MACHINE_FOLDERS
            .iter()
            .find(|folder| starts_path(text, folder))
        {
            findings.push(file.finding(line, format!("names a folder of one machine, {folder}")));
        }
        if is_script && let Some((_, comment)) = text.split_once('#') {
            findings.extend(marks(comment).map(|(_, mark)| unfinished(file, line, mark)));
        }
        if is_rust && text.trim_start().starts_with("//") && text.contains("```ignore") {
            findings.push(file.finding(line, "holds an example that nothing compiles"));
        }
    }
    findings
}

/// Rules for Rust files.
pub(super) fn check_source(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = check_comments(source);
    for (at, token) in source.tokens.iter().enumerate() {
        let line = token.start.line;
        let message = match token.kind {
            Kind::Word => check_word(source, at),
            Kind::Literal if !source.is_doc(at) => check_literal(source, token),
            Kind::Mark if is_ignored_test(source, at) => Some("switches a test off".to_owned()),
            _ => None,
        };
        findings.extend(message.map(|message| source.file.finding(line, message)));
    }
    findings
}

fn check_word(source: &Source<'_>, at: usize) -> Option<String> {
    let token = &source.tokens[at];
    let word = token.text.as_str();
    match source.before(at) {
        "struct" | "enum" | "trait" | "type" if ends_emptily(word) => {
            return Some(format!("`{word}` says nothing about what it is"));
        }
        "mod" if word.split('_').any(is_empty_name) => {
            return Some(format!("`mod {word}` says nothing about what is inside"));
        }
        _ => {}
    }
    if source.reads(at, &["todo", "!"]) || source.reads(at, &["unimplemented", "!"]) {
        return Some(format!("`{word}!` stands for missing code"));
    }
    if calls_sleep(source, at) && source.is_test(token.start.line) {
        return Some("a test waits for what it expects, it does not sleep".to_owned());
    }
    None
}

/// Whether the tokens from `at` on call a free function `sleep`; a clock's method is another thing.
pub(super) fn calls_sleep(source: &Source<'_>, at: usize) -> bool {
    source.reads(at, &["sleep", "("]) && !matches!(source.before(at), "." | "fn")
}

/// Where the database of another program is asked for what its library does not tell.
const SQL_OF_OTHERS: &str = "crates/instep-connectors/src/taskwarrior/sequence.rs";

fn check_literal(source: &Source<'_>, token: &Token) -> Option<String> {
    let is_ours = source.file.package() == Some("instep-store");
    if is_ours || source.file.path.ends_with(SQL_OF_OTHERS) {
        return None;
    }
    let text = token.text.trim_start_matches(['b', 'c', 'r', '#']);
    let mut words = text.trim_matches(['"', '#']).split_whitespace();
    let first = words.next()?;
    let rest: Vec<&str> = words.collect();
    SQL.iter()
        .any(|(start, later)| {
            let is_whole = rest.contains(later) || later.is_empty() && !rest.is_empty();
            *start == first && is_whole
        })
        .then(|| "SQL belongs to instep-store".to_owned())
}

/// Whether `#[ignore]`, or a `cfg_attr` that comes to it, starts at `at`.
fn is_ignored_test(source: &Source<'_>, at: usize) -> bool {
    let Some(Kind::Open(close)) = source.tokens.get(at + 1).map(|token| &token.kind) else {
        return false;
    };
    let says_ignore = |tokens: &[Token]| tokens.iter().any(|token| token.text == "ignore");
    source.reads(at, &["#", "[", "ignore"])
        || source.reads(at, &["#", "[", "cfg_attr"]) && says_ignore(&source.tokens[at..*close])
}

/// Marks of unfinished work anywhere but in literals, where they are somebody's data.
fn check_comments(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(source.file.text.lines()) {
        for (column, mark) in marks(text) {
            let place = proc_macro2::LineColumn { line, column };
            let is_data = source.tokens.iter().enumerate().any(|(at, token)| {
                token.kind == Kind::Literal
                    && !source.is_doc(at)
                    && token.start <= place
                    && place < token.end
            });
            if !is_data {
                findings.push(unfinished(source.file, line, mark));
            }
        }
    }
    findings
}

fn unfinished(file: &TextFile, line: usize, mark: &str) -> Finding {
    file.finding(
        line,
        format!("{mark} without an owner: do it, or open an issue"),
    )
}

/// Marks of unfinished work that stand as words in `text`, each with its column in characters.
fn marks(text: &str) -> impl Iterator<Item = (usize, &'static str)> + '_ {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    UNFINISHED_MARKS.into_iter().flat_map(move |mark| {
        text.match_indices(mark).filter_map(move |(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + mark.len()..].chars().next();
            let stands_alone = !before.is_some_and(is_word) && !after.is_some_and(is_word);
            stands_alone.then(|| (text[..at].chars().count(), mark))
        })
    })
}

/// Whether `folder` stands in `text` as the start of a path and not as a part of a longer one.
fn starts_path(text: &str, folder: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || "_.~*-})".contains(c);
    text.match_indices(folder)
        .any(|(at, _)| !text[..at].chars().next_back().is_some_and(continues))
}

fn is_empty_name(word: &str) -> bool {
    EMPTY_NAMES.contains(&word)
}

fn ends_emptily(name: &str) -> bool {
    ["Helper", "Helpers", "Manager", "Util", "Utils"]
        .iter()
        .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::super::findings_in;
    use super::{MACHINE_FOLDERS, UNFINISHED_MARKS};

    /// `code` below a header, in a library's source unless `path` says otherwise.
    fn check_at(path: &str, code: &str, expected: &[&str]) {
        let found = findings_in(path, &format!("//! X.\n{code}\n"));
        let prefix = format!("{path}:2: ");
        let expected: Vec<String> = expected
            .iter()
            .map(|text| format!("{prefix}{text}"))
            .collect();
        assert_eq!(found, expected, "{code}");
    }

    fn check(code: &str, expected: &[&str]) {
        check_at("crates/a/src/b.rs", code, expected);
    }

    #[test]
    fn nothing_is_left_unfinished() {
        check("fn f() { todo!() }", &["`todo!` stands for missing code"]);
        check(
            "fn f() { unimplemented!(\"x\") }",
            &["`unimplemented!` stands for missing code"],
        );
        check("fn todo() -> Todo { \"todo!\" }", &[]);
        check("#[ignore] #[test] fn f() {}", &["switches a test off"]);
        check(
            "#[ignore = \"slow\"] #[test] fn f() {}",
            &["switches a test off"],
        );
        check(
            "#[cfg_attr(windows, ignore)] fn f() {}",
            &["switches a test off"],
        );
        check("#[cfg_attr(windows, path = \"b\")] fn ignore() {}", &[]);
        check("/// ```ignore", &["holds an example that nothing compiles"]);
    }

    #[test]
    fn a_mark_in_a_comment_is_found_and_in_data_is_not() {
        for mark in UNFINISHED_MARKS {
            let finding = format!("{mark} without an owner: do it, or open an issue");
            check(&format!("// {mark}: later"), &[&finding]);
            check(&format!("/// {mark} later"), &[&finding]);
            check(&format!("let x = \"é\"; /* {mark} */"), &[&finding]);
            check(&format!("let x = \"{mark}\"; // V{mark} {mark}S"), &[]);
            check_at("scripts/x", &format!("x # {mark}"), &[&finding]);
            check_at("scripts/x", &format!("x {mark}"), &[]);
        }
    }

    #[test]
    fn names_say_what_is_inside() {
        let file = |name: &str| findings_in(&format!("crates/a/src/{name}.rs"), "//! X.\n");
        for name in [
            "utils",
            "http_util",
            "helpers",
            "common/mod",
            "misc",
            "file_manager",
        ] {
            assert_eq!(file(name).len(), 1, "{name}");
        }
        assert_eq!(file("utility_of_a_move"), Vec::<String>::new());
        check(
            "mod test_helpers {}",
            &["`mod test_helpers` says nothing about what is inside"],
        );
        check(
            "struct SyncManager;",
            &["`SyncManager` says nothing about what it is"],
        );
        check(
            "trait StoreUtils {}",
            &["`StoreUtils` says nothing about what it is"],
        );
        check("struct Managed; fn helper() {}", &[]);
    }

    #[test]
    fn tests_do_not_sleep() {
        let finding = "a test waits for what it expects, it does not sleep";
        let path = "crates/a/tests/it/b.rs";
        check_at(path, "fn f() { thread::sleep(x) }", &[finding]);
        check_at(path, "async fn f() { sleep(x).await }", &[finding]);
        check_at(
            path,
            "fn f() { select! { () = sleep(x) => {} } }",
            &[finding],
        );
        check_at(path, "fn sleep() { clock.sleep(x) }", &[]);
        check("#[cfg(test)] mod tests { fn f() { sleep(x) } }", &[finding]);
        check("#[cfg(not(test))] mod live { fn f() { sleep(x) } }", &[]);
        check("fn f() { thread::sleep(x) }", &[]);
    }

    #[test]
    fn sql_stays_in_the_store() {
        for sql in [
            "\"SELECT a FROM b\"",
            "r#\"INSERT INTO a\"#",
            "\"PRAGMA b\"",
            "\"\n  UPDATE a SET b\"",
        ] {
            check(&format!("x({sql});"), &["SQL belongs to instep-store"]);
            check_at("crates/instep-store/src/b.rs", &format!("x({sql});"), &[]);
        }
        check("x(\"SELECT one of these\");", &[]);
        check("x(\"DELETE\");", &[]);
        check("/// SELECT a FROM b", &[]);
    }

    #[test]
    fn no_file_names_a_folder_of_one_machine() {
        for folder in MACHINE_FOLDERS {
            let finding = format!("names a folder of one machine, {folder}");
            check(&format!("x(\"{folder}ada/x\");"), &[&finding]);
            check_at("README.md", &format!("cd {folder}instep"), &[&finding]);
            check_at("README.md", &format!("file://{folder}instep"), &[&finding]);
            check_at(
                "README.md",
                &format!("https://example.org{folder}instep"),
                &[],
            );
            check_at("README.md", &format!("~{folder}instep"), &[]);
        }
    }
}
