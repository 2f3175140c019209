//! Cases about single writes: what they change, refuse and leave alone.

use instep_model::{
    AccountId, CollectionId, Edit, Field, Fields, Ids, Mapping, Operation, RemoteId, TaskId, Value,
};
use uuid::Uuid;

use super::Outcome;
use super::client::{Client, task, text};
use super::content::samples;
use crate::{Connector, ConnectorError, Look};

/// An id of the service's kind that names nothing.
fn nobody(ids: Ids) -> RemoteId {
    match ids {
        Ids::Chosen => RemoteId::new(Uuid::from_u128(0x0bad_0bad_0bad_4bad_8bad).to_string()),
        Ids::Given => RemoteId::new("987654321"),
    }
}

pub(super) async fn only_what_changes<C: Connector>(
    one: &mut Client<C>,
    two: &mut Client<C>,
) -> Outcome {
    let record = one.capabilities();
    let mut fields = Fields::new().with(Field::Title, Value::Text(one.text("full")));
    let mut moves = vec![(
        Field::Title,
        text(one.text("full")),
        text(one.text("renamed")),
    )];
    for field in Field::ALL {
        if let Some((from, to)) = samples(&record, field, &one.zone) {
            fields.set(field, from.clone());
            moves.push((field, Some(from), Some(to)));
        }
    }
    let draft = one.draft(fields);
    let id = one.create(draft).await.id;
    for (field, from, to) in moves {
        let before = two.see(&id).await;
        one.set(&id, field, from, to.clone())
            .await
            .unwrap_or_else(|error| panic!("{field} can be set: {error}"));
        let after = two.see(&id).await;
        assert_eq!(after.fields.get(field), to.as_ref(), "{field} was set");
        for other in before.fields.differences(&after.fields) {
            let follows = matches!(record.hold(other), instep_model::Hold::Follows(_));
            // Closing a task says when, also where that can be written by itself.
            let closes = (field, other) == (Field::Status, Field::CompletedAt);
            let may_move = other == field || follows || closes;
            assert!(may_move, "{other} moved with {field}");
        }
        assert_eq!(before.notes, after.notes, "{field}");
        assert_eq!(before.depends, after.depends, "{field}");
        assert_eq!(before.collection, after.collection, "{field}");
        assert_eq!(before.shadow, after.shadow, "{field}");
    }
    Outcome::Held
}

pub(super) async fn birth<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    let cursor = one.look(None, Look::Everything).await.cursor;
    let draft = one.titled("born");
    let made = one.create(draft).await;
    let read = two.see(&made.id).await.born;
    if read.is_none() {
        assert_eq!(made.born, None, "what an answer tells, a read tells too");
        return Outcome::Lacking;
    }
    let mut pair = Mapping::new(AccountId::new("a"), made_task(), Some(made.id.clone()));
    pair.unseen = true;
    pair.born = read;
    assert!(pair.is_of(made.born), "{:?} and {read:?}", made.born);
    let (from, to) = (text(one.text("born")), text(one.text("renamed")));
    let applied = one.set(&made.id, Field::Title, from, to).await;
    let held = applied.expect("it can be renamed").held;
    assert!(held.is_none_or(|held| held.born == read), "told by a write");
    assert_eq!(two.see(&made.id).await.born, read, "once it was changed");
    let seen = one.look(Some(&cursor), Look::Changes).await;
    let seen = task(&seen, &made.id).expect("a new item is observed");
    assert_eq!(seen.born, read, "in a look");
    Outcome::Held
}

fn made_task() -> TaskId {
    TaskId(Uuid::nil())
}

pub(super) async fn foreign_field<C: Connector>(
    one: &mut Client<C>,
    two: &mut Client<C>,
) -> Outcome {
    let record = one.capabilities();
    let sampled = Field::ALL
        .into_iter()
        .filter(|field| *field != Field::Status)
        .find_map(|field| Some((field, samples(&record, field, &one.zone)?)));
    let Some((field, (value, _))) = sampled else {
        return Outcome::Lacking;
    };
    let id = one.make("ours").await;
    one.see(&id).await;
    two.set(&id, field, None, Some(value.clone()))
        .await
        .expect("the other client writes");
    let (from, to) = (text(one.text("ours")), text(one.text("ours moved")));
    one.set(&id, Field::Title, from, to.clone())
        .await
        .expect("another field is no reason to refuse");
    let after = two.see(&id).await;
    assert_eq!(after.fields.get(Field::Title), to.as_ref());
    assert_eq!(after.fields.get(field), Some(&value), "{field} stays");
    Outcome::Held
}

pub(super) async fn stale<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    let id = one.make("contested").await;
    let from = text(one.text("contested"));
    let theirs = text(two.text("theirs"));
    one.see(&id).await;
    two.set(&id, Field::Title, from.clone(), theirs.clone())
        .await
        .expect("the other client writes");
    let ours = text(one.text("ours"));
    let refused = one.set(&id, Field::Title, from, ours).await;
    assert!(
        matches!(&refused, Err(ConnectorError::Stale { id: stale }) if *stale == id),
        "{refused:?}"
    );
    assert_eq!(two.title(&id).await, theirs, "nothing was overwritten");
    Outcome::Held
}

pub(super) async fn held_already<C: Connector>(
    one: &mut Client<C>,
    two: &mut Client<C>,
) -> Outcome {
    let id = one.make("wanted").await;
    let from = text(one.text("wanted"));
    let to = text(one.text("reached"));
    for client in [two, one] {
        client
            .set(&id, Field::Title, from.clone(), to.clone())
            .await
            .expect("what holds the new value is success");
        assert_eq!(client.title(&id).await, to);
    }
    Outcome::Held
}

