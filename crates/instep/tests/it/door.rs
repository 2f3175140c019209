//! What a daemon says of itself: once when it is ready, and where it can be reached.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::home::Home;
use crate::serving::{Serving, program};

const CONFIG: &str = ".config/instep/config.toml";

fn serve(home: &Home) -> Serving {
    let mut command = home.command(program());
    command.arg("serve");
    Serving::start(home, &mut command)
}

/// Has the daemon of this home listen where it says.
fn listen_at(home: &Home, daemon: &str) {
    let config = home.read(CONFIG);
    home.secret(CONFIG, &format!("{config}\n[daemon]\n{daemon}\n"));
}

#[test]
fn an_address_that_another_program_has_is_told_by_status_and_doctor() {
    let home = Home::with_two_accounts();
    home.good(&["sync", "--yes"]);
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = other.local_addr().expect("an address").to_string();
    listen_at(&home, &format!("listen = \"{at}\""));
    let serving = serve(&home);
    let pid = serving.pid().as_raw_nonzero();
    let status = home.good(&["status"]).stdout;
    assert!(
        status.contains(&format!("the daemon does not listen at {at}")),
        "{status}"
    );
    assert!(status.contains("→ then: kill "), "{status}");
    let reply = home.good(&["doctor", "--offline", "--json"]).json();
    let checks = reply["checks"].as_array().expect("checks");
    let found = checks.iter().find(|check| check["id"] == "program.http");
    let found = found.expect("a check");
    assert_eq!(found["status"], "note", "{found}");
    let message = found["message"].as_str().expect("a message");
    assert!(message.contains(&at), "{message}");
    let fix = found["fix"].as_str().expect("a command");
    assert!(fix.contains("instep config edit"), "{fix}");
    assert!(fix.ends_with(&format!("kill {pid}; instep serve")), "{fix}");
    drop(serving);
    // Where services were told to post there, somebody has to do something.
    let config = home.read(CONFIG);
    home.secret(
        CONFIG,
        &format!("{config}public_url = \"https://box.example\"\n"),
    );
    let serving = serve(&home);
    assert_eq!(home.instep(&["status"]).code, 1);
    drop(serving);
    // Nobody else has it any more.
    drop(other);
    let _serving = serve(&home);
    let status = home.good(&["status"]).stdout;
    assert!(!status.contains("does not listen"), "{status}");
}

/// Off a terminal it says one line, so that whoever started it knows that it runs, and where.
#[test]
fn a_daemon_off_a_terminal_says_once_that_it_serves() {
    let home = Home::with_two_accounts();
    let mut command = home.command(program());
    command.args(["serve", "--listen", "127.0.0.1:0"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut said = BufReader::new(child.stderr.take().expect("its stderr"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    let pid = child.id();
    let status = home.instep(&["status", "--json"]).json();
    let raw = Pid::from_raw(i32::try_from(pid).expect("an id")).expect("a process");
    kill_process(raw, Signal::TERM).expect("it runs");
    let rest = said.lines().count();
    child.wait().expect("it ended");
    let at = status["daemon"]["http"].as_str().expect("an address");
    assert_eq!(line, format!("instep: serving, pid {pid}, http://{at}\n"));
    assert_eq!(rest, 0, "one line, and no more");
    // A service manager hears it by itself.
    serve(&home).stop();
    assert_eq!(home.read("said"), "");
}

/// Once a daemon runs, however it was started, nobody is told any more to see to that.
#[test]
fn init_asks_for_a_daemon_only_where_none_runs() {
    let home = Home::with_two_accounts();
    let alone = "nothing keeps this running by itself";
    let told = home.good(&["init", "--yes"]).stdout;
    assert!(told.contains(alone), "{told}");
    listen_at(&home, "listen = \"\"");
    let _serving = serve(&home);
    let told = home.good(&["init", "--yes"]).stdout;
    assert!(!told.contains(alone), "{told}");
}
