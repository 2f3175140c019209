//! What a person decides: conflicts, the guard.

use std::time::Duration;

use instep_api::{ConflictFilter, Exit, Resolution, State, SyncReply, SyncRequest};
use instep_app::{App, exit_of_sync};
use instep_contract::Store as _;
use instep_doubles::vikunja::{Effect, Fault};
use serde_json::json;

use super::world::{World, code};

/// One task, synced, then given two titles at once.
async fn both_retitle(world: &World) -> SyncReply {
    world.task(&["add", "Call"]);
    world.sync().await;
    let there = world.in_vikunja("Call").await.expect("a task");
    let id = there["id"].as_i64().expect("an id");
    world.task(&["Call", "modify", "Call the bank"]);
    world
        .change_there(id, json!({ "title": "Call the insurance" }))
        .await;
    world.ask(SyncRequest::default()).await
}

async fn titles(world: &World) -> (String, String) {
    let text = |value: &serde_json::Value| value.as_str().expect("a title").to_owned();
    let here = text(&world.exported()[0]["description"]);
    (here, text(&world.listed().await[0]["title"]))
}

async fn resolve(world: &World, how: Resolution) {
    let app = world.open().await;
    let known = app.conflicts(ConflictFilter::All).await.expect("conflicts");
    assert_eq!(known.conflicts.len(), 1, "{known:#?}");
    let id = known.conflicts[0].id.clone();
    app.resolve(&id, &how).await.expect("resolved");
    assert_eq!(open_conflicts(&app).await, 0);
    app.close().await;
}

async fn open_conflicts(app: &App) -> usize {
    app.conflicts(ConflictFilter::Open)
        .await
        .expect("conflicts")
        .conflicts
        .len()
}

#[tokio::test]
async fn a_policy_decides_and_the_loser_can_be_brought_back() {
    for major in [2, 3] {
        let world = World::paired(major).await;
        let reply = both_retitle(&world).await;
        assert_eq!(reply.outcome, "in_step", "{reply:#?}");
        let (here, there) = titles(&world).await;
        assert_eq!(here, there);
        let app = world.open().await;
        let known = app.conflicts(ConflictFilter::All).await.expect("conflicts");
        assert_eq!(known.conflicts.len(), 1);
        let conflict = known.conflicts[0].clone();
        assert_eq!(
            (conflict.field.as_str(), conflict.state.as_str()),
            ("title", "settled")
        );
        for (name, what) in [
            ("tw", "`tw` is no side of this conflict"),
            ("nobody", "there is no side `nobody` to keep"),
        ] {
            let how = Resolution::Account(name.to_owned());
            let failure = app.resolve(&conflict.id, &how).await;
            let failure = failure.expect_err("it is between two others");
            let why = "it is between the hub and `vikunja`, so that --keep takes hub, vikunja, \
                       newest or both";
            assert_eq!((failure.what.as_str(), failure.why.as_str()), (what, why));
        }
        app.close().await;
        let (loser, how) = match conflict.kept.as_deref() {
            Some("hub") => (conflict.remote, Resolution::Account("vikunja".to_owned())),
            _ => (conflict.hub, Resolution::Hub),
        };
        resolve(&world, how).await;
        world.sync().await;
        let loser = loser.expect("a title");
        assert_eq!(titles(&world).await, (loser.clone(), loser));
    }
}

/// One title on each side, and a policy that asks.
async fn asked() -> World {
    let world = World::paired(2).await;
    let config = std::fs::read_to_string(world.places.config()).expect("the config");
    let config = config.replace("\"newest\"", "\"ask\"");
    instep_app::config_replace(&world.places, &config).expect("a valid config");
    let reply = both_retitle(&world).await;
    assert_eq!(exit_of_sync(&reply), Exit::NeedsYou, "{reply:#?}");
    world
}

