//! Setting up: init, account add, login and remove, and what the config says.

use std::os::unix::fs::PermissionsExt;

use instep_api::{AccountAdd, Check, CheckStatus, Exit, InitRequest, SecretSource};
use instep_app::{
    App, account_add, account_login, account_remove, account_rename, config_check, config_replace,
    config_show, doctor, init,
};

use serde_json::json;

use super::world::{World, mode};

#[tokio::test]
async fn init_finds_taskwarrior_and_can_be_run_again() {
    let world = World::new(2).await;
    let request = InitRequest {
        yes: true,
        timezone: Some("Europe/Berlin".to_owned()),
        no_hook: true,
    };
    let first = init(&world.places, &request).await.expect("set up");
    assert_eq!(first.accounts.len(), 1, "{first:#?}");
    assert_eq!(first.accounts[0].name, "tw");
    assert!(
        first.accounts[0].found.starts_with("Taskwarrior 2."),
        "{}",
        first.accounts[0].found
    );
    let config = config_show(&world.places).expect("a config");
    let second = init(&world.places, &request).await.expect("again");
    assert!(second.accounts.is_empty());
    assert_eq!(config_show(&world.places).expect("a config"), config);
    assert_eq!(mode(world.places.config()), 0o600);
    assert_eq!(mode(&world.places.hub()), 0o600);
    assert_eq!(
        (mode(world.places.data()), mode(world.places.state())),
        (0o700, 0o700)
    );
}

#[tokio::test]
// tidy: long because each refusal is one block, and all share one home
async fn an_account_is_tried_before_it_is_written() {
    let world = World::new(2).await;
    world.add_taskwarrior().await;
    let before = config_show(&world.places).expect("a config");
    let check = async |request: AccountAdd, code: &str, exit: Exit| {
        let failure = account_add(&world.places, &request).await.expect_err(code);
        assert_eq!(
            (failure.code.as_str(), failure.exit),
            (code, exit),
            "{failure:?}"
        );
        assert!(!failure.help.is_empty());
        assert_eq!(
            config_show(&world.places).expect("a config"),
            before,
            "{code}"
        );
    };
    world.secret("wrong", "tk_0000000000000000000000000000000000000000");
    let wrong = SecretSource::File(world.path("wrong"));
    check(
        AccountAdd {
            secret: Some(wrong),
            ..world.vikunja()
        },
        "needs_login",
        Exit::NeedsLogin,
    )
    .await;
    let dead = Some("http://127.0.0.1:9".to_owned());
    check(
        AccountAdd {
            url: dead,
            ..world.vikunja()
        },
        "unreachable",
        Exit::Unreachable,
    )
    .await;
    check(
        AccountAdd {
            secret: None,
            ..world.vikunja()
        },
        "missing_flag",
        Exit::Usage,
    )
    .await;
    check(
        AccountAdd {
            kind: "vikunya".to_owned(),
            ..world.vikunja()
        },
        "bad_request",
        Exit::Usage,
    )
    .await;
    check(
        AccountAdd {
            name: Some("my tasks".to_owned()),
            ..world.vikunja()
        },
        "bad_request",
        Exit::Usage,
    )
    .await;
    check(
        AccountAdd {
            name: Some("tw".to_owned()),
            ..world.vikunja()
        },
        "name_taken",
        Exit::Usage,
    )
    .await;
    check(
        AccountAdd {
            name: Some("tw2".to_owned()),
            ..world.taskwarrior()
        },
        "same_place",
        Exit::Config,
    )
    .await;
    std::fs::write(world.path("tasks.json"), "{ no list").expect("a file");
    let failure = account_add(&world.places, &world.file())
        .await
        .expect_err("no list");
    assert!(failure.why.contains("tasks.json"), "{failure:?}");
}

