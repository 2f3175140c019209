//! A daemon and its config: what it has not taken is told, with the command that helps, and another daemon
//! takes its place by one line.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::home::Home;
use crate::serving::{Serving, program, until};

const CONFIG: &str = ".config/instep/config.toml";

fn status(home: &Home) -> (i32, Value) {
    let ended = home.instep(&["status", "--json"]);
    let told = ended.json();
    (ended.code, told["problems"].clone())
}

fn serve(home: &Home) -> Serving {
    let mut serve = home.command(program());
    serve.args(["serve", "--listen", ""]);
    let serving = Serving::start(home, &mut serve);
    until("all is well", || home.instep(&["status"]).code == 0);
    serving
}

/// A command that was told, as a person runs it.
fn run(home: &Home, command: &str) {
    let mut shell = home.command("sh".as_ref());
    let ended = shell.arg("-c").arg(command).output().expect("a shell");
    assert!(ended.status.success(), "{command}: {ended:?}");
}

#[test]
fn a_config_that_the_daemon_did_not_take_is_told() {
    let home = Home::with_two_accounts();
    let before = home.read(CONFIG);
    let serving = serve(&home);
    let hang_up = format!("kill -HUP {}", serving.pid().as_raw_nonzero());
    home.write(CONFIG, &format!("{before}broken = [\n"));
    run(&home, &hang_up);
    let line = before.lines().count() + 1;
    let log = || home.read(".local/state/instep/instep.log");
    until("it is logged", || {
        log().contains("the config stays as it was")
    });
    let log = log();
    let told = log.lines().find(|one| one.contains("stays as it was"));
    let told = told.expect("the line");
    assert!(told.contains("config.toml"), "{told}");
    assert!(told.contains(&format!("line={line}")), "{told}");
    let (code, problems) = status(&home);
    assert_eq!(code, 7, "{problems}");
    let one = &problems[0];
    assert_eq!(one["code"], "config_invalid");
    assert_eq!(one["help"], "instep config edit");
    let why = one["why"].as_str().expect("why");
    assert!(why.contains(&format!("line {line}")), "{why}");
    assert!(why.contains("config.toml"), "{why}");
    let shown = home.instep(&["status"]).stdout;
    assert!(shown.contains("→ instep config edit"), "{shown}");

    // Mended, and not as it was when the daemon read it.
    home.write(CONFIG, &format!("{before}\n[daemon]\npoll_secs = 300\n"));
    let (code, problems) = status(&home);
    assert_eq!((code, &problems[0]["code"]), (0, &json!("config_unread")));
    let help = problems[0]["help"].as_str().expect("a command");
    assert_eq!(help, hang_up);
    run(&home, help);
    until("it is read", || status(&home).1 == json!([]));

    home.write(CONFIG, &before);
    assert_eq!(status(&home).1[0]["code"], "config_unread");
    drop(serving);
    assert_eq!(status(&home), (0, json!([])), "nobody goes by another one");
}

/// What a question that the daemon does not understand is answered with.
fn misunderstood(socket: &str) -> Value {
    let mut stream = UnixStream::connect(socket).expect("it listens");
    let question = json!({ "protocol": 99, "data": "", "question": "hello" }).to_string();
    let length = u32::try_from(question.len()).expect("short");
    stream.write_all(&length.to_be_bytes()).expect("asked");
    stream.write_all(question.as_bytes()).expect("asked");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let said: Value = serde_json::from_slice(&answer[4..]).expect("JSON");
    said["failure"].clone()
}

#[test]
fn one_line_puts_another_daemon_in_the_place_of_one_that_does_not_understand() {
    let home = Home::with_two_accounts();
    let serving = serve(&home);
    let daemon = || home.instep(&["status", "--json"]).json()["daemon"].clone();
    let socket = daemon()["socket"].as_str().expect("a socket").to_owned();
    let failure = misunderstood(&socket.replace('~', &home.path("").display().to_string()));
    assert_eq!(failure["code"], "other_protocol", "{failure}");
    let help = failure["help"].as_str().expect("a command");
    let pid = serving.pid().as_raw_nonzero();
    assert_eq!(help, format!("kill {pid}; instep serve"));
    let found = format!(
        "PATH=\"{}:$PATH\"",
        program().parent().expect("a directory").display()
    );
    let mut shell = home.command("sh".as_ref());
    let line = help.replace("instep serve", "exec instep serve --listen ''");
    shell.arg("-c").arg(format!("{found}; {line}"));
    shell.stdout(Stdio::null()).stderr(Stdio::null());
    let mut next = shell.spawn().expect("a shell");
    let answers = |told: &Value| told["running"] == true && told["pid"] == next.id();
    until("the next one answers", || answers(&daemon()));
    drop(serving);
    let pid = rustix::process::Pid::from_child(&next);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    let ended = next.wait().expect("it ends");
    assert!(ended.success(), "{ended}");
}
