//! Files that are not as they should be: each says what is wrong, and none is overwritten.

use std::os::unix::fs::PermissionsExt;

use instep_contract::{Connector, ConnectorError, Look};
use instep_model::{Field, RemoteId};

use super::bench::{Bench, create, delete, finish, gone, ids, rename};

const ONE: &str = "[{\"id\": 1, \"name\": \"one\", \"done\": false}]\n";

/// A file that no look and no write may take for a list; `words` stand in what a person is told.
async fn refused(bytes: &[u8], words: &str) {
    let mut bench = Bench::with(bytes);
    let looked = bench.connector.observe(None, Look::Everything).await;
    let written = bench.connector.apply(&[create("new")]).await;
    for error in [looked.unwrap_err(), written.unwrap_err()] {
        let ConnectorError::Setup { what, help } = &error else {
            panic!("{error:?}");
        };
        assert!(what.contains(words), "{what}");
        assert!(!help.is_empty());
    }
    assert_eq!(std::fs::read(bench.path()).unwrap(), bytes);
}

#[tokio::test]
async fn damaged_files_are_refused_and_left_as_they_are() {
    refused(b"", "it is empty").await;
    refused(b"[{\"id\": 1, \"name\": \"on", "it ends too early").await;
    refused(b"[{\"id\": 1}", "it ends too early").await;
    refused(b"{\"tasks\": []}", "it is not a list").await;
    refused(b"null", "it is not a list").await;
    refused(b"[1, \"two\", [3]]", "a list, but of no tasks").await;
    refused(
        b"[{\"id\": 1, \"name\": \"one\"}] and more",
        "something follows",
    )
    .await;
    refused(
        b"[{\"id\": 1, \"name\": \"\xff\"}]",
        "it is not UTF-8 after byte 20",
    )
    .await;
    refused(b"[\n\n{\"id\" 1}]", "a colon is missing (line 3)").await;
    let deep = format!(
        "[{{\"id\": 1, \"x\": {}1{}}}]",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    refused(deep.as_bytes(), "nested too deep").await;
}

#[tokio::test]
async fn a_directory_in_place_of_the_file_is_refused() {
    let mut bench = Bench::empty();
    std::fs::create_dir(bench.path()).unwrap();
    let error = bench
        .connector
        .observe(None, Look::Changes)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("is a directory, not a file"),
        "{error}"
    );
}

#[tokio::test]
async fn an_unreadable_file_names_the_right_that_is_lacking() {
    let mut bench = Bench::with(ONE);
    std::fs::set_permissions(bench.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(bench.path()).is_ok() {
        // Whoever runs this may read everything; then there is nothing to be refused.
        assert_eq!(ids(&bench.all().await.tasks), ["1"]);
        return;
    }
    let error = bench
        .connector
        .observe(None, Look::Changes)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no permission"), "{error}");
}

#[tokio::test]
async fn a_file_beyond_the_limit_is_refused() {
    let mut bench = Bench::empty();
    let file = std::fs::File::create(bench.path()).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    let error = bench
        .connector
        .observe(None, Look::Changes)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("is larger than"), "{error}");
}

#[tokio::test]
async fn a_missing_file_is_made_by_the_first_write() {
    let mut bench = Bench::empty();
    let seen = bench.all().await;
    assert!(seen.tasks.is_empty() && seen.complete);
    assert!(bench.names().is_empty() || bench.names() == ["tasks.json.lock"]);
    let again = bench.changes(&seen.cursor).await;
    assert!(bench.one(delete("7")).await.held.is_none());
    assert!(!bench.path().exists());
    bench.one(create("first")).await;
    assert_eq!(
        bench.text(),
        "[\n  {\n    \"id\": 1,\n    \"name\": \"first\",\n    \"comment\": \"\",\n    \
         \"description\": \"\",\n    \"priority\": 0,\n    \"tag\": \"\",\n    \"done\": false\n  \
         }\n]\n"
    );
    assert_eq!(ids(&bench.changes(&again.cursor).await.tasks), ["1"]);
}

/// A file that was there is never "all gone", and no new one is made in its place.
#[tokio::test]
async fn a_vanished_file_is_no_deletion() {
    let mut bench = Bench::with(ONE);
    let seen = bench.all().await;
    std::fs::remove_file(bench.path()).unwrap();
    let looked = bench
        .connector
        .observe(Some(&seen.cursor), Look::Changes)
        .await;
    let read = bench.connector.read(&[RemoteId::new("1")]).await;
    let written = bench.connector.apply(&[create("new")]).await;
    for error in [looked.unwrap_err(), read.unwrap_err(), written.unwrap_err()] {
        assert!(matches!(error, ConnectorError::Setup { .. }), "{error:?}");
    }
    bench.reopen();
    let read = bench.connector.read(&[RemoteId::new("1")]).await;
    assert!(
        matches!(read, Err(ConnectorError::Setup { .. })),
        "{read:?}"
    );
    assert!(!bench.path().exists());
}

#[tokio::test]
async fn a_missing_directory_is_a_matter_of_setup() {
    let mut bench = Bench::empty();
    let mut settings = bench.settings();
    settings.path = bench.dir.path().join("unmounted/tasks.json");
    bench.connector = instep_connectors::files::FileConnector::open(settings);
    let error = bench
        .connector
        .observe(None, Look::Changes)
        .await
        .unwrap_err();
    assert!(matches!(error, ConnectorError::Setup { .. }), "{error:?}");
}