#[tokio::test]
async fn a_comment_survives_and_a_marker_is_declared() {
    let world = World::new(2).await;
    world.add_taskwarrior().await;
    let commented = config_show(&world.places).expect("a config") + "\n# mine, do not touch\n";
    config_replace(&world.places, &commented).expect("valid");
    let work = AccountAdd {
        name: Some("work".to_owned()),
        ..world.vikunja()
    };
    let added = account_add(&world.places, &work).await.expect("added");
    assert!(
        added
            .notes
            .iter()
            .any(|note| note.text.contains("uda.work_id.type")),
        "{added:#?}"
    );
    assert!(
        config_show(&world.places)
            .expect("a config")
            .contains("# mine, do not touch")
    );
    let taskrc = std::fs::read_to_string(world.path(".taskrc")).expect("a taskrc");
    assert!(taskrc.contains("uda.work_id.type=string"), "{taskrc}");
    world.task(&["add", "Rent"]);
    world.sync().await;
    let here = world.in_taskwarrior("Rent").expect("a task");
    let there = world.in_vikunja("Rent").await.expect("it arrived");
    assert_eq!(here["work_id"], there["id"].to_string());

    account_remove(&world.places, "work", false)
        .await
        .expect("removed");
    let app = world.open().await;
    let names: Vec<String> = app
        .accounts()
        .await
        .expect("accounts")
        .into_iter()
        .map(|account| account.name)
        .collect();
    assert_eq!(names, ["tw"]);
    app.close().await;
    assert!(
        world.in_vikunja("Rent").await.is_some(),
        "no task is touched"
    );
    let gone = account_remove(&world.places, "work", true)
        .await
        .expect_err("it is gone");
    assert_eq!(gone.code, "unknown_account");
}

#[tokio::test]
async fn one_server_twice_is_refused_unless_the_scopes_part_them() {
    let world = World::paired(2).await;
    let second = AccountAdd {
        name: Some("again".to_owned()),
        ..world.vikunja()
    };
    let failure = account_add(&world.places, &second)
        .await
        .expect_err("it is there already");
    assert_eq!(failure.code, "same_place");
    // Written by hand, the round refuses it and goes on with the others (S7).
    let config = config_show(&world.places).expect("a config");
    let (_, block) = config.split_once("[[account]]").expect("an account");
    let (_, block) = block.split_once("[[account]]").expect("two accounts");
    let twin = block
        .replace("vikunja-", "other-")
        .replace("name = \"vikunja\"", "name = \"other\"");
    world.sync().await;
    config_replace(&world.places, &format!("{config}\n[[account]]{twin}")).expect("valid");
    world.ask(instep_api::SyncRequest::default()).await;
    let reply = world.ask(instep_api::SyncRequest::default()).await;
    assert_eq!(
        super::world::code(&reply, "other"),
        "same_place",
        "{reply:#?}"
    );
    assert_eq!(super::world::code(&reply, "vikunja"), "");
}

/// S7: one file under two names is one store.
#[tokio::test]
async fn s7_a_file_is_known_under_every_name() {
    let world = World::paired(2).await;
    let file = world.path("tasks.json");
    std::fs::write(&file, "[]").expect("a file");
    let (link, hard) = (world.path("link.json"), world.path("hard.json"));
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    std::fs::hard_link(&file, &hard).expect("a link");
    let add = |name: &str, path| AccountAdd {
        kind: "file".to_owned(),
        name: Some(name.to_owned()),
        path: Some(path),
        format: Some("json".to_owned()),
        ..AccountAdd::default()
    };
    let first = account_add(&world.places, &add("one", file)).await;
    first.expect("it is the first");
    for other in [link, hard] {
        let failure = account_add(&world.places, &add("two", other)).await;
        assert_eq!(failure.expect_err("it is there already").code, "same_place");
    }
}

#[tokio::test]
async fn a_new_token_is_tried_and_written() {
    let world = World::paired(2).await;
    world.secret("wrong", "tk_0000000000000000000000000000000000000000");
    let wrong = SecretSource::File(world.path("wrong"));
    let failure = account_login(&world.places, "vikunja", wrong)
        .await
        .expect_err("rejected");
    assert_eq!(failure.exit, Exit::NeedsLogin);
    let command = SecretSource::Command(format!("cat '{}'", world.path("token").display()));
    account_login(&world.places, "vikunja", command)
        .await
        .expect("taken");
    assert!(
        config_show(&world.places)
            .expect("a config")
            .contains("command = ")
    );
    world.sync().await;
    let none = account_login(&world.places, "tw", SecretSource::Env("X".to_owned())).await;
    assert_eq!(none.expect_err("it has no secret").code, "no_secret");
}

