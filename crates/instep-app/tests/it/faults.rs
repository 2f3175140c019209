//! What a failing service does to its account, and to no other.

use instep_api::{Exit, ListRequest, State, SyncRequest};
use instep_app::{App, Turn, exit_of_sync};
use instep_contract::Store;
use instep_doubles::vikunja::{Effect, Fault};
use serde_json::json;

use super::world::{World, code};

#[tokio::test]
async fn a_server_that_is_away_waits_and_the_rest_goes_on() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    world.vikunja.refuse_connections().await;
    world.task(&["add", "Bank"]);
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(
        (exit_of_sync(&reply), reply.outcome.as_str()),
        (Exit::Unreachable, "unreachable")
    );
    assert_eq!(
        (
            code(&reply, "tw").as_str(),
            code(&reply, "vikunja").as_str()
        ),
        ("", "unreachable")
    );
    let app = world.open().await;
    let status = app.status().await.expect("status");
    let vikunja = status
        .accounts
        .iter()
        .find(|account| account.name == "vikunja")
        .expect("it");
    assert_eq!((vikunja.state, vikunja.waiting), (State::Waiting, 1));
    assert!(
        vikunja
            .why
            .as_deref()
            .is_some_and(|why| why.contains("instep sync vikunja"))
    );
    app.close().await;
    world.vikunja.accept_connections().await;
    world.sync().await;
    assert!(world.in_vikunja("Bank").await.is_some());
    let app = world.open().await;
    let status = app.status().await.expect("status");
    assert!(
        status
            .accounts
            .iter()
            .all(|account| account.state == State::InStep),
        "{status:#?}"
    );
    app.close().await;
}

/// A turn that carries what waited says as much as a sync: nothing stands in the way any more.
#[tokio::test]
async fn a_turn_that_comes_through_ends_the_outage() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    world.vikunja.refuse_connections().await;
    world.task(&["add", "Bank"]);
    world.ask(SyncRequest::default()).await;
    world.vikunja.accept_connections().await;
    let app = world.open().await;
    let accounts = app.account_ids();
    for account in &accounts {
        let turned = app.turn(account, Turn::Told).await.expect("a turn");
        assert!(turned.is_none_or(|turned| turned.failure.is_none()));
    }
    assert!(world.in_vikunja("Bank").await.is_some());
    let status = app.status().await.expect("status");
    let mut told = status.accounts.iter();
    let vikunja = told.find(|account| account.name == "vikunja");
    assert_eq!(
        vikunja.map(|account| account.state),
        Some(State::InStep),
        "{status:#?}"
    );
    app.close().await;
}

/// A sync of one account tells what it has made for others to do.
#[tokio::test]
async fn what_waits_for_accounts_that_took_no_part_is_told() {
    let world = World::paired(2).await;
    world.sync().await;
    world.task(&["add", "Rent"]);
    let request = SyncRequest {
        accounts: vec!["tw".to_owned()],
        ..SyncRequest::default()
    };
    let reply = world.ask(request.clone()).await;
    let told = "1 change waits for vikunja, which took no part: instep sync vikunja";
    assert_eq!(reply.notes, [told]);
    world.sync().await;
    assert_eq!(world.ask(request).await.notes, [""; 0]);
}

#[tokio::test]
async fn a_rejected_token_asks_for_a_login() {
    let world = World::paired(2).await;
    world.sync().await;
    world.secret("token", "tk_0000000000000000000000000000000000000000");
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(
        (exit_of_sync(&reply), reply.outcome.as_str()),
        (Exit::NeedsLogin, "needs_login")
    );
    let error = reply
        .accounts
        .iter()
        .find_map(|account| account.error.clone())
        .expect("why");
    let token = world.path("token");
    let login = format!(
        "instep account login vikunja --secret-file {}",
        token.display()
    );
    assert_eq!(
        error.help, login,
        "it works as it stands, once the file has a new token"
    );

    // `doctor` meets the same at this moment, and tells it once.
    let checks = instep_app::doctor(&world.places, false).await.checks;
    let told = checks
        .iter()
        .filter(|check| check.message.contains("rejected"))
        .map(|check| (check.id.as_str(), check.fix.as_deref()));
    let told: Vec<_> = told.collect();
    assert_eq!(told, [("account.vikunja.reachable", Some(login.as_str()))]);
}

