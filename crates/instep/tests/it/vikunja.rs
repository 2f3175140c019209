//! A server that answers as it should, and one that does not: exit codes and words.

use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use instep_doubles::vikunja::{Effect, Fault};

use crate::home::{Ended, Home};
use crate::server::{Server, in_step};

/// What a person reads, without what changes from run to run: the server's address, a task's id, and
/// by how much chance delays the next try.
fn told(ended: &Ended, server: &Server) -> String {
    let told = ended.whole().replace(server.vikunja.url(), "URL");
    let told = match told.split_once("instep push ") {
        Some((before, after)) => format!("{before}instep push ID{}", &after[8..]),
        None => told,
    };
    match told.split_once("sync in ") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}sync in N{after}")
        }
        None => told,
    }
}

fn status(status: u16, retry_after: Option<&str>) -> Effect {
    Effect::Status {
        status,
        retry_after: retry_after.map(str::to_owned),
    }
}

fn accounts(home: &Home) -> usize {
    let listed = home.good(&["account", "list", "--json"]).json();
    listed["accounts"].as_array().map_or(0, Vec::len)
}

fn add(home: &Home, server: &Server, secret: &[&str]) -> Ended {
    let mut args = vec!["account", "add", "vikunja", "--url", server.vikunja.url()];
    args.extend(secret);
    home.instep(&args)
}

#[test]
fn a_token_comes_from_a_file_a_variable_or_a_command() {
    let server = Server::start();
    let home = Home::new();
    home.secret("token", server.vikunja.token());
    home.good(&["init", "--yes"]);
    let before = accounts(&home);
    for secret in [
        ["--secret-file", "token"],
        ["--secret-command", "cat token | head -n 1"],
    ] {
        let added = add(&home, &server, &secret);
        assert_eq!(added.code, 0, "{}", added.whole());
        home.good(&["account", "remove", "vikunja"]);
    }
    let args = [
        "account",
        "add",
        "vikunja",
        "--url",
        server.vikunja.url(),
        "--secret-env",
        "T",
    ];
    let added = home.instep_with(&args, &[("T", server.vikunja.token())]);
    assert_eq!(added.code, 0, "{}", added.whole());
    assert_eq!(accounts(&home), before + 1);
    assert!(
        !home
            .good(&["config", "show"])
            .stdout
            .contains(server.vikunja.token())
    );
}

