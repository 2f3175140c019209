//! The doubles as programs: what they print, and how they end.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long the program may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

fn start(program: &str, arguments: &[&str]) -> (Child, String, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut value = |name: &str| {
        let line = lines.next().expect("a line").expect("text");
        line.strip_prefix(name).expect("the name").to_owned()
    };
    let (url, token) = (value("url="), value("token="));
    (child, url, token)
}

fn client() -> reqwest::Client {
    // Fails only when a provider is installed already, which is just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build();
    client.expect("an HTTP client")
}

/// Whether the program ends by itself; else it is killed.
fn ended(mut child: Child) -> bool {
    let (waited, ending) = mpsc::channel();
    let id = child.id();
    std::thread::spawn(move || waited.send(child.wait().is_ok()));
    let ended = ending.recv_timeout(PATIENCE).unwrap_or(false);
    if !ended {
        let _ = Command::new("kill").arg(id.to_string()).status();
    }
    ended
}

#[tokio::test]
async fn it_serves_and_ends_with_its_input() {
    let program = env!("CARGO_BIN_EXE_vikunja-double");
    let arguments = ["--latency-ms", "1", "--concurrent-writes"];
    let (mut child, url, token) = start(program, &arguments);
    let http = client();
    let request = http.get(format!("{url}/api/v1/user")).bearer_auth(token);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let info = http
        .get(format!("{url}/api/v1/info"))
        .send()
        .await
        .expect("an answer");
    let info: serde_json::Value = info.json().await.expect("JSON");
    assert_eq!(info["concurrent_writes"], true);
    drop(child.stdin.take());
    assert!(ended(child), "it went on without input");
}

#[tokio::test]
async fn the_todoist_double_serves_and_ends_with_its_input() {
    let program = env!("CARGO_BIN_EXE_todoist-double");
    let arguments = ["--latency-ms", "1", "--free", "--timezone", "Europe/Berlin"];
    let (mut child, url, token) = start(program, &arguments);
    let http = client();
    let request = http.get(format!("{url}/api/v1/user")).bearer_auth(token);
    let answer = request.send().await.expect("an answer");
    let user: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(user["is_premium"], false);
    assert_eq!(user["tz_info"]["timezone"], "Europe/Berlin");
    drop(child.stdin.take());
    assert!(ended(child), "it went on without input");
}