pub(super) async fn unknown<C: Connector>(one: &mut Client<C>, _: &mut Client<C>) -> Outcome {
    let id = nobody(one.capabilities().ids);
    assert_eq!(one.read(&id).await, None);
    let refused = one
        .set(&id, Field::Title, None, text(one.text("nobody")))
        .await;
    assert!(
        matches!(refused, Err(ConnectorError::Gone { .. })),
        "{refused:?}"
    );
    one.delete(&id).await;
    Outcome::Held
}

pub(super) async fn delete_twice<C: Connector>(
    one: &mut Client<C>,
    two: &mut Client<C>,
) -> Outcome {
    let id = one.make("short-lived").await;
    one.delete(&id).await;
    two.delete(&id).await;
    one.delete(&id).await;
    assert_eq!(two.read(&id).await, None);
    Outcome::Held
}

pub(super) async fn deleted<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    let id = one.make("deleted").await;
    let kept = one.make("kept").await;
    let before = one.look(None, Look::Everything).await;
    two.delete(&id).await;
    assert_eq!(one.read(&id).await, None);
    let from = text(one.text("deleted"));
    let refused = one
        .set(&id, Field::Title, from, text(one.text("too late")))
        .await;
    assert!(
        matches!(refused, Err(ConnectorError::Gone { .. })),
        "{refused:?}"
    );
    for look in [Look::Changes, Look::Everything] {
        let seen = one.look(Some(&before.cursor), look).await;
        let gone: Vec<_> = seen.gone.iter().filter(|gone| gone.id == id).collect();
        assert_eq!(gone.len(), 1, "{look:?} reports the deletion once");
        assert!(seen.tasks.iter().all(|task| task.id != id), "{look:?}");
        assert!(seen.gone.iter().all(|gone| gone.id != kept), "{look:?}");
    }
    Outcome::Held
}

pub(super) async fn already_exists<C: Connector>(
    one: &mut Client<C>,
    two: &mut Client<C>,
) -> Outcome {
    if one.capabilities().ids == Ids::Given {
        return Outcome::Lacking;
    }
    let draft = one.titled("once");
    let id = one.create(draft.clone()).await.id;
    assert_eq!(id.as_str(), draft.task.to_string(), "the id is the hub's");
    let mut again = draft;
    again.fields.set(Field::Title, text(one.text("twice")));
    let refused = two.apply(Operation::Create(again)).await;
    assert!(
        matches!(&refused, Err(ConnectorError::AlreadyExists { id: there }) if *there == id),
        "{refused:?}"
    );
    assert_eq!(one.title(&id).await, text(one.text("once")));
    Outcome::Held
}

pub(super) async fn revives<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    if !one.capabilities().revives {
        return Outcome::Lacking;
    }
    let draft = one.titled("back");
    let id = one.create(draft.clone()).await.id;
    two.delete(&id).await;
    let cursor = one.look(None, Look::Everything).await.cursor;
    let back = two.create(draft).await.id;
    assert_eq!(back, id, "under its old id");
    assert_eq!(one.title(&id).await, text(one.text("back")));
    let seen = one.look(Some(&cursor), Look::Changes).await;
    assert!(seen.tasks.iter().any(|task| task.id == id));
    assert!(seen.gone.iter().all(|gone| gone.id != id));
    Outcome::Held
}

pub(super) async fn empty_batch<C: Connector>(one: &mut Client<C>, _: &mut Client<C>) -> Outcome {
    let answers = one.connector.apply(&[]).await.expect("nothing to fail");
    assert!(answers.is_empty());
    let read = one.connector.read(&[]).await.expect("nothing to fail");
    assert!(read.is_empty());
    let found = one.connector.find(&[], one.now).await;
    assert!(found.expect("nothing to fail").is_empty());
    let id = one.make("untouched").await;
    let before = one.see(&id).await;
    one.edit(&id, Edit::default()).await.expect("nothing to do");
    assert!(one.see(&id).await.same_content(&before));
    Outcome::Held
}

pub(super) async fn bad_item<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    let record = one.capabilities();
    if record.batch.creates < 3 {
        return Outcome::Lacking;
    }
    let mut bad = one.titled("bad");
    if record.ids == Ids::Chosen {
        one.create(bad.clone()).await;
    } else if record.collections {
        bad.collection = Some(CollectionId::new("987654321"));
    } else {
        bad.fields = Fields::new();
    }
    let (first, last) = (one.titled("first"), one.titled("last"));
    let batch = [first, bad, last].map(Operation::Create);
    let answer = one.connector.apply(&batch).await;
    let found = two
        .connector
        .find(&batch, one.now)
        .await
        .expect("lost creates can be looked for");
    match answer {
        Ok(answers) if record.batch.mixed > 1 => {
            let stored: Vec<bool> = answers.iter().map(Result::is_ok).collect();
            assert_eq!(stored, [true, false, true], "{answers:?}");
            assert!(!found[0].is_empty() && !found[2].is_empty());
        }
        Ok(answers) => {
            assert!(answers.iter().all(Result::is_err), "{answers:?}");
            assert!(found.iter().all(Vec::is_empty), "all or nothing");
        }
        Err(error) => {
            assert!(
                record.batch.mixed == 1,
                "only an atomic call fails whole: {error}"
            );
            assert!(found.iter().all(Vec::is_empty), "all or nothing");
        }
    }
    Outcome::Held
}
