//! Failures: what, why, help; on stderr, or as JSON on stdout; with the promised exit code.

use expect_test::{Expect, expect};

use crate::home::{Home, TWO_TASKS};

fn check(home: &Home, args: &[&str], expected: Expect) {
    expected.assert_eq(&home.instep(args).whole());
}

#[test]
fn wrong_usage_ends_with_2_and_a_near_miss() {
    let home = Home::new();
    check(
        &home,
        &["snyc"],
        expect![[r#"
            exit 2
            stderr:
            error: unrecognized subcommand 'snyc'
              help: did you mean `sync`?
        "#]],
    );
    check(
        &home,
        &["log", "--since", "soon"],
        expect![[r#"
            exit 2
            stderr:
            error: `--since soon` is no span of time
              why:  a span is a number and s, m, h, d or w
              help: for example `--since 30m`
        "#]],
    );
    check(
        &home,
        &["snyc", "--json"],
        expect![[r#"
            exit 2
            stdout:
            {"schema_version":1,"error":{"code":"usage","what":"unrecognized subcommand 'snyc'","why":"","help":"did you mean `sync`?","exit_code":2}}
        "#]],
    );
}

#[test]
fn a_vikunja_account_wants_one_secret() {
    let home = Home::new();
    let ended = home.instep(&["account", "add", "vikunja", "--url", "http://127.0.0.1:1"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("--secret-file"), "{}", ended.stderr);
}

#[test]
fn a_home_without_config_says_how_to_begin() {
    let home = Home::new();
    for command in ["status", "sync", "list", "log", "conflicts"] {
        let ended = home.instep(&[command]);
        assert_eq!((ended.code, ended.stdout.as_str()), (7, ""), "{command}");
        assert!(
            ended.stderr.contains("instep init"),
            "{command}: {}",
            ended.stderr
        );
        let error = &home.instep(&[command, "--json"]).json()["error"];
        for part in ["code", "what", "why", "help"] {
            assert!(error[part].is_string(), "{command}: {error}");
        }
    }
}

#[test]
fn an_unknown_account_is_named_with_its_neighbour() {
    let home = Home::with_two_accounts();
    let ended = home.instep(&["sync", "flie"]);
    assert_eq!(ended.code, 2);
    assert!(
        ended.stderr.contains("did you mean `file`?"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_unknown_task_or_conflict_is_wrong_usage() {
    let home = Home::with_two_accounts();
    for args in [["show", "zz"], ["done", "zz"], ["rm", "zz"]] {
        assert_ne!(home.instep(&args).code, 0, "{args:?}");
    }
    let ended = home.instep(&["conflicts", "show", "zz"]);
    assert_eq!(ended.code, 2, "{}", ended.whole());
}

/// An account that was removed keeps its name where tasks and changes are listed.
#[test]
fn a_removed_account_is_called_by_its_name() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    home.good(&["account", "remove", "file"]);
    for args in [
        &["list"][..],
        &["log"],
        &["log", "--account", "file"],
        &["log", "--account", "file (removed)"],
    ] {
        let told = home.good(args).stdout;
        assert!(told.contains("Buy milk"), "{args:?}: {told}");
        assert!(told.contains("file (removed)"), "{args:?}: {told}");
        assert!(!told.contains("file-"), "{args:?}: {told}");
    }
    assert_eq!(home.instep(&["log", "--account", "fil"]).code, 2);
}

/// The log names operations as `--op` takes them, and knows no others.
#[test]
fn an_operation_is_asked_for_by_what_the_log_shows() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    let told = home.good(&["log"]).stdout;
    let line = told.lines().find(|line| line.contains("Buy milk"));
    let line = line.expect("a line of the task");
    let id = line.split_whitespace().next().expect("an id");
    let asked = home.good(&["log", "--op", id]).stdout;
    assert!(asked.contains("Buy milk"), "{asked}");
    assert!(!asked.contains("Water the plants"), "{asked}");
    check(
        &home,
        &["log", "--op", "bogus"],
        expect![[r#"
            exit 2
            stderr:
            error: there is no operation bogus
              why:  no id begins like that
              help: instep log
        "#]],
    );
    for (prefix, code) in [("x", "short_id"), ("bogus", "unknown_operation")] {
        let ended = home.instep(&["log", "--op", prefix, "--json"]);
        assert_eq!(
            (ended.code, &ended.json()["error"]["code"]),
            (2, &code.into())
        );
    }
}

#[test]
fn a_config_that_is_not_valid_ends_with_7() {
    let home = Home::new();
    home.good(&["init", "--yes"]);
    let path = home.good(&["config", "path"]).stdout;
    home.write(path.trim().trim_start_matches("~/"), "accounts = 3\n[");
    assert_eq!(home.instep(&["status"]).code, 7);
    assert_eq!(home.instep(&["config", "check"]).code, 7);
}

/// A section that was added where there is one already says where both stand, and what to do.
#[test]
fn a_section_that_stands_twice_is_named_with_its_lines() {
    let home = Home::new();
    home.good(&["init", "--yes"]);
    let path = ".config/instep/config.toml";
    let start =
        "timezone = \"UTC\"\n\n[daemon] # mine\npoll_secs = 30\n\n[breaker]\noff = true\n\n";
    home.secret(path, &format!("{start}[daemon]\nhook_pass = true\n"));
    check(
        &home,
        &["status"],
        expect![[r#"
        exit 7
        stderr:
        error: the config is not valid
          why:  line 9: `[daemon]` stands there a second time, after line 3, and a
                section stands once
          help: move what is below line 9 below line 3, and take line 9 away:
                instep config edit
    "#]],
    );
    assert_eq!(home.instep(&["doctor"]).code, 7);
    let other = format!("{start}[breaker] # again\n");
    home.secret(path, &other);
    let told = home.instep(&["config", "check"]).whole();
    assert!(told.contains("line 9: `[breaker]`"), "{told}");
    assert!(told.contains("line 6"), "{told}");
}

/// A config that cannot even be read says why, and what mends it.
#[test]
fn a_config_that_cannot_be_read_says_what_to_do() {
    let home = Home::new();
    home.good(&["init", "--yes"]);
    let path = home.path(".config/instep/config.toml");
    let check = |why: &str, help: &str| {
        let ended = home.instep(&["status", "--json"]);
        assert_eq!(ended.code, 7, "{}", ended.whole());
        let error = &ended.json()["error"];
        assert_eq!(error["code"], "config_unreadable", "{error}");
        let what = "~/.config/instep/config.toml cannot be read";
        let parts = ["what", "why", "help"].map(|part| error[part].as_str().unwrap_or_default());
        assert_eq!(parts, [what, why, help]);
    };
    std::fs::write(&path, b"# M\xc3\xbcnchen\ntimezone = \"M\xfcnchen\"\n").expect("a file");
    check(
        "line 2 is not text in UTF-8",
        "save it as UTF-8 in an editor: ~/.config/instep/config.toml",
    );
    std::fs::remove_file(&path).expect("the config");
    std::fs::create_dir(&path).expect("a directory");
    check(
        "it is a directory, not a file",
        "mv ~/.config/instep/config.toml ~/.config/instep/config.toml.old && instep init",
    );
    let found = home.instep(&["doctor"]);
    assert_eq!(found.code, 7, "{}", found.whole());
    assert!(found.stdout.contains("→ mv "), "{}", found.whole());
}

#[test]
fn a_broken_task_file_stops_its_account_alone() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    home.write("tasks.json", &TWO_TASKS[..40]);
    home.task(&["add", "From", "Taskwarrior"]);
    let ended = home.instep(&["sync", "--json"]);
    let accounts = ended.json()["accounts"].clone();
    let tw = accounts
        .as_array()
        .and_then(|all| all.iter().find(|one| one["kind"] == "taskwarrior"));
    assert_eq!(
        tw.map(|tw| &tw["error"]),
        Some(&serde_json::Value::Null),
        "{accounts}"
    );
    let list = home.good(&["list"]).stdout;
    assert!(
        list.contains("From Taskwarrior") && list.contains("Buy milk"),
        "{list}"
    );
}
