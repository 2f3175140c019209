//! What a person does every day, with a real Taskwarrior and a task file.

use std::fs;

use expect_test::expect;

use crate::home::Home;

#[test]
fn the_first_meeting_is_shown_then_accepted() {
    let home = Home::with_two_accounts();
    home.task(&["add", "Buy milk", "+shop", "priority:L"]);
    home.task(&["add", "Call the bank", "project:Home"]);
    let asked = home.instep(&["sync"]);
    assert_eq!(asked.code, 5, "{}", asked.whole());
    assert!(asked.stdout.contains("--yes"), "{}", asked.stdout);
    let lists = home.task(&["status:pending", "export"]);
    assert!(!lists.contains("Water the plants"), "{lists}");
    home.good(&["sync", "--yes"]);
    assert!(home.read("tasks.json").contains("Call the bank"));
    assert_eq!(home.task(&["status:pending", "count"]).trim(), "3");
    expect![[r#"
        exit 0
        stdout:
        nothing to do; nothing was written.
    "#]]
    .assert_eq(&home.instep(&["sync", "-n"]).whole());
    expect![[r#"
        exit 0
        stdout:
        ✓ in step · nothing to do · 2 accounts · N ms
    "#]]
    .assert_eq(&home.instep(&["sync"]).whole());
}

#[test]
fn dry_run_tells_changes_by_its_exit_code_twice_alike() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    home.task(&["add", "Book dentist", "+health", "due:2031-11-27"]);
    let first = home.instep(&["sync", "-n", "--exit-code"]);
    assert_eq!(first.code, 10, "{}", first.whole());
    assert!(
        first.stdout.contains("+ file  Book dentist"),
        "{}",
        first.stdout
    );
    assert_eq!(
        first.whole(),
        home.instep(&["sync", "-n", "--exit-code"]).whole()
    );
    assert!(!home.read("tasks.json").contains("dentist"));
}

#[test]
fn a_task_of_the_hub_is_added_edited_done_and_deleted() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    let added = home
        .good(&["add", "Mend the bicycle", "--tag", "garage", "--json"])
        .json();
    let id = added["task"]["id"].as_str().expect("an id").to_owned();
    home.good(&["sync"]);
    assert!(home.read("tasks.json").contains("Mend the bicycle"));
    home.good(&[
        "edit",
        &id[..8],
        "--title",
        "Mend both bicycles",
        "--priority",
        "3",
    ]);
    home.good(&["sync"]);
    assert!(
        home.task(&["status:pending", "export"])
            .contains("Mend both bicycles")
    );
    assert!(
        home.good(&["show", &id[..8]])
            .stdout
            .starts_with("Mend both bicycles\n")
    );
    assert!(home.good(&["done", &id[..8]]).stdout.starts_with("✓ done"));
    home.good(&["sync"]);
    assert!(
        !home
            .task(&["status:pending", "export"])
            .contains("bicycles")
    );
    home.good(&["rm", &id]);
    home.good(&["sync"]);
    assert!(!home.read("tasks.json").contains("bicycles"));
}

#[test]
fn an_open_conflict_shows_what_the_hub_holds_by_now() {
    let home = Home::with_two_accounts();
    let path = home.good(&["config", "path"]).stdout;
    let path = path.trim().trim_start_matches("~/");
    let text = home.read(path);
    let asks = text.replace("conflicts = \"newest\"", "conflicts = \"ask\"");
    assert_ne!(asks, text);
    home.write(path, &asks);
    home.good(&["sync", "--yes"]);
    home.task(&["/milk/", "modify", "Buy oat milk"]);
    let text = home.read("tasks.json");
    home.write("tasks.json", &text.replace("Buy milk", "Buy goat milk"));
    assert_eq!(home.instep(&["sync"]).code, 5);
    let shown = |what: &str| {
        let reply = home.good(&["conflicts", "--json"]).json();
        reply["conflicts"][0][what]
            .as_str()
            .expect("a text")
            .to_owned()
    };
    let (id, remote) = (shown("task"), shown("remote"));
    home.good(&["edit", &id, "--title", "Buy soy milk"]);
    assert_eq!(shown("hub"), "Buy soy milk");
    assert_eq!(shown("remote"), remote);
}

#[test]
fn the_loser_of_a_conflict_is_brought_back() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    home.task(&["/milk/", "modify", "Buy oat milk"]);
    home.write(
        "tasks.json",
        &home.read("tasks.json").replace("Buy milk", "Buy goat milk"),
    );
    home.good(&["sync"]);
    let reply = home.good(&["conflicts", "--json"]).json();
    let conflict = &reply["conflicts"][0];
    let text = |name: &str| conflict[name].as_str().unwrap_or_default().to_owned();
    let (keep, lost) = match text("kept").as_str() {
        "hub" => (text("account"), text("remote")),
        _ => ("hub".to_owned(), text("hub")),
    };
    assert!(
        !home.task(&["status:pending", "export"]).contains(&lost),
        "{conflict}"
    );
    let id = text("id");
    home.good(&["conflicts", "show", &id]);
    home.good(&["conflicts", "resolve", &id, "--keep", &keep]);
    home.good(&["sync"]);
    assert!(
        home.task(&["status:pending", "export"]).contains(&lost),
        "{conflict}"
    );
    assert!(home.read("tasks.json").contains(&lost), "{conflict}");
    assert_eq!(home.good(&["conflicts"]).stdout, "✓ no conflicts\n");
}

#[test]
fn deleting_everything_stops_at_the_guard() {
    let home = Home::with_two_accounts();
    home.task(&["add", "Call the bank"]);
    home.good(&["sync", "--yes"]);
    home.task(&["status:pending", "delete"]);
    let held = home.instep(&["sync"]);
    expect![[r#"
        exit 5
        stdout:
        ! 3 of 3 tasks vanished from tw; deleting them elsewhere looks wrong, so it is
          on hold
          why:  with what vanished there within the hour, that is more than a person
                usually deletes
          now:  nothing of it was deleted; everything else goes on
          help: it was you: instep sync tw --max-delete 3
                bring them back: instep restore --collection tw
        ! needs you · nothing changed · 2 accounts · N ms
          3 changes of tw wait for your word
    "#]]
    .assert_eq(&held.whole());
    assert!(home.read("tasks.json").contains("Buy milk"));
    let status = home.instep(&["status"]);
    assert_eq!(status.code, 5, "{}", status.whole());
    let status = status.stdout;
    assert!(status.starts_with("● needs you"), "{status}");
    assert!(status.contains("--max-delete 3"), "{status}");
    home.good(&["sync", "--max-delete", "3"]);
    assert!(!home.read("tasks.json").contains("Buy milk"));
}

#[test]
fn status_teaches_while_there_is_nothing() {
    let home = Home::new();
    let path = home.path("no-programs").display().to_string();
    home.instep_with(&["init", "--yes"], &[("PATH", &path)]);
    let ended = home.good(&["status"]);
    expect![[r#"
        exit 0
        stdout:
        ● no accounts yet
          → instep account add taskwarrior
          → instep account add file --path ~/tasks.json
    "#]]
    .assert_eq(&ended.whole());
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    let home = Home::with_two_accounts();
    let ended = home.good(&["sync", "--yes", "--quiet"]);
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    assert!(!home.good(&["list", "--quiet"]).stdout.is_empty());
}

#[test]
fn verbose_logs_to_stderr_only() {
    let home = Home::with_two_accounts();
    let ended = home.good(&["sync", "--yes", "-v", "--json"]);
    assert!(ended.stderr.contains("DEBUG"), "{}", ended.stderr);
    assert!(ended.json()["outcome"].is_string());
    assert!(!ended.stderr.contains("Buy milk"), "{}", ended.stderr);
    for done in ["started Taskwarrior", "read the task file"] {
        assert!(ended.stderr.contains(done), "{done} in {}", ended.stderr);
    }
}

/// S36: the secret is read once for each account, and the connection kept.
#[test]
fn s36_verbose_shows_one_secret_and_one_connection() {
    let (home, _server) = crate::server::in_step();
    home.task(&["add", "Book dentist"]);
    let ended = home.good(&["sync", "-v"]);
    for once in ["read the secret", "opened a connection to Vikunja"] {
        assert_eq!(
            ended.stderr.matches(once).count(),
            1,
            "{once} in {}",
            ended.stderr
        );
    }
    assert!(
        ended.stderr.matches("called Vikunja").count() > 1,
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("dentist"), "{}", ended.stderr);
}

/// What is known to be new stands there once.
#[test]
fn a_new_account_is_never_synced_and_says_so_once() {
    let home = Home::with_two_accounts();
    let told = home.good(&["status"]).stdout;
    assert_eq!(told.matches("never synced").count(), 2, "once each: {told}");
    assert!(told.contains("→ instep sync file"), "{told}");
}

/// What comes into the hub stands before what goes out of it, which it causes.
#[test]
fn a_plan_tells_causes_before_effects() {
    let home = Home::with_two_accounts();
    home.task(&["add", "Call the bank"]);
    let plan = home.instep(&["sync", "-n", "--yes", "--json"]).json();
    let sides = plan["plan"].as_array().expect("a plan").iter();
    let sides: Vec<&str> = sides.filter_map(|entry| entry["side"].as_str()).collect();
    let first_out = sides.iter().position(|side| *side == "remote");
    assert!(first_out.is_some_and(|at| sides[at..].iter().all(|side| *side == "remote")));
    assert_eq!(
        sides.iter().filter(|side| **side == "hub").count(),
        3,
        "{plan}"
    );
}

#[test]
fn the_config_is_edited_in_an_editor_and_checked() {
    let home = Home::with_two_accounts();
    let spoil = [("EDITOR", "sh -c 'echo \"[[[\" >> \"$0\"'")];
    let ended = home.instep_with(&["config", "edit"], &spoil);
    assert_eq!(ended.code, 7, "{}", ended.whole());
    assert!(
        ended.stderr.contains("what you wrote, which is kept in"),
        "{}",
        ended.stderr
    );
    // Nobody is there to use the usual editor, or is said not to be.
    let named = [("EDITOR", "sh -c 'echo \"# theirs\" >> \"$0\"'")];
    for ended in [
        home.instep(&["config", "edit"]),
        home.instep_with(&["config", "edit", "--no-input"], &named),
    ] {
        assert_eq!(ended.code, 2, "{}", ended.whole());
        assert!(ended.stderr.contains("no editor"), "{}", ended.stderr);
    }
    home.good(&["config", "check"]);
    let comment = [("EDITOR", "sh -c 'echo \"# mine\" >> \"$0\"'")];
    assert_eq!(home.instep_with(&["config", "edit"], &comment).code, 0);
    assert!(home.good(&["config", "show"]).stdout.ends_with("# mine\n"));
    let typo = [(
        "EDITOR",
        "sh -c 'printf \"[daemon]\\npoll_seconds = 9\\n\" >> \"$0\"'",
    )];
    let ended = home.instep_with(&["config", "edit"], &typo);
    assert_eq!(ended.code, 0, "{}", ended.whole());
    assert!(ended.stderr.contains("poll_seconds"), "{}", ended.whole());
}

/// The editor's copy lies where nobody else can look, and stays only where a person wrote into it.
#[test]
fn the_editors_copy_of_the_config_is_nobody_elses() {
    let home = Home::with_two_accounts();
    let kept = || -> Vec<String> {
        let state = fs::read_dir(home.path(".local/state/instep")).expect("the state");
        let names = state.map(|entry| entry.expect("an entry").file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        names.filter(|name| name.starts_with("config-")).collect()
    };
    let failed = home.instep_with(&["config", "edit"], &[("EDITOR", "false")]);
    assert_eq!(failed.code, 1, "{}", failed.whole());
    assert_eq!(kept(), [""; 0]);
    let fine = [(
        "EDITOR",
        "sh -c 'case $0 in */.local/state/instep/config-*) ;; *) exit 1;; esac'",
    )];
    assert_eq!(home.instep_with(&["config", "edit"], &fine).code, 0);
    assert_eq!(kept(), [""; 0]);
    let spoil = [("EDITOR", "sh -c 'echo \"[[[\" >> \"$0\"'")];
    assert_eq!(home.instep_with(&["config", "edit"], &spoil).code, 7);
    assert_eq!(kept().len(), 1);
}

/// Wrong usage ends in a line that can be read and typed.
#[test]
fn how_a_command_is_used_is_told_whole() {
    let home = Home::with_two_accounts();
    let ended = home.instep(&["account", "login", "vikunja"]);
    assert_eq!(ended.code, 2, "{}", ended.whole());
    let help = "instep account login [OPTIONS] NAME --secret-file FILE | --secret-env VAR";
    assert!(ended.stderr.contains(help), "{}", ended.whole());
}

/// A screen that does not say how wide it is has 80 columns; only commands are wider, since they
/// are copied as a whole.
#[test]
fn what_is_told_fits_the_screen() {
    let home = Home::with_two_accounts();
    let long = "Write to the housing association about the water that comes through the ceiling";
    let tags = ["+association", "+ceiling", "+correspondence", "+housing"];
    let project = "project:Home.Maintenance.Upstairs.Bathroom";
    home.task(&[&["add", long, project, "due:2031-11-27"][..], &tags].concat());
    home.task(&["add", long, "depends:1"]);
    let fits = |args: &[&str], columns: usize| {
        let columns_text = columns.to_string();
        let ended = home.instep_with(args, &[("COLUMNS", &columns_text)]);
        let lines = ended.stdout.lines().chain(ended.stderr.lines());
        let prose = lines.filter(|line| !line.trim_start().starts_with(['→', 'i', '~', '/']));
        let wide: Vec<_> = prose
            .filter(|line| line.chars().count() > columns)
            .collect();
        assert!(wide.is_empty(), "{args:?} in {columns} columns: {wide:#?}");
        ended.stdout
    };
    fits(&["sync", "-n"], 80);
    fits(&["sync"], 80);
    fits(&["sync", "--yes"], 80);
    for number in 3..9 {
        home.task(&["add", &format!("{long} {number}")]);
    }
    fits(&["sync"], 60);
    for columns in [60, 80, 120] {
        for command in ["status", "list", "log", "conflicts", "doctor"] {
            let told = fits(&[command], columns);
            assert!(!told.is_empty());
        }
    }
    home.task(&[
        "rc.confirmation=off",
        "rc.bulk=0",
        "status:pending",
        "delete",
    ]);
    let guard = fits(&["sync"], 80);
    assert!(guard.contains("instep sync tw --max-delete"), "{guard}");
    fits(&["status"], 80);
    let usual = home.instep(&["log"]).stdout;
    assert!(
        usual.lines().all(|line| line.chars().count() <= 80),
        "{usual}"
    );
}

/// What became of a task is said, not only that it was closed or opened.
#[test]
fn a_blocked_or_cancelled_task_is_called_so() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    let listed = home.good(&["list", "--json"]).json();
    let id = listed["tasks"][0]["id"].as_str().expect("an id").to_owned();
    for (status, words) in [
        ("done", "✓ done"),
        ("blocked", "‖ blocked"),
        ("cancelled", "✗ cancelled"),
        ("open", "~ open again"),
    ] {
        let told = home.good(&["edit", &id, "--status", status]).stdout;
        assert!(told.starts_with(words), "{status}: {told}");
    }
}

/// Ids of other tasks and of notes are nothing that a person reads.
#[test]
fn links_and_notes_are_told_without_long_ids() {
    let home = Home::with_two_accounts();
    home.task(&["add", "Call the bank"]);
    home.task(&["add", "Pay the rent", "depends:1"]);
    home.good(&["sync", "--yes"]);
    home.task(&["/Pay/", "annotate", "in two parts"]);
    let told = home.good(&["sync"]).stdout;
    assert!(
        told.contains("annotations: none → \"in two parts\""),
        "{told}"
    );
    let listed = home.good(&["list", "--json"]).json();
    let tasks = listed["tasks"].as_array().expect("tasks");
    let id = |title: &str| {
        let task = tasks.iter().find(|task| task["title"] == title);
        task.expect("a task")["id"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    let (bank, rent) = (id("Call the bank"), id("Pay the rent"));
    let shown = home.good(&["show", &rent]).stdout.replace(&rent, "");
    assert!(
        shown.contains(&bank[..8]) && !shown.contains(&bank),
        "{shown}"
    );
    home.task(&["/Pay/", "modify", "depends:"]);
    home.good(&["sync"]);
    let log = home.good(&["log", "--task", &rent]).stdout;
    let unlinked = format!("depends: {} → none", &bank[..8]);
    assert!(log.contains(&unlinked) && !log.contains(&bank), "{log}");
}

/// Nothing that waits for a person's word is told as done.
#[test]
fn a_first_meeting_that_waits_tells_nothing_as_done() {
    let home = Home::with_two_accounts();
    home.task(&["add", "Call the bank"]);
    expect![[r#"
        exit 5
        stdout:
        Changes
          + hub  Call the bank  from tw
        Would happen once you accept it
          + hub   Buy milk          from file
          + hub   Water the plants  from file
          + file  Call the bank
        ! file and the hub meet for the first time, and both hold tasks
          why:  0 on both sides, 2 only in file, 1 only in the hub
          now:  nothing was written to file, and nothing of it was taken over
          help: to see what would happen: instep sync file -n
                to accept it: instep sync file --yes
        ! needs you · 1 change · 2 accounts · N ms
          1 change waits for file
    "#]]
    .assert_eq(&home.instep(&["sync"]).whole());
}

/// S21: neither what is typed nor what is told follows the computer's own zone.
#[test]
fn s21_times_are_those_of_the_configs_zone() {
    let home = Home::with_two_accounts();
    let path = ".config/instep/config.toml";
    let config = home.read(path);
    let line = config.lines().find(|line| line.starts_with("timezone"));
    let berlin = config.replace(line.expect("a zone"), "timezone = \"Europe/Berlin\"");
    home.secret(path, &berlin);
    let due = ["add", "Call", "--due", "2031-11-27 09:00"];
    for zone in ["UTC", "Asia/Tokyo"] {
        let told = home.instep_with(&due, &[("TZ", zone)]);
        assert!(
            told.stdout.contains("due Thu 27 Nov 2031 09:00"),
            "{}",
            told.whole()
        );
        let listed = home.instep_with(&["list"], &[("TZ", zone)]);
        assert!(
            listed.stdout.contains("27 Nov 2031 09:00"),
            "{}",
            listed.whole()
        );
    }
}

/// A slip in a filter is seen where it left nothing, and a span without a unit is no span.
#[test]
fn what_was_asked_for_is_said_where_it_left_nothing() {
    let home = Home::with_two_accounts();
    home.good(&["sync"]);
    let none = home.good(&["list", "--tag", "typo", "--project", "Home"]);
    assert!(
        none.stdout
            .starts_with("no tasks in the project Home, with the tag typo\n"),
        "{}",
        none.stdout
    );
    let told = home.instep(&["log", "--since", "2"]);
    assert_eq!(told.code, 2, "{}", told.whole());
    assert!(told.stderr.contains("--since 30m"), "{}", told.stderr);
    home.good(&["log", "--since", "2h"]);
}