#[tokio::test]
async fn a_bad_config_is_named_by_line() {
    let world = World::paired(2).await;
    let good = config_show(&world.places).expect("a config");
    let refused = |text: String| config_replace(&world.places, &text).expect_err("not valid");
    let failure = refused(format!("{good}\n[[account]]\nname = 3\n"));
    assert_eq!(
        (failure.code.as_str(), failure.exit),
        ("config_invalid", Exit::Config)
    );
    assert!(failure.why.starts_with("line "), "{}", failure.why);
    let failure = refused(good.replace("kind = \"vikunja\"", "kind = \"vikunya\""));
    assert!(
        failure.why.contains("did you mean `vikunja`?"),
        "{}",
        failure.why
    );
    refused(good.replace("\"newest\"", "\"prefer:nobody\""));
    refused(good.replacen("timezone = \"", "timezone = \"Mars/", 1));
    refused(format!("{good}\n[daemon]\nparallel_reads = 0\n"));
    assert_eq!(config_show(&world.places).expect("a config"), good);

    // What `conflicts resolve --keep` takes as an answer is no account.
    for answer in ["hub", "newest", "both"] {
        let failure = refused(good.replace("\"tw\"", &format!("\"{answer}\"")));
        assert!(failure.why.contains("--keep"), "{}", failure.why);
        let request = AccountAdd {
            name: Some(answer.to_owned()),
            ..world.file()
        };
        let failure = account_add(&world.places, &request).await;
        let failure = failure.expect_err("a name that means something else");
        assert!(failure.why.contains("--keep"), "{}", failure.why);
    }

    let reads = format!("{good}\n[daemon]\nparallel_reads = 1\n");
    config_replace(&world.places, &reads).expect("one read after the other");
    let checks = config_check(&world.places).expect("checks");
    let is_note = |check: &&Check| check.status == CheckStatus::Note;
    assert_eq!(checks.iter().find(is_note), None);

    let odd = good.replacen("conflicts = ", "conflikts = ", 1);
    config_replace(&world.places, &odd).expect("an unknown key is no error");
    let line = 1 + odd
        .lines()
        .position(|line| line.starts_with("conflikts"))
        .expect("a line");
    let checks = config_check(&world.places).expect("checks");
    let note = checks
        .iter()
        .find(|check| check.status == CheckStatus::Note)
        .expect("a note");
    assert_eq!(
        note.message,
        format!("unknown key `conflikts`, line {line}: did you mean `conflicts`?")
    );
}

/// A token that was written where its place belongs is not told on.
#[tokio::test]
async fn what_stands_in_the_place_of_a_secret_is_never_told() {
    let world = World::paired(2).await;
    let good = config_show(&world.places).expect("a config");
    let line = good.lines().find(|line| line.starts_with("secret = "));
    let line = line.expect("where the token comes from");
    for wrong in [
        "\"tk_abc\"",
        "[\"tk_abc\"]",
        "{ file = [\"tk_abc\"] }",
        "{ token = \"tk_abc\" }",
        "{ file = \"token\", env = \"tk_abc\" }",
        "{ env = { tk_abc = 1 } }",
    ] {
        let text = good.replace(line, &format!("secret = {wrong}"));
        let failure = config_replace(&world.places, &text).expect_err(wrong);
        let told = format!("{failure:?}");
        assert!(!told.contains("tk_abc"), "{told}");
        assert!(told.contains("secret = { file = "), "{told}");
        std::fs::write(world.places.config(), text).expect("a config");
        let checks = format!("{:?}", config_check(&world.places));
        assert!(!checks.contains("tk_abc"), "{checks}");
    }
}

#[tokio::test]
async fn what_leads_to_secrets_must_be_private() {
    let world = World::paired(2).await;
    let open_up = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    open_up(world.places.config(), 0o644);
    let failure = App::open(&world.places).await.expect_err("it is refused");
    assert_eq!(
        (failure.code.as_str(), failure.exit),
        ("mode_too_open", Exit::Config)
    );
    assert_eq!(
        failure.help,
        format!("chmod 600 {}", world.places.config().display())
    );
    open_up(world.places.config(), 0o600);

    open_up(&world.path("token"), 0o640);
    world.task(&["add", "Rent"]);
    let reply = world.ask(instep_api::SyncRequest::default()).await;
    assert_eq!(super::world::code(&reply, "vikunja"), "mode_too_open");
    assert_eq!(instep_app::exit_of_sync(&reply), Exit::Config);
    assert_eq!(
        super::world::code(&reply, "tw"),
        "",
        "the other account goes on"
    );
    let found = doctor(&world.places, false).await;
    let problem = found
        .checks
        .iter()
        .find(|check| check.status == CheckStatus::Problem);
    let fix = problem.and_then(|check| check.fix.clone()).expect("a fix");
    assert!(fix.starts_with("chmod 600 "), "{fix}");
}

