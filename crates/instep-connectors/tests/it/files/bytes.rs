//! Only the bytes of what changes change, in files as people and programs write them.

use instep_contract::{Connector, ConnectorError};
use instep_model::{Field, Fields, Operation, Value};

use super::bench::{Bench, create, delete, draft, finish, rename, set, tags, text, titled};

const CORPUS: [(&str, &[u8]); 10] = [
    (
        "python, indented",
        include_bytes!("corpus/python-indent-4.json"),
    ),
    (
        "python, one line",
        include_bytes!("corpus/python-one-line.json"),
    ),
    ("compact", include_bytes!("corpus/compact.json")),
    (
        "two spaces",
        include_bytes!("corpus/two-spaces-newline.json"),
    ),
    (
        "tabs, CRLF, BOM",
        include_bytes!("corpus/tabs-crlf-bom.json"),
    ),
    (
        "a task a line",
        include_bytes!("corpus/one-task-a-line.json"),
    ),
    (
        "leading commas",
        include_bytes!("corpus/leading-commas.json"),
    ),
    ("other keys", include_bytes!("corpus/other-keys.json")),
    ("lone", include_bytes!("corpus/lone.json")),
    ("few keys", include_bytes!("corpus/few-keys.json")),
];

/// How long the text is that `one` and `other` share at both ends.
fn shared(one: &str, other: &str) -> (usize, usize) {
    let both = one.chars().zip(other.chars());
    let start = both
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    let (one, other) = (&one[start..], &other[start..]);
    let both = one.chars().rev().zip(other.chars().rev());
    let end = both
        .take_while(|(a, b)| a == b)
        .map(|(a, _)| a.len_utf8())
        .sum();
    (start, end)
}

/// What stood and what stands where two texts differ.
fn moved<'a>(before: &'a str, after: &'a str) -> (&'a str, &'a str) {
    let (start, end) = shared(before, after);
    (
        &before[start..before.len() - end],
        &after[start..after.len() - end],
    )
}