// tidy: long because it is one table of sources with all that is said about each
#[test]
fn a_secret_that_cannot_be_had_is_said() {
    let server = Server::start();
    let home = Home::new();
    home.write("open", server.vikunja.token());
    home.secret("empty", "\n");
    let check = |secret: &[&str], expected: Expect| {
        expected.assert_eq(&told(&add(&home, &server, secret), &server));
    };
    check(
        &["--secret-file", "open"],
        expect![[r#"
        exit 7
        stderr:
        error: the secret file ~/open is open to others
          why:  other users of this computer can read it
          help: chmod 600 ~/open
    "#]],
    );
    check(
        &["--secret-file", "empty"],
        expect![[r#"
            exit 7
            stderr:
            error: the file ~/empty holds no secret
              why:  its first line is empty
              help: write the token into it: (umask 077; cat > ~/empty)
        "#]],
    );
    check(
        &["--secret-file", "nowhere"],
        expect![[r#"
            exit 7
            stderr:
            error: the secret file ~/nowhere cannot be read
              why:  No such file or directory (os error 2)
              help: write the token into it: (umask 077; cat > ~/nowhere)
        "#]],
    );
    check(
        &["--secret-env", "NOT_SET"],
        expect![[r#"
            exit 7
            stderr:
            error: the variable NOT_SET holds no secret
              why:  environment variable not found
              help: export NOT_SET=TOKEN
        "#]],
    );
    check(
        &["--secret-command", "false"],
        expect![[r#"
            exit 7
            stderr:
            error: the command for the secret failed
              why:  it ended with exit status: 1
              help: see what it says by itself: false
        "#]],
    );
    check(
        &["--secret-command", "no-such-program"],
        expect![[r#"
            exit 7
            stderr:
            sh: 1: no-such-program: not found
            error: the command for the secret failed
              why:  it ended with exit status: 127
              help: see what it says by itself: no-such-program
        "#]],
    );
    assert_eq!(server.vikunja.requests(), []);
}

/// An account that cannot be tried is not written, and what is in the way is said.
// tidy: long because it is one table of failures with all that is said about each
#[test]
fn an_account_on_a_server_that_fails_is_not_added() {
    let server = Server::start();
    let home = Home::new();
    home.good(&["init", "--yes"]);
    let before = accounts(&home);
    let check = |effect: Effect, expected: Expect| {
        server.vikunja.set_fault(Fault::new(effect));
        expected.assert_eq(&told(&server.add_to(&home), &server));
        server.vikunja.clear_faults();
    };
    check(
        status(401, None),
        expect![[r#"
        exit 4
        stderr:
        error: Vikunja rejected the secret for `vikunja`
          why:  the API token is wrong, expired or was deleted
          help: make a new API token there, and try again with it
    "#]],
    );
    check(
        status(403, None),
        expect![[r#"
            exit 7
            stderr:
            error: `vikunja` cannot be used like this
              why:  this place is read-only: Forbidden
              help: look at what its secret may do there, and at any proxy in between
        "#]],
    );
    check(
        status(404, None),
        expect![[r#"
            exit 7
            stderr:
            error: `vikunja` cannot be used like this
              why:  the server does not know this part of Vikunja's API
              help: Instep needs Vikunja 2.4 or newer; check its version and the account's
                    url
        "#]],
    );
    check(
        status(429, Some("7")),
        expect![[r#"
            exit 6
            stderr:
            error: Vikunja at URL asked `vikunja` to wait
              why:  too many calls; it takes none for 7 s
              help: try again in 7 s
        "#]],
    );
    check(
        status(500, None),
        expect![[r#"
            exit 6
            stderr:
            error: Vikunja at URL could not be reached for `vikunja`
              why:  the service failed: HTTP 500 {"message":"Internal Server Error"}
              help: see whether it answers at that address: curl -I URL
        "#]],
    );
    check(
        Effect::NotJson,
        expect![[r#"
            exit 1
            stderr:
            error: Vikunja at URL did not answer as expected for
              `vikunja`
              why:  the answer could not be understood: it is not as Vikunja's answers are
                    (expected value at line 1 column 1)
              help: see whether the address or path is right: instep account add --help
        "#]],
    );
    check(
        Effect::Html,
        expect![[r#"
            exit 1
            stderr:
            error: Vikunja at URL did not answer as expected for
              `vikunja`
              why:  the answer could not be understood: a web page came instead; a proxy or
                    a login page may stand before the server
              help: see whether the address or path is right: instep account add --help
        "#]],
    );
    check(
        Effect::TruncatedBody,
        expect![[r#"
            exit 1
            stderr:
            error: Vikunja at URL did not answer as expected for
              `vikunja`
              why:  the answer could not be understood: the answer was cut short: error
                    decoding response body
              help: see whether the address or path is right: instep account add --help
        "#]],
    );
    check(
        Effect::LostRequest,
        expect![[r#"
            exit 6
            stderr:
            error: Vikunja at URL could not be reached for `vikunja`
              why:  the service failed: the connection was lost before an answer came
              help: see whether it answers at that address: curl -I URL
        "#]],
    );
    server.go_away();
    let away = server.add_to(&home);
    assert_eq!(away.code, 6, "{}", away.whole());
    let away = home.instep(&[
        "account",
        "add",
        "vikunja",
        "--url",
        "example",
        "--secret-file",
        "token",
    ]);
    expect![[r#"
        exit 7
        stderr:
        error: `vikunja` cannot be used like this
          why:  `example` is not the address of a Vikunja server
          help: write it as `https://vikunja.example.org`
    "#]]
    .assert_eq(&away.whole());
    assert_eq!(accounts(&home), before);
    server.come_back();
    server
        .vikunja
        .set_fault(Fault::new(Effect::Delay(Duration::from_millis(200))));
    assert_eq!(server.add_to(&home).code, 0, "a slow server is a server");
}

/// While the server fails in this way, a task waits; afterwards it arrives once.
// tidy: long because it is one table of failures with all that is said about each
#[test]
fn a_task_waits_for_a_server_that_fails_and_arrives_once() {
    let (home, server) = in_step();
    // Half of all calls fail here, which is what the breaker opens at.
    let path = home.good(&["config", "path"]).stdout;
    let path = path.trim().trim_start_matches("~/").to_owned();
    let known = home.read(&path);
    home.write(&path, &format!("{known}\n[breaker]\noff = true\n"));
    let mut round = 0;
    let mut check = |fault: Fault, expected: Expect| {
        round += 1;
        let title = format!("Task {round}");
        home.task(&["add", &title]);
        server.vikunja.set_fault(fault);
        expected.assert_eq(&told(&home.instep(&["sync"]), &server));
        assert!(home.task(&["status:pending", "export"]).contains(&title));
        server.vikunja.clear_faults();
        // A pause that the server asked for lasts a second.
        let start = Instant::now();
        let mut ended = home.instep(&["sync", "--full"]);
        while ended.code == 6 && start.elapsed() < Duration::from_secs(10) {
            ended = home.instep(&["sync", "--full"]);
        }
        assert_eq!(ended.code, 0, "{}", ended.whole());
        let listed = home.good(&["list", "--json"]).json();
        let task = listed["tasks"].as_array().and_then(|all| {
            all.iter()
                .find(|task| task["title"] == title.as_str())
                .cloned()
        });
        let there = task.map(|task| task["accounts"]["vikunja"].is_string());
        assert_eq!(there, Some(true), "{title} in {listed}");
        assert_eq!(
            home.task(&["status:pending", "count"]).trim(),
            (round + 1).to_string()
        );
    };
    let every = |effect: Effect| Fault::new(effect);
    check(
        every(status(401, None)),
        expect![[r#"
            exit 4
            stdout:
            Changes
              + hub  Task 1  from tw
            ! Vikunja rejected the saved secret of `vikunja`
              why:  the API token is wrong, expired or was deleted
              now:  a new API token, made in Vikunja and put in the place of the old one,
                    mends it; your changes are kept; they follow with the next sync that
                    gets through
              help: instep account login vikunja --secret-file ~/token
            ! needs you: sign in again · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        every(status(403, None)),
        expect![[r#"
            exit 7
            stdout:
            Changes
              + hub  Task 2  from tw
            ! `vikunja` is not set up right
              why:  this place is read-only: Forbidden
              now:  your changes are kept; they follow with the next sync that gets through
              help: look at what its secret may do there, and at any proxy in between
            ✗ failed · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        every(status(404, None)),
        expect![[r#"
            exit 7
            stdout:
            Changes
              + hub  Task 3  from tw
            ! `vikunja` is not set up right
              why:  the server does not know this part of Vikunja's API
              now:  your changes are kept; they follow with the next sync that gets through
              help: Instep needs Vikunja 2.4 or newer; check its version and the account's
                    url
            ✗ failed · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        every(status(429, Some("1"))),
        expect![[r#"
            exit 6
            stdout:
            Changes
              + hub  Task 4  from tw
            ! Vikunja at URL asked `vikunja` to wait
              why:  too many calls; it takes none for 1 s
              now:  your changes are kept; they follow with the next sync that gets through
              help: a little later: instep sync vikunja
            ✗ not reached · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        every(status(503, None)),
        expect![[r#"
            exit 6
            stdout:
            Changes
              + hub  Task 5  from tw
            ! Vikunja at URL could not be reached for `vikunja`
              why:  the service failed: HTTP 503 {"message":"Service Unavailable"}
              now:  your changes are kept; they follow with the next sync that gets through
              help: when it answers again: instep sync vikunja
            ✗ not reached · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        every(Effect::NotJson),
        expect![[r#"
            exit 1
            stdout:
            Changes
              + hub  Task 6  from tw
            ! `vikunja` did not sync with URL
              why:  the answer could not be understood: it is not as Vikunja's answers are
                    (expected value at line 1 column 1)
              now:  your changes are kept; they follow with the next sync that gets through
              help: instep doctor
            ✗ failed · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        every(Effect::Html),
        expect![[r#"
            exit 1
            stdout:
            Changes
              + hub  Task 7  from tw
            ! `vikunja` did not sync with URL
              why:  the answer could not be understood: a web page came instead; a proxy or
                    a login page may stand before the server
              now:  your changes are kept; they follow with the next sync that gets through
              help: instep doctor
            ✗ failed · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        every(Effect::LostRequest),
        expect![[r#"
            exit 6
            stdout:
            Changes
              + hub  Task 8  from tw
            ! Vikunja at URL could not be reached for `vikunja`
              why:  the service failed: the connection was lost before an answer came
              now:  your changes are kept; they follow with the next sync that gets through
              help: when it answers again: instep sync vikunja
            ✗ not reached · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        every(Effect::EmptyList),
        expect![[r#"
            exit 1
            stdout:
            Changes
              + hub  Task 9  from tw
            ! `vikunja` did not sync with URL
              why:  the answer could not be understood: the list of projects leaves out one
                    that exists
              now:  your changes are kept; they follow with the next sync that gets through
              help: instep doctor
            ✗ failed · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        every(Effect::CutPage { keep: 0 }),
        expect![[r#"
            exit 1
            stdout:
            Changes
              + hub  Task 10  from tw
            ! `vikunja` did not sync with URL
              why:  the answer could not be understood: the list of tasks was cut short
              now:  your changes are kept; they follow with the next sync that gets through
              help: instep doctor
            ✗ failed · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        Fault::status(403).method("POST"),
        expect![[r#"
            exit 3
            stdout:
            Changes
              + hub  Task 11  from tw
            ! Vikunja refused the task "Task 11"
              why:  this place is read-only: Forbidden
              now:  it stays in the hub and in every other account; the rest is in step; a
                    sync in N s or later tries again
              help: instep push ID
            ! partly done · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
    check(
        Fault::status(404).method("POST"),
        expect![[r#"
            exit 7
            stdout:
            Changes
              + hub  Task 12  from tw
            ! `vikunja` is not set up right
              why:  the server does not know this part of Vikunja's API
              now:  your changes are kept; they follow with the next sync that gets through
              help: Instep needs Vikunja 2.4 or newer; check its version and the account's
                    url
            ✗ failed · 1 change · 2 accounts · N ms
              1 change waits for vikunja
        "#]],
    );
}

/// I2: the task was made, the answer was lost: it is looked for, and not made again.
#[test]
fn i2_a_lost_answer_makes_no_double() {
    let (home, server) = in_step();
    server.vikunja.forget_requests();
    home.task(&["add", "Pay rent"]);
    server
        .vikunja
        .set_fault(Fault::new(Effect::LostReply).method("POST").first(1));
    let lost = home.instep(&["sync"]);
    expect![[r#"
        exit 0
        stdout:
        Changes
          + hub  Pay rent  from tw
        ✓ in step · 1 change · 2 accounts · N ms
    "#]]
    .assert_eq(&told(&lost, &server));
    let found = home.good(&["sync"]);
    expect![[r#"
        exit 0
        stdout:
        ✓ in step · nothing to do · 2 accounts · N ms
    "#]]
    .assert_eq(&told(&found, &server));
    assert_eq!(server.vikunja.count("POST", "/tasks"), 1, "made once");
}