/// A server may ask for any number of seconds; a person hears no more than they can use.
#[tokio::test]
async fn a_wait_without_end_is_told_as_people_say_it() {
    let world = World::paired(2).await;
    world.sync().await;
    let throttled = Effect::Status {
        status: 429,
        retry_after: Some("99999999999".to_owned()),
    };
    world.vikunja.set_fault(Fault::new(throttled));
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(code(&reply, "vikunja"), "throttled");
    let error = reply.accounts[1].error.clone().expect("why");
    assert_eq!(
        error.why,
        "too many calls; it takes none for more than a day"
    );
}

/// While a service wants to be left alone a sync only fails: status says when that is over, and its
/// command waits for it.
#[tokio::test]
async fn status_advises_nothing_that_fails_while_a_service_wants_to_be_left_alone() {
    let world = World::paired(2).await;
    world.sync().await;
    let throttled = Effect::Status {
        status: 429,
        retry_after: Some("2".to_owned()),
    };
    world.vikunja.set_fault(Fault::new(throttled).first(1));
    world.task(&["add", "Rent"]);
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(code(&reply, "vikunja"), "throttled");
    let app = world.open().await;
    let status = app.status().await.expect("status");
    app.close().await;
    let vikunja = &status.accounts[1];
    assert_eq!(vikunja.state, State::Waiting);
    let why = vikunja.why.as_deref().expect("why");
    let (told, command) = why.split_once(" → ").expect("a command");
    assert!(told.contains("takes calls again in "), "{told}");
    let wait = command.strip_suffix("; instep sync vikunja");
    let wait = wait.and_then(|wait| wait.strip_prefix("sleep "));
    let secs: u64 = wait.expect("a wait").parse().expect("seconds");
    assert!((1..=2).contains(&secs), "{command}");
    let began = std::time::Instant::now();
    let mut over = why.to_owned();
    while over.contains("takes calls again in ") {
        assert!(began.elapsed().as_secs() <= secs, "not within {command}");
        let app = world.open().await;
        let status = app.status().await.expect("status");
        app.close().await;
        over = status.accounts[1].why.clone().expect("why");
    }
    let url = world.vikunja.url();
    let free = format!(
        "Vikunja at {url} asked `vikunja` to wait: too many calls → a little later: instep sync vikunja"
    );
    assert_eq!(over, free);
    while world.ask(SyncRequest::default()).await.outcome != "in_step" {
        assert!(began.elapsed().as_secs() <= secs, "not within {command}");
    }
    assert!(world.in_vikunja("Rent").await.is_some());
}

#[tokio::test]
async fn a_lost_answer_makes_no_double() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world
        .vikunja
        .set_fault(Fault::new(Effect::LostReply).method("POST").nth(1));
    world.ask(SyncRequest::default()).await;
    world.vikunja.clear_faults();
    let mut tries = 0;
    while world.ask(SyncRequest::default()).await.outcome != "in_step" {
        tries += 1;
        assert!(tries < 20, "the account does not come to rest");
    }
    assert_eq!(world.listed().await.len(), 1);
}

#[tokio::test]
async fn an_empty_list_deletes_nothing() {
    let world = World::paired(2).await;
    for number in 0..6 {
        world.task(&["add", &format!("Task {number}")]);
    }
    world.sync().await;
    world.vikunja.set_fault(Fault::new(Effect::EmptyList));
    let full = SyncRequest {
        full: true,
        ..SyncRequest::default()
    };
    let reply = world.ask(full).await;
    assert_ne!(exit_of_sync(&reply), Exit::Fine);
    assert_eq!(world.exported().len(), 6);
    world.vikunja.clear_faults();
    world.sync().await;
    assert_eq!((world.exported().len(), world.listed().await.len()), (6, 6));
}

