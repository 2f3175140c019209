//! Real answers are what docs/schema promises.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::home::Home;

fn check(schema: &str, value: &Value) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    let text = fs::read_to_string(dir.join(format!("{schema}.json"))).expect("a schema");
    let schema_json: Value = serde_json::from_str(&text).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema_json).expect("a schema is a schema");
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{schema}: {errors:?} in {value}");
    assert_eq!(value["schema_version"], 1, "{schema}");
}

fn check_command(home: &Home, schema: &str, args: &[&str]) {
    let mut args = args.to_vec();
    args.push("--json");
    check(schema, &home.instep(&args).json());
}

#[test]
fn every_reply_is_as_its_schema_says() {
    let home = Home::new();
    home.write("tasks.json", crate::home::TWO_TASKS);
    check_command(&home, "error", &["status"]);
    check_command(&home, "init", &["init", "--yes"]);
    check_command(
        &home,
        "account-add",
        &[
            "account",
            "add",
            "file",
            "--name",
            "file",
            "--path",
            "tasks.json",
        ],
    );
    check_command(&home, "account-list", &["account", "list"]);
    check_command(&home, "account-show", &["account", "show", "file"]);
    check_command(&home, "account-show", &["map", "tw"]);
    home.task(&["add", "Call the bank", "project:Home", "due:2031-01-01"]);
    home.task(&["1", "annotate", "0800 123"]);
    check_command(&home, "sync", &["sync"]);
    check_command(&home, "sync", &["sync", "-n"]);
    check_command(&home, "sync", &["sync", "--yes"]);
    check_command(&home, "status", &["status"]);
    check_command(&home, "list", &["list"]);
    check_command(
        &home,
        "touched",
        &[
            "add",
            "Book dentist",
            "--due",
            "2031-11-27",
            "--tag",
            "health",
        ],
    );
    check_command(&home, "doctor", &["doctor", "--offline"]);
    check_command(&home, "doctor", &["config", "check"]);
    check_command(&home, "config", &["config", "show"]);
    check_command(&home, "config", &["config", "path"]);
    check_command(&home, "completions", &["completions", "bash"]);
    check_command(&home, "version", &["version"]);
    check_command(&home, "error", &["show", "zz"]);
    check_command(&home, "error", &["no-such-command"]);
    check_command(&home, "account-remove", &["account", "remove", "file"]);
}

#[test]
fn log_and_conflicts_are_as_their_schemas_say() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    home.task(&["/milk/", "modify", "Buy oat milk"]);
    home.write(
        "tasks.json",
        &home.read("tasks.json").replace("Buy milk", "Buy goat milk"),
    );
    home.good(&["sync"]);
    let conflicts = home.good(&["conflicts", "--json"]).json();
    assert_eq!(conflicts["conflicts"].as_array().map(Vec::len), Some(1));
    check("conflicts", &conflicts);
    let log = home.good(&["log", "--json"]).stdout;
    assert!(log.lines().count() > 2, "{log}");
    for line in log.lines() {
        check("log", &serde_json::from_str(line).expect("a line of JSON"));
    }
}
