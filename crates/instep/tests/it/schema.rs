//! What every command answers with `--json` is what docs/schema promises, failures too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::help::COMMANDS;
use crate::home::{Home, TWO_TASKS};
use crate::server::Server;

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema")
}

/// Every schema with its name.
fn schemas() -> Vec<(String, Value)> {
    let files = fs::read_dir(dir()).expect("the schemas");
    let paths = files.map(|file| file.expect("a file").path());
    let schemas = paths.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    schemas
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy();
            let text = fs::read_to_string(&path).expect("a schema");
            (
                name.into_owned(),
                serde_json::from_str(&text).expect("JSON"),
            )
        })
        .collect()
}

/// The commands that a schema is for.
fn commands_of(schema: &Value) -> Vec<String> {
    let title = schema["title"].as_str().expect("a title").to_owned();
    let named = title.split(", ").map(|part| part.strip_prefix("instep "));
    named.flatten().map(str::to_owned).collect()
}

fn check(schema: &Value, value: &Value) {
    let validator = jsonschema::validator_for(schema).expect("a schema is a schema");
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "{}: {errors:?} in {value}",
        schema["title"]
    );
    assert_eq!(value["schema_version"], 1, "{}", schema["title"]);
}

/// Runs commands and remembers which.
struct Run {
    schemas: Vec<(String, Value)>,
    seen: BTreeSet<String>,
}

impl Run {
    fn new() -> Self {
        let (schemas, seen) = (schemas(), BTreeSet::new());
        Self { schemas, seen }
    }

    /// Runs a command that has to answer as the schema for it says.
    fn good(&mut self, home: &Home, args: &[&str]) -> Value {
        let mut with_json = args.to_vec();
        with_json.push("--json");
        let line = args.join(" ");
        let fits = |command: &&String| format!("{line} ").starts_with(&format!("{command} "));
        let named = self.schemas.iter().flat_map(|(_, schema)| {
            commands_of(schema)
                .into_iter()
                .map(move |command| (command, schema))
        });
        let (command, schema) = named
            .filter(|(command, _)| fits(&command))
            .max_by_key(|(command, _)| command.len())
            .unwrap_or_else(|| panic!("no schema is for `{line}`"));
        let ended = home.instep(&with_json);
        assert!(matches!(ended.code, 0 | 5), "{line}: {}", ended.whole());
        let values: Vec<Value> = ended
            .stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect();
        assert!(!values.is_empty(), "{line}: {}", ended.whole());
        for value in &values {
            check(schema, value);
        }
        self.seen.insert(command);
        values.into_iter().next_back().expect("a value")
    }

    /// Runs a command that has to fail, as the schema of failures says.
    fn bad(&self, home: &Home, args: &[&str]) {
        let mut args = args.to_vec();
        args.push("--json");
        let ended = home.instep(&args);
        let mut schemas = self.schemas.iter();
        let schema = schemas.find(|(name, _)| name == "error");
        let value = ended.json();
        check(&schema.expect("a schema").1, &value);
        assert_eq!(value["error"]["exit_code"], ended.code, "{args:?}");
    }
}

#[test]
fn every_command_answers_as_its_schema_says() {
    let (home, server, mut run) = (Home::new(), Server::start(), Run::new());
    home.write("tasks.json", TWO_TASKS);
    home.secret("token", server.vikunja.token());
    run.bad(&home, &["status"]);
    set_up(&home, &server, &mut run);
    every_day(&home, &mut run);
    away(&home, &server, &mut run);
    decide(&home, &mut run);
    bring_back(&home, &mut run);
    let serve = ["serve", "--listen", "nowhere"];
    for args in [
        &["show", "zzzz"][..],
        &["done", "a"],
        &["no-such-command"],
        &serve,
    ] {
        run.bad(&home, args);
    }
    run.good(&home, &["status"]);
    run.good(&home, &["account", "remove", "file"]);

    let groups: BTreeSet<&str> = COMMANDS
        .iter()
        .filter(|one| {
            COMMANDS
                .iter()
                .any(|two| two.starts_with(&format!("{one} ")))
        })
        .copied()
        .collect();
    let leaves = COMMANDS.iter().filter(|one| !one.is_empty());
    let leaves = leaves.filter(|one| !groups.contains(*one) || **one == "conflicts");
    // The daemon has nothing to answer but why it did not start.
    let leaves = leaves.filter(|one| **one != "serve");
    let missed: Vec<_> = leaves.filter(|one| !run.seen.contains(**one)).collect();
    assert!(missed.is_empty(), "not tried: {missed:?}");
}

