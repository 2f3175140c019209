//! Webhooks of an account: installed, listed, kept in order and removed. On the double always, and
//! on a real server where `INSTEP_TEST_VIKUNJA_URL` and `INSTEP_TEST_VIKUNJA_TOKEN` name one.

mod door;
mod doubt;
mod farewell;
mod person;

use std::os::unix::fs::PermissionsExt;

use instep_api::{Exit, WebhookState};
use instep_app::{account_rename, exit_of_webhooks};
use instep_doubles::vikunja::Fault;
use reqwest::Method;
use serde_json::{Value as Json, json};

use self::person::{PUBLIC, Person, TARGET, count, on_double, on_each, one};

/// Something that happens to the files, and what it is called.
type Change = (&'static str, fn(&Person));

#[tokio::test]
async fn every_top_project_gets_one_and_only_one() {
    on_each(async |person| {
        let projects = [person.project("A", 0).await, person.project("B", 0).await];
        let child = person.project("A.a", projects[0]).await;
        let told = person.install().await;
        assert_eq!(told.target_url.as_deref(), Some(TARGET));
        assert!(told.new_secret);
        // The inbox is a project as well.
        assert_eq!(count(&told, WebhookState::Made), 3, "{told:#?}");
        for project in projects {
            person.hook(project).await;
        }
        assert!(
            person.hooks(child).await.is_empty(),
            "its parent's hears of it"
        );
        let again = person.install().await;
        assert!(!again.new_secret);
        assert_eq!(count(&again, WebhookState::Installed), 3, "{again:#?}");
        let listed = person.list().await;
        assert_eq!(count(&listed, WebhookState::Installed), 3, "{listed:#?}");
        let secret = std::fs::metadata(person.file("secret")).expect("a file");
        assert_eq!(secret.permissions().mode() & 0o777, 0o600);
        let dir = std::fs::metadata(person.file("secret").parent().expect("a directory"));
        assert_eq!(
            dir.expect("a directory").permissions().mode() & 0o777,
            0o700
        );
        let text = std::fs::read_to_string(person.file("secret")).expect("a secret");
        assert_eq!(text.trim().len(), 64);
        let told = format!("{listed:?}{again:?}");
        assert!(!told.contains(text.trim()), "the secret is shown nowhere");
    })
    .await;
}

#[tokio::test]
async fn what_is_missing_or_changed_is_mended() {
    on_each(async |person| {
        let (gone, changed) = (person.project("Gone", 0).await, person.project("Changed", 0).await);
        person.install().await;
        let path = |project: i64, id: i64| format!("api/v2/projects/{project}/webhooks/{id}");
        let hook = person.hook(gone).await;
        person.ask(Method::DELETE, &path(gone, hook), Json::Null).await;
        let hook = person.hook(changed).await;
        let less = json!({"target_url": TARGET, "events": ["task.created"]});
        person.ask(Method::PUT, &path(changed, hook), less).await;
        let theirs = json!({"target_url": "https://elsewhere.example/hooks/vikunja", "events": ["task.created"]});
        let webhooks = format!("api/v2/projects/{changed}/webhooks");
        let theirs = person.ask(Method::POST, &webhooks, theirs).await;
        let listed = person.list().await;
        assert_eq!(count(&listed, WebhookState::Missing), 2, "{listed:#?}");
        let told = person.install().await;
        assert_eq!(count(&told, WebhookState::Made), 1, "{told:#?}");
        assert_eq!(count(&told, WebhookState::Mended), 1, "{told:#?}");
        person.hook(gone).await;
        // The one of somebody else stays.
        let hooks = person.hooks(changed).await;
        assert!(hooks.iter().any(|(id, _)| *id == theirs["id"]), "{hooks:?}");
        assert!(hooks.iter().any(|(id, _)| *id == hook), "{hooks:?}");
        assert_eq!(hooks.len(), 2);
        let listed = person.list().await;
        assert_eq!(count(&listed, WebhookState::Installed), listed.webhooks.len());
    })
    .await;
}

#[tokio::test]
async fn a_new_project_gets_one_and_nothing_new_costs_nothing() {
    on_each(async |person| {
        assert!(person.ensure().await.is_none(), "nothing is installed");
        person.install().await;
        person.sync().await;
        person.ensure().await;
        if let Some(double) = &person.double {
            double.forget_requests();
        }
        assert!(person.ensure().await.is_none());
        if let Some(double) = &person.double {
            assert!(double.requests().is_empty(), "{:?}", double.requests());
        }
        // A sync that shows another project sees to it.
        let new = person.project("New", 0).await;
        person.sync().await;
        person.hook(new).await;
        assert!(person.ensure().await.is_none());
        // A project that comes to lie in another is heard of by that one's.
        let outer = person.project("Outer", 0).await;
        let path = format!("api/v2/projects/{new}");
        let body = json!({"title": "New", "parent_project_id": outer});
        person.ask(Method::PUT, &path, body).await;
        person.sync().await;
        assert!(person.hooks(new).await.is_empty());
        person.hook(outer).await;
        // And one that is gone is forgotten.
        let path = format!("api/v2/projects/{outer}");
        person.ask(Method::DELETE, &path, Json::Null).await;
        person.sync().await;
        assert!(person.ensure().await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_secret_that_is_lost_or_replaced_is_replaced_everywhere() {
    on_each(async |person| {
        let project = person.project("A", 0).await;
        person.install().await;
        let mut before = person.hook(project).await;
        let changes: [Change; 4] = [
            ("lost", |person| {
                std::fs::remove_file(person.file("secret")).expect("gone")
            }),
            ("empty", |person| {
                std::fs::write(person.file("secret"), "\n").expect("empty")
            }),
            ("open to others", |person| {
                let mode = std::fs::Permissions::from_mode(0o644);
                std::fs::set_permissions(person.file("secret"), mode).expect("a mode");
            }),
            ("not known", |person| {
                std::fs::remove_file(person.file("json")).expect("gone")
            }),
        ];
        for (what, change) in changes {
            change(person);
            let told = person
                .ensure()
                .await
                .unwrap_or_else(|| panic!("{what}: nothing to do"));
            assert_eq!(told.error, None, "{what}");
            assert_eq!(told.new_secret, what != "not known", "{what}");
            let after = person.hook(project).await;
            assert_ne!(after, before, "{what}: made with another secret");
            before = after;
            assert!(
                person.ensure().await.is_none() || what == "not known",
                "{what}"
            );
        }
        let app = person.open().await;
        let keys = app.hook_keys();
        assert_eq!(keys.account("vikunja").expect("a poster").secrets.len(), 1);
        let told = app
            .webhook_install(None, None, true)
            .await
            .expect("a reply");
        assert!(one(told).new_secret);
        assert_ne!(person.hook(project).await, before);
        let found = keys.account("vikunja").expect("a poster");
        assert_eq!(
            found.secrets.len(),
            1,
            "the one before counts until all have the new one"
        );
        std::fs::write(person.file("secret"), "").expect("empty");
        assert!(keys.account("vikunja").is_none(), "an empty secret is none");
        app.close().await;
    })
    .await;
}

/// While a project cannot be reached, its webhook still signs with the secret before.
#[tokio::test]
async fn both_secrets_count_until_every_webhook_has_the_new_one() {
    let person = on_double().await;
    let project = person.project("A", 0).await;
    person.install().await;
    let double = person.double.as_ref().expect("a double");
    double.set_fault(
        Fault::status(503)
            .method("GET")
            .path(&format!("/projects/{project}/webhooks")),
    );
    let reply = person.ask_install(None, true).await;
    assert_eq!(exit_of_webhooks(&reply), Exit::Unreachable, "{reply:#?}");
    assert_eq!(person.secrets(), 2);
    let app = person.open().await;
    let keys = app.hook_keys();
    assert_eq!(keys.account("vikunja").expect("a poster").secrets.len(), 2);
    double.clear_faults();
    let told = app.ensure_webhooks("vikunja").await.expect("an answer");
    assert_eq!(told.expect("something to do").error, None);
    assert_eq!(person.secrets(), 1);
    assert_eq!(keys.account("vikunja").expect("a poster").secrets.len(), 1);
    app.close().await;
}

#[tokio::test]
async fn another_address_or_name_leaves_no_old_one_behind() {
    on_each(async |person| {
        let project = person.project("A", 0).await;
        person.install().await;
        let reply = person
            .ask_install(Some("https://new.example.org/"), false)
            .await;
        assert_eq!(reply.public_url.as_deref(), Some("https://new.example.org"));
        let hooks = person.hooks(project).await;
        assert_eq!(hooks.len(), 1, "{hooks:?}");
        assert_eq!(hooks[0].1, "https://new.example.org/hooks/vikunja");
        let config = std::fs::read_to_string(person.places.config()).expect("a config");
        assert!(
            config.contains("[daemon]\npublic_url = \"https://new.example.org\""),
            "{config}"
        );
        account_rename(&person.places, "vikunja", "work")
            .await
            .expect("another name");
        let app = person.open().await;
        let keys = app.hook_keys();
        for name in ["vikunja", "work"] {
            assert!(
                keys.account(name).is_some(),
                "{name}: what is posted to is heard"
            );
        }
        let told = app.ensure_webhooks("work").await.expect("an answer");
        assert_eq!(told.expect("something to do").error, None);
        let hooks = person.hooks(project).await;
        assert_eq!(hooks.len(), 1, "{hooks:?}");
        assert_eq!(hooks[0].1, "https://new.example.org/hooks/work");
        assert!(keys.account("vikunja").is_none() && keys.account("work").is_some());
        assert!(keys.account("").is_none() && keys.account("hooks").is_none());
        app.close().await;
    })
    .await;
}

#[tokio::test]
async fn removing_takes_all_of_ours_and_the_secret() {
    on_each(async |person| {
        let project = person.project("A", 0).await;
        let theirs =
            json!({"target_url": "https://elsewhere.example/", "events": ["task.created"]});
        let webhooks = format!("api/v2/projects/{project}/webhooks");
        person.ask(Method::POST, &webhooks, theirs).await;
        person.install().await;
        assert_eq!(person.hooks(project).await.len(), 2);
        let app = person.open().await;
        let told = one(app.webhook_remove(None).await.expect("a reply"));
        assert_eq!(told.error, None);
        assert_eq!(count(&told, WebhookState::Removed), 2, "{told:#?}");
        assert_eq!(person.hooks(project).await.len(), 1);
        assert!(!person.file("secret").exists() && !person.file("json").exists());
        assert!(app.hook_keys().account("vikunja").is_none());
        let again = one(app.webhook_remove(None).await.expect("a reply"));
        assert_eq!((again.error, again.webhooks.len()), (None, 0));
        assert!(
            app.ensure_webhooks("vikunja")
                .await
                .expect("an answer")
                .is_none()
        );
        app.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_project_that_may_only_be_read_is_told_and_the_others_go_on() {
    on_each(async |person| {
        let own = person.project("Own", 0).await;
        let (token, _) = person.register().await;
        let body = json!({"title": "Shared", "parent_project_id": 0});
        let shared = person
            .ask_as(&token, Method::POST, "api/v2/projects", body)
            .await;
        let shared = shared["id"].as_i64().expect("a project");
        let me = person.ask(Method::GET, "api/v1/user", Json::Null).await;
        let share = json!({"username": me["username"], "permission": 0});
        let path = format!("api/v1/projects/{shared}/users");
        person.ask_as(&token, Method::PUT, &path, share).await;
        let reply = person.ask_install(Some(PUBLIC), false).await;
        assert_eq!(exit_of_webhooks(&reply), Exit::Partial);
        let told = one(reply);
        let refused = told
            .webhooks
            .iter()
            .find(|one| one.project_id == shared)
            .expect("told");
        assert_eq!(refused.state, WebhookState::Refused, "{refused:?}");
        assert!(refused.why.is_some());
        person.hook(own).await;
    })
    .await;
}

#[tokio::test]
async fn what_cannot_work_is_said_before_anything_is_written() {
    let person = on_double().await;
    let app = person.open().await;
    let failure = app
        .webhook_install(None, None, false)
        .await
        .expect_err("no address");
    assert_eq!(
        (failure.code.as_str(), failure.exit),
        ("no_public_url", Exit::Usage)
    );
    let failure = app
        .webhook_install(None, Some("tasks"), false)
        .await
        .expect_err("no URL");
    assert_eq!(failure.code, "bad_url");
    let failure = app
        .webhook_install(Some("vikunia"), Some(PUBLIC), false)
        .await;
    assert_eq!(failure.expect_err("no account").code, "unknown_account");
    let local = app
        .webhook_install(None, Some("http://127.0.0.1:7117"), false)
        .await;
    let local = local.expect("a reply");
    assert!(
        local
            .notes
            .iter()
            .any(|note| note.text.contains("allownonroutableips")),
        "{local:#?}"
    );
    app.webhook_remove(None).await.expect("a reply");
    app.close().await;

    let login = json!({"username": instep_doubles::vikunja::ADMIN, "password": instep_doubles::vikunja::ADMIN_PASSWORD});
    let login = person.ask_as("", Method::POST, "api/v1/login", login).await;
    let permissions = json!({
        "other": ["user"], "projects": ["read_all"], "projects_webhooks": ["read_all", "create"],
    });
    let login = login["token"].as_str().expect("a login");
    person.keep_token(&person.token_with(login, permissions).await);
    let double = person.double.as_ref().expect("a double");
    let told = one(person.ask_install(Some(PUBLIC), false).await);
    let failure = told.error.expect("a failure");
    assert_eq!(
        (failure.code.as_str(), failure.exit),
        ("missing_rights", Exit::NeedsLogin)
    );
    assert!(
        failure.why.contains("projects_webhooks: update"),
        "{failure:?}"
    );
    assert!(failure.why.contains("webhooks: events"), "{failure:?}");
    assert!(!failure.why.contains("create"), "{failure:?}");
    assert!(
        failure.help.contains("/user/settings/api-tokens"),
        "{failure:?}"
    );

    double.refuse_connections().await;
    let told = one(person.ask_install(Some(PUBLIC), false).await);
    assert_eq!(told.error.expect("a failure").exit, Exit::Unreachable);
}

/// What a webhook tells is a reason to look, however often it comes.
#[tokio::test]
async fn what_a_webhook_tells_is_accepted_once() {
    let person = on_double().await;
    person.install().await;
    person.sync().await;
    let app = person.open().await;
    let account = app.hook_keys().account("vikunja").expect("a poster").id;
    let turn = async || {
        let turned = app.turn(&account, instep_app::Turn::Told).await;
        turned.expect("an answer")
    };
    assert!(turn().await.is_none(), "nothing was told");
    let delivery = instep_app::Delivery {
        account: account.clone(),
        id: Some("webhook 00ff".to_owned()),
        items: vec![instep_app::RemoteId::new("17")],
    };
    for _ in 0..100 {
        let accepted = app.accept_webhook(&delivery).await;
        accepted.expect("accepted");
    }
    let looked = app.turn(&account, instep_app::Turn::Look).await;
    let looked = looked.expect("an answer").expect("a look");
    assert!(looked.more && looked.seen.is_empty(), "{looked:?}");
    let turned = turn().await.expect("something was told");
    assert_eq!(
        (turned.changes(), &turned.failure),
        (0, &None),
        "no task has this id"
    );
    assert!(turn().await.is_some(), "it is not over yet");
    app.finish(&turned).await.expect("finished");
    assert!(turn().await.is_none(), "one look saw to all of it");
    let again = app.accept_webhook(&delivery).await;
    again.expect("accepted");
    assert!(turn().await.is_none(), "it was known");
    let nobodys = instep_app::Delivery {
        account: instep_app::AccountId::new("nobody"),
        ..delivery
    };
    let other = app.accept_webhook(&nobodys).await;
    other.expect("dropped");
    app.close().await;
}