#[tokio::test]
async fn asked_to_ask_both_sides_keep_theirs_until_a_person_decides() {
    let answers = [
        (Resolution::Hub, "Call the bank"),
        (
            Resolution::Account("vikunja".to_owned()),
            "Call the insurance",
        ),
        (Resolution::Both, "Call the bank / Call the insurance"),
    ];
    for (how, expected) in answers {
        let world = asked().await;
        let differ = ("Call the bank".to_owned(), "Call the insurance".to_owned());
        assert_eq!(titles(&world).await, differ);
        let again = world.ask(SyncRequest::default()).await;
        assert_eq!(code(&again, "vikunja"), "conflict");
        assert_eq!(titles(&world).await, differ);
        resolve(&world, how).await;
        world.sync().await;
        assert_eq!(
            titles(&world).await,
            (expected.to_owned(), expected.to_owned())
        );
        assert_eq!(world.plan().await.plan, Some(Vec::new()));
    }
}

/// An answer that is given while a sync runs waits for it: the sync has read what both sides showed
/// before, and would ask the same again.
#[tokio::test]
async fn an_answer_waits_for_the_sync_that_runs() {
    let world = asked().await;
    let (syncing, answering) = (world.open().await, world.open().await);
    let known = answering.conflicts(ConflictFilter::Open).await;
    let id = known.expect("conflicts").conflicts[0].id.clone();
    world.task(&["Call", "modify", "priority:H"]);
    world.vikunja.forget_requests();
    let slowly = Fault::new(Effect::Delay(Duration::from_millis(400)));
    world.vikunja.set_fault(slowly.method("PATCH"));
    let request = SyncRequest::default();
    let mut quiet = |_| {};
    let answer = async {
        while world.vikunja.count("PATCH", "tasks") == 0 {
            tokio::task::yield_now().await;
        }
        answering.resolve(&id, &Resolution::Hub).await
    };
    let (reply, answered) = tokio::join!(syncing.sync(&request, &mut quiet), answer);
    world.vikunja.clear_faults();
    reply.expect("a reply");
    answered.expect("resolved");
    assert_eq!(open_conflicts(&answering).await, 0);
    syncing.close().await;
    answering.close().await;
    world.sync().await;
    let title = || "Call the bank".to_owned();
    assert_eq!(titles(&world).await, (title(), title()));
}

/// S11: decisions are not made beside whoever runs the account, and say so after the wait.
#[tokio::test]
async fn a_decision_leaves_an_account_alone_that_another_instance_runs() {
    let world = asked().await;
    let mut app = world.open().await;
    app.wait_up_to(Duration::from_millis(50));
    let accounts = app.accounts().await.expect("accounts");
    let account = instep_model::AccountId::new(accounts[1].id.clone());
    let user = instep_model::UserId::new("me");
    let other = instep_store::HubStore::open(&world.places.hub(), user).await;
    let other = other.expect("opened");
    let (ttl, now) = (Duration::from_secs(60), instep_model::Timestamp::now());
    let lease = other.claim_lease(&account, "somebody else", ttl, now).await;
    let lease = lease.expect("claimed");
    let known = app
        .conflicts(ConflictFilter::Open)
        .await
        .expect("conflicts");
    let failure = app.resolve(&known.conflicts[0].id, &Resolution::Hub).await;
    let failure = failure.expect_err("held");
    assert_eq!(
        (failure.exit, failure.code.as_str()),
        (Exit::Locked, "lock_held")
    );
    assert_eq!(failure.what, "`vikunja` is being synced already");
    assert_eq!(open_conflicts(&app).await, 1);
    other.release_lease(lease).await.expect("released");
    other.close().await;
    app.close().await;
    resolve(&world, Resolution::Hub).await;
}

#[tokio::test]
async fn many_deletions_wait_for_a_person() {
    for major in [2, 3] {
        let world = World::paired(major).await;
        for number in 0..12 {
            world.task(&["add", &format!("Task {number}")]);
        }
        world.sync().await;
        for task in world.listed().await {
            world
                .delete_there(task["id"].as_i64().expect("an id"))
                .await;
        }
        let held = world.ask(SyncRequest::default()).await;
        assert_eq!(exit_of_sync(&held), Exit::NeedsYou);
        assert_eq!(code(&held, "vikunja"), "guard");
        let error = held
            .accounts
            .iter()
            .find_map(|account| account.error.clone());
        let error = error.expect("an error");
        assert!(error.what.contains("12 of 12"), "{}", error.what);
        assert!(
            error.help.contains("instep sync vikunja --max-delete 12"),
            "{}",
            error.help
        );
        assert_eq!(world.exported().len(), 12, "nothing was deleted");
        let app = world.open().await;
        let status = app.status().await.expect("status");
        app.close().await;
        let vikunja = status
            .accounts
            .iter()
            .find(|account| account.name == "vikunja");
        assert_eq!(vikunja.map(|account| account.state), Some(State::NeedsYou));

        let agreed = SyncRequest {
            max_delete: Some(12),
            ..SyncRequest::default()
        };
        let done = world.ask(agreed).await;
        assert_eq!(done.outcome, "in_step", "{done:#?}");
        assert_eq!((world.exported().len(), world.listed().await.len()), (0, 0));
    }
}