fn set_up(home: &Home, server: &Server, run: &mut Run) {
    run.good(home, &["init", "--yes"]);
    run.good(home, &["account", "remove", "tw", "--forget"]);
    run.good(home, &["account", "add", "taskwarrior"]);
    run.good(home, &["account", "add", "file", "--path", "tasks.json"]);
    let url = server.vikunja.url();
    let add = [
        "account",
        "add",
        "vikunja",
        "--url",
        url,
        "--secret-file",
        "token",
    ];
    run.good(home, &add);
    run.bad(home, &add);
    let login = ["account", "login", "vikunja", "--secret-file", "token"];
    run.good(home, &login);
    run.good(home, &["account", "rename", "file", "shared"]);
    run.bad(home, &["account", "rename", "file", "shared"]);
    run.good(home, &["account", "rename", "shared", "file"]);
    run.good(home, &["account", "list"]);
    run.bad(home, &["webhook", "install"]);
    run.good(home, &["webhook", "list"]);
    let install = [
        "webhook",
        "install",
        "--public-url",
        "https://tasks.example.org",
    ];
    run.good(home, &install);
    run.good(home, &["webhook", "list", "vikunja"]);
    run.good(home, &["webhook", "remove"]);
    for name in ["tw", "file", "vikunja"] {
        run.good(home, &["account", "show", name]);
        run.good(home, &["map", name]);
    }
    for act in ["uninstall", "status", "install"] {
        run.good(home, &["hook", act]);
    }
    run.bad(home, &["hook", "install", "file"]);
    run.good(home, &["config", "show"]);
    run.good(home, &["config", "path"]);
    run.good(home, &["config", "check"]);
    let path = home.good(&["config", "path"]).stdout;
    let path = path.trim().trim_start_matches("~/").to_owned();
    let known = home.read(&path);
    home.write(&path, &format!("{known}\nintervall = 3\n"));
    run.good(home, &["config", "check"]);
    home.write(&path, &known);
    let ended = home.instep_with(&["config", "edit", "--json"], &[("EDITOR", "true")]);
    let mut schemas = run.schemas.iter();
    let schema = schemas
        .find(|(name, _)| name == "config")
        .expect("a schema");
    check(&schema.1, &ended.json());
    run.seen.insert("config edit".to_owned());
    run.good(home, &["completions", "bash"]);
    run.good(home, &["version"]);
    service(home, run);
}

fn service(home: &Home, run: &mut Run) {
    run.good(home, &["service", "install"]);
    run.good(home, &["service", "install", "--print"]);
    run.good(home, &["service", "install", "--print", "--launchd"]);
    run.good(home, &["service", "status"]);
    run.good(home, &["service", "logs"]);
    run.good(home, &["service", "uninstall"]);
    run.bad(home, &["service", "install", "--launchd"]);
}

/// A server that does not answer is part of the reply of a sync.
fn away(home: &Home, server: &Server, run: &mut Run) {
    server.go_away();
    home.task(&["add", "Waits"]);
    let unreached = home.instep(&["sync", "--json"]);
    assert_eq!(unreached.code, 6);
    let named = run.schemas.iter().find(|(name, _)| name == "sync");
    check(&named.expect("a schema").1, &unreached.json());
    run.good(home, &["status"]);
    server.come_back();
}

fn every_day(home: &Home, run: &mut Run) {
    home.task(&["add", "Call the bank", "project:Home", "due:2031-01-01"]);
    home.task(&["add", "Then pay", "depends:1"]);
    home.task(&["1", "annotate", "0800 123"]);
    run.good(home, &["sync"]);
    run.good(home, &["sync", "-n"]);
    run.good(home, &["sync", "--yes"]);
    run.good(home, &["status"]);
    run.good(home, &["doctor"]);
    run.good(home, &["doctor", "--offline"]);
    run.good(home, &["doctor", "--fix"]);
    run.good(home, &["bugreport"]);
    let due = [
        "--due",
        "2031-11-27",
        "--tag",
        "health",
        "--notes",
        "*soon*",
    ];
    let made = run.good(home, &[&["add", "Book dentist"][..], &due].concat());
    let id = made["task"]["id"].as_str().expect("an id").to_owned();
    run.good(
        home,
        &["edit", &id, "--priority", "3", "--project", "Health"],
    );
    let carried = run.good(home, &["add", "Pay it", "--to", "vikunja"]);
    assert_eq!(carried["carried"]["outcome"], "in_step", "{carried}");
    run.good(home, &["show", &id[..8]]);
    run.good(home, &["push", &id[..8]]);
    run.good(home, &["pull", "file", "1"]);
    run.bad(home, &["pull", "file", "4711"]);
    run.bad(home, &["restore", "--collection", "file"]);
    run.good(home, &["retry", "--parked"]);
    run.bad(home, &["retry", "nobody"]);
    run.good(home, &["repair", "file", "-n"]);
    run.good(home, &["repair", "file"]);
    run.good(home, &["repair", "file", "--yes"]);
    run.good(home, &["done", &id]);
    run.good(home, &["rm", &id]);
    run.good(home, &["list", "--all"]);
    run.good(home, &["log"]);
    run.good(home, &["ping", "vikunja"]);
    run.good(home, &["pause", "vikunja", "--for", "2h"]);
    let queued = run.good(home, &["add", "Waits", "--to", "vikunja"]);
    assert_eq!(queued["carried"]["outcome"], "queued", "{queued}");
    assert_eq!(queued["carried"]["reason"], "paused", "{queued}");
    let paused = run.good(home, &["sync"]);
    assert_eq!(paused["outcome"], "in_step", "{paused}");
    run.good(home, &["status"]);
    run.good(home, &["resume"]);
    run.bad(home, &["pause", "nobody"]);
}

