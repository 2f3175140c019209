//! Entries that do not have all the keys: what is carried to them arrives under its key, and a key
//! that is absent takes nothing away that nobody took out.

use instep_model::{Field, Fields, Operation, Status, Value};

use super::bench::{Bench, create, draft, finish, rename, set, tags, text, titled};

const BARE: &str = "[{\"id\": 1, \"name\": \"one\"}, {\"id\": 2, \"name\": \"two\"}]\n";

fn number(number: u32) -> Option<Value> {
    Some(Value::Number(number))
}

/// All that an entry can be told.
fn everything() -> [(Field, Value); 4] {
    [
        (Field::Tags, tags(&["t"])),
        (Field::Priority, Value::Number(3)),
        (Field::Notes, text("a note")),
        (Field::Status, Value::Status(Status::Done)),
    ]
}

async fn fields(bench: &mut Bench, id: &str) -> Fields {
    bench.read(id).await.unwrap().fields
}

#[tokio::test]
async fn what_is_carried_to_a_bare_entry_is_in_the_file() {
    let mut bench = Bench::with(BARE);
    for (field, value) in everything() {
        let applied = bench.one(set("1", field, None, Some(value.clone()))).await;
        let held = applied.held.unwrap();
        assert_eq!(held.fields.get(field), Some(&value), "{field:?}");
        bench.reopen();
        assert_eq!(fields(&mut bench, "1").await.get(field), Some(&value));
    }
    assert_eq!(
        bench.text(),
        "[{\"id\": 1, \"name\": \"one\", \"tag\": \"t\", \"priority\": 3, \
         \"description\": \"a note\", \"done\": true}, {\"id\": 2, \"name\": \"two\"}]\n"
    );
}

#[tokio::test]
async fn a_new_entry_beside_bare_ones_has_what_it_says_and_no_more() {
    let mut bench = Bench::with(BARE);
    let mut all = titled("three").with(Field::Status, Value::Status(Status::Open));
    bench.one(Operation::Create(draft(all.clone()))).await;
    for (field, value) in everything() {
        all.set(field, value);
    }
    all.set(Field::Title, text("four"));
    let held = bench.one(Operation::Create(draft(all.clone()))).await.held;
    assert_eq!(held.unwrap().fields, all);
    let text = bench.text();
    assert!(text.contains("{\"id\": 3, \"name\": \"three\"}"), "{text}");
    assert!(
        text.contains("\"name\": \"four\", \"description\": \"a note\""),
        "{text}"
    );
}

/// Its owner's own keys come to a new entry only with something in them.
#[tokio::test]
async fn a_new_entry_has_no_empty_key_of_its_owners() {
    let mut bench = Bench::with(
        "[\n  {\"color\": \"red\", \"id\": 1, \"list\": [1], \"name\": \"one\", \"due\": null}\n]\n",
    );
    bench.one(create("two")).await;
    assert_eq!(
        bench.text(),
        "[\n  {\"color\": \"red\", \"id\": 1, \"list\": [1], \"name\": \"one\", \"due\": null},\n  \
         {\"id\": 2, \"name\": \"two\"}\n]\n"
    );
}

/// A bare file, then all values of ours in the first entry, then a damage.
async fn recovered() -> Bench {
    let mut bench = Bench::with(BARE);
    bench.all().await;
    for (field, value) in everything() {
        bench.one(set("1", field, None, Some(value))).await;
    }
    let cursor = bench.all().await.cursor;
    bench.put("[{\"id\": 1, \"na");
    let seen = bench.changes(&cursor).await;
    assert!(seen.tasks.is_empty() && seen.gone.is_empty(), "{seen:?}");
    bench.connector.settle().await.unwrap();
    let seen = bench.changes(&seen.cursor).await;
    assert!(seen.tasks.is_empty() && seen.gone.is_empty(), "{seen:?}");
    bench
}

#[tokio::test]
async fn a_backup_takes_no_key_away_that_came_later() {
    let mut bench = recovered().await;
    for (field, value) in everything() {
        assert_eq!(
            fields(&mut bench, "1").await.get(field),
            Some(&value),
            "{field:?}"
        );
    }
}

