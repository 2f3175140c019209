//! Cases about looking: for changes, at everything, by id, and for what got lost.

use instep_model::{DraftNote, Field, Hold, Ids, Operation, RemoteId, WriteShape};

use super::Outcome;
use super::client::{Client, task, text};
use crate::{Connector, Look};

pub(super) async fn changes<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    let edited = one.make("edited").await;
    let closed = one.make("closed").await;
    let dropped = one.make("dropped").await;
    let quiet = one.make("quiet").await;
    let mut cursor = one.look(None, Look::Changes).await.cursor;

    let to = text(two.text("edited again"));
    two.set(&edited, Field::Title, text(one.text("edited")), to.clone())
        .await
        .expect("the other client edits");
    let seen = one.look(Some(&cursor), Look::Changes).await;
    let found = task(&seen, &edited).expect("an edit is seen");
    assert_eq!(found.fields.get(Field::Title), to.as_ref());
    cursor = seen.cursor;

    let made = two.make("made meanwhile").await;
    two.delete(&dropped).await;
    let done = instep_model::Value::Status(instep_model::Status::Done);
    let closes = two.set(&closed, Field::Status, None, Some(done)).await;
    let seen = one.look(Some(&cursor), Look::Changes).await;
    assert!(task(&seen, &made).is_some(), "a new task is seen");
    assert!(
        seen.gone.iter().any(|gone| gone.id == dropped),
        "a deletion is seen"
    );
    if closes.is_ok() {
        let found = task(&seen, &closed).expect("a completion is seen, not an absence");
        assert!(found.fields.status().is_closed());
    }
    for id in [&edited, &closed, &quiet, &made] {
        assert!(seen.gone.iter().all(|gone| gone.id != *id), "{id} is there");
    }
    let again = one.look(Some(&cursor), Look::Changes).await;
    assert!(task(&again, &made).is_some(), "a cursor can be used again");
    Outcome::Held
}

pub(super) async fn complete<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    let mut made = Vec::new();
    for number in 0..12 {
        made.push(one.make(&format!("task {number}")).await);
    }
    let first = two.look(None, Look::Changes).await;
    assert!(first.complete, "without a cursor a look is complete");
    let full = two.look(Some(&first.cursor), Look::Everything).await;
    assert!(full.complete, "a full look is complete");
    assert_eq!(full.identity, first.identity);
    let asked = one.connector.identity().await.expect("somebody answers");
    assert_eq!(asked, first.identity, "who answers has one name");
    for id in &made {
        for seen in [&first, &full] {
            let times = seen.tasks.iter().filter(|task| task.id == *id).count();
            assert_eq!(times, 1, "{id} is listed once");
        }
    }
    if two.capabilities().collections {
        let collections = full.collections.expect("a full look names the collections");
        for task in full.tasks.iter().filter(|task| made.contains(&task.id)) {
            let lies_in =
                |one: &instep_model::Collection| Some(&one.id) == task.collection.as_ref();
            assert!(
                collections.iter().any(lies_in),
                "{} lies somewhere",
                task.id
            );
        }
    }
    Outcome::Held
}

pub(super) async fn quiet<C: Connector>(one: &mut Client<C>, _: &mut Client<C>) -> Outcome {
    let id = one.make("still").await;
    let mut seen = one.look(None, Look::Everything).await;
    let before = task(&seen, &id).expect("it is listed").clone();
    let identity = seen.identity;
    for _ in 0..3 {
        seen = one.look(Some(&seen.cursor), Look::Changes).await;
        assert_eq!(seen.identity, identity);
        assert!(seen.gone.iter().all(|gone| gone.id != id));
        if let Some(found) = task(&seen, &id) {
            assert!(found.same_content(&before), "nothing happened to it");
        }
    }
    Outcome::Held
}

pub(super) async fn order<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    let first = one.make("first").await;
    let second = one.make("second").await;
    let gone = one.make("gone").await;
    one.delete(&gone).await;
    let ids = [second.clone(), gone, first.clone(), second.clone()];
    let found = two.connector.read(&ids).await.expect("items can be read");
    let found: Vec<Option<RemoteId>> = found
        .into_iter()
        .map(|task| task.map(|task| task.id))
        .collect();
    assert_eq!(
        found,
        [Some(second.clone()), None, Some(first), Some(second)]
    );
    Outcome::Held
}

pub(super) async fn finds_create<C: Connector>(
    one: &mut Client<C>,
    two: &mut Client<C>,
) -> Outcome {
    let sent = one.titled("sent");
    let never = one.titled("never sent");
    let mut made = vec![one.create(sent.clone()).await.id];
    if one.capabilities().ids == Ids::Given {
        made.push(one.create(sent.clone()).await.id);
    }
    let asked = [Operation::Create(never), Operation::Create(sent)];
    let found = two
        .connector
        .find(&asked, one.now)
        .await
        .expect("lost creates can be looked for");
    assert_eq!(found.len(), 2, "one answer for each");
    assert!(found[0].is_empty(), "{:?}", found[0]);
    let mut ids: Vec<RemoteId> = found[1].iter().map(|applied| applied.id.clone()).collect();
    ids.sort();
    made.sort();
    assert_eq!(ids, made);
    Outcome::Held
}

pub(super) async fn finds_note<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    let record = one.capabilities();
    let held = *record.hold(Field::Annotations) != Hold::No;
    if !held || record.shape(Field::Annotations) == WriteShape::Body {
        return Outcome::Lacking;
    }
    let id = one.make("noted").await;
    let note = |client: &Client<C>, word: &str| DraftNote {
        id: instep_model::AnnotationId(uuid::Uuid::nil()),
        remote: None,
        at: client.now,
        text: client.text(word),
    };
    let sent = Operation::AddNote {
        id: id.clone(),
        note: note(one, "remark"),
    };
    let never = Operation::AddNote {
        id,
        note: note(one, "unwritten"),
    };
    let written = one.apply(sent.clone()).await.expect("a note can be added");
    let found = two
        .connector
        .find(&[sent, never], one.now)
        .await
        .expect("lost notes can be looked for");
    let notes: Vec<_> = found[0].iter().map(|applied| &applied.note).collect();
    assert_eq!(notes, [&written.note]);
    assert!(found[1].is_empty());
    Outcome::Held
}
