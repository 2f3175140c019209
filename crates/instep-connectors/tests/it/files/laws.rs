//! The laws of the projection, and the promise about bytes, over generated files.

use std::collections::BTreeSet;

use instep_connectors::files::FileConnector;
use instep_model::{Field, Fields, Operation, Status, Value};
use proptest::prelude::*;

use super::bench::{Bench, draft, set};

/// Each case is a file with many edits.
const CASES: u32 = 64;

const MAX_OBJECTS: usize = 24;

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,12}",
        "\\PC{0,12}",
        any::<String>(),
        Just("\"\\/\u{8}\n\r\t\u{0}\u{2028}🎉{}[],:".to_owned()),
    ]
}

fn titles() -> impl Strategy<Value = String> {
    words().prop_map(|words| format!("t{words}"))
}

fn tags() -> impl Strategy<Value = BTreeSet<String>> {
    proptest::collection::btree_set("[a-zA-Z0-9é_-]{1,6}( [a-z]{1,3})?", 0..4)
}

/// Fields on the grid of a file.
fn fields() -> impl Strategy<Value = Fields> {
    (titles(), words(), 0u32..=3, tags(), any::<bool>()).prop_map(
        |(title, notes, priority, tags, done)| {
            let status = if done { Status::Done } else { Status::Open };
            Fields::new()
                .with(Field::Title, Value::Text(title))
                .with(Field::Notes, Value::Text(notes))
                .with(Field::Priority, Value::Number(priority))
                .with(Field::Tags, Value::Tags(tags))
                .with(Field::Status, Value::Status(status))
        },
    )
}

/// White space as programs strew it.
fn space() -> impl Strategy<Value = String> {
    "[ \t]{0,2}(\r?\n)?[ \t]{0,3}"
}

/// An object with its keys in any order, spaced in any way, with keys of its owner's.
fn object(id: usize) -> impl Strategy<Value = String> {
    let members = (titles(), words(), 0u32..=3, tags(), any::<bool>(), words()).prop_map(
        move |(name, notes, priority, tags, done, own)| {
            let text = |text: &str| serde_json::Value::from(text).to_string();
            let tags: Vec<String> = tags.into_iter().collect();
            vec![
                ("id", id.to_string()),
                ("name", text(&name)),
                ("description", text(&notes)),
                ("priority", priority.to_string()),
                ("tag", text(&tags.join(", "))),
                ("done", done.to_string()),
                ("comment", text(&own)),
                ("own", format!("{{\"x\": [1.50, 1e3, {}]}}", text(&own))),
            ]
        },
    );
    let members = members.prop_flat_map(|members| Just(members).prop_shuffle());
    (members, proptest::collection::vec(space(), 4)).prop_map(|(members, gaps)| {
        let members: Vec<String> = members
            .into_iter()
            .map(|(key, value)| format!("{}\"{key}\"{}:{}{value}", gaps[0], gaps[1], gaps[2]))
            .collect();
        format!("{{{}{}}}", members.join(","), gaps[3])
    })
}

/// What happens to one object.
#[derive(Debug, Clone)]
enum Fate {
    Stays,
    Moves(Fields),
    Goes,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        Just(Fate::Stays),
        fields().prop_map(Fate::Moves),
        Just(Fate::Goes)
    ]
}

fn edits(id: usize, from: &Fields, to: &Fields) -> Vec<Operation> {
    let id = id.to_string();
    let edit = |field| set(&id, field, from.get(field).cloned(), to.get(field).cloned());
    from.differences(to).into_iter().map(edit).collect()
}

/// A whole file, and its objects.
fn file() -> impl Strategy<Value = (String, Vec<String>)> {
    let objects =
        (1..=MAX_OBJECTS).prop_flat_map(|count| (1..=count).map(object).collect::<Vec<_>>());
    (objects, space(), space(), space(), any::<bool>()).prop_map(
        |(objects, open, gap, close, bom)| {
            let bom = if bom { "\u{feff}" } else { "" };
            let list = objects.join(&format!(",{gap}"));
            (format!("{bom}[{open}{list}{close}]{gap}"), objects)
        },
    )
}

fn block<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is written reads back the same, in either direction of priorities.
    #[test]
    fn what_is_written_reads_back(
        pairs in proptest::collection::vec((fields(), fields()), 1..20), high_is_one: bool,
    ) {
        let mut bench = Bench::empty();
        let mut settings = bench.settings();
        settings.priority_high_is_one = high_is_one;
        bench.connector = FileConnector::open(settings);
        let makes = pairs.iter().map(|(made, _)| Operation::Create(draft(made.clone())));
        let makes: Vec<Operation> = makes.collect();
        let moves: Vec<Operation> = (1..)
            .zip(&pairs)
            .flat_map(|(id, (made, then))| edits(id, made, then))
            .collect();
        block(async {
            for (answer, (made, _)) in bench.apply(&makes).await.into_iter().zip(&pairs) {
                assert_eq!(&answer.unwrap().held.unwrap().fields, made);
            }
            for answer in bench.apply(&moves).await {
                answer.unwrap();
            }
            for (task, (_, then)) in bench.all().await.tasks.iter().zip(&pairs) {
                assert_eq!(&task.fields, then);
            }
        });
    }

    /// Edits and deletions leave every other object, and all around them, byte for byte.
    #[test]
    fn edits_change_only_their_own_objects(
        (text, objects) in file(),
        fates in proptest::collection::vec(fate(), MAX_OBJECTS),
    ) {
        let mut bench = Bench::with(&text);
        block(async {
            let before = bench.all().await.tasks;
            let mut batch = Vec::new();
            for ((id, task), fate) in (1..).zip(&before).zip(&fates) {
                match fate {
                    Fate::Stays => {}
                    Fate::Moves(then) => batch.extend(edits(id, &task.fields, then)),
                    Fate::Goes => batch.push(super::bench::delete(&id.to_string())),
                }
            }
            for answer in bench.apply(&batch).await {
                answer.unwrap();
            }
            let stays = |at: usize| matches!(fates[at], Fate::Stays);
            let after = bench.text();
            let mut rest = after.as_str();
            for (at, object) in objects.iter().enumerate().filter(|(at, _)| stays(*at)) {
                let found = rest.find(object.as_str());
                let found = found.unwrap_or_else(|| panic!("object {at} moved: {after}"));
                rest = &rest[found + object.len()..];
            }
            let last = objects.len() - 1;
            let (start, end) = (text.find('{').unwrap(), text.rfind('}').unwrap() + 1);
            assert!(!stays(0) || after.starts_with(&text[..start]), "the beginning moved");
            assert!(!stays(last) || after.ends_with(&text[end..]), "the end moved");
            let left = bench.all().await.tasks;
            let mut left = left.iter();
            for (task, fate) in before.iter().zip(&fates) {
                let wanted = match fate {
                    Fate::Stays => &task.fields,
                    Fate::Moves(then) => then,
                    Fate::Goes => continue,
                };
                let found = left.next().unwrap();
                assert_eq!((&found.id, &found.fields, &found.shadow), (&task.id, wanted, &task.shadow));
            }
            assert!(left.next().is_none());
        });
    }

    /// No bytes whatever make it panic, and none that are no list are written over.
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bench = Bench::with(&bytes);
        block(async {
            let refused = instep_contract::Connector::apply(
                &mut bench.connector,
                &[super::bench::create("new")],
            )
            .await;
            if refused.is_err() {
                assert_eq!(std::fs::read(bench.path()).unwrap(), bytes);
            }
        });
    }
}
