//! `instep webhook`: what it tells, and that neither haste nor a sudden end leaves two of one.

use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use instep_doubles::vikunja::{Effect, Fault};
use serde_json::Value;

use crate::home::Home;
use crate::server::Server;

const INSTALL: [&str; 4] = [
    "webhook",
    "install",
    "--public-url",
    "https://tasks.example.org",
];

/// Longer than anything that is waited for takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn check(home: &Home, server: &Server, args: &[&str], expected: Expect) {
    let ended = home.instep(args);
    expected.assert_eq(&ended.whole().replace(server.vikunja.url(), "URL"));
}

fn set_up() -> (Home, Server) {
    let (home, server) = (Home::new(), Server::start());
    home.good(&["init", "--yes"]);
    let added = server.add_to(&home);
    assert_eq!(added.code, 0, "{}", added.whole());
    (home, server)
}

/// How the one project, the inbox, stands.
fn listed(home: &Home) -> Value {
    let listed = home.instep(&["webhook", "list", "--json"]).json();
    listed["accounts"][0]["webhooks"].clone()
}

#[test]
fn what_a_person_reads_where_it_works() {
    let (home, server) = set_up();
    check(
        &home,
        &server,
        &["webhook", "list"],
        expect![[r#"
        exit 0
        stdout:
        vikunja  no webhooks
          no webhooks are installed; changes arrive by polling
            → instep webhook install --public-url URL
    "#]],
    );
    check(
        &home,
        &server,
        &["webhook", "install"],
        expect![[r#"
        exit 2
        stderr:
        error: webhooks cannot be installed yet
          why:  nobody has said under which address services reach this computer
          help: instep webhook install --public-url https://tasks.example.org
    "#]],
    );
    check(
        &home,
        &server,
        &INSTALL,
        expect![[r#"
        exit 0
        stdout:
        vikunja  https://tasks.example.org/hooks/vikunja
          + Inbox  made
          signed with a new secret
          the daemon listens for them
            → instep serve
    "#]],
    );
    check(
        &home,
        &server,
        &["webhook", "install"],
        expect![[r#"
        exit 0
        stdout:
        vikunja  https://tasks.example.org/hooks/vikunja
          ✓ Inbox  installed
          the daemon listens for them
            → instep serve
    "#]],
    );
    check(
        &home,
        &server,
        &["webhook", "list"],
        expect![[r#"
        exit 0
        stdout:
        vikunja  https://tasks.example.org/hooks/vikunja
          ✓ Inbox  installed
    "#]],
    );
}

#[test]
fn what_a_person_reads_where_it_cannot_work() {
    let (home, server) = set_up();
    let local = [
        "webhook",
        "install",
        "--public-url",
        "http://192.168.1.7:7117",
    ];
    check(
        &home,
        &server,
        &local,
        expect![[r#"
            exit 0
            stdout:
            vikunja  http://192.168.1.7:7117/hooks/vikunja
              + Inbox  made
              signed with a new secret
              192.168.1.7 is an address of this computer or its network: Vikunja posts there
                only with `outgoingrequests.allownonroutableips: true` in its own config,
                and says nothing where it does not. Polling goes on in any case
              the daemon listens for them
                → instep serve
        "#]],
    );
    check(
        &home,
        &server,
        &["webhook", "install", "tw"],
        expect![[r#"
        exit 2
        stderr:
        error: `tw` has no webhooks
          why:  Taskwarrior sends none
          help: instep webhook list
    "#]],
    );
    server.go_away();
    check(
        &home,
        &server,
        &["webhook", "remove"],
        expect![[r#"
            exit 6
            stdout:
            vikunja  http://192.168.1.7:7117/hooks/vikunja
              error: Vikunja at URL could not be reached for `vikunja`
              why:  the service could not be reached: error sending request: client error
                    (Connect): tcp connect error: Connection refused (os error 111)
              help: once it runs:
                    instep ping vikunja; for another address: instep config edit
        "#]],
    );
    server.come_back();
    check(
        &home,
        &server,
        &["webhook", "remove"],
        expect![[r#"
        exit 0
        stdout:
        vikunja  1 webhook
          - Inbox  removed
          changes arrive by polling from now on
    "#]],
    );
}

#[test]
fn two_commands_at_once_leave_one_each() {
    let (home, server) = set_up();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| home.good(&INSTALL));
        }
    });
    let posts = server.vikunja.count("POST", "/webhooks");
    // The others ask for rights, and carry no body that could be carried out.
    let stands = listed(&home);
    assert_eq!(stands.as_array().map(Vec::len), Some(1), "{stands}");
    assert_eq!(stands[0]["state"], "installed");
    assert!(
        posts <= 3,
        "two questions for rights and one webhook: {posts}"
    );
}

/// Killed while the service has the request and has not answered: it is carried out, and found.
#[test]
fn killed_before_the_answer_there_is_one_afterwards() {
    let (home, server) = set_up();
    let slow = Effect::Delay(Duration::from_millis(300));
    // The first asks for the right, the second makes it.
    server
        .vikunja
        .set_fault(Fault::new(slow).method("POST").path("/webhooks").nth(2));
    let mut child = home.begin(&INSTALL);
    let begun = Instant::now();
    while server.vikunja.count("POST", "/webhooks") < 2 {
        assert!(begun.elapsed() < PATIENCE, "no webhook was made");
        std::thread::yield_now();
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    server.vikunja.clear_faults();
    home.good(&INSTALL);
    let stands = listed(&home);
    assert_eq!(stands.as_array().map(Vec::len), Some(1), "{stands}");
    assert_eq!(stands[0]["state"], "installed", "{stands}");
}
