//! The official SDKs as clients of the double, where `INSTEP_TEST_TODOIST_SDKS` names the folder
//! that `scripts/todoist-sdks` prints. Nothing is checked here; the clients in `sdk/` do that.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use instep_doubles::todoist::{Effect, Fault};
use tokio::process::Command;

use super::client::Api;

const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/todoist/sdk");

/// Where the SDKs are; without them a test says so and passes.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("INSTEP_TEST_TODOIST_SDKS").filter(|folder| !folder.is_empty());
    if folder.is_none() {
        let mut out = std::io::stderr();
        writeln!(out, "skipped: INSTEP_TEST_TODOIST_SDKS is not set").expect("stderr");
    }
    folder.map(PathBuf::from)
}

/// Runs a client to its end.
async fn run(command: &mut Command) {
    let output = command.env("NO_PROXY", "127.0.0.1").output();
    let output = output.await.expect("the client");
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{error}");
    assert_eq!(text.trim(), "ok", "{error}");
}

async fn typescript(folder: &Path, api: &Api, part: &[&str]) {
    let mut node = Command::new("node");
    node.arg(Path::new(CLIENTS).join("client.mjs")).arg(folder);
    run(node.args([api.double.url(), api.double.token()]).args(part)).await;
}

async fn python(folder: &Path, api: &Api, code: &[&str]) {
    let mut python = Command::new(folder.join("python/bin/python"));
    python.arg(Path::new(CLIENTS).join("client.py"));
    run(python
        .args([api.double.url(), api.double.token()])
        .args(code))
    .await;
}

#[tokio::test]
async fn the_python_sdk_works_with_the_double() {
    let Some(folder) = folder() else { return };
    let api = Api::fresh().await;
    python(&folder, &api, &[]).await;
}

#[tokio::test]
async fn the_typescript_sdk_works_with_the_double() {
    let Some(folder) = folder() else { return };
    for part in ["tasks", "places", "words", "pages", "sync"] {
        let api = Api::fresh().await;
        typescript(&folder, &api, &[part]).await;
    }
}

/// Case T-ADD-18 as it was found: the SDK itself sends the task again, and there are two.
#[tokio::test]
async fn the_typescript_sdk_doubles_a_task_when_an_answer_is_lost() {
    let Some(folder) = folder() else { return };
    let api = Api::fresh().await;
    let lost = Fault::after_commit(Effect::Drop).method("POST");
    api.double.set_fault(lost.path("/tasks").first(1));
    typescript(&folder, &api, &["retry"]).await;
    assert!(api.count("Hazard").await >= 2);
}

#[tokio::test]
async fn both_sdks_connect_as_an_app() {
    let Some(folder) = folder() else { return };
    let api = Api::fresh().await;
    api.double.add_app("app", "app-secret");
    let scope = "data:read_write,data:delete";
    let code = api.double.authorize("app", scope);
    python(&folder, &api, &[&code]).await;
    let code = api.double.authorize("app", scope);
    typescript(&folder, &api, &["oauth", &code]).await;
    assert_eq!(api.count("By an app").await, 2);
}
