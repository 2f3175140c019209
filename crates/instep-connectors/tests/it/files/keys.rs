//! Entries that do not have all the keys: what is carried to them arrives under its key, and a key
//! that is absent takes nothing away that nobody took out.

use instep_model::{Field, Fields, Operation, Status, Value};

use super::bench::{Bench, create, draft, finish, set, tags, text, titled};

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
