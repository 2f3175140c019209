//! Neither a secret nor a word of any task is in a log, at whatever level, also where a server throws
//! back what it was sent.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::spawn;

use crate::home::Home;
use crate::server::Server;
use crate::serving::{Serving, program, until};

/// Is part of every text of every task.
const CANARY: &str = "anary";

/// All there is.
const TRACE: (&str, &str) = ("INSTEP_LOG", "trace");

/// Stands between the program and the server, and answers writes itself once it is told to.
struct Echo {
    port: u16,
    echoes: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
}

impl Echo {
    fn start(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (echoes, answered) = (Arc::default(), Arc::default());
        let echo = Self {
            port,
            echoes: Arc::clone(&echoes),
            answered: Arc::clone(&answered),
        };
        let server = server.vikunja.url().replace("http://", "");
        spawn(move || {
            for stream in listener.incoming().flatten() {
                let (server, echoes) = (server.clone(), Arc::clone(&echoes));
                let answered: Arc<AtomicUsize> = Arc::clone(&answered);
                spawn(move || talk(&stream, &server, &echoes, &answered));
            }
        });
        echo
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// One request and its answer.
fn talk(
    mut stream: &TcpStream,
    server: &str,
    echoes: &AtomicBool,
    answered: &AtomicUsize,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if head.starts_with("GET") || !echoes.load(Ordering::SeqCst) {
        let mut there = TcpStream::connect(server.trim_end_matches('/')).ok()?;
        let request = format!("{head}connection: close\r\n\r\n");
        there.write_all(request.as_bytes()).ok()?;
        there.write_all(&body).ok()?;
        let mut answer = Vec::new();
        there.read_to_end(&mut answer).ok()?;
        stream.write_all(&answer).ok()?;
        return Some(());
    }
    let sent = format!("{head}{}", String::from_utf8_lossy(&body));
    let quoted = serde_json::to_string(&sent).ok()?;
    let number = answered.fetch_add(1, Ordering::SeqCst);
    let (status, text) = match number % 5 {
        0 => (400, format!(r#"{{"code":2002,"message":{quoted}}}"#)),
        1 => (200, format!(r#"{{"id":{quoted},"title":{quoted}}}"#)),
        2 => (502, sent),
        3 => (500, format!(r#"{{"code":0,"message":{quoted}}}"#)),
        _ => (401, format!(r#"{{"code":11,"message":{quoted}}}"#)),
    };
    let length = text.len();
    let answer = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{text}"
    );
    stream.write_all(answer.as_bytes()).ok()
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("it can be read").flatten() {
        let kind = entry.file_type().expect("it has a kind");
        if kind.is_dir() {
            found.extend(files(&entry.path()));
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
    found
}

/// Whether a file holds tasks, or the secret, because that is what it is for.
fn is_for_tasks(home: &Home, path: &Path) -> bool {
    let name = path.file_name().expect("a name").to_string_lossy();
    let state = home.path(".local/state/instep");
    let is_log = name.starts_with("instep.log");
    path.starts_with(home.path(".task"))
        || name.starts_with("hub.db")
        || name.starts_with("tasks.json")
        || name == "token"
        || (path.starts_with(state) && !is_log)
}

fn change_tasks(home: &Home, number: usize) {
    let title = format!("Canary title {number}");
    let add = ["add", &title, "project:CanaryProject.Sub", "+canarytag"];
    home.task(&add);
    let annotation = format!("Canary annotation {number}");
    home.task(&["+LATEST", "annotate", &annotation]);
    home.task(&["+LATEST", "modify", "Canary retitled", "+canaryother"]);
}

#[test]
fn no_log_says_a_word_of_a_task_or_a_secret() {
    let (home, server) = (Home::new(), Server::start());
    let echo = Echo::start(&server);
    let token = server.vikunja.token().to_owned();
    let instep = |args: &[&str]| home.instep_with(args, &[TRACE]);
    instep(&["init", "--yes"]);
    home.write(
        "tasks.json",
        r#"[{"id": 1, "name": "Canary in a file", "comment": "", "description": "canary",
            "priority": "canary", "tag": "canary", "done": "canary"}, "canary", {"id": "canary"}]"#,
    );
    instep(&["account", "add", "file", "--path", "tasks.json"]);
    home.secret("token", &token);
    let url = echo.url();
    let secret = ["--secret-file", "token"];
    let add = ["account", "add", "vikunja", "--url", &url];
    let added = instep(&[&add[..], &secret[..]].concat());
    assert_eq!(added.code, 0, "{}", added.whole());
    change_tasks(&home, 0);
    instep(&["sync", "--yes", "-vv"]);
    let mut serve = home.command(program());
    serve.arg("serve").arg("-vv").env(TRACE.0, TRACE.1);
    let mut serving = Serving::start(&home, &mut serve);
    change_tasks(&home, 1);
    instep(&["sync"]);
    echo.echoes.store(true, Ordering::SeqCst);
    let mut number = 2;
    until("every answer that throws back was given", || {
        change_tasks(&home, number);
        number += 1;
        instep(&["sync"]);
        instep(&["push", "Canary retitled"]);
        echo.answered.load(Ordering::SeqCst) >= 5 || number > 12
    });
    assert!(echo.answered.load(Ordering::SeqCst) >= 5);
    instep(&["add", "Canary by hand", "--to", "vikunja"]);
    instep(&["status"]);
    instep(&["show", "Canary nobody"]);
    serving.stop();
    instep(&["sync"]);
    let log = home.read(".local/state/instep/instep.log");
    assert!(log.contains("called Vikunja"), "{log}");
    assert!(log.contains("an account stands still"), "{log}");
    let mut looked = 0;
    for path in files(&home.path("")) {
        let text = String::from_utf8_lossy(&fs::read(&path).expect("it can be read")).into_owned();
        let name = path.file_name().expect("a name").to_string_lossy();
        if name != "token" {
            assert!(!text.contains(&token), "the token is in {}", path.display());
        }
        if is_for_tasks(&home, &path) {
            continue;
        }
        looked += 1;
        let line = text.lines().find(|line| line.contains(CANARY));
        assert_eq!(line, None, "in {}", path.display());
    }
    assert!(looked >= 4, "{looked}");
}
