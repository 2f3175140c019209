//! How everything stands, as a script hears it by the exit code and a person reads it in one line:
//! nothing that waits for somebody ends with 0, and nothing that waits is called nothing to do.

use expect_test::{Expect, expect};
use instep_doubles::vikunja::Fault;

use crate::home::{Home, TWO_TASKS};
use crate::server::in_step;

const CONFIG: &str = ".config/instep/config.toml";

/// How `status` ends, and with what code its JSON says so for this account.
fn ends(home: &Home, account: &str, code: i32, word: Option<&str>) {
    let ended = home.instep(&["status", "--json"]);
    assert_eq!(ended.code, code, "{}", ended.whole());
    let reply = ended.json();
    let accounts = reply["accounts"].as_array().expect("accounts");
    let one = accounts.iter().find(|one| one["name"] == account);
    let told = &one.expect("the account")["error"]["code"];
    assert_eq!(told.as_str(), word, "{reply}");
}

fn reads(home: &Home, args: &[&str], url: &str, expected: Expect) {
    let whole = home.instep(args).whole();
    expected.assert_eq(&whole.replace(url, "URL"));
}

#[test]
fn a_conflict_ends_status_with_5() {
    let home = Home::with_two_accounts();
    let asks = home.read(CONFIG).replace("\"newest\"", "\"ask\"");
    home.secret(CONFIG, &asks);
    home.good(&["sync", "--yes"]);
    ends(&home, "file", 0, None);
    home.task(&["/milk/", "modify", "Buy oat milk"]);
    let text = home.read("tasks.json");
    home.write("tasks.json", &text.replace("Buy milk", "Buy goat milk"));
    assert_eq!(home.instep(&["sync"]).code, 5);
    ends(&home, "file", 5, Some("conflict"));
    // A pause ends no conflict: it is decided in the hub.
    home.good(&["pause", "file"]);
    let shown = home.instep(&["status"]);
    assert_eq!(shown.code, 5, "{}", shown.whole());
    assert!(shown.stdout.starts_with("● needs you"), "{}", shown.stdout);
}

#[test]
fn a_damaged_task_file_ends_status_as_it_ends_a_sync() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    home.write("tasks.json", &TWO_TASKS[..40]);
    let ended = home.instep(&["sync"]);
    assert_ne!(ended.code, 0, "{}", ended.whole());
    ends(&home, "file", ended.code, Some("setup"));
}

#[test]
fn a_refused_token_ends_status_with_4() {
    let (home, server) = in_step();
    home.secret("token", "tk_0000000000000000000000000000000000000000");
    assert_eq!(home.instep(&["sync"]).code, 4);
    ends(&home, "vikunja", 4, Some("needs_login"));
    home.secret("token", server.vikunja.token());
    home.good(&["sync"]);
    ends(&home, "vikunja", 0, None);
}

#[test]
fn a_refused_task_ends_status_with_3() {
    let (home, server) = in_step();
    home.task(&["add", "Book dentist"]);
    server.vikunja.set_fault(Fault::status(403).method("POST"));
    assert_eq!(home.instep(&["sync"]).code, 3);
    ends(&home, "vikunja", 3, Some("refused"));
}

/// What goes on by itself is no reason, and neither is what a person asked for.
#[test]
fn a_server_that_is_away_and_a_pause_end_status_with_0() {
    let (home, server) = in_step();
    server.go_away();
    assert_eq!(home.instep(&["sync"]).code, 6);
    ends(&home, "vikunja", 0, None);
    home.good(&["pause", "vikunja"]);
    ends(&home, "vikunja", 0, None);
}

/// Neither a sync nor its rehearsal has nothing to do while a change waits for an account that is
/// paused, whose server is away, or whose circuit is open.
#[test]
fn a_sync_tells_how_many_changes_wait() {
    let (home, server) = in_step();
    let url = server.vikunja.url();
    home.good(&["pause", "vikunja"]);
    home.task(&["add", "Book dentist"]);
    home.good(&["sync"]);
    reads(
        &home,
        &["sync"],
        url,
        expect![[r#"
        exit 0
        stdout:
        ! `vikunja` is paused
          why:  you paused it
          now:  your changes are kept; they follow once it goes on
          help: instep resume vikunja
        ‖ paused · nothing changed · 2 accounts · N ms
          1 change waits for vikunja
    "#]],
    );
    reads(
        &home,
        &["sync", "-n"],
        url,
        expect![[r#"
        exit 0
        stdout:
        ! `vikunja` is paused
          why:  you paused it
          now:  your changes are kept; they follow once it goes on
          help: instep resume vikunja
        nothing can be carried now; nothing was written.
          1 change waits for vikunja
    "#]],
    );
    home.good(&["resume", "vikunja"]);
    server.vikunja.set_fault(Fault::status(503));
    while home.instep(&["sync", "--json"]).json()["accounts"][1]["error"]["code"] != "circuit_open"
    {
    }
    let waits = home.instep(&["sync"]).stdout;
    let told = waits.lines().rev().take(2).collect::<Vec<_>>();
    assert_eq!(told[0], "  1 change waits for vikunja", "{waits}");
    assert!(
        told[1].starts_with("✗ not reached · nothing changed · 2 accounts"),
        "{waits}"
    );
    let status = home.instep(&["status"]).stdout;
    let address = server.vikunja.url().trim_end_matches('/');
    assert!(status.contains(address), "{status}");
}

/// The address is named without what a person may have put before the host.
#[test]
fn an_address_is_told_without_a_password() {
    let home = Home::new();
    home.secret("token", "tk_0000000000000000000000000000000000000000");
    let args = ["account", "add", "vikunja", "--secret-file", "token"];
    let url = ["--url", "http://ann:geheim@127.0.0.1:1/"];
    let told = home.instep(&[&args[..], &url].concat());
    assert_eq!(told.code, 6, "{}", told.whole());
    let whole = told.whole();
    assert!(
        whole.contains("Vikunja at http://127.0.0.1:1 could not"),
        "{whole}"
    );
    assert!(!whole.contains("geheim"), "{whole}");
}
