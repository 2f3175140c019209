//! Looks: what they find, what they miss nothing of, and how many calls they take (S9).

use instep_contract::{Connector, ConnectorError, Cursor, Look};
use instep_model::{Evidence, Field, Operation, ProjectPath, Value};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::server::{Server, Watch, draft, gone, on_double, on_each, remote, titled, titles};

#[tokio::test]
async fn the_first_look_sees_everything() {
    on_each(async |server| {
        let home = server.make_project("Home", 0).await;
        let garden = server.make_project("Garden", home).await;
        let old = server.make_project("Old", 0).await;
        server
            .make_task(server.inbox().await, json!({ "title": "loose" }))
            .await;
        let hedge = server.make_task(garden, json!({ "title": "hedge" })).await;
        server.make_task(old, json!({ "title": "past" })).await;
        server
            .patch_project(old, json!({ "is_archived": true }))
            .await;

        let (_, seen) = Watch::start(server).await;
        assert_eq!(titles(&seen), ["hedge", "loose", "past"]);
        assert!(seen.complete);
        let hedge = seen
            .tasks
            .iter()
            .find(|task| task.id == remote(hedge))
            .expect("hedge");
        let path = ProjectPath::new(["Home", "Garden"]);
        assert_eq!(hedge.fields.project(), path.as_ref());
        let collections = seen.collections.expect("collections");
        let mut shown: Vec<(String, bool)> = collections
            .iter()
            .map(|c| {
                (
                    c.path.as_ref().map_or("-".into(), ToString::to_string),
                    c.archived,
                )
            })
            .collect();
        shown.sort();
        let expected = [
            ("-", false),
            ("Home", false),
            ("Home.Garden", false),
            ("Old", true),
        ];
        assert_eq!(
            shown,
            expected.map(|(path, archived)| (path.to_owned(), archived))
        );
    })
    .await;
}