#[tokio::test]
async fn what_holds_everything_already_is_not_written() {
    for (name, bytes) in CORPUS {
        let mut bench = Bench::with(bytes);
        let seen = bench.all().await;
        assert!(!seen.tasks.is_empty() && seen.complete, "{name}");
        let same: Vec<Operation> = seen
            .tasks
            .iter()
            .flat_map(|task| {
                Field::ALL.into_iter().filter_map(|field| {
                    let value = task.fields.get(field).cloned()?;
                    Some(set(task.id.as_str(), field, None, Some(value)))
                })
            })
            .collect();
        for answer in bench.apply(&same).await {
            answer.unwrap();
        }
        assert_eq!(std::fs::read(bench.path()).unwrap(), bytes, "{name}");
        assert!(
            !bench.names().contains(&"tasks.json.backup".to_owned()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_edit_and_its_way_back_leave_the_same_bytes() {
    for (name, bytes) in CORPUS {
        let mut bench = Bench::with(bytes);
        let before = bench.text();
        let task = bench.all().await.tasks.remove(0);
        let (id, title) = (task.id.as_str(), task.fields.title());
        bench.one(rename(id, title, "other words")).await;
        let after = bench.text();
        let (old, new) = moved(&before, &after);
        assert!(before.contains(title) || before.is_ascii(), "{name}");
        assert!(
            old.len() <= title.len() && !old.contains('"'),
            "{name}: {old}"
        );
        assert!("other words".contains(new), "{name}: {new}");
        bench.one(rename(id, "other words", title)).await;
        assert_eq!(std::fs::read(bench.path()).unwrap(), bytes, "{name}");
    }
}

#[tokio::test]
async fn a_task_made_and_deleted_leaves_the_same_bytes() {
    for (name, bytes) in CORPUS {
        let mut bench = Bench::with(bytes);
        bench.all().await;
        let made = bench.one(create("short-lived")).await.id;
        let held = bench.read(made.as_str()).await.unwrap();
        assert_eq!(held.fields, titled("short-lived"), "{name}");
        bench.one(delete(made.as_str())).await;
        assert_eq!(std::fs::read(bench.path()).unwrap(), bytes, "{name}");
    }
}

#[tokio::test]
async fn the_first_the_middle_and_the_last_can_go() {
    for (name, bytes) in CORPUS {
        let seen = Bench::with(bytes).all().await;
        for gone in &seen.tasks {
            let mut bench = Bench::with(bytes);
            bench.one(delete(gone.id.as_str())).await;
            let left = bench.all().await.tasks;
            let rest: Vec<_> = seen
                .tasks
                .iter()
                .filter(|task| task.id != gone.id)
                .collect();
            assert_eq!(left.len(), rest.len(), "{name}");
            for (left, rest) in left.iter().zip(rest) {
                assert!(
                    left.same_content(rest) && left.shadow == rest.shadow,
                    "{name}"
                );
            }
            let after = std::fs::read(bench.path()).unwrap();
            assert_eq!(after[..1], bytes[..1], "{name}");
            assert_eq!(after.last(), bytes.last(), "{name}");
        }
    }
}

#[tokio::test]
async fn a_new_task_is_laid_out_as_its_neighbour() {
    let mut bench = Bench::with(CORPUS[7].1);
    let fields = titled("né")
        .with(Field::Priority, Value::Number(3))
        .with(Field::Tags, tags(&["b", "a"]));
    bench.one(Operation::Create(draft(fields))).await;
    let text = bench.text();
    let (_, made) = text.rsplit_once(",\n  {").unwrap();
    assert_eq!(
        made,
        " \"done\" : false, \"name\" : \"n\\u00e9\", \"id\" : 4,\n    \"tag\": \"a,b\", \
         \"priority\" : 3, \"comment\" : \"\", \"description\" : \"\" }\n]\n\n"
    );
}

#[tokio::test]
async fn letters_are_escaped_where_the_file_does_so() {
    let mut bench = Bench::with(CORPUS[0].1);
    bench.one(rename("1", "Buy milk", "Käse 🎉")).await;
    assert!(bench.text().contains("\"K\\u00e4se \\ud83c\\udf89\""));
    assert!(bench.text().is_ascii());
}

#[tokio::test]
async fn keys_come_where_they_say_something() {
    let mut bench = Bench::with(CORPUS[9].1);
    let to = Some(tags(&["y"]));
    let held = bench
        .one(set("1", Field::Tags, None, to))
        .await
        .held
        .unwrap();
    assert_eq!(held.fields.tags().len(), 1);
    // No entry of the file has one yet.
    let held = bench.one(finish("1")).await.held.unwrap();
    assert_eq!(held.fields.status(), instep_model::Status::Done);
    assert_eq!(
        bench.text(),
        "[\n\t{\"id\": 1, \"name\": \"few\", \"tag\": \"y\", \"done\": true},\n\t\
         {\"id\": 2, \"name\": \"keys\", \"tag\": \"x\"}\n]\n"
    );
}

#[tokio::test]
async fn tags_of_others_stay_as_they_are_written() {
    let mut bench = Bench::with(CORPUS[0].1);
    let change =
        |from: &[&str], to: &[&str]| set("1", Field::Tags, Some(tags(from)), Some(tags(to)));
    bench.one(change(&["home"], &["home", "new"])).await;
    assert!(bench.text().contains("\"home, errand, new\""));
    bench.one(change(&["home", "new"], &["new"])).await;
    assert!(bench.text().contains("\"errand, new\""));
}

#[tokio::test]
async fn a_task_made_again_gets_back_what_only_the_file_knew() {
    let mut bench = Bench::with(CORPUS[7].1);
    let task = bench.all().await.tasks.remove(0);
    bench.one(delete("1")).await;
    let mut again = draft(task.fields.clone());
    again.shadow = task.shadow.clone();
    let held = bench.one(Operation::Create(again)).await.held.unwrap();
    assert_eq!(held.id.as_str(), "4");
    assert_eq!(held.fields, task.fields);
    let text = bench.text();
    assert!(text.contains("\"due\": \"2026-08-01\""), "{text}");
    assert!(
        text.contains("[1.0, 2e3, -0.50, {\"deep\": [ ]}]"),
        "{text}"
    );
    assert!(text.contains("123456789012345678901234567890"), "{text}");
}

#[tokio::test]
async fn emptying_and_filling_a_list_works() {
    let mut bench = Bench::with(CORPUS[3].1);
    let batch = ["1", "2", "5"].map(delete);
    bench.apply(&batch).await;
    assert_eq!(bench.text(), "[]\n");
    bench.one(create("again")).await;
    assert_eq!(bench.read("6").await.unwrap().fields, titled("again"));
}

#[tokio::test]
async fn a_batch_is_one_save_and_a_refused_one_keeps_nobody_back() {
    let mut bench = Bench::with(CORPUS[3].1);
    let full = Fields::new()
        .with(Field::Title, text("full"))
        .with(Field::Notes, text("line\nline"))
        .with(Field::Priority, Value::Number(1));
    let batch = [
        create("a"),
        rename("1", "not its name", "b"),
        finish("5"),
        delete("2"),
        finish("77"),
        Operation::Create(draft(full)),
    ];
    let answers = bench.apply(&batch).await;
    assert!(
        matches!(answers[1], Err(ConnectorError::Stale { .. })),
        "{:?}",
        answers[1]
    );
    assert!(
        matches!(answers[4], Err(ConnectorError::Gone { .. })),
        "{:?}",
        answers[4]
    );
    for at in [0, 2, 3, 5] {
        assert!(answers[at].is_ok(), "{:?}", answers[at]);
    }
    let backups = bench
        .names()
        .into_iter()
        .filter(|name| name.contains(".backup"));
    assert_eq!(backups.count(), 1, "one save");
    assert_eq!(bench.connector.calls(), 0);
}