#[tokio::test]
async fn doctor_finds_nothing_wrong_and_then_what_is() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    let problems = async |offline| {
        let found = doctor(&world.places, offline).await;
        let problems = found
            .checks
            .into_iter()
            .filter(|check| check.status == CheckStatus::Problem);
        problems
            .map(|check| (check.id, check.fix.is_some()))
            .collect::<Vec<_>>()
    };
    assert_eq!(problems(false).await, []);
    assert_eq!(problems(true).await, []);
    world.vikunja.refuse_connections().await;
    assert_eq!(
        problems(false).await,
        [("account.vikunja.reachable".to_owned(), true)]
    );
    assert_eq!(problems(true).await, []);
    world.vikunja.accept_connections().await;
    std::fs::set_permissions(world.places.data(), std::fs::Permissions::from_mode(0o755))
        .expect("a mode");
    assert_eq!(problems(false).await, [("storage.modes".to_owned(), true)]);
}

/// The doctor asks a server for its version and holds its clock against ours.
#[tokio::test]
async fn doctor_tells_the_version_and_the_clock_of_a_server() {
    let world = World::paired(2).await;
    let told = async |id: &str| {
        let found = doctor(&world.places, false).await.checks;
        let check = found.into_iter().find(|check| check.id == id);
        check.map(|check| (check.status, check.message, check.fix.is_some()))
    };
    let version = told("account.vikunja.version").await;
    let text = "vikunja: Vikunja 2.5.0".to_owned();
    assert_eq!(version, Some((CheckStatus::Ok, text, false)));
    let clock = told("account.vikunja.clock").await.expect("a check");
    assert_eq!((clock.0, clock.2), (CheckStatus::Ok, false));
    for (secs, status) in [(-20, CheckStatus::Note), (-400, CheckStatus::Problem)] {
        world.vikunja.clock().shift(secs);
        let clock = told("account.vikunja.clock").await.expect("a check");
        assert_eq!((clock.0, clock.2), (status, true), "{}", clock.1);
        world.vikunja.clock().follow_real_time();
    }
}

/// The doctor names every right that a token lacks, whether reading does without it or not.
#[tokio::test]
async fn doctor_names_the_rights_that_a_token_lacks() {
    let world = World::paired(2).await;
    world.sync().await;
    let check = async |permissions: serde_json::Value, lacks: Option<&str>| {
        let token = world.limited_token(permissions).await;
        world.secret("token", &token);
        let found = doctor(&world.places, false).await.checks;
        let problems: Vec<_> = found
            .iter()
            .filter(|check| check.status == CheckStatus::Problem)
            .collect();
        let Some(lacks) = lacks else {
            assert!(problems.is_empty(), "{problems:#?}");
            return;
        };
        let [problem] = problems[..] else {
            panic!("{problems:#?}");
        };
        assert_eq!(problem.id, "account.vikunja.rights");
        let told = format!("vikunja: the API token may not {lacks}; make one that may at ");
        assert!(problem.message.starts_with(&told), "{}", problem.message);
        let fix = problem.fix.as_deref().expect("a command");
        assert!(
            fix.starts_with("instep account login vikunja --secret-file "),
            "{fix}"
        );
        if !lacks.starts_with("tasks: delete") {
            return;
        }
        // Whoever puts such a token in reads it at once.
        let source = SecretSource::File(world.path("token"));
        let login = account_login(&world.places, "vikunja", source).await;
        account_remove(&world.places, "vikunja", false)
            .await
            .expect("removed");
        let added = account_add(&world.places, &world.vikunja()).await;
        for told in [login, added] {
            let notes = told.expect("kept all the same").notes;
            let told = format!("warning: the API token may not {lacks}; make one that may at ");
            let note = notes.iter().find(|note| note.text.starts_with(&told));
            let note = note.unwrap_or_else(|| panic!("{notes:#?}"));
            assert_eq!(note.command.as_deref(), Some(fix));
        }
    };
    let all = json!({
        "other": ["user"],
        "projects": ["read_all", "read_one", "create"],
        "tasks": ["read_all", "read_one", "create", "create_bulk", "update", "delete"],
        "labels": ["read_all", "create"],
        "tasks_labels": ["create", "delete", "update_bulk"],
        "tasks_comments": ["read_all", "create", "update", "delete"],
        "tasks_relations": ["create", "delete"],
    });
    check(all.clone(), None).await;
    let mut few = all.clone();
    few["tasks"] = json!(["read_all", "read_one", "create", "create_bulk", "update"]);
    few["tasks_comments"] = json!(["read_all", "create"]);
    let lacks = "tasks: delete; tasks_comments: update, delete";
    check(few, Some(lacks)).await;
    let mut blind = all;
    blind["projects"] = json!(["read_one", "create"]);
    check(blind, Some("projects: read_all")).await;
}

