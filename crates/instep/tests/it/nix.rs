//! The modules of Nix, evaluated without nixpkgs: what comes of a person's settings, that the
//! program takes the config, and that wrong settings are refused. Nothing is built.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use expect_test::{ExpectFile, expect_file};
use serde_json::Value;

use crate::home::{Home, checker};

fn tests() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../nix/tests");
    path.canonicalize().expect("the modules' tests")
}

/// Evaluates an expression in which `t` is nix/tests; `None` where this machine has no Nix.
fn evaluate(expression: &str) -> Option<Output> {
    let nix = checker("nix-instantiate")?;
    let home = Home::new();
    let mut command = Command::new(nix);
    command.env_clear().env("HOME", home.path("."));
    command.args([
        "--store", "dummy://", "--eval", "--strict", "--json", "--expr",
    ]);
    command.arg(format!(
        "let t = import {}; in {expression}",
        tests().display()
    ));
    Some(command.output().expect("Nix runs"))
}

/// What comes of an expression.
fn value(expression: &str) -> Option<Value> {
    let output = evaluate(expression)?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{expression}: {said}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

/// What the program says of a config.
fn checked(config: &Value) -> String {
    let home = Home::new();
    std::fs::create_dir_all(home.path(".config/instep")).expect("a directory");
    home.secret(
        ".config/instep/config.toml",
        config.as_str().expect("a text"),
    );
    home.good(&["config", "check"]).stdout
}

/// What the module writes beside the hook is what the program writes and reads there.
#[test]
fn what_the_hook_carries_is_known_to_the_program() {
    let Some(value) = value("t.home.home.file") else {
        return;
    };
    let carried = value[".task/hooks/instep-hook.conf"]["text"].as_str();
    let home = Home::new();
    home.good(&["init", "--yes"]);
    home.write(".task/hooks/instep-hook.conf", carried.expect("a text"));
    let reply = home.instep(&["hook", "status", "--json"]).json();
    // And not that of somebody else.
    assert_eq!(reply["accounts"][0]["state"], "outdated", "{reply}");
}

#[test]
fn a_persons_settings_become_config_units_and_hook() {
    let check = |name: &str, expected: ExpectFile| {
        let Some(value) = value(&format!("t.{name}")) else {
            return;
        };
        let said = checked(&value["config"]);
        assert!(said.ends_with("all is well.\n"), "{name}: {said}");
        let text = serde_json::to_string_pretty(&value).expect("JSON");
        expected.assert_eq(&(text + "\n"));
    };
    check(
        "home",
        expect_file!["../../../../nix/tests/expected/home.json"],
    );
    check(
        "homeBare",
        expect_file!["../../../../nix/tests/expected/home-bare.json"],
    );
    check(
        "system",
        expect_file!["../../../../nix/tests/expected/system.json"],
    );
    check(
        "systemAlone",
        expect_file!["../../../../nix/tests/expected/system-alone.json"],
    );
}

/// The keys of a config, each with its table; those of accounts, and those behind a `#`, apart.
fn keys(config: &str) -> BTreeSet<String> {
    let config = config.replace("\n# ", "\n");
    let before_accounts = config.split("\n[[").next().unwrap_or_default();
    let mut table = "";
    let mut keys = BTreeSet::new();
    for line in before_accounts.lines() {
        if let Some(name) = line.strip_prefix('[') {
            table = name.trim_end_matches(']');
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.insert(format!("{table}.{key}"));
        }
    }
    keys
}

/// Whatever README says can be set can be set by an option, and nothing else is.
#[test]
fn there_is_an_option_for_every_setting() {
    let Some(value) = value("t.home.config") else {
        return;
    };
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let settings = readme.split("\n## Settings\n").nth(1).expect("settings");
    let settings = settings.split("```toml").nth(1).expect("a config");
    let settings = settings.split("```").next().expect("its end");
    let config = value.as_str().expect("a text");
    assert_eq!(keys(config), keys(settings));
}

#[test]
fn a_socket_that_systemd_does_not_listen_on_is_not_asked_for() {
    let Some(units) = value("t.homeWithoutSocket.user") else {
        return;
    };
    assert_eq!(units["sockets"], serde_json::json!({}));
    assert!(
        units["services"]["instep"]["Unit"]
            .get("Requires")
            .is_none(),
        "{units}"
    );
}

/// Wants these settings to be refused, for this reason.
fn refused(which: &str, settings: &str, why: &str) {
    let Some(output) = evaluate(&format!("t.comes \"{which}\" {settings}")) else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{settings} was taken");
    assert!(said.contains(why), "{settings}: {said}");
}

#[test]
fn wrong_settings_are_refused() {
    for which in ["home", "system"] {
        let check = |settings: &str, why: &str| refused(which, settings, why);
        check("{ intervall = 3; }", "instep.intervall' does not exist");
        check("{ daemon.pollSec = 3; }", "pollSec' does not exist");
        check("{ daemon.pollSecs = \"3\"; }", "is not of type `unsigned");
        check("{ daemon.pollSecs = -1; }", "is not of type `unsigned");
        check("{ daemon.parallelReads = 0; }", "not of type `positive");
        check("{ daemon.log = \"loud\"; }", "log' is not of type");
        check("{ callsPerSec = \"5\"; }", "is not of type `unsigned");
        check("{ webhooks.listen = \"7117\"; }", "listen' is not of type");
        check("{ accounts.v.url = \"https://x\"; }", "kind' is used but");
        check("{ accounts.\"a b\" = t.vikunja; }", "begins with a letter");
    }
    let check = |settings: &str, why: &str| refused("system", settings, why);
    check("{ hook.enable = true; }", "instep.hook' does not exist");
    let file = "{ accounts.f = { kind = \"file\"; path = \"/users/ann/tasks.json\"; }; }";
    check(file, "set services.instep.user");
    let tw = "{ accounts.tw.kind = \"taskwarrior\"; }";
    check(tw, "say where Taskwarrior's files are");
}

#[test]
fn a_wrong_account_and_above_all_an_open_secret_are_refused() {
    for which in ["home", "system"] {
        let check = |more: &str, why: &str| {
            let settings = format!("{{ accounts.v = t.vikunja // {{ {more} }}; }}");
            refused(which, &settings, why);
        };
        check("secret = \"tk_0123\";", "v.secret' does not exist");
        check("token = \"tk_0123\";", "v.token' does not exist");
        check("secretFile = \"tk_0123\";", "secretFile' is not of type");
        check("secretFile = \"secrets/v\";", "secretFile' is not of type");
        check("secretFile = ./token;", "secretFile' is not of type");
        check("secretFile = \"/nix/store/token\";", "in the Nix store");
        check("secretFile = null;", "secretFile is missing");
        check(
            "path = \"/tasks.json\";",
            "is for accounts of the kind file",
        );
        check("kind = \"trello\";", "kind' is not of type");
    }
}
