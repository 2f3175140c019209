//! Several processes at one hub, and processes that are killed. Each child is this very test
//! program, told by its environment what to do.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use instep_contract::{Store, StoreError};
use instep_model::{AccountId, UserId};
use instep_store::{HubStore, TaskFilter};

use crate::samples::*;

const ROLE: &str = "INSTEP_STORE_TEST_ROLE";
const HUB: &str = "INSTEP_STORE_TEST_HUB";

/// A child that is yet to be started.
pub(crate) struct Role {
    command: Command,
    umask_nothing: bool,
    arguments: Vec<String>,
}

pub(crate) fn child(role: &str, hub: &Path) -> Role {
    let program = std::env::current_exe().expect("this program has a path");
    let mut command = Command::new("sh");
    command.env(ROLE, role).env(HUB, hub);
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    Role {
        command,
        umask_nothing: false,
        arguments: vec![
            program.display().to_string(),
            "--exact".to_owned(),
            "processes::as_a_child".to_owned(),
            "--nocapture".to_owned(),
        ],
    }
}

impl Role {
    /// Lets it make files that everybody could read.
    pub(crate) fn umask_nothing(mut self) -> Self {
        self.umask_nothing = true;
        self
    }

    fn prepared(mut self) -> Command {
        let umask = if self.umask_nothing {
            "umask 000; "
        } else {
            ""
        };
        self.command
            .arg("-c")
            .arg(format!("{umask}exec \"$@\""))
            .arg("sh");
        self.command.args(self.arguments);
        self.command
    }

    pub(crate) fn output_of_success(self) -> Output {
        let output = self.prepared().output().expect("the child starts");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "the child said:\n{said}");
        output
    }

    fn spawn(self) -> Child {
        let mut command = self.prepared();
        command
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts")
    }
}

/// Not a test of its own: what a child does.
#[tokio::test]
async fn as_a_child() {
    let (Ok(role), Ok(path)) = (std::env::var(ROLE), std::env::var(HUB)) else {
        return;
    };
    let path = PathBuf::from(path);
    let store = HubStore::open(&path, UserId::new("me"))
        .await
        .expect("opens");
    match role.as_str() {
        "modes" => {
            claim(&store).await;
            filled(&store, 3).await;
            // Leaves like one that is killed, so that log and index are still there.
            std::process::exit(0);
        }
        "write-until-killed" => {
            for number in 1.. {
                put(&store, &[adopted(number)]).await;
                say(&number.to_string());
            }
        }
        "write-odd" => {
            for number in (1..200).step_by(2) {
                put(&store, &[adopted(number)]).await;
            }
            store.close().await;
        }
        "hold" => {
            claim(&store).await;
            say("held");
            std::future::pending::<()>().await;
        }
        other => panic!("no such role: {other}"),
    }
}

/// Tells the parent something; the line is out when this returns.
fn say(word: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\nsays {word}").expect("the parent listens");
    out.flush().expect("the parent listens");
}

/// What a child says next.
fn hear(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> String {
    loop {
        let line = lines.next().expect("the child goes on").expect("text");
        if let Some(word) = line.strip_prefix("says ") {
            return word.to_owned();
        }
    }
}

#[tokio::test]
async fn a_killed_process_keeps_what_it_committed() {
    for commits in [1, 20, 60] {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("hub.db");
        let mut writer = child("write-until-killed", &path).spawn();
        let out = writer.stdout.take().expect("is piped");
        let mut lines = BufReader::new(out).lines();
        let mut committed: usize = 0;
        while committed < commits {
            committed = hear(&mut lines).parse().expect("a number");
        }
        writer.kill().expect("killed");
        writer.wait().expect("ended");
        // What it said before the kill reached it counts too.
        let rest = lines.map_while(Result::ok);
        let rest = rest.filter_map(|line| line.strip_prefix("says ")?.parse().ok());
        let committed = rest.last().unwrap_or(committed);

        let store = HubStore::open(&path, UserId::new("me")).await;
        let store = store.expect("opens after a kill");
        assert!(store.integrity().await.expect("read").is_empty());
        let tasks = store
            .list_tasks(&TaskFilter::default())
            .await
            .expect("read");
        let pairs = store.mappings(Some(&vik())).await.expect("read");
        assert_eq!(tasks.len(), pairs.len(), "a task and its pair are one step");
        assert!(tasks.len() >= committed, "{} of {committed}", tasks.len());
        store.close().await;
    }
}

#[tokio::test]
async fn two_processes_write_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    // Both find nothing, and make the schema between them.
    let mut other = child("write-odd", &path).spawn();
    let store = HubStore::open(&path, UserId::new("me"))
        .await
        .expect("opens");
    for number in (2..200).step_by(2) {
        put(&store, &[adopted(number)]).await;
    }
    assert!(other.wait().expect("ended").success());
    let tasks = store
        .list_tasks(&TaskFilter::default())
        .await
        .expect("read");
    assert_eq!(tasks.len(), 199);
    let work = store
        .pending_work(&AccountId::new("tw"), 0, 999, at(0))
        .await
        .expect("read");
    assert!(
        work.is_sorted_by(|a, b| a.place < b.place),
        "no place is given twice"
    );
    assert_eq!(work.len(), 199);
}

#[tokio::test]
async fn a_lease_is_freed_when_its_process_is_killed() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    let mut holder = child("hold", &path).spawn();
    let out = holder.stdout.take().expect("is piped");
    assert_eq!(hear(&mut BufReader::new(out).lines()), "held");

    let store = HubStore::open(&path, UserId::new("me"))
        .await
        .expect("opens");
    let ttl = std::time::Duration::from_secs(60);
    // However late it is: a living process keeps its lease.
    let answer = store.claim_lease(&vik(), "late", ttl, at(9999)).await;
    match answer {
        Err(StoreError::LeaseHeld { holder: named, .. }) => {
            assert_eq!(named, format!("tests, process {}", holder.id()));
        }
        other => panic!("{other:?}"),
    }
    holder.kill().expect("killed");
    holder.wait().expect("ended");
    let lease = store
        .claim_lease(&vik(), "next", ttl, at(1))
        .await
        .expect("free");
    assert_eq!(lease.token, 2);
}

/// Two stores on one file, as two processes have them: what one gave back it may take up again as long as
/// nobody else had it in between, and then not.
#[tokio::test]
async fn a_lease_taken_up_again_is_no_older_than_anybody_elses() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hub.db");
    let open = || async {
        HubStore::open(&path, UserId::new("me"))
            .await
            .expect("opens")
    };
    let (ours, theirs) = (open().await, open().await);
    let ttl = std::time::Duration::from_secs(60);
    let claim = async |store: &HubStore| {
        let lease = store.claim_lease(&vik(), "it", ttl, at(1)).await;
        lease.expect("free")
    };
    let mut tokens = Vec::new();
    for store in [&ours, &ours, &theirs, &ours, &ours] {
        let lease = claim(store).await;
        tokens.push(lease.token);
        store.release_lease(lease).await.expect("given back");
    }
    assert_eq!(tokens, [1, 1, 2, 3, 3]);

    // One that ran out may still be at work here: whoever takes it over has another.
    let late = claim(&ours).await;
    let taken = ours.claim_lease(&vik(), "it", ttl, at(99)).await;
    assert!(taken.expect("it ran out").token > late.token);
}
