//! Writes: what each operation leaves on the server, and what it costs.

use std::collections::BTreeSet;

use instep_contract::{Connector, ConnectorError};
use instep_model::{
    Anchor, AnnotationId, Change, DraftNote, Edit, Field, Fields, Link, Operation, ProjectPath,
    Reminder, Status, Value, When,
};
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::server::{Server, Watch, at, draft, on_each, remote, titled};

fn change(field: Field, from: Option<Value>, to: Option<Value>) -> Change {
    Change { field, from, to }
}

fn update(id: i64, fields: Vec<Change>) -> Operation {
    let edit = Edit {
        fields,
        ..Edit::default()
    };
    Operation::Update {
        id: remote(id),
        edit,
    }
}

fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.into()))
}

fn number(id: &instep_model::RemoteId) -> i64 {
    id.as_str().parse().expect("a number")
}

#[tokio::test]
async fn a_full_task_is_stored_as_it_was_sent() {
    on_each(async |server| {
        let (mut watch, _) = Watch::start(server).await;
        let when = |text: &str| Value::When(When::At(at(text)));
        let reminders = [
            Reminder::At(When::At(at("2027-01-01T07:00:00Z"))),
            Reminder::Relative {
                anchor: Anchor::Due,
                offset_secs: -3600,
            },
        ];
        let fields = titled("full")
            .with(Field::Notes, Value::Text("- [ ] a\n- [x] b".into()))
            .with(Field::Priority, Value::Number(4))
            .with(Field::Due, when("2027-01-02T08:00:00Z"))
            .with(Field::Start, when("2027-01-01T08:00:00Z"))
            .with(Field::End, when("2027-01-03T08:00:00Z"))
            .with(Field::PercentDone, Value::Number(57))
            .with(Field::Reminders, Value::Reminders(reminders.into()))
            .with(
                Field::Recurrence,
                Value::Text("FREQ=DAILY;INTERVAL=3".into()),
            );
        let made = watch
            .apply(Operation::Create(draft(fields.clone())))
            .await
            .expect("made");
        let held = made.held.expect("what is held");
        let read = watch
            .connector
            .read(std::slice::from_ref(&made.id))
            .await
            .expect("a task");
        let read = read[0].clone().expect("the task");
        for task in [&held, &read] {
            for (field, value) in fields.iter() {
                assert_eq!(task.fields.get(field), Some(value), "{field}");
            }
        }
        let stored = server.task(number(&made.id)).await;
        assert_eq!(stored["repeat_after"], json!(259_200));
        assert!(
            stored["description"]
                .as_str()
                .expect("html")
                .contains("data-type=\"taskList\"")
        );
    })
    .await;
}

#[tokio::test]
async fn a_done_task_keeps_when_it_was_done() {
    on_each(async |server| {
        let (mut watch, _) = Watch::start(server).await;
        let fields = titled("past")
            .with(Field::Status, Value::Status(Status::Done))
            .with(
                Field::CompletedAt,
                Value::Instant(at("2026-01-02T03:04:05Z")),
            );
        let made = watch
            .apply(Operation::Create(draft(fields)))
            .await
            .expect("made");
        let stored = server.task(number(&made.id)).await;
        let done_at = at(stored["done_at"].as_str().expect("a time"));
        assert_eq!(done_at, at("2026-01-02T03:04:05Z"));
    })
    .await;
}

#[tokio::test]
async fn a_thousand_tasks_take_ten_calls() {
    on_each(async |server| {
        let (mut watch, _) = Watch::start(server).await;
        let before = watch.connector.calls();
        let mut made = BTreeSet::new();
        for batch in 0..10 {
            let batch: Vec<Operation> = (0..100)
                .map(|n| Operation::Create(draft(titled(&format!("t{batch}-{n}")))))
                .collect();
            for result in watch.connector.apply(&batch).await.expect("a batch") {
                made.insert(result.expect("made").id);
            }
        }
        assert_eq!((made.len(), watch.connector.calls() - before), (1000, 10));
        let (seen, _) = watch.look().await;
        assert_eq!(seen.tasks.len(), 1000);
    })
    .await;
}