/// S33: one task is refused alone, is not told to be in step, and goes there once the reason is gone:
/// by the command that is named, or by a plain sync that sees the project opened.
#[tokio::test]
async fn s33_a_task_that_is_refused_is_set_aside_alone_and_carried_when_it_can_be() {
    let world = World::paired(2).await;
    world.task(&["add", "Plan 2027", "project:Work"]);
    world.task(&["add", "Rent"]);
    world.sync().await;
    let project = world.in_vikunja("Plan 2027").await.expect("a task")["project_id"].clone();
    let path = format!("api/v2/projects/{project}");
    let archive = async |archived: bool| {
        let body = json!({ "is_archived": archived });
        world.web(reqwest::Method::PATCH, &path, body).await;
    };
    archive(true).await;
    world.task(&["Plan", "modify", "priority:H"]);
    world.task(&["Rent", "modify", "priority:H"]);
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(exit_of_sync(&reply), Exit::Partial, "{reply:#?}");
    let vikunja = &reply.accounts[1];
    assert_eq!((vikunja.state, vikunja.skipped), (State::Waiting, 1));
    let error = vikunja.error.clone().expect("why");
    assert_eq!(error.code, "refused");
    assert_eq!(error.what, "Vikunja refused the task \"Plan 2027\"");
    let now = error.now.expect("what follows");
    assert!(now.ends_with(" s or later tries again"), "{now}");
    let priority = async |title: &str| {
        let task = world.in_vikunja(title).await.expect("a task");
        task["priority"].as_i64().expect("a number")
    };
    assert_ne!(priority("Rent").await, 0);

    assert_eq!(
        error.why,
        "this place is read-only: the project is archived"
    );
    let (first, other) = error.help.split_once('\n').expect("two ways out");
    let help = first.strip_prefix("un-archive the project in Vikunja, then: ");
    let help = help.expect("what comes first");
    told_everywhere(&world, help).await;
    let push = help.strip_prefix("instep push ").expect("a command");
    let moves = format!("or move a task that is not there yet: instep edit {push} --project PATH");
    assert_eq!(other, moves);
    let app = world.open().await;
    let pushed = app.push(push).await.expect("pushed");
    assert_eq!(exit_of_sync(&pushed), Exit::Partial, "{pushed:#?}");
    archive(false).await;
    let pushed = app.push(push).await.expect("pushed");
    assert_eq!(exit_of_sync(&pushed), Exit::Fine, "{pushed:#?}");
    assert_ne!(priority("Plan 2027").await, 0);
    let status = app.status().await.expect("status");
    assert_eq!(status.not_carried, 0);
    app.close().await;

    archive(true).await;
    world.task(&["Plan", "modify", "priority:"]);
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(exit_of_sync(&reply), Exit::Partial, "{reply:#?}");
    archive(false).await;
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(exit_of_sync(&reply), Exit::Fine, "{reply:#?}");
    assert_eq!(priority("Plan 2027").await, 0);
}

/// `status`, `doctor` and `show` name what was refused and the command that helps.
async fn told_everywhere(world: &World, help: &str) {
    let push = help.strip_prefix("instep push ").expect("a command");
    let app = world.open().await;
    let status = app.status().await.expect("status");
    let vikunja = &status.accounts[1];
    assert_eq!((vikunja.state, vikunja.errors), (State::Waiting, 1));
    assert_eq!((vikunja.waiting, status.not_carried), (0, 1));
    let why = vikunja.why.clone().expect("why");
    assert!(why.contains("archived") && why.ends_with(help), "{why}");
    let doctor = instep_app::doctor(&world.places, true).await;
    let mut checks = doctor.checks.iter();
    let check = checks.find(|check| check.id == "account.vikunja.refused");
    assert_eq!(check.and_then(|check| check.fix.as_deref()), Some(help));
    let shown = app.show(push).await.expect("the task");
    let shown = &shown.tasks[0];
    assert!(shown.errors["vikunja"].contains("archived"));
    assert!(shown.retry_at.contains_key("vikunja"));
    app.close().await;
}