/// What is known of an account hangs on its id: another name changes nothing else.
#[tokio::test]
async fn an_account_that_is_renamed_keeps_all_that_is_known() {
    let world = World::paired(2).await;
    world.task(&["add", "First"]);
    world.sync().await;
    let before = config_show(&world.places).expect("a config");
    let mine = before
        .replace("name = \"tw\"", "name = \"tw\" # mine")
        .replace("\"newest\"", "\"prefer:tw\"");
    config_replace(&world.places, &mine).expect("valid");
    for (old, new, code) in [
        ("nobody", "work", "unknown_account"),
        ("tw", "vikunja", "bad_request"),
        ("tw", "hub", "bad_request"),
        ("tw", "two words", "bad_request"),
    ] {
        let failure = account_rename(&world.places, old, new).await;
        assert_eq!(failure.expect_err(new).code, code, "{old} {new}");
    }
    assert_eq!(config_show(&world.places).expect("a config"), mine);
    let notes = account_rename(&world.places, "tw", "work").await;
    assert!(notes.expect("renamed").is_empty());
    let renamed = mine
        .replace("name = \"tw\"", "name = \"work\"")
        .replace("prefer:tw", "prefer:work");
    assert_eq!(config_show(&world.places).expect("a config"), renamed);
    let reply = world.sync().await;
    assert!(reply.shown.changes.is_empty(), "{reply:#?}");
    assert_eq!(reply.accounts[0].name, "work");
    let notes = account_rename(&world.places, "vikunja", "home").await;
    let notes = notes.expect("renamed");
    assert!(notes[0].text.contains("`home_id`"), "{notes:?}");
    assert!(world.sync().await.shown.changes.is_empty());
    assert!(world.in_taskwarrior("First").expect("a task")["vikunja_id"].is_string());
}

/// S6: a place that was removed is known again under any name; one that was forgotten, or another
/// part of it, is new.
#[tokio::test]
async fn s6_a_place_that_comes_back_takes_up_what_it_was() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    let first = id_of(&world, "vikunja").await;
    let add = async |name: &str, project: &str| {
        let request = AccountAdd {
            name: Some(name.to_owned()),
            projects: vec![project.to_owned()],
            ..world.vikunja()
        };
        let added = account_add(&world.places, &request).await;
        let notes = added.expect("Vikunja is added").notes;
        let was = "from when it was here as `vikunja`";
        let told = notes.iter().any(|note| note.text.ends_with(was));
        (id_of(&world, name).await, told)
    };
    let remove = async |name: &str, forget| {
        let removed = account_remove(&world.places, name, forget).await;
        removed.expect("it was there");
    };
    remove("vikunja", false).await;
    assert_eq!(add("work", "Work").await, (first.clone(), true));
    let (home, told) = add("home", "Home").await;
    assert!(home != first && !told, "{home}");
    remove("home", false).await;
    remove("work", true).await;
    let (anew, told) = add("anew", "Work").await;
    assert!(anew != first && !told, "{anew}");
}

async fn id_of(world: &World, name: &str) -> String {
    let app = world.open().await;
    let shown = app.account_show(name).await.expect("an account");
    app.close().await;
    shown.id
}

/// S27: what lay outside the scope of an account is found when its place comes back with a wider one.
#[tokio::test]
async fn s27_a_place_that_comes_back_is_looked_at_whole() {
    let world = World::new(2).await;
    world.add_taskwarrior().await;
    let narrow = AccountAdd {
        tags: vec!["shared".to_owned()],
        ..world.vikunja()
    };
    let added = account_add(&world.places, &narrow).await;
    added.expect("Vikunja is added");
    world.make_there(json!({ "title": "Rent" })).await;
    world.vikunja.clock().shift(60);
    world.sync().await;
    world.sync().await;
    assert!(world.in_taskwarrior("Rent").is_none());
    let removed = account_remove(&world.places, "vikunja", false).await;
    removed.expect("it was there");
    world.add_vikunja().await;
    world.sync().await;
    assert!(world.in_taskwarrior("Rent").is_some());
}