#[tokio::test]
async fn a_symbolic_link_stays_one() {
    let mut bench = Bench::empty();
    let target = bench.dir.path().join("real.json");
    std::fs::write(&target, ONE).unwrap();
    std::os::unix::fs::symlink("real.json", bench.path()).unwrap();
    bench.one(finish("1")).await;
    assert!(
        std::fs::symlink_metadata(bench.path())
            .unwrap()
            .is_symlink()
    );
    assert!(std::fs::read_to_string(&target).unwrap().contains("true"));
}

/// One bad entry among good ones: left alone, never gone, never written, and said.
async fn left_alone(bad: &str, reason: &str) {
    let good = r#"{"id": 1, "name": "one", "done": false}"#;
    let mut bench = Bench::with(format!("[\n{good},\n{bad}\n]"));
    let seen = bench.all().await;
    assert_eq!(ids(&seen.tasks), ["1"], "{bad}");
    assert!(!seen.complete, "{bad}");
    let notices = bench.notices();
    assert!(notices[0].contains("entry 2"), "{notices:?}");
    assert!(notices[0].contains(reason), "{bad}: {notices:?}");
    let answers = bench.apply(&[finish("1"), finish("2"), delete("2")]).await;
    assert!(answers[0].is_ok());
    let text = bench.text();
    assert!(text.contains(bad), "{text}");
    bench.one(create("new")).await;
    assert!(bench.text().contains(bad));
}

#[tokio::test]
async fn entries_that_are_no_tasks_are_left_alone() {
    left_alone(r#"7"#, "not an object").await;
    left_alone(r#"{"name": "two"}"#, "no `id`").await;
    left_alone(r#"{"id": "2", "name": "two"}"#, "no `id`").await;
    left_alone(r#"{"id": 2.0, "name": "two"}"#, "no `id`").await;
    left_alone(r#"{"id": 2}"#, "no `name`").await;
    left_alone(r#"{"id": 2, "name": null}"#, "`name` is not a text").await;
    left_alone(r#"{"id": 2, "name": ""}"#, "`name` is empty").await;
    left_alone(r#"{"id": 2, "name": " \t"}"#, "`name` is empty").await;
    left_alone(
        r#"{"id": 2, "name": "half \ud800"}"#,
        "`name` is not a whole text",
    )
    .await;
    left_alone(
        r#"{"id": 2, "name": "two", "priority": "high"}"#,
        "`priority` is not",
    )
    .await;
    left_alone(
        r#"{"id": 2, "name": "two", "priority": 1.5}"#,
        "`priority` is not",
    )
    .await;
    left_alone(
        r#"{"id": 2, "name": "two", "tag": ["a"]}"#,
        "`tag` is not a text",
    )
    .await;
    left_alone(r#"{"id": 2, "name": "two", "done": 1}"#, "`done` is not").await;
    left_alone(
        r#"{"id": 2, "name": "two", "name": "zwei"}"#,
        "`name` more than once",
    )
    .await;
}

#[tokio::test]
async fn entries_with_a_repeated_id_are_left_alone() {
    let text = r#"[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}, {"id": 1, "name": "c"}]"#;
    let mut bench = Bench::with(text);
    assert_eq!(ids(&bench.all().await.tasks), ["2"]);
    let notices = bench.notices();
    assert_eq!(notices.len(), 2);
    assert!(
        notices[1].contains("2 entries have the id 1"),
        "{notices:?}"
    );
    let answer = bench.apply(&[finish("1")]).await.remove(0);
    assert!(
        matches!(answer, Err(ConnectorError::Rejected { .. })),
        "{answer:?}"
    );
    assert_eq!(bench.text(), text);
}

#[tokio::test]
async fn a_known_task_that_became_unreadable_is_not_gone() {
    let mut bench = Bench::with(r#"[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]"#);
    let first = bench.all().await;
    bench.put(r#"[{"id": 1, "name": "a"}, {"id": 2, "name": 7}]"#);
    let seen = bench.changes(&first.cursor).await;
    assert!(seen.gone.is_empty() && seen.tasks.is_empty());
    bench.put(r#"[{"id": 1, "name": "a"}, {"name": "b"}]"#);
    let seen = bench.changes(&seen.cursor).await;
    assert!(
        seen.gone.is_empty(),
        "the entry without an id may be task 2"
    );
    assert!(
        bench
            .notices()
            .iter()
            .any(|notice| notice.contains("nothing is deleted"))
    );
    bench.put(r#"[{"id": 1, "name": "a"}]"#);
    assert_eq!(gone(&bench.changes(&seen.cursor).await), ["2"]);
}

#[tokio::test]
async fn a_task_without_a_name_is_not_written() {
    let mut bench = Bench::with(ONE);
    let batch = [create(" "), rename("1", "one", ""), create("fine")];
    let answers = bench.apply(&batch).await;
    for answer in &answers[..2] {
        let field = Some(Field::Title);
        assert!(
            matches!(answer, Err(ConnectorError::Rejected { field: found, .. }) if *found == field),
            "{answer:?}"
        );
    }
    assert!(answers[2].is_ok());
}
