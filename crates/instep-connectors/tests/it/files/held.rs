//! Entries that are left alone, while the file goes on around them: what cannot be read is never
//! counted as deleted, neither by a look nor when the file comes back from a backup.

use super::bench::{Bench, create, delete, gone, ids};

const THREE: &str = r#"[
  {"id": 1, "name": "one", "done": false},
  {"id": 2, "name": "two", "done": false},
  {"id": 3, "name": "three", "done": false}
]
"#;

/// A save of ours leaves a backup of three tasks; then somebody turns the second into `held`,
/// a look sees that, and the file is damaged.
async fn damaged_after(held: &str) -> Bench {
    let mut bench = Bench::with(THREE);
    bench.all().await;
    bench.one(create("four")).await;
    let cursor = bench.all().await.cursor;
    let two = r#"{"id": 2, "name": "two", "done": false}"#;
    assert!(bench.text().contains(two));
    bench.put(bench.text().replace(two, held));
    let seen = bench.changes(&cursor).await;
    assert!(seen.gone.is_empty(), "{held}: {seen:?}");
    bench.put("[{\"id\": 1, \"na");
    let seen = bench.changes(&seen.cursor).await;
    assert!(seen.gone.is_empty(), "{held}: {seen:?}");
    bench.connector.settle().await.unwrap();
    let seen = bench.changes(&seen.cursor).await;
    assert!(seen.gone.is_empty(), "{held}: {seen:?}");
    bench
}

/// There is no evidence of a deletion here: an entry that lost its id is still in the file.
#[tokio::test]
async fn a_task_that_lost_its_id_is_not_deleted_by_a_recovery() {
    let mut bench = damaged_after(r#"{"name": "two", "done": false}"#).await;
    assert_eq!(ids(&bench.all().await.tasks), ["1", "2", "3", "4"]);
    assert_eq!(bench.text().matches("two").count(), 1, "{}", bench.text());
}

#[tokio::test]
async fn an_edit_of_an_entry_without_an_id_outlives_a_recovery() {
    let held = r#"{"name": "two of mine", "done": false}"#;
    let mut bench = damaged_after(held).await;
    assert_eq!(ids(&bench.all().await.tasks), ["1", "2", "3", "4"]);
    assert!(bench.text().contains(held), "{}", bench.text());
}

#[tokio::test]
async fn a_task_that_became_unreadable_is_not_deleted_by_a_recovery() {
    let held = r#"{"id": 2, "name": "two", "priority": "high"}"#;
    let mut bench = damaged_after(held).await;
    assert_eq!(ids(&bench.all().await.tasks), ["1", "3", "4"]);
    assert!(bench.text().contains(held), "{}", bench.text());
}

/// Two of one id are left alone, both of them; the backup knows of one.
#[tokio::test]
async fn a_task_with_a_double_is_not_deleted_by_a_recovery() {
    let two = r#"{"id": 2, "name": "two", "done": false}"#;
    let double = r#"{"id": 2, "name": "zwei"}"#;
    let mut bench = damaged_after(&format!("{two},\n  {double}")).await;
    assert_eq!(ids(&bench.all().await.tasks), ["1", "3", "4"]);
    let text = bench.text();
    assert!(text.contains(two) && text.contains(double), "{text}");
}

/// What stood without an id all along cannot be what was deleted since.
#[tokio::test]
async fn a_deletion_outlives_a_recovery_beside_an_old_entry_without_an_id() {
    let alone = r#"{"name": "alone"}"#;
    let mut bench = Bench::with(THREE.replace("[\n", &format!("[\n  {alone},\n")));
    bench.all().await;
    bench.one(delete("2")).await;
    let cursor = bench.all().await.cursor;
    bench.put("torn");
    let seen = bench.changes(&cursor).await;
    assert!(seen.gone.is_empty() && seen.tasks.is_empty(), "{seen:?}");
    bench.connector.settle().await.unwrap();
    assert_eq!(ids(&bench.all().await.tasks), ["1", "3"]);
    assert_eq!(bench.text().matches(alone).count(), 1);
}

/// Nobody has to hear of what they deleted elsewhere, nor twice of one entry.
#[tokio::test]
async fn our_own_deletions_do_not_wait_for_an_entry_without_an_id() {
    let alone = r#"{"name": "alone"}"#;
    let mut bench = Bench::with(THREE.replace("\n]", &format!(",\n  {alone}\n]")));
    let cursor = bench.all().await.cursor;
    bench.one(delete("2")).await;
    let seen = bench.changes(&cursor).await;
    assert_eq!(gone(&seen), ["2"]);
    let notices = bench.notices();
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert!(notices[0].contains("entry 3 of"), "{notices:?}");

    // What somebody else took out waits, and only that is counted.
    let one = "  {\"id\": 1, \"name\": \"one\", \"done\": false},\n";
    assert!(bench.text().contains(one));
    bench.put(bench.text().replace(one, ""));
    let seen = bench.changes(&seen.cursor).await;
    assert!(gone(&seen).is_empty());
    let notices = bench.notices();
    assert!(
        notices[0].starts_with("1 entry is gone from"),
        "{notices:?}"
    );

    // An id that we deleted and somebody uses again is a task like any other.
    bench.put(bench.text().replace(alone, r#"{"id": 2, "name": "alone"}"#));
    let seen = bench.changes(&seen.cursor).await;
    assert_eq!((ids(&seen.tasks), gone(&seen)), (vec!["2"], vec!["1"]));
    bench.put(bench.text().replace(r#"{"id": 2, "name": "alone"}"#, alone));
    let seen = bench.changes(&seen.cursor).await;
    assert!(gone(&seen).is_empty(), "{seen:?}");
}

/// Who saves what they read long ago takes nobody's entry away for having lost its id meanwhile.
#[tokio::test]
async fn a_task_that_lost_its_id_is_not_deleted_by_a_stale_save() {
    let mut bench = Bench::with(THREE);
    bench.all().await;
    bench.one(create("four")).await;
    let cursor = bench.all().await.cursor;
    let held = r#"{"name": "two", "done": false}"#;
    let two = r#"{"id": 2, "name": "two", "done": false}"#;
    let alone = "[\n  {\"name\": \"of nobody\"},";
    bench.put(bench.text().replace(two, held).replacen('[', alone, 1));
    let cursor = bench.changes(&cursor).await.cursor;
    bench.one(create("five")).await;
    bench.put(THREE.replace("\"one\"", "\"uno\""));
    let seen = bench.changes(&cursor).await;
    assert!(gone(&seen).is_empty(), "{seen:?}");
    bench.connector.settle().await.unwrap();
    assert_eq!(ids(&bench.all().await.tasks), ["1", "2", "3", "4", "5"]);
    let text = bench.text();
    assert!(text.contains("of nobody") && text.contains("uno"), "{text}");
    assert_eq!(text.matches("two").count(), 1, "{text}");
}