/// What is made again has new ids there, and Taskwarrior keeps them: nothing is left to be carried.
#[tokio::test]
async fn what_is_restored_leaves_nothing_waiting() {
    let world = World::paired(2).await;
    for number in 0..12 {
        world.task(&["add", &format!("Task {number}")]);
    }
    world.sync().await;
    for task in world.listed().await {
        let id = task["id"].as_i64().expect("an id");
        world.delete_there(id).await;
    }
    let held = world.ask(SyncRequest::default()).await;
    assert_eq!(code(&held, "vikunja"), "guard");
    let app = world.open().await;
    let reply = app.restore("vikunja").await.expect("a reply");
    assert_eq!(reply.outcome, "in_step", "{reply:#?}");
    let status = app.status().await.expect("status");
    app.close().await;
    assert_eq!(status.not_carried, 0, "{status:#?}");
    assert!(status.accounts.iter().all(|one| one.state == State::InStep));
    assert_eq!(
        (world.exported().len(), world.listed().await.len()),
        (12, 12)
    );
}

/// Two tasks of one title on each side, other in content: nobody can tell who is who.
async fn ambiguous() -> World {
    let world = World::paired(2).await;
    world.task(&["add", "Call", "priority:H"]);
    world.task(&["add", "Call", "priority:L"]);
    for due in ["2030-01-01T09:00:00Z", "2030-02-01T09:00:00Z"] {
        world
            .make_there(json!({ "title": "Call", "due_date": due }))
            .await;
    }
    let yes = SyncRequest {
        yes: true,
        ..SyncRequest::default()
    };
    let reply = world.ask(yes).await;
    assert_eq!(code(&reply, "vikunja"), "review", "{reply:#?}");
    assert_eq!((world.exported().len(), world.listed().await.len()), (2, 2));
    world
}

#[tokio::test]
async fn what_adoption_cannot_tell_a_person_decides() {
    let world = ambiguous().await;
    let app = world.open().await;
    let matters = app
        .conflicts(ConflictFilter::Open)
        .await
        .expect("matters")
        .reviews;
    assert_eq!(matters.len(), 4, "{matters:#?}");
    for matter in &matters {
        assert_eq!(matter.reason, "equal_title");
        let newest = app.resolve(&matter.id, &Resolution::Newest).await;
        assert_eq!(newest.expect_err("no such answer").code, "other_answer");
        let done = app
            .resolve(&matter.id, &Resolution::Both)
            .await
            .expect("decided");
        assert_eq!(done.task.title, "Call");
    }
    assert_eq!(
        app.conflicts(ConflictFilter::Open)
            .await
            .expect("matters")
            .reviews,
        []
    );
    app.close().await;
    world.sync().await;
    assert_eq!((world.exported().len(), world.listed().await.len()), (4, 4));
    assert_eq!(world.plan().await.plan, Some(Vec::new()));
}

