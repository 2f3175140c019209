//! What hooks tell is a reason to look, and none is lost because nobody can say at what.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use instep_api::AccountAdd;
use instep_api::socket::HookReport;
use instep_app::{App, account_add};

use crate::world::World;

const TASK: &str = "3f2a1c52-7b5e-4b0e-9d2f-6f0d3b1f9a10";

/// A program that starts the real one, for as long as it may.
fn stand_in(world: &World) -> std::path::PathBuf {
    let path = world.path("stand-in");
    fs::write(&path, "#!/bin/sh\nexec task \"$@\"\n").expect("a program");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    path
}

/// Which accounts a report about this directory was a reason to look at.
async fn told(app: &App, data: &Path) -> Vec<String> {
    let report = HookReport {
        id: "1".to_owned(),
        data: data.display().to_string(),
        command: "add".to_owned(),
        tasks: vec![TASK.to_owned()],
        at_ms: 1_790_000_000_000,
    };
    let accounts = app.accept_hooks(&[report]).await.expect("stored");
    accounts.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn i10_a_taskwarrior_that_cannot_be_asked_is_looked_at_for_all_that_is_told() {
    let world = World::new(2).await;
    let program = stand_in(&world);
    let account = AccountAdd {
        program: Some(program.clone()),
        ..world.taskwarrior()
    };
    account_add(&world.places, &account).await.expect("added");
    let (data, elsewhere) = (world.path("tasks"), world.path("elsewhere"));
    fs::remove_file(&program).expect("it can go");
    let app = world.open().await;
    assert_eq!(told(&app, &data).await.len(), 1);
    assert_eq!(told(&app, &elsewhere).await.len(), 1);
    // Once it can be asked, what is not about it is nobody's.
    stand_in(&world);
    assert_eq!(told(&app, &data).await.len(), 1);
    assert_eq!(told(&app, &elsewhere).await, Vec::<String>::new());
    fs::remove_file(&program).expect("it can go");
    assert_eq!(told(&app, &data).await.len(), 1);
    assert_eq!(told(&app, &elsewhere).await, Vec::<String>::new());
    app.close().await;
}