/// What `push` says is about its task, whatever else was refused.
#[tokio::test]
async fn push_tells_of_its_own_task() {
    let world = World::paired(2).await;
    world.task(&["add", "Good"]);
    world.sync().await;
    world.vikunja.set_fault(Fault::status(403).method("POST"));
    world.task(&["add", "Bad"]);
    let reply = world.ask(SyncRequest::default()).await;
    assert_eq!(exit_of_sync(&reply), Exit::Partial, "{reply:#?}");
    world.vikunja.clear_faults();
    let app = world.open().await;
    let good = task_called(&app, "Good").await;
    let pushed = app.push(&good).await.expect("pushed");
    assert_eq!(exit_of_sync(&pushed), Exit::Fine, "{pushed:#?}");
    assert!(world.in_vikunja("Bad").await.is_none());
    let bad = task_called(&app, "Bad").await;
    let pushed = app.push(&bad).await.expect("pushed");
    assert_eq!(exit_of_sync(&pushed), Exit::Fine, "{pushed:#?}");
    assert!(world.in_vikunja("Bad").await.is_some());
    app.close().await;
}

/// The id of the task of this title.
async fn task_called(app: &App, title: &str) -> String {
    let listed = app.list(&ListRequest::default()).await.expect("listed");
    let mut found = listed.tasks.into_iter().filter(|task| task.title == title);
    found.next().expect("a task").id
}

/// S2: no rule names a text that could stand for a title, so that a task without one stays out of
/// Taskwarrior: told once, no failure, and there as soon as it has one.
#[tokio::test]
async fn s2_a_task_without_a_title_stays_out_of_taskwarrior_until_it_has_one() {
    let world = World::paired(2).await;
    world.sync().await;
    world
        .make_there(json!({ "title": " ", "priority": 3 }))
        .await;
    let reply = world.sync().await;
    let told = |reply: &instep_api::SyncReply| reply.notes.join("\n");
    assert!(
        told(&reply).contains("holds no task without a title"),
        "{reply:#?}"
    );
    let reply = world.sync().await;
    assert_eq!((told(&reply).as_str(), reply.shown.changes.len()), ("", 0));
    assert!(world.exported().is_empty());
    let app = world.open().await;
    let listed = app.list(&ListRequest::default()).await.expect("listed");
    assert_eq!(listed.tasks[0].left_out["tw"], ["title"]);
    assert_eq!(app.status().await.expect("status").not_carried, 0);
    let named = instep_api::TaskEdit {
        title: Some("Named".to_owned()),
        ..instep_api::TaskEdit::default()
    };
    app.edit(&listed.tasks[0].id, &named).await.expect("edited");
    app.close().await;
    world.sync().await;
    assert_eq!(world.exported()[0]["description"], "Named");
    assert!(world.in_vikunja("Named").await.is_some());
}

#[tokio::test]
async fn an_account_that_another_instance_runs_is_waited_for_and_left() {
    let world = World::paired(2).await;
    world.sync().await;
    let app = world.open().await;
    let accounts = app.accounts().await.expect("accounts");
    let id = instep_model::AccountId::new(accounts[1].id.clone());
    app.close().await;
    let user = instep_model::UserId::new("me");
    let other = instep_store::HubStore::open(&world.places.hub(), user)
        .await
        .expect("opened");
    let ttl = std::time::Duration::from_secs(60);
    let now = instep_model::Timestamp::now();
    let lease = other
        .claim_lease(&id, "somebody else", ttl, now)
        .await
        .expect("claimed");
    let mut app = world.open().await;
    app.wait_up_to(std::time::Duration::from_millis(50));
    let reply = app.sync(&SyncRequest::default(), &mut |_| {}).await;
    app.close().await;
    let reply = reply.expect("a reply");
    assert_eq!(exit_of_sync(&reply), Exit::Locked);
    assert_eq!(
        (
            code(&reply, "tw").as_str(),
            code(&reply, "vikunja").as_str()
        ),
        ("", "lock_held")
    );
    other.release_lease(lease).await.expect("released");
    other.close().await;
    world.sync().await;
}

#[tokio::test]
async fn a_secret_is_written_nowhere() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    world.plan().await;
    instep_app::doctor(&world.places, false).await;
    let token = world.vikunja.token().as_bytes().to_vec();
    let mut dirs = vec![world.home.path().to_owned()];
    let mut read = 0;
    while let Some(dir) = dirs.pop() {
        for item in std::fs::read_dir(dir)
            .expect("a directory")
            .filter_map(Result::ok)
        {
            let path = item.path();
            if path.is_dir() {
                dirs.push(path);
            } else if path != world.path("token") {
                let bytes = std::fs::read(&path).expect("a file");
                read += 1;
                let found = bytes.windows(token.len()).any(|window| window == token);
                assert!(!found, "the token is in {}", path.display());
            }
        }
    }
    assert!(read > 4, "only {read} files were looked at");
}