/// The other way round: what was taken out since the backup does not return with it.
#[tokio::test]
async fn a_backup_brings_no_key_back_that_was_taken_out() {
    let mut bench = recovered().await;
    bench.one(rename("2", "two", "zwei")).await;
    let without = bench.text().replace(", \"priority\": 3", "");
    bench.put(&without);
    let cursor = bench.all().await.cursor;
    bench.put("torn");
    let seen = bench.changes(&cursor).await;
    assert!(seen.tasks.is_empty(), "{seen:?}");
    bench.connector.settle().await.unwrap();
    assert_eq!(fields(&mut bench, "1").await.get(Field::Priority), None);
    assert!(bench.text().contains("\"tag\": \"t\""), "{}", bench.text());
}

/// A person copies an older file back: what it shows is meant, what it cannot know is not. Doing
/// so again is believed.
#[tokio::test]
async fn an_older_file_takes_no_key_away_that_came_later() {
    let mut bench = Bench::with(BARE);
    bench.all().await;
    bench.one(set("1", Field::Priority, None, number(3))).await;
    bench
        .one(set("1", Field::Tags, None, Some(tags(&["t"]))))
        .await;
    bench.one(rename("2", "two", "zwei")).await;
    let cursor = bench.all().await.cursor;
    bench.put(BARE);
    let seen = bench.changes(&cursor).await;
    let titles: Vec<_> = seen.tasks.iter().map(|task| task.fields.title()).collect();
    assert_eq!(titles, ["two"], "only the title that was taken back");
    let one = fields(&mut bench, "1").await;
    assert_eq!(one.get(Field::Priority), number(3).as_ref());
    let notices = bench.notices();
    assert!(
        notices[0].contains("older version; 2 changes"),
        "{notices:?}"
    );
    bench.connector.settle().await.unwrap();
    assert_eq!(
        bench.text(),
        "[{\"id\": 1, \"name\": \"one\", \"priority\": 3, \"tag\": \"t\"}, \
         {\"id\": 2, \"name\": \"two\"}]\n"
    );
    let cursor = bench.changes(&seen.cursor).await.cursor;
    bench.put(BARE);
    let seen = bench.changes(&cursor).await;
    assert_eq!(seen.tasks.len(), 1);
    assert_eq!(seen.tasks[0].fields.get(Field::Priority), None);
    assert!(!bench.connector.is_behind());
}

/// A program that had read the file before we added a key saves it with an edit of its own.
#[tokio::test]
async fn a_stale_save_takes_no_key_away_that_came_later() {
    let mut bench = Bench::with(BARE);
    bench.all().await;
    bench.one(set("1", Field::Priority, None, number(3))).await;
    let cursor = bench.all().await.cursor;
    bench.put(BARE.replace("two", "zwei"));
    let seen = bench.changes(&cursor).await;
    let titles: Vec<_> = seen.tasks.iter().map(|task| task.fields.title()).collect();
    assert_eq!(titles, ["zwei"]);
    bench.connector.settle().await.unwrap();
    assert!(bench.text().contains("\"priority\": 3"), "{}", bench.text());
}

/// A key that a person takes out of the file takes its value away, as null does.
#[tokio::test]
async fn a_key_taken_out_by_hand_is_a_removal() {
    for taken_out in ["", ", \"priority\": null", ", \"priority\": 0"] {
        let mut bench = Bench::with(BARE);
        bench.all().await;
        bench.one(set("1", Field::Priority, None, number(3))).await;
        bench.one(finish("2")).await;
        let cursor = bench.all().await.cursor;
        let text = bench.text();
        assert!(text.contains(", \"priority\": 3"), "{text}");
        bench.put(text.replace(", \"priority\": 3", taken_out));
        let seen = bench.changes(&cursor).await;
        assert_eq!(seen.tasks.len(), 1, "{taken_out}");
        assert_eq!(seen.tasks[0].fields.get(Field::Priority), None);
        assert!(!bench.connector.is_behind());
    }
}