#[tokio::test]
async fn creates_for_several_projects_each_find_theirs() {
    on_each(async |server| {
        let one = server.make_project("One", 0).await;
        let two = server.make_project("Two", 0).await;
        let mut connector = server.connector();
        let batch: Vec<Operation> = [one, two, one]
            .into_iter()
            .map(|home| {
                let mut draft = draft(titled(&format!("in {home}")));
                draft.collection = Some(instep_model::CollectionId::new(home.to_string()));
                Operation::Create(draft)
            })
            .collect();
        let results = connector.apply(&batch).await.expect("a batch");
        let homes: Vec<String> = results
            .into_iter()
            .map(|result| {
                result
                    .expect("made")
                    .collection
                    .expect("a project")
                    .to_string()
            })
            .collect();
        assert_eq!(homes, [one, two, one].map(|home| home.to_string()));
    })
    .await;
}

#[tokio::test]
async fn one_bad_task_keeps_the_whole_batch_back() {
    on_each(async |server| {
        let (mut watch, _) = Watch::start(server).await;
        let long = "FREQ=SECONDLY;INTERVAL=315360001";
        for bad in [titled(""), titled("b").with(Field::Recurrence, text(long))] {
            let good = bad.get(Field::Recurrence).is_some();
            let batch = [titled("a"), bad, titled("c")].map(|t| Operation::Create(draft(t)));
            let answer = watch.connector.apply(&batch).await;
            if good {
                // Beyond what Vikunja takes, a rule is not sent at all.
                assert!(answer.expect("a batch").iter().all(Result::is_ok));
            } else {
                let error = answer.expect_err("one is bad");
                assert!(
                    matches!(error, ConnectorError::Rejected { .. }),
                    "{error:?}"
                );
            }
        }
        let (seen, _) = watch.look().await;
        assert_eq!(seen.tasks.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn an_update_writes_what_changes_and_nothing_else() {
    on_each(async |server| {
        let inbox = server.inbox().await;
        let body = json!({
            "title": "t", "description": "<p>kept <u>as is</u></p>", "priority": 2,
            "due_date": "2027-01-01T00:00:00Z", "is_favorite": true, "hex_color": "ff0000",
            "reminders": [{ "reminder": "2027-01-01T00:00:00Z" }],
        });
        let id = server.make_task(inbox, body).await;
        let (mut watch, _) = Watch::start(server).await;
        let edit = update(id, vec![change(Field::Title, text("t"), text("new"))]);
        let before = watch.connector.calls();
        let done = watch.apply(edit.clone()).await.expect("written");
        assert_eq!(watch.connector.calls() - before, 2);
        assert_eq!(done.held.expect("held").fields.title(), "new");
        let stored = server.task(id).await;
        assert_eq!(stored["description"], json!("<p>kept <u>as is</u></p>"));
        let kept = [
            &stored["is_favorite"],
            &stored["hex_color"],
            &stored["priority"],
        ];
        assert_eq!(kept, [&json!(true), &json!("ff0000"), &json!(2)]);
        assert_eq!(stored["reminders"].as_array().map(Vec::len), Some(1));
        // What holds the new value already is left alone.
        let before = watch.connector.calls();
        watch.apply(edit).await.expect("held already");
        assert_eq!(watch.connector.calls() - before, 1);
        let stale = update(id, vec![change(Field::Title, text("t"), text("other"))]);
        let error = watch.apply(stale).await.expect_err("stale");
        assert!(matches!(error, ConnectorError::Stale { .. }), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn every_field_can_be_changed_and_cleared() {
    on_each(async |server| {
        let id = server
            .make_task(server.inbox().await, json!({ "title": "t" }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        let when = Value::When(When::At(at("2027-01-02T08:00:00Z")));
        let moment = Reminder::At(When::At(at("2027-01-01T07:00:00Z")));
        for (field, value) in [
            (Field::Notes, Value::Text("**bold** a_b".into())),
            (Field::Status, Value::Status(Status::Done)),
            (Field::Priority, Value::Number(5)),
            (Field::Due, when.clone()),
            (Field::Start, when.clone()),
            (Field::End, when),
            (Field::PercentDone, Value::Number(29)),
            (Field::Reminders, Value::Reminders([moment].into())),
            (Field::Recurrence, Value::Text("FREQ=MONTHLY".into())),
        ] {
            for (from, to) in [(None, Some(value.clone())), (Some(value.clone()), None)] {
                let edit = update(id, vec![change(field, from, to.clone())]);
                let done = watch.apply(edit).await.expect("written");
                let read = watch.connector.read(&[remote(id)]).await.expect("a task");
                let read = read[0].clone().expect("the task");
                assert_eq!(read.fields.get(field), to.as_ref(), "{field}");
                assert_eq!(done.held.expect("held").fields, read.fields, "{field}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_rule_that_cannot_be_expressed_is_written_as_none() {
    on_each(async |server| {
        let mut connector = server.connector();
        let rule = Value::Text("FREQ=WEEKLY;BYDAY=MO,TH".into());
        let fields = titled("t").with(Field::Recurrence, rule);
        let results = connector.apply(&[Operation::Create(draft(fields))]).await;
        let made = results.expect("a batch").remove(0).expect("made");
        let held = made.held.expect("held");
        assert_eq!(held.fields.get(Field::Recurrence), None);
    })
    .await;
}

#[tokio::test]
async fn a_repeating_task_is_completed_once() {
    on_each(async |server| {
        let body = json!({
            "title": "daily", "due_date": "2030-01-01T08:00:00Z", "repeat_after": 86_400,
        });
        let id = server.make_task(server.inbox().await, body).await;
        let (mut watch, _) = Watch::start(server).await;
        let due = |text: &str| Some(Value::When(When::At(at(text))));
        let done = vec![change(
            Field::Status,
            None,
            Some(Value::Status(Status::Done)),
        )];
        let answer = watch.apply(update(id, done)).await.expect("completed");
        let held = answer.held.expect("held");
        assert_eq!(
            held.fields.get(Field::Due).cloned(),
            due("2030-01-02T08:00:00Z")
        );
        assert_eq!(held.fields.status(), Status::Open);
    })
    .await;
}

#[tokio::test]
// tidy: long because it follows one task through its labels
async fn tags_come_and_go_one_by_one() {
    on_each(async |server| {
        let id = server
            .make_task(server.inbox().await, json!({ "title": "t" }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        let wanted = ["red".to_owned(), "a, b".to_owned()];
        let missing = watch
            .connector
            .missing_tags(&wanted)
            .await
            .expect("an answer");
        assert_eq!(missing, wanted);
        for tag in &wanted {
            let made = watch
                .apply(Operation::CreateTag { tag: tag.clone() })
                .await
                .expect("made");
            let again = watch.apply(Operation::CreateTag { tag: tag.clone() }).await;
            assert_eq!(again.expect("there already").id, made.id);
        }
        assert!(
            watch
                .connector
                .missing_tags(&wanted)
                .await
                .expect("an answer")
                .is_empty()
        );
        let task = remote(id);
        let red = || "red".to_owned();
        let operations = [
            (
                Operation::SetTags {
                    id: task.clone(),
                    tags: wanted.clone().into(),
                },
                2,
            ),
            (
                Operation::RemoveTag {
                    id: task.clone(),
                    tag: red(),
                },
                1,
            ),
            (
                Operation::RemoveTag {
                    id: task.clone(),
                    tag: red(),
                },
                1,
            ),
            (
                Operation::AddTag {
                    id: task.clone(),
                    tag: red(),
                },
                2,
            ),
            (
                Operation::AddTag {
                    id: task.clone(),
                    tag: red(),
                },
                2,
            ),
            (
                Operation::SetTags {
                    id: task.clone(),
                    tags: BTreeSet::new(),
                },
                0,
            ),
        ];
        for (operation, count) in operations {
            let shown = format!("{operation:?}");
            watch.apply(operation).await.expect("written");
            let stored = server.task(id).await;
            assert_eq!(
                stored["labels"].as_array().map_or(0, Vec::len),
                count,
                "{shown}"
            );
        }
        let unknown = Operation::AddTag {
            id: task,
            tag: "nowhere".into(),
        };
        let error = watch.apply(unknown).await.expect_err("no such label");
        assert!(matches!(
            error,
            ConnectorError::Rejected {
                field: Some(Field::Tags),
                ..
            }
        ));
    })
    .await;
}

#[tokio::test]
async fn notes_are_written_changed_and_removed() {
    on_each(async |server| {
        let id = server
            .make_task(server.inbox().await, json!({ "title": "t" }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        let note = |remote, text: &str| DraftNote {
            id: AnnotationId(Uuid::nil()),
            remote,
            at: at("2026-01-01T00:00:00Z"),
            text: text.into(),
        };
        let add = Operation::AddNote {
            id: remote(id),
            note: note(None, "a *b*"),
        };
        let made = watch
            .apply(add)
            .await
            .expect("written")
            .note
            .expect("its id");
        let comment = async || server.task(id).await["comments"][0]["comment"].clone();
        assert_eq!(comment().await, json!("<p>a <em>b</em></p>"));
        let edit = Operation::EditNote {
            id: remote(id),
            note: note(Some(made.clone()), "c"),
        };
        watch.apply(edit.clone()).await.expect("written");
        assert_eq!(comment().await, json!("<p>c</p>"));
        let annotation = AnnotationId(Uuid::nil());
        let remove = Operation::RemoveNote {
            id: remote(id),
            annotation,
            note: made,
        };
        watch.apply(remove.clone()).await.expect("removed");
        assert_eq!(comment().await, Json::Null);
        watch.apply(remove).await.expect("gone already");
        let error = watch.apply(edit).await.expect_err("gone");
        assert!(matches!(error, ConnectorError::Stale { .. }), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn links_are_made_once_and_removed_once() {
    on_each(async |server| {
        let inbox = server.inbox().await;
        let a = server.make_task(inbox, json!({ "title": "a" })).await;
        let b = server.make_task(inbox, json!({ "title": "b" })).await;
        let (mut watch, _) = Watch::start(server).await;
        for link in [Link::DependsOn, Link::PartOf] {
            let add = Operation::AddLink {
                id: remote(a),
                link,
                other: remote(b),
            };
            let remove = Operation::RemoveLink {
                id: remote(a),
                link,
                other: remote(b),
            };
            for _ in 0..2 {
                watch.apply(add.clone()).await.expect("linked");
            }
            let read = watch.connector.read(&[remote(a)]).await.expect("a task");
            let read = read[0].clone().expect("the task");
            let linked = match link {
                Link::DependsOn => read.depends.contains(&remote(b)),
                Link::PartOf => read.parent == Some(remote(b)),
            };
            assert!(linked, "{link:?}");
            for _ in 0..2 {
                watch.apply(remove.clone()).await.expect("unlinked");
            }
            let read = watch.connector.read(&[remote(a)]).await.expect("a task");
            let read = read[0].clone().expect("the task");
            assert!(read.depends.is_empty() && read.parent.is_none(), "{link:?}");
        }
        let part = |id, other| Operation::AddLink {
            id,
            link: Link::PartOf,
            other,
        };
        watch
            .apply(part(remote(a), remote(b)))
            .await
            .expect("linked");
        let error = watch
            .apply(part(remote(b), remote(a)))
            .await
            .expect_err("a circle");
        assert!(matches!(
            error,
            ConnectorError::Rejected {
                field: Some(Field::Parent),
                ..
            }
        ));
    })
    .await;
}

#[tokio::test]
async fn projects_are_made_where_they_belong_and_once() {
    on_each(async |server| {
        let (mut watch, _) = Watch::start(server).await;
        let path = |titles: &[&str]| ProjectPath::new(titles.iter().copied()).expect("a path");
        let make = |titles: &[&str]| Operation::CreateCollection { path: path(titles) };
        let orphan = watch
            .apply(make(&["Home", "Garden"]))
            .await
            .expect_err("no parent");
        assert!(matches!(orphan, ConnectorError::CollectionGone { .. }));
        watch.apply(make(&["Home"])).await.expect("made");
        let garden = watch.apply(make(&["Home", "Garden"])).await.expect("made");
        let again = watch
            .apply(make(&["Home", "Garden"]))
            .await
            .expect("there already");
        assert_eq!(again.collection, garden.collection);
        let id = server
            .make_task(server.inbox().await, json!({ "title": "t" }))
            .await;
        let to_garden = Value::Path(path(&["Home", "Garden"]));
        let edit = Edit {
            fields: vec![change(Field::Project, None, Some(to_garden.clone()))],
            collection: garden.collection.clone(),
            ..Edit::default()
        };
        let moved = watch
            .apply(Operation::Update {
                id: remote(id),
                edit,
            })
            .await
            .expect("moved");
        let held = moved.held.expect("held");
        assert_eq!(held.collection, garden.collection);
        assert_eq!(held.fields.get(Field::Project), Some(&to_garden));
        let back = update(id, vec![change(Field::Project, Some(to_garden), None)]);
        let moved = watch.apply(back).await.expect("moved back");
        assert_eq!(moved.held.expect("held").fields.get(Field::Project), None);
    })
    .await;
}

#[tokio::test]
async fn a_task_is_deleted_once_and_then_gone() {
    on_each(async |server| {
        let id = server
            .make_task(server.inbox().await, json!({ "title": "t" }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        for _ in 0..2 {
            watch
                .apply(Operation::Delete { id: remote(id) })
                .await
                .expect("gone");
        }
        let edit = update(id, vec![change(Field::Title, text("t"), text("new"))]);
        let error = watch.apply(edit).await.expect_err("gone");
        assert!(matches!(error, ConnectorError::Gone { .. }), "{error:?}");
        let red = Operation::AddNote {
            id: remote(id),
            note: DraftNote {
                id: AnnotationId(Uuid::nil()),
                remote: None,
                at: at("2026-01-01T00:00:00Z"),
                text: "late".into(),
            },
        };
        let error = watch.apply(red).await.expect_err("gone");
        assert!(matches!(error, ConnectorError::Gone { .. }), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn an_archived_project_is_read_only() {
    on_each(async |server| {
        let project = server.make_project("Old", 0).await;
        let id = server.make_task(project, json!({ "title": "t" })).await;
        server
            .patch_project(project, json!({ "is_archived": true }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        let edit = update(id, vec![change(Field::Title, text("t"), text("new"))]);
        let error = watch.apply(edit).await.expect_err("read-only");
        assert!(
            matches!(error, ConnectorError::ReadOnly { .. }),
            "{error:?}"
        );
        let mut new = draft(titled("new"));
        new.collection = Some(instep_model::CollectionId::new(project.to_string()));
        let error = watch
            .apply(Operation::Create(new))
            .await
            .expect_err("read-only");
        assert!(
            matches!(error, ConnectorError::ReadOnly { .. }),
            "{error:?}"
        );
        let mut lost = draft(Fields::new().with(Field::Title, text("lost")));
        lost.collection = Some(instep_model::CollectionId::new("999999"));
        let error = watch
            .apply(Operation::Create(lost))
            .await
            .expect_err("no such project");
        assert!(
            matches!(error, ConnectorError::CollectionGone { .. }),
            "{error:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_the_hub_has_no_field_for_comes_back_with_a_new_item() {
    on_each(async |server| {
        let body = json!({ "title": "t", "hex_color": "00ff00", "is_favorite": true });
        let id = server.make_task(server.inbox().await, body).await;
        let (mut watch, seen) = Watch::start(server).await;
        let mut again = draft(titled("t"));
        again.shadow.clone_from(&seen.tasks[0].shadow);
        server.delete_task(id).await;
        let made = watch.apply(Operation::Create(again)).await.expect("made");
        let stored = server.task(number(&made.id)).await;
        assert_eq!(
            (&stored["hex_color"], &stored["is_favorite"]),
            (&json!("00ff00"), &json!(true))
        );
    })
    .await;
}

#[tokio::test]
async fn a_label_of_somebody_else_is_not_preferred() {
    on_each(async |server: &Server| {
        for _ in 0..2 {
            server
                .done(Method::POST, "api/v2/labels", json!({ "title": "twice" }))
                .await;
        }
        let id = server
            .make_task(server.inbox().await, json!({ "title": "t" }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        let add = Operation::AddTag {
            id: remote(id),
            tag: "twice".into(),
        };
        watch.apply(add).await.expect("written");
        let (_, labels) = server.ask(Method::GET, "api/v2/labels", None).await;
        let ids = labels["items"].as_array().expect("labels").iter();
        let lowest = ids
            .filter(|label| label["title"] == "twice")
            .filter_map(|label| label["id"].as_i64())
            .min();
        let stored = server.task(id).await;
        assert_eq!(stored["labels"][0]["id"].as_i64(), lowest);
    })
    .await;
}