/// Sent twice, it would close the next occurrence too (S13, S24).
#[tokio::test]
async fn s13_a_repeating_task_whose_completion_went_unanswered_is_completed_once() {
    let world = World::paired(2).await;
    let weekly = json!({
        "title": "Water the plants", "due_date": "2030-01-01T08:00:00Z", "repeat_after": 604_800,
    });
    world.make_there(weekly).await;
    world.sync().await;
    for effect in [Effect::LostReply, Effect::TruncatedBody] {
        let before = world.in_vikunja("Water the plants").await.expect("it");
        let lost = Fault::new(effect).method("PATCH").first(1);
        world.vikunja.set_fault(lost);
        world.task(&["Water", "done"]);
        let reply = world.ask(SyncRequest::default()).await;
        assert_ne!(exit_of_sync(&reply), Exit::Fine);
        world.vikunja.clear_faults();
        world.sync().await;
        let after = world.in_vikunja("Water the plants").await.expect("it");
        assert_eq!(after["done"], false);
        let due = |task: &serde_json::Value| {
            let due = task["due_date"].as_str().expect("a date");
            due.parse::<jiff::Timestamp>().expect("an instant")
        };
        assert_eq!(due(&after).duration_since(due(&before)).as_secs(), 604_800);
    }
}

/// Begins a sync, and gives it up once there are more of the requests that hang.
async fn give_up_once(app: &App, requests: impl Fn() -> usize) {
    let before = requests();
    let hangs = async {
        let began = std::time::Instant::now();
        while requests() == before {
            assert!(began.elapsed().as_secs() < 20, "nothing is asked");
            tokio::task::yield_now().await;
        }
    };
    let (request, mut ignore) = (SyncRequest::default(), |_| {});
    tokio::select! {
        reply = app.sync(&request, &mut ignore) => panic!("{reply:?}"),
        () = hangs => {}
    }
}

/// Whoever gives a sync up half-way, by going away or because the config is read again, keeps nobody
/// else from the account.
#[tokio::test]
async fn a_sync_that_is_given_up_half_way_leaves_the_account_free() {
    let world = World::paired(2).await;
    world.task(&["add", "Rent"]);
    world.sync().await;
    world.task(&["add", "Bank"]);
    world.vikunja.set_fault(Fault::new(Effect::Hang));
    let app = world.open().await;
    give_up_once(&app, || world.vikunja.requests().len()).await;
    world.vikunja.clear_faults();
    let reply = app.sync(&SyncRequest::default(), &mut |_| {}).await;
    let reply = reply.expect("the hub answers");
    assert_eq!(reply.outcome, "in_step", "{reply:#?}");
    assert!(world.in_vikunja("Bank").await.is_some());
    app.close().await;
}

/// What was sent when a sync was given up is in doubt for as long as after a time-out: the service may be
/// at work on it still (S14).
#[tokio::test]
async fn s14_a_create_that_is_given_up_half_way_is_not_repeated_at_once() {
    let world = World::paired(2).await;
    world.sync().await;
    world.task(&["add", "Bank"]);
    world
        .vikunja
        .set_fault(Fault::new(Effect::Hang).method("POST"));
    let app = world.open().await;
    let creates = || {
        let requests = world.vikunja.requests();
        requests
            .iter()
            .filter(|asked| asked.method == "POST")
            .count()
    };
    let before = creates();
    give_up_once(&app, creates).await;
    app.note_given_up().await.expect("noted");
    world.vikunja.clear_faults();
    let reply = app.sync(&SyncRequest::default(), &mut |_| {}).await;
    let reply = reply.expect("the hub answers");
    assert_eq!(code(&reply, "vikunja"), "in_doubt", "{reply:#?}");
    assert_eq!(creates(), before + 1);
    app.close().await;
}
