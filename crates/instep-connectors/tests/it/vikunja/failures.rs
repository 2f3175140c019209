//! Failures: each answer of the server becomes the caller's next move.

use std::time::Duration;

use instep_connectors::vikunja::VikunjaConnector;
use instep_contract::{Connector, ConnectorError, Doubt, Look};
use instep_doubles::vikunja::{Effect, Fault};
use instep_model::{AnnotationId, Change, Edit, Field, Operation, RemoteNoteId, Value};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::json;
use uuid::Uuid;

use super::server::{Server, Watch, draft, on_double, on_each, remote, titled};

fn double(server: &Server) -> &instep_doubles::vikunja::Vikunja {
    server.double.as_ref().expect("a double")
}

/// What a look meets under a fault, the client's time-out cut to something a test can wait for.
async fn look(fault: Fault) -> ConnectorError {
    let server = on_double().await;
    server
        .make_task(server.inbox().await, json!({ "title": "t" }))
        .await;
    double(&server).set_fault(fault);
    let mut connector = impatient(&server);
    connector
        .observe(None, Look::Everything)
        .await
        .expect_err("a failure")
}

/// What a create meets under a fault, and how many tasks it left.
async fn create(fault: Fault) -> (ConnectorError, usize) {
    let server = on_double().await;
    let mut connector = impatient(&server);
    connector
        .observe(None, Look::Everything)
        .await
        .expect("a look");
    double(&server).set_fault(fault.method("POST"));
    let results = connector
        .apply(&[Operation::Create(draft(titled("t")))])
        .await;
    let error = results.expect_err("a failure of the whole");
    assert!(!error.is_about_item(), "{error:?}");
    double(&server).clear_faults();
    let seen = connector
        .observe(None, Look::Everything)
        .await
        .expect("a look");
    (error, seen.tasks.len())
}

fn impatient(server: &Server) -> VikunjaConnector {
    let mut settings = server.settings(&server.token);
    settings.call_timeout = Duration::from_millis(300);
    VikunjaConnector::connect(settings).expect("a connector")
}