/// A file is emptied, and nobody meant to.
fn bring_back(home: &Home, run: &mut Run) {
    home.write("tasks.json", "[]");
    home.instep(&["sync"]);
    run.good(home, &["restore", "--collection", "file"]);
    let back = home.read("tasks.json");
    assert!(back.contains("Water the plants"), "{back}");
}

/// A conflict of one field, and two tasks of one title that nobody can tell apart.
fn decide(home: &Home, run: &mut Run) {
    run.good(home, &["sync", "--yes"]);
    home.task(&["/milk/", "modify", "Buy oat milk"]);
    let edited = home.read("tasks.json").replace("Buy milk", "Buy goat milk");
    home.write("tasks.json", &edited);
    run.good(home, &["sync"]);
    let known = run.good(home, &["conflicts"]);
    run.good(home, &["conflicts", "list", "--all"]);
    let id = known["conflicts"][0]["id"].as_str().expect("a conflict");
    run.good(home, &["conflicts", "show", &id[..6]]);
    run.good(home, &["conflicts", "resolve", id, "--keep", "hub"]);
    run.bad(home, &["conflicts", "show", "zzzz"]);

    home.write(
        "more.json",
        r#"[{"id": 1, "name": "Call", "priority": 3, "tag": ""}]"#,
    );
    home.task(&["add", "Call", "project:Home", "priority:L"]);
    home.task(&["add", "Call", "project:Work", "priority:M"]);
    home.good(&["sync"]);
    let more = [
        "account",
        "add",
        "file",
        "--name",
        "more",
        "--path",
        "more.json",
    ];
    run.good(home, &more);
    run.good(home, &["sync", "more", "--yes"]);
    let known = run.good(home, &["conflicts"]);
    let id = known["reviews"][0]["id"].as_str().expect("a review");
    let shown = run.good(home, &["conflicts", "show", id]);
    let sides = shown["reviews"].as_array().expect("both sides");
    assert!(sides.len() > 1, "{shown}");
    assert!(
        sides.iter().all(|side| side["fields"].is_object()),
        "{shown}"
    );
    let asked = home.good(&["conflicts", "show", id]).stdout;
    assert!(asked.contains("several tasks have this title"), "{asked}");
    assert!(asked.contains("in the hub, not in more"), "{asked}");
    assert!(asked.contains("in more, not in the hub"), "{asked}");
    assert!(asked.contains("priority"), "{asked}");
    assert!(asked.contains("--same-as"), "{asked}");
}

/// A key that no schema knows is a mistake of one or the other.
#[test]
fn every_object_of_a_schema_says_which_keys_it_has() {
    fn objects<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
        if value["type"] == "object" {
            found.push(value);
        }
        let below: Vec<&Value> = match value {
            Value::Object(members) => members.values().collect(),
            Value::Array(items) => items.iter().collect(),
            _ => Vec::new(),
        };
        for value in below {
            objects(value, found);
        }
    }
    for (name, schema) in schemas() {
        let mut found = Vec::new();
        objects(&schema, &mut found);
        assert!(!found.is_empty(), "{name}");
        for object in found {
            let more = &object["additionalProperties"];
            let named = *more == Value::Bool(false) || more.is_object();
            assert!(named, "{name}: {object}");
        }
    }
}

/// The page that lists them leaves none out.
#[test]
fn the_list_of_schemas_is_whole() {
    let page = fs::read_to_string(dir().join("README.md")).expect("a page");
    for (name, _) in schemas() {
        assert!(page.contains(&format!("({name}.json)")), "{name}");
    }
}