/// A matter is shown with what either side holds, beside those it may be one with.
#[tokio::test]
async fn a_matter_is_shown_with_both_of_its_sides() {
    let world = World::paired(2).await;
    world.task(&["add", "Call", "project:Work", "priority:H"]);
    let due = "2030-01-01T09:00:00Z";
    world
        .make_there(json!({ "title": "Call", "due_date": due }))
        .await;
    world.task(&["add", "Other"]);
    let yes = SyncRequest {
        yes: true,
        ..SyncRequest::default()
    };
    let reply = world.ask(yes).await;
    let app = world.open().await;
    let matters = app.conflicts(ConflictFilter::Open).await.expect("matters");
    assert_eq!(matters.reviews.len(), 2, "{reply:#?}");
    for matter in &matters.reviews {
        assert_eq!(matter.fields, None, "a list asks no service");
        let shown = app.conflict(&matter.id[..6]).await.expect("one");
        let ids: Vec<&String> = shown.reviews.iter().map(|one| &one.id).collect();
        assert_eq!((ids.len(), ids[0]), (2, &matter.id));
        for side in &shown.reviews {
            let fields = side.fields.as_ref().expect("what it holds");
            let due = fields.get("due").and_then(|due| due.as_str());
            match side.task {
                Some(_) => assert_eq!((due, &fields["priority"]), (None, &json!(3))),
                None => assert_eq!(due, Some("2030-01-01T09:00:00Z")),
            }
        }
    }
    for (id, code) in [("r", "short_id"), ("zzzz", "unknown_conflict")] {
        assert_eq!(app.conflict(id).await.expect_err(id).code, code);
    }
    app.close().await;
}

/// S16: who deleted it elsewhere reads why it is there again.
#[tokio::test]
async fn an_edit_that_beat_a_deletion_says_so() {
    let world = World::paired(2).await;
    world.task(&["add", "Call"]);
    world.task(&["add", "Rent"]);
    world.sync().await;
    let id = async |title: &str| {
        let task = world.in_vikunja(title).await.expect("a task");
        task["id"].as_i64().expect("an id")
    };
    // Deleted there, edited here; and the other way round.
    world.delete_there(id("Call").await).await;
    world.task(&["Call", "modify", "priority:H"]);
    world.task(&["Rent", "delete"]);
    world
        .change_there(id("Rent").await, json!({ "priority": 3 }))
        .await;
    let reply = world.ask(SyncRequest::default()).await;
    let why = |title: &str| {
        let mut told = reply
            .shown
            .changes
            .iter()
            .filter(|change| change.title == title);
        told.find_map(|change| change.why.clone())
    };
    let made_again = "it was missing in vikunja; made again: edited here, or never deleted there";
    for (title, words) in [
        ("Call", made_again),
        ("Rent", "an edit in vikunja beat its deletion"),
    ] {
        assert!(world.in_taskwarrior(title).is_some(), "{title}");
        assert!(world.in_vikunja(title).await.is_some(), "{title}");
        let why = why(title).unwrap_or_else(|| panic!("{title}: {reply:#?}"));
        assert_eq!(why, words, "{title}");
    }
}

/// A person knows who is who: the two become one, with what either of them held.
#[tokio::test]
async fn two_that_stood_apart_are_made_one() {
    let world = ambiguous().await;
    let app = world.open().await;
    let matters = app
        .conflicts(ConflictFilter::Open)
        .await
        .expect("matters")
        .reviews;
    let (here, there): (Vec<_>, Vec<_>) = matters.iter().partition(|one| one.task.is_some());
    let wrong = Resolution::SameAs(here[1].id.clone());
    let refused = app.resolve(&here[0].id, &wrong).await;
    assert_eq!(refused.expect_err("both are the hub's").code, "no_pair");
    for (one, other) in [(here[0], there[0]), (there[1], here[1])] {
        let same = Resolution::SameAs(other.id.clone());
        let paired = app.resolve(&one.id, &same).await.expect("paired");
        for field in ["due", "priority"] {
            assert!(paired.task.fields.contains_key(field), "{paired:#?}");
        }
    }
    assert_eq!(
        app.conflicts(ConflictFilter::Open)
            .await
            .expect("matters")
            .reviews,
        []
    );
    app.close().await;
    world.sync().await;
    let (exported, listed) = (world.exported(), world.listed().await);
    assert_eq!((exported.len(), listed.len()), (2, 2));
    assert!(
        exported.iter().all(|task| task["due"].is_string()),
        "{exported:#?}"
    );
    assert!(
        listed.iter().all(|task| task["priority"] != 0),
        "{listed:#?}"
    );
    assert_eq!(world.plan().await.plan, Some(Vec::new()));
}