#[tokio::test]
async fn a_listing_that_was_cut_short_is_an_error() {
    for fault in [
        Fault::new(Effect::TruncatedBody).path("/tasks"),
        Fault::new(Effect::CutPage { keep: 0 }).path("/tasks"),
        Fault::new(Effect::NotJson).path("/tasks"),
        Fault::new(Effect::Html).path("/tasks"),
        Fault::new(Effect::CutPage { keep: 0 }).path("/projects?"),
        Fault::new(Effect::Html).path("/projects"),
    ] {
        let shown = format!("{fault:?}");
        let error = look(fault).await;
        assert!(
            matches!(error, ConnectorError::Malformed { .. }),
            "{shown}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_service_that_fails_is_unavailable_to_reads() {
    for fault in [
        Fault::status(500),
        Fault::status(502),
        Fault::status(503),
        Fault::new(Effect::LostReply),
        Fault::new(Effect::Hang),
    ] {
        let shown = format!("{fault:?}");
        let error = look(fault).await;
        assert!(
            matches!(error, ConnectorError::Unavailable { .. }),
            "{shown}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_write_without_an_answer_is_in_doubt() {
    let (error, left) = create(Fault::new(Effect::LostReply)).await;
    let lost = matches!(
        error,
        ConnectorError::OutcomeUnknown {
            doubt: Doubt::Lost,
            ..
        }
    );
    assert!(lost && left == 1, "{error:?} {left}");
    let (error, left) = create(Fault::new(Effect::Hang)).await;
    let late = matches!(
        error,
        ConnectorError::OutcomeUnknown {
            doubt: Doubt::TimedOut,
            ..
        }
    );
    assert!(late && left == 0, "{error:?} {left}");
    for fault in [
        Fault::new(Effect::LostRequest),
        Fault::new(Effect::TruncatedBody),
        Fault::new(Effect::NotJson),
        Fault::new(Effect::Html),
        Fault::status(502),
    ] {
        let shown = format!("{fault:?}");
        let (error, _) = create(fault).await;
        assert!(
            matches!(error, ConnectorError::OutcomeUnknown { .. }),
            "{shown}: {error:?}"
        );
    }
}

/// It is the answer of a busy database, which stored nothing; but whatever stands before the server
/// may say it too, when the server is through.
#[tokio::test]
async fn a_plain_500_is_busy_only_where_twice_is_the_same() {
    let (error, _) = create(Fault::status(500)).await;
    let unknown = matches!(
        error,
        ConnectorError::OutcomeUnknown {
            doubt: Doubt::Failed,
            ..
        }
    );
    assert!(unknown, "{error:?}");
    let server = on_double().await;
    let (mut watch, _) = Watch::start(&server).await;
    let made = server
        .make_task(server.inbox().await, json!({ "title": "t" }))
        .await;
    double(&server).set_fault(Fault::status(500).method("PATCH"));
    let edit = Edit {
        fields: vec![Change {
            field: Field::Title,
            from: Some(Value::Text("t".into())),
            to: Some(Value::Text("u".into())),
        }],
        ..Edit::default()
    };
    let id = remote(made);
    let update = [Operation::Update { id, edit }];
    let error = watch.connector.apply(&update).await.expect_err("a failure");
    assert!(matches!(error, ConnectorError::Busy), "{error:?}");
}

#[tokio::test]
async fn a_throttled_call_says_how_long() {
    let wait = |secs: &str| Effect::Status {
        status: 429,
        retry_after: Some(secs.into()),
    };
    let (error, left) = create(Fault::new(wait("7"))).await;
    let told = ConnectorError::Throttled {
        retry_after: Some(Duration::from_secs(7)),
    };
    assert_eq!((error.to_string(), left), (told.to_string(), 0));
    let ConnectorError::Throttled { retry_after } = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    let server = on_double().await;
    let mut connector = server.connector();
    connector
        .observe(None, Look::Everything)
        .await
        .expect("a look");
    double(&server).set_fault(Fault::status(503).method("POST"));
    let created = connector
        .apply(&[Operation::Create(draft(titled("t")))])
        .await;
    assert!(created.is_err(), "{created:?}");
    assert_eq!(double(&server).count("POST", "/tasks"), 1);
}

#[tokio::test]
async fn a_server_that_is_down_got_nothing() {
    let server = on_double().await;
    let mut connector = server.connector();
    connector
        .observe(None, Look::Everything)
        .await
        .expect("a look");
    double(&server).refuse_connections().await;
    // The connection that was kept may take the first request along when it dies.
    let first = connector
        .apply(&[Operation::Create(draft(titled("t")))])
        .await;
    assert!(first.is_err(), "{first:?}");
    let results = connector
        .apply(&[Operation::Create(draft(titled("t")))])
        .await;
    let error = results.expect_err("a failure");
    assert!(matches!(error, ConnectorError::NotSent { .. }), "{error:?}");
    double(&server).accept_connections().await;
    connector
        .observe(None, Look::Everything)
        .await
        .expect("a look");
    assert_eq!(connector.connections(), 2);
}

#[tokio::test]
async fn a_wrong_token_is_told_from_a_missing_permission() {
    on_each(async |server| {
        let mut connector = server.connector_with("tk_0000000000000000000000000000000000000000");
        let error = connector
            .observe(None, Look::Everything)
            .await
            .expect_err("a failure");
        assert!(
            matches!(error, ConnectorError::Unauthorized { .. }),
            "{error:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    on_each(async |server| {
        let permissions = json!({
            "other": ["user"], "projects": ["read_all"], "tasks": ["read_all"],
        });
        let Some(token) = server.limited_token(permissions).await else {
            return;
        };
        let mut connector = server.connector_with(&token);
        connector
            .observe(None, Look::Everything)
            .await
            .expect("a look");
        let create = [Operation::Create(draft(titled("t")))];
        let error = connector.apply(&create).await.expect_err("not permitted");
        let ConnectorError::Setup { what, help } = error else {
            panic!("{error:?}");
        };
        assert!(
            what.contains("tasks: create") && help.contains("tasks: create"),
            "{what} {help}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_page_that_is_too_large_is_read_in_smaller_ones() {
    let server = on_double().await;
    let inbox = server.inbox().await;
    let long = "long ".repeat(10_000);
    for _ in 0..30 {
        let rows = vec![json!({ "title": "t", "description": long }); 10];
        let path = format!("api/v2/projects/{inbox}/tasks/bulk");
        server
            .done(reqwest::Method::POST, &path, json!({ "tasks": rows }))
            .await;
    }
    let (_, seen) = Watch::start(&server).await;
    assert_eq!(seen.tasks.len(), 300);
}

#[tokio::test]
async fn the_token_is_never_shown() {
    let server = on_double().await;
    let token = "tk_secretsecretsecretsecretsecretsecretsec";
    let settings = server.settings(token);
    assert!(!format!("{settings:?}").contains("secret"));
    let mut connector = VikunjaConnector::connect(settings).expect("a connector");
    assert!(!format!("{connector:?}").contains("tk_secret"));
    let error = connector
        .observe(None, Look::Everything)
        .await
        .expect_err("a failure");
    assert!(!format!("{error:?} {error}").contains("tk_secret"));
}

#[test]
fn an_address_that_is_none_is_refused() {
    for url in ["", "vikunja", "ftp://example.org", "file:///tmp"] {
        let token = SecretString::from("tk".to_owned());
        let zone = instep_model::TimeZone::UTC;
        let settings = instep_connectors::vikunja::Settings::new(url, token, zone);
        let error = VikunjaConnector::connect(settings).expect_err(url);
        assert!(
            matches!(error, ConnectorError::Setup { .. }),
            "{url}: {error:?}"
        );
    }
}

#[tokio::test]
async fn an_address_with_the_api_at_its_end_will_do() {
    let server = on_double().await;
    for end in ["/", "/api/v1", "/api/v1/"] {
        let mut settings = server.settings(&server.token);
        settings.url.push_str(end);
        let mut connector = VikunjaConnector::connect(settings).expect("a connector");
        connector
            .observe(None, Look::Everything)
            .await
            .expect("a look");
    }
}

#[tokio::test]
async fn an_empty_listing_is_told_as_unlisted_and_no_more() {
    let server = on_double().await;
    server
        .make_task(server.inbox().await, json!({ "title": "t" }))
        .await;
    let (mut watch, _) = Watch::start(&server).await;
    double(&server).set_fault(Fault::new(Effect::EmptyList).path("/tasks"));
    let cursor = watch.cursor.clone();
    let seen = watch
        .connector
        .observe(Some(&cursor), Look::Everything)
        .await
        .expect("a look");
    assert_eq!((seen.tasks.len(), seen.gone.len()), (0, 1));
}

#[tokio::test]
async fn a_lost_answer_to_an_update_can_be_repeated() {
    let server = on_double().await;
    let id = server
        .make_task(server.inbox().await, json!({ "title": "t" }))
        .await;
    let (mut watch, _) = Watch::start(&server).await;
    let text = |text: &str| Some(Value::Text(text.into()));
    let edit = Edit {
        fields: vec![Change {
            field: Field::Title,
            from: text("t"),
            to: text("new"),
        }],
        ..Edit::default()
    };
    let update = Operation::Update {
        id: remote(id),
        edit,
    };
    double(&server).set_fault(Fault::new(Effect::LostReply).method("PATCH"));
    let error = watch.apply(update.clone()).await.expect_err("a failure");
    assert!(
        matches!(error, ConnectorError::OutcomeUnknown { .. }),
        "{error:?}"
    );
    double(&server).clear_faults();
    watch.apply(update).await.expect("there already");
    assert_eq!(double(&server).count("PATCH", "/tasks/"), 1);
}

/// A server whose SQLite is locked says of a comment that is to be removed that it does not exist.
#[tokio::test]
async fn a_comment_is_not_removed_because_the_server_does_not_find_it() {
    let server = on_double().await;
    let task = json!({ "title": "t" });
    let id = server.make_task(server.inbox().await, task).await;
    let path = format!("api/v2/tasks/{id}/comments");
    let text = json!({ "comment": "<p>wrong</p>" });
    let made = server.done(Method::POST, &path, text).await;
    let (mut watch, _) = Watch::start(&server).await;
    let remove = Operation::RemoveNote {
        id: remote(id),
        annotation: AnnotationId(Uuid::nil()),
        note: RemoteNoteId::new(made["id"].to_string()),
    };
    let fault = Fault::new(Effect::NoComment).method("DELETE").first(1);
    double(&server).set_fault(fault);
    let busy = watch.apply(remove.clone()).await;
    assert!(matches!(busy, Err(ConnectorError::Busy)), "{busy:?}");
    watch.apply(remove).await.expect("removed");
    assert_eq!(server.task(id).await["comments"], json!(null));
}
