//! Help begins with an example; names and flags that scripts rely on are there.

use expect_test::expect;

use crate::home::Home;

pub(crate) const COMMANDS: [&str; 57] = [
    "",
    "init",
    "account",
    "account add",
    "account add taskwarrior",
    "account add vikunja",
    "account add file",
    "account list",
    "account show",
    "account login",
    "account rename",
    "account remove",
    "sync",
    "status",
    "list",
    "add",
    "show",
    "done",
    "edit",
    "rm",
    "restore",
    "repair",
    "retry",
    "log",
    "conflicts",
    "conflicts list",
    "conflicts show",
    "conflicts resolve",
    "push",
    "pull",
    "webhook",
    "webhook install",
    "webhook list",
    "webhook remove",
    "pause",
    "resume",
    "ping",
    "map",
    "hook",
    "hook install",
    "hook uninstall",
    "hook status",
    "serve",
    "doctor",
    "bugreport",
    "config",
    "config edit",
    "config check",
    "config show",
    "config path",
    "service",
    "service install",
    "service uninstall",
    "service status",
    "service logs",
    "completions",
    "version",
];

#[test]
fn help_of_every_command_begins_with_an_example() {
    let home = Home::new();
    for command in COMMANDS {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let ended = home.good(&args);
        let first = ended.stdout.lines().next().unwrap_or_default();
        let example = format!("Example: instep {command}");
        // `config edit` names its editor first.
        let named = first.starts_with(example.trim_end()) || first.contains("instep config edit");
        assert!(named, "`{command}` begins with: {first}");
        assert_eq!(ended.stderr, "", "{command}");
    }
}

/// Help fits 80 columns, and what a command alone takes stands before what all of them take.
#[test]
fn help_fits_and_puts_a_commands_own_flags_first() {
    let home = Home::new();
    for command in COMMANDS {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let help = home.good(&args).stdout;
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "`{command}`: {line}");
        }
        let (own, everywhere) = help.split_once("Everywhere:").expect("both headings");
        for flag in [
            "\n      --json",
            "\n  -q, --quiet",
            "\n      --config",
            "\n  -y, --yes",
        ] {
            assert!(everywhere.contains(flag), "`{command}` has no {flag}");
            assert!(!own.contains(flag), "`{command}` has {flag} among its own");
        }
    }
    let help = home.good(&["sync", "--help"]).stdout;
    let place = |flag: &str| help.find(flag).unwrap_or_else(|| panic!("no {flag}"));
    assert!(place("--dry-run") < place("--full") && place("--full") < place("--json"));
}

#[test]
fn flags_that_scripts_rely_on_are_known() {
    let home = Home::new();
    let check = |command: &str, flags: &str| {
        let mut args: Vec<&str> = command.split_whitespace().collect();
        args.push("--help");
        let help = home.good(&args).stdout;
        for flag in flags.split_whitespace() {
            assert!(help.contains(flag), "`instep {command}` has no {flag}");
        }
    };
    let scope = "--name --project --tag --not-tag --direction";
    let secret = "--secret-file --secret-env --secret-command";
    check("init", "--yes --no-service --no-hook");
    check("account add taskwarrior", &format!("{scope} --taskrc"));
    check("account add vikunja", &format!("{scope} {secret} --url"));
    check("account add file", &format!("{scope} --path --format"));
    check("account login", secret);
    check(
        "sync",
        "-n --dry-run --full --yes --max-delete --json --exit-code",
    );
    check(
        "add",
        "--to --project --tag --priority --due --notes --json",
    );
    check(
        "edit",
        "--title --due --priority --tag --untag --project --notes --status",
    );
    check("log", "--since --task --account --op --limit");
    check("restore", "--collection");
    check("doctor", "--offline --fix");
    check("service install", "--print --launchd --timer --unconfined");
    check("service logs", "--lines");
    check("conflicts resolve", "--keep");
    check(
        "status",
        "--quiet --verbose --color --no-progress --no-input --config --timeout",
    );
}

#[test]
fn version_is_told_in_both_ways() {
    let home = Home::new();
    expect![[r#"
        exit 0
        stdout:
        instep 0.1.0
    "#]]
    .assert_eq(&home.instep(&["version"]).whole());
    expect![[r#"
        exit 0
        stdout:
        {"schema_version":1,"version":"0.1.0"}
    "#]]
    .assert_eq(&home.instep(&["version", "--json"]).whole());
}

#[test]
fn completions_know_the_commands() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = home.good(&["completions", shell]).stdout;
        assert!(script.contains("conflicts"), "{shell}");
    }
}

/// The page that people read first leaves no command out.
#[test]
fn the_readme_names_every_command() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let page = std::fs::read_to_string(path).expect("the README");
    let (_, page) = page.split_once("## Commands").expect("its table");
    let (table, _) = page.split_once("\n## ").expect("its end");
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.map(str::to_owned).collect()
    };
    let named = words(table);
    for word in COMMANDS.iter().flat_map(|command| words(command)) {
        // Which kinds of accounts there are stands above.
        let is_kind = ["taskwarrior", "vikunja", "file"].contains(&word.as_str());
        assert!(
            word.is_empty() || is_kind || named.contains(&word),
            "{word}"
        );
    }
}
