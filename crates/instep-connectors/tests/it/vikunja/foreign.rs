//! Answers that say yes and are not Vikunja's: a login page, a proxy, a cache. What they answered
//! may have reached nothing, so no write counts as done by them (I8).

use instep_contract::ConnectorError;
use instep_doubles::vikunja::{Effect, Fault};
use instep_model::{AnnotationId, DraftNote, Link, Operation, RemoteId, RemoteNoteId};
use serde_json::json;
use uuid::Uuid;

use super::server::{Server, Watch, at, draft, on_double, remote, titled};

fn note(remote: Option<RemoteNoteId>, text: &str) -> DraftNote {
    DraftNote {
        id: AnnotationId(Uuid::nil()),
        remote,
        at: at("2026-01-01T00:00:00Z"),
        text: text.into(),
    }
}

/// A task with a label, a comment and a relation; another label and another task.
struct Furnished {
    id: RemoteId,
    said: RemoteNoteId,
    linked: RemoteId,
    free: RemoteId,
}

async fn furnish(server: &Server, watch: &mut Watch) -> Furnished {
    let inbox = server.inbox().await;
    let make = async |title: &str| remote(server.make_task(inbox, json!({ "title": title })).await);
    let (id, linked, free) = (make("t").await, make("linked").await, make("free").await);
    for tag in ["on", "off"] {
        let made = watch.apply(Operation::CreateTag { tag: tag.into() }).await;
        made.expect("a label");
    }
    let (tag, link) = ("on".into(), Link::DependsOn);
    let add = Operation::AddTag {
        id: id.clone(),
        tag,
    };
    watch.apply(add).await.expect("a label on it");
    let add = Operation::AddLink {
        id: id.clone(),
        link,
        other: linked.clone(),
    };
    watch.apply(add).await.expect("a relation");
    let add = Operation::AddNote {
        id: id.clone(),
        note: note(None, "said"),
    };
    let said = watch.apply(add).await.expect("a comment").note;
    Furnished {
        id,
        said: said.expect("its id"),
        linked,
        free,
    }
}

/// One of every write but those of a task's body.
fn writes(there: Furnished) -> [Operation; 10] {
    let Furnished {
        id,
        said,
        linked,
        free,
    } = there;
    let link = Link::DependsOn;
    [
        Operation::Create(draft(titled("new"))),
        Operation::SetTags {
            id: id.clone(),
            tags: ["on".to_owned(), "off".to_owned()].into(),
        },
        Operation::AddTag {
            id: id.clone(),
            tag: "off".into(),
        },
        Operation::RemoveTag {
            id: id.clone(),
            tag: "on".into(),
        },
        Operation::AddNote {
            id: id.clone(),
            note: note(None, "more"),
        },
        Operation::EditNote {
            id: id.clone(),
            note: note(Some(said.clone()), "reworded"),
        },
        Operation::RemoveNote {
            id: id.clone(),
            annotation: AnnotationId(Uuid::nil()),
            note: said,
        },
        Operation::AddLink {
            id: id.clone(),
            link,
            other: free,
        },
        Operation::RemoveLink {
            id: id.clone(),
            link,
            other: linked,
        },
        Operation::Delete { id },
    ]
}

#[tokio::test]
async fn a_yes_that_is_not_vikunjas_leaves_every_write_in_doubt() {
    let server = on_double().await;
    let double = server.double.as_ref().expect("a double");
    let (mut watch, _) = Watch::start(&server).await;
    let there = furnish(&server, &mut watch).await;
    let id: i64 = there.id.as_str().parse().expect("a number");
    let shown = async || {
        let mut task = server.task(id).await;
        // Moved a moment after a comment was made, whatever is done meanwhile.
        task["updated"].take();
        task
    };
    let before = shown().await;
    for operation in writes(there) {
        for effect in [Effect::Html, Effect::NotJson, yes()] {
            for method in ["POST", "PUT", "DELETE"] {
                double.set_fault(Fault::new(effect.clone()).method(method));
            }
            let error = watch.apply(operation.clone()).await.expect_err("in doubt");
            double.clear_faults();
            assert!(
                matches!(error, ConnectorError::OutcomeUnknown { .. }),
                "{effect:?} {operation:?}: {error:?}"
            );
        }
    }
    assert_eq!(shown().await, before);
}

/// JSON, with status 200, of something that is no Vikunja.
fn yes() -> Effect {
    Effect::Status {
        status: 200,
        retry_after: None,
    }
}