#[tokio::test]
async fn an_untouched_account_costs_one_call() {
    on_each(async |server| {
        server
            .make_task(server.inbox().await, json!({ "title": "a" }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        watch.settle(server).await;
        for _ in 0..3 {
            let (seen, calls) = watch.look().await;
            assert_eq!((seen.tasks.len(), seen.gone.len(), calls), (0, 0, 1));
            assert_eq!(seen.collections, None);
        }
        assert_eq!(watch.connector.connections(), 1);
    })
    .await;
}

#[tokio::test]
async fn after_our_own_writes_the_next_look_costs_one_call() {
    on_each(async |server| {
        let (mut watch, _) = Watch::start(server).await;
        watch.settle(server).await;
        for title in ["a", "b", "c"] {
            watch
                .apply(Operation::Create(draft(titled(title))))
                .await
                .expect("made");
        }
        let (seen, calls) = watch.look().await;
        assert_eq!(titles(&seen), ["a", "b", "c"]);
        assert_eq!(calls, 2);
        server.pass(3).await;
        let (seen, calls) = watch.look().await;
        assert_eq!((seen.tasks.len(), calls), (0, 1));
        let (seen, calls) = watch.look().await;
        assert_eq!((seen.tasks.len(), calls), (0, 1));
    })
    .await;
}

/// S9: as many as a first sync of 1,000 tasks, all of them younger than what has settled.
#[tokio::test]
async fn after_a_flood_of_our_own_writes_the_looks_cost_two_calls_and_one() {
    on_each(async |server| {
        let (mut watch, _) = Watch::start(server).await;
        watch.settle(server).await;
        for hundred in 0..10 {
            let made = (0..100).map(|n| titled(&format!("t{hundred}-{n}")));
            let made: Vec<_> = made.map(draft).map(Operation::Create).collect();
            let made = watch.connector.apply(&made).await.expect("answers");
            assert!(made.iter().all(Result::is_ok));
        }
        let (seen, calls) = watch.look().await;
        assert_eq!((seen.tasks.len(), calls), (1_000, 2));
        server.pass(3).await;
        for _ in 0..2 {
            let (seen, calls) = watch.look().await;
            assert_eq!((seen.tasks.len(), calls), (0, 1));
        }
    })
    .await;
}

#[tokio::test]
async fn one_change_costs_two_calls_whatever_the_size() {
    on_each(async |server| {
        let project = server.make_project("Big", 0).await;
        let rows: Vec<Json> = (0..100)
            .map(|n| json!({ "title": format!("t{n}") }))
            .collect();
        let path = format!("api/v2/projects/{project}/tasks/bulk");
        for _ in 0..12 {
            server
                .done(Method::POST, &path, json!({ "tasks": rows }))
                .await;
        }
        let one = server.make_task(project, json!({ "title": "one" })).await;
        let (mut watch, seen) = Watch::start(server).await;
        assert_eq!(seen.tasks.len(), 1201);
        watch.settle(server).await;
        server.patch_task(one, json!({ "title": "one more" })).await;
        let (seen, calls) = watch.look().await;
        assert!(titles(&seen).contains(&"one more".to_owned()));
        assert_eq!((seen.tasks.len(), calls), (1, 2));
    })
    .await;
}

/// One change by a person, and what the next look shows of it.
async fn check(
    change: impl AsyncFn(&Server, i64, i64),
    shown: &[&str],
    lost: usize,
    most_calls: u64,
) {
    on_each(async |server| {
        let project = server.make_project("Work", 0).await;
        let first = server.make_task(project, json!({ "title": "first" })).await;
        server
            .make_task(project, json!({ "title": "second" }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        watch.settle(server).await;
        change(server, project, first).await;
        let (seen, calls) = watch.look().await;
        assert_eq!(
            (titles(&seen), seen.gone.len()),
            (shown.iter().map(|t| (*t).to_owned()).collect(), lost)
        );
        assert!(calls <= most_calls, "{calls} calls");
        server.pass(3).await;
        let (seen, calls) = watch.look().await;
        assert_eq!(
            (seen.tasks.len(), seen.gone.len(), calls),
            (0, 0, 1),
            "the look after it"
        );
    })
    .await;
}

#[tokio::test]
async fn an_edit_shows() {
    check(
        async |s, _, id| s.patch_task(id, json!({ "title": "new" })).await,
        &["new"],
        0,
        2,
    )
    .await;
}

#[tokio::test]
async fn a_new_task_shows() {
    let change = async |s: &Server, project, _| {
        s.make_task(project, json!({ "title": "third" })).await;
    };
    check(change, &["third"], 0, 2).await;
}

#[tokio::test]
async fn a_deleted_task_shows() {
    check(async |s, _, id| s.delete_task(id).await, &[], 1, 3).await;
}

#[tokio::test]
async fn a_deleted_task_beside_a_new_one_shows() {
    let change = async |s: &Server, project, id| {
        s.delete_task(id).await;
        s.make_task(project, json!({ "title": "third" })).await;
    };
    check(change, &["third"], 1, 3).await;
}

#[tokio::test]
async fn a_moved_task_shows_and_is_not_gone() {
    let change = async |s: &Server, _, id| {
        let other = s.make_project("Other", 0).await;
        s.patch_task(id, json!({ "project_id": other })).await;
    };
    check(change, &["first"], 0, 2).await;
}

#[tokio::test]
async fn a_label_shows() {
    let change = async |s: &Server, _, id| {
        let label = s
            .done(Method::POST, "api/v2/labels", json!({ "title": "red" }))
            .await;
        let path = format!("api/v2/tasks/{id}/labels");
        s.done(Method::POST, &path, json!({ "label_id": label["id"] }))
            .await;
    };
    check(change, &["first"], 0, 2).await;
}

#[tokio::test]
async fn an_archived_project_keeps_its_tasks() {
    let change = async |s: &Server, project, _| {
        s.patch_project(project, json!({ "is_archived": true }))
            .await;
    };
    check(change, &[], 0, 3).await;
}

#[tokio::test]
async fn an_edit_before_archiving_shows() {
    let change = async |s: &Server, project, id| {
        s.patch_task(id, json!({ "title": "new" })).await;
        s.patch_project(project, json!({ "is_archived": true }))
            .await;
    };
    check(change, &["new"], 0, 3).await;
}

#[tokio::test]
async fn a_deleted_project_takes_its_tasks_along() {
    let change = async |s: &Server, project, _| {
        let path = format!("api/v2/projects/{project}");
        s.done(Method::DELETE, &path, Json::Null).await;
    };
    check(change, &[], 2, 3).await;
}

#[tokio::test]
async fn a_task_moved_out_of_a_deleted_project_stays() {
    let change = async |s: &Server, project, id| {
        let inbox = s.inbox().await;
        s.patch_task(id, json!({ "project_id": inbox })).await;
        let path = format!("api/v2/projects/{project}");
        s.done(Method::DELETE, &path, Json::Null).await;
    };
    check(change, &["first"], 1, 3).await;
}

#[tokio::test]
async fn a_renamed_project_shows_as_collections() {
    on_each(async |server| {
        let project = server.make_project("Work", 0).await;
        let (mut watch, _) = Watch::start(server).await;
        watch.settle(server).await;
        server
            .patch_project(project, json!({ "title": "Office" }))
            .await;
        let (seen, _) = watch.look().await;
        let paths: Vec<String> = seen
            .collections
            .expect("collections")
            .into_iter()
            .filter_map(|collection| collection.path.map(|path| path.to_string()))
            .collect();
        assert_eq!(paths, ["Office"]);
    })
    .await;
}

#[tokio::test]
async fn an_unarchived_project_is_known_again() {
    on_each(async |server| {
        let project = server.make_project("Work", 0).await;
        let id = server.make_task(project, json!({ "title": "first" })).await;
        server
            .patch_project(project, json!({ "is_archived": true }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        watch.settle(server).await;
        server
            .patch_project(project, json!({ "is_archived": false }))
            .await;
        server.patch_task(id, json!({ "title": "new" })).await;
        let (seen, _) = watch.look().await;
        assert_eq!(
            (titles(&seen), gone(&seen)),
            (vec!["new".to_owned()], vec![])
        );
        let open = |c: &instep_model::Collection| !c.archived;
        assert!(seen.collections.expect("collections").iter().all(open));
    })
    .await;
}

#[tokio::test]
async fn comments_and_relations_show_at_both_ends() {
    on_each(async |server| {
        let inbox = server.inbox().await;
        let a = server.make_task(inbox, json!({ "title": "a" })).await;
        let b = server.make_task(inbox, json!({ "title": "b" })).await;
        let (mut watch, _) = Watch::start(server).await;
        watch.settle(server).await;
        // Said at b, it changes what a waits for.
        let relation = json!({ "other_task_id": a, "relation_kind": "blocking" });
        server
            .done(
                Method::POST,
                &format!("api/v2/tasks/{b}/relations"),
                relation,
            )
            .await;
        let (mut waits, mut seen_b) = (false, false);
        for _ in 0..50 {
            let (seen, _) = watch.look().await;
            for task in &seen.tasks {
                waits |= task.id == remote(a) && task.depends.contains(&remote(b));
                seen_b |= task.id == remote(b);
            }
            if waits && seen_b {
                break;
            }
            crate::vikunja::server::beat().await;
        }
        assert!(
            waits && seen_b,
            "a waits for b: {waits}, b was read: {seen_b}"
        );

        let comment = json!({ "comment": "<p>said</p>" });
        server
            .done(Method::POST, &format!("api/v2/tasks/{a}/comments"), comment)
            .await;
        let mut said = false;
        for _ in 0..50 {
            let (seen, _) = watch.look().await;
            said |= seen
                .tasks
                .iter()
                .any(|t| t.notes.iter().any(|n| n.text == "said"));
            if said {
                break;
            }
            crate::vikunja::server::beat().await;
        }
        assert!(said, "the comment shows");
    })
    .await;
}

/// Three tasks in the inbox with thirty comments each: more than a listing sends.
async fn make_talkative(server: &Server) {
    let inbox = server.inbox().await;
    for n in 0..3 {
        let id = server
            .make_task(inbox, json!({ "title": format!("t{n}") }))
            .await;
        for m in 0..30 {
            let comment = json!({ "comment": format!("<p>c{m}</p>") });
            server
                .until("the comment is stored", async || {
                    let path = format!("api/v2/tasks/{id}/comments");
                    server
                        .ask(Method::POST, &path, Some(comment.clone()))
                        .await
                        .0
                        == 201
                })
                .await;
        }
    }
}

#[tokio::test]
async fn more_comments_than_a_page_sends_are_read_all() {
    on_each(async |server| {
        make_talkative(server).await;
        let (_, seen) = Watch::start(server).await;
        let counts: Vec<usize> = seen.tasks.iter().map(|task| task.notes.len()).collect();
        assert_eq!(counts, [30, 30, 30]);
    })
    .await;
}

#[tokio::test]
async fn comments_of_tasks_that_have_settled_cost_no_call() {
    on_each(async |server| {
        make_talkative(server).await;
        let (mut watch, _) = Watch::start(server).await;
        watch.settle(server).await;
        let inbox = server.inbox().await;
        server.make_task(inbox, json!({ "title": "new" })).await;
        // The youngest of the others may be read again: its second is the one to look from.
        let (seen, _) = watch.look().await;
        assert!(
            titles(&seen).contains(&"new".to_owned()),
            "{:?}",
            titles(&seen)
        );
        server.pass(3).await;
        let (seen, calls) = watch.look().await;
        assert_eq!((seen.tasks.len(), calls), (0, 1));
    })
    .await;
}

/// The double's clock stands still while a look and a change fall into one second.
async fn same_second(change: impl AsyncFn(&Server, i64), shown: &[&str], lost: usize) {
    let server = on_double().await;
    let double = server.double.as_ref().expect("a double");
    let id = server
        .make_task(server.inbox().await, json!({ "title": "first" }))
        .await;
    let (mut watch, _) = Watch::start(&server).await;
    watch.settle(&server).await;
    double.clock().freeze(double.clock().now());
    server.patch_task(id, json!({ "priority": 1 })).await;
    let (seen, _) = watch.look().await;
    assert_eq!(titles(&seen), ["first"]);
    change(&server, id).await;
    // At once, and after a while: the change is not lost either way.
    for wait in [0, 5] {
        let mut later = Watch {
            connector: server.connector(),
            cursor: watch.cursor.clone(),
        };
        server.pass(wait).await;
        let (seen, _) = later.look().await;
        let expected: Vec<String> = shown.iter().map(|title| (*title).to_owned()).collect();
        assert_eq!(
            (titles(&seen), seen.gone.len()),
            (expected, lost),
            "after {wait} s"
        );
    }
}

#[tokio::test]
async fn an_edit_in_the_second_of_the_look_shows() {
    same_second(
        async |s, id| s.patch_task(id, json!({ "title": "new" })).await,
        &["new"],
        0,
    )
    .await;
}

#[tokio::test]
async fn a_deletion_in_the_second_of_the_look_shows() {
    same_second(async |s, id| s.delete_task(id).await, &[], 1).await;
}

#[tokio::test]
async fn a_task_made_in_the_second_of_the_look_shows() {
    let change = async |s: &Server, _| {
        s.make_task(s.inbox().await, json!({ "title": "third" }))
            .await;
    };
    same_second(change, &["third"], 0).await;
}

#[tokio::test]
async fn a_deletion_and_a_new_task_in_the_second_of_the_look_show() {
    let change = async |s: &Server, id| {
        s.delete_task(id).await;
        s.make_task(s.inbox().await, json!({ "title": "third" }))
            .await;
    };
    same_second(change, &["third"], 1).await;
}

#[tokio::test]
async fn a_rename_just_after_a_look_shows_at_once() {
    on_each(async |server| {
        let project = server.make_project("Work", 0).await;
        let (mut watch, _) = Watch::start(server).await;
        server
            .patch_project(project, json!({ "title": "Office" }))
            .await;
        let mut shown = false;
        for _ in 0..3 {
            let (seen, _) = watch.look().await;
            shown |= seen.collections.is_some();
            server.pass(2).await;
        }
        assert!(shown, "the new title is found");
    })
    .await;
}

#[tokio::test]
async fn another_server_at_the_same_address_is_another_identity() {
    let server = on_double().await;
    server
        .make_task(server.inbox().await, json!({ "title": "first" }))
        .await;
    let (mut watch, before) = Watch::start(&server).await;
    watch.settle(&server).await;
    server.double.as_ref().expect("a double").restart_empty();
    let (seen, _) = watch.look().await;
    assert_ne!(seen.identity, before.identity);
    assert!(seen.complete && seen.gone.is_empty());
}

#[tokio::test]
async fn a_full_look_names_what_is_no_longer_listed() {
    on_each(async |server| {
        let inbox = server.inbox().await;
        let project = server.make_project("Work", 0).await;
        let first = server.make_task(inbox, json!({ "title": "first" })).await;
        let second = server
            .make_task(project, json!({ "title": "second" }))
            .await;
        let (mut watch, _) = Watch::start(server).await;
        server.delete_task(first).await;
        let path = format!("api/v2/projects/{project}");
        server.done(Method::DELETE, &path, Json::Null).await;
        let cursor = watch.cursor.clone();
        let seen = watch
            .connector
            .observe(Some(&cursor), Look::Everything)
            .await
            .expect("a look");
        let mut evidence: Vec<_> = seen
            .gone
            .iter()
            .map(|g| (g.id.clone(), g.evidence))
            .collect();
        evidence.sort_by_key(|(id, _)| id.clone());
        let mut expected = vec![
            (remote(first), Evidence::Unlisted),
            (remote(second), Evidence::NotFound),
        ];
        expected.sort_by_key(|(id, _)| id.clone());
        assert_eq!(evidence, expected);
        assert!(seen.complete && seen.tasks.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let server = on_double().await;
    let mut connector = server.connector();
    let nonsense = Cursor(b"nonsense".to_vec());
    let error = connector
        .observe(Some(&nonsense), Look::Changes)
        .await
        .expect_err("an error");
    assert!(matches!(error, ConnectorError::CursorInvalid));
}

#[tokio::test]
async fn reading_by_id_tells_what_is_gone() {
    on_each(async |server| {
        let inbox = server.inbox().await;
        let project = server.make_project("Old", 0).await;
        let open = server.make_task(inbox, json!({ "title": "open" })).await;
        let lost = server.make_task(inbox, json!({ "title": "lost" })).await;
        let old = server.make_task(project, json!({ "title": "old" })).await;
        server
            .patch_project(project, json!({ "is_archived": true }))
            .await;
        server.delete_task(lost).await;
        let mut connector = server.connector();
        let ids = [remote(old), remote(lost), remote(open)];
        let read = connector.read(&ids).await.expect("tasks");
        let titles: Vec<Option<&Value>> = read
            .iter()
            .map(|task| task.as_ref().and_then(|task| task.fields.get(Field::Title)))
            .collect();
        let text = |title: &str| Value::Text(title.into());
        assert_eq!(titles, [Some(&text("old")), None, Some(&text("open"))]);
    })
    .await;
}
