//! Cases about what hangs on a task: tags, notes, links, markers, and where it lies.

use std::collections::BTreeSet;

use instep_model::{
    AnnotationId, Change, DraftNote, Edit, Field, Hold, Link, Operation, ProjectPath, RemoteId,
    Value, WriteShape,
};
use uuid::Uuid;

use super::Outcome;
use super::client::{Client, task};
use crate::{Connector, Look};

fn set(tags: &[&str]) -> BTreeSet<String> {
    tags.iter().map(|tag| (*tag).to_owned()).collect()
}

/// Moves the tags from one set to the other in the way that is declared.
async fn retag<C: Connector>(client: &mut Client<C>, id: &RemoteId, from: &[&str], to: &[&str]) {
    let record = client.capabilities();
    let (from, to) = (set(from), set(to));
    let added: Vec<String> = to.difference(&from).cloned().collect();
    if record.tag_records {
        let missing = client.connector.missing_tags(&added).await;
        for tag in missing.expect("tags can be asked for") {
            let made = client.apply(Operation::CreateTag { tag }).await;
            made.expect("a tag can be made");
        }
    }
    if record.shape(Field::Tags) == WriteShape::Body {
        let change = Change {
            field: Field::Tags,
            from: Some(Value::Tags(from)),
            to: Some(Value::Tags(to)),
        };
        let edit = Edit {
            fields: vec![change],
            ..Edit::default()
        };
        client.edit(id, edit).await.expect("tags can be written");
        return;
    }
    let (add, remove) = (to.difference(&from), from.difference(&to));
    let add = add.cloned().map(|tag| Operation::AddTag {
        id: id.clone(),
        tag,
    });
    let remove = remove.cloned().map(|tag| Operation::RemoveTag {
        id: id.clone(),
        tag,
    });
    for operation in add.chain(remove).collect::<Vec<_>>() {
        client
            .apply(operation)
            .await
            .expect("tags can be written one by one");
    }
}

fn lacks<C: Connector>(client: &Client<C>, field: Field) -> bool {
    *client.capabilities().hold(field) == Hold::No
}

pub(super) async fn tags<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    if lacks(one, Field::Tags) {
        return Outcome::Lacking;
    }
    let id = one.make("tagged").await;
    let (a, b, c) = (one.word("a"), one.word("b"), one.word("c"));
    let cursor = two.look(None, Look::Changes).await.cursor;
    let steps: [(&[&str], &[&str]); 4] = [
        (&[], &[&a, &b]),
        (&[&a, &b], &[&b, &c]),
        (&[&b, &c], &[&c]),
        (&[&c], &[]),
    ];
    for (from, to) in steps {
        retag(one, &id, from, to).await;
        assert_eq!(two.see(&id).await.fields.tags(), set(to));
    }
    retag(one, &id, &[], &[&a]).await;
    let seen = two.look(Some(&cursor), Look::Changes).await;
    let found = task(&seen, &id).expect("a tag alone is a change");
    assert_eq!(found.fields.tags(), set(&[&a]));
    if one.capabilities().shape(Field::Tags) == WriteShape::Elements {
        let fresh = one.make("tagged at once").await;
        let tags = set(&[&a, &b]);
        one.apply(Operation::SetTags {
            id: fresh.clone(),
            tags: tags.clone(),
        })
        .await
        .expect("a new task takes its tags at once");
        assert_eq!(two.see(&fresh).await.fields.tags(), tags);
    }
    if one.capabilities().tag_records {
        let asked = [a.clone(), one.word("unheard")];
        let missing = two.connector.missing_tags(&asked).await;
        assert_eq!(
            missing.expect("tags can be asked for"),
            [one.word("unheard")]
        );
    }
    Outcome::Held
}

pub(super) async fn foreign_tag<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    if lacks(one, Field::Tags) {
        return Outcome::Lacking;
    }
    let id = one.make("shared").await;
    let (ours, theirs, old) = (one.word("ours"), one.word("theirs"), one.word("old"));
    retag(one, &id, &[], &[&old]).await;
    retag(two, &id, &[&old], &[&old, &theirs]).await;
    retag(one, &id, &[&old], &[&ours]).await;
    assert_eq!(two.see(&id).await.fields.tags(), set(&[&ours, &theirs]));
    retag(two, &id, &[&old, &theirs], &[&theirs]).await;
    assert_eq!(one.see(&id).await.fields.tags(), set(&[&ours, &theirs]));
    Outcome::Held
}

pub(super) async fn notes<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    if lacks(one, Field::Annotations) {
        return Outcome::Lacking;
    }
    let body = one.capabilities().shape(Field::Annotations) == WriteShape::Body;
    let id = one.make("remarked").await;
    let mut note = DraftNote {
        id: AnnotationId(Uuid::from_u128(7)),
        remote: None,
        at: one.now,
        text: one.text("remark"),
    };
    let add = if body {
        let add_notes = vec![note.clone()];
        update(&id, |edit| edit.add_notes = add_notes)
    } else {
        Operation::AddNote {
            id: id.clone(),
            note: note.clone(),
        }
    };
    let added = one.apply(add).await.expect("a note can be added");
    let held = two.see(&id).await.notes;
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0].text, note.text);
    if let Some(told) = added.note {
        assert_eq!(told, held[0].id);
    }

    note.text = one.text("remark, corrected");
    note.remote = Some(held[0].id.clone());
    let change = if body {
        let edit_notes = vec![note.clone()];
        update(&id, |edit| edit.edit_notes = edit_notes)
    } else {
        Operation::EditNote {
            id: id.clone(),
            note: note.clone(),
        }
    };
    one.apply(change).await.expect("a note can be changed");
    let held = two.see(&id).await.notes;
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!(held[0].text, note.text);

    let remove = if body {
        let remove_notes = vec![held[0].id.clone()];
        update(&id, |edit| edit.remove_notes = remove_notes)
    } else {
        Operation::RemoveNote {
            id: id.clone(),
            annotation: note.id,
            note: held[0].id.clone(),
        }
    };
    for _ in 0..2 {
        one.apply(remove.clone())
            .await
            .expect("a note that is gone can be removed");
        assert!(two.see(&id).await.notes.is_empty());
    }
    Outcome::Held
}

fn update(id: &RemoteId, change: impl FnOnce(&mut Edit)) -> Operation {
    let mut edit = Edit::default();
    change(&mut edit);
    Operation::Update {
        id: id.clone(),
        edit,
    }
}

pub(super) async fn depends<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    link(one, two, Field::Depends, Link::DependsOn).await
}

pub(super) async fn parent<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    link(one, two, Field::Parent, Link::PartOf).await
}

async fn link<C: Connector>(
    one: &mut Client<C>,
    two: &mut Client<C>,
    field: Field,
    link: Link,
) -> Outcome {
    if lacks(one, field) {
        return Outcome::Lacking;
    }
    let body = one.capabilities().shape(field) == WriteShape::Body;
    let id = one.make("later").await;
    let other = one.make("sooner").await;
    for linked in [true, true, false, false] {
        let operation = match (body, linked) {
            (false, true) => Operation::AddLink {
                id: id.clone(),
                link,
                other: other.clone(),
            },
            (false, false) => Operation::RemoveLink {
                id: id.clone(),
                link,
                other: other.clone(),
            },
            (true, linked) => update(&id, |edit| match (link, linked) {
                (Link::DependsOn, true) => edit.add_depends = BTreeSet::from([other.clone()]),
                (Link::DependsOn, false) => edit.remove_depends = BTreeSet::from([other.clone()]),
                (Link::PartOf, linked) => edit.parent = Some(linked.then(|| other.clone())),
            }),
        };
        one.apply(operation).await.expect("a link can be written");
        let held = two.see(&id).await;
        let there = match link {
            Link::DependsOn => held.depends.contains(&other),
            Link::PartOf => held.parent.as_ref() == Some(&other),
        };
        assert_eq!(there, linked, "{held:?}");
    }
    Outcome::Held
}

pub(super) async fn markers<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    if !one.capabilities().markers {
        return Outcome::Lacking;
    }
    let id = one.make("marked").await;
    for value in [Some("12"), Some("13"), None] {
        let value = value.map(ToOwned::to_owned);
        let mark = update(&id, |edit| {
            edit.markers.insert("suite_id".to_owned(), value.clone());
        });
        one.apply(mark).await.expect("a marker can be written");
        let held = two.see(&id).await.markers;
        assert_eq!(held.get("suite_id"), value.as_ref());
    }
    Outcome::Held
}

pub(super) async fn collections<C: Connector>(one: &mut Client<C>, two: &mut Client<C>) -> Outcome {
    if !one.capabilities().collections {
        return Outcome::Lacking;
    }
    let title = one.word("place");
    let path = ProjectPath::new([title]).expect("a title of the suite's own");
    let make = Operation::CreateCollection { path: path.clone() };
    let made = one
        .apply(make.clone())
        .await
        .expect("a collection can be made");
    let collection = made.collection.expect("the answer names the collection");
    let seen = two.look(None, Look::Everything).await;
    let listed = seen.collections.expect("a full look names the collections");
    let place = listed.iter().find(|one| one.id == collection);
    assert_eq!(place.and_then(|one| one.path.as_ref()), Some(&path));

    let found = two.connector.find(&[make], one.now).await;
    let found = found.expect("lost collections can be looked for");
    let there = found[0]
        .iter()
        .any(|one| one.collection.as_ref() == Some(&collection));
    assert!(there, "{found:?}");

    let mut draft = one.titled("inside");
    draft.collection = Some(collection.clone());
    let inside = one.create(draft).await.id;
    let moved = one.make("moved inside").await;
    let change = Change {
        field: Field::Project,
        from: two.see(&moved).await.fields.get(Field::Project).cloned(),
        to: Some(Value::Path(path.clone())),
    };
    let into = update(&moved, |edit| {
        edit.fields = vec![change];
        edit.collection = Some(collection.clone());
    });
    one.apply(into).await.expect("a task can be moved");
    for id in [&inside, &moved] {
        let held = two.see(id).await;
        assert_eq!(held.collection.as_ref(), Some(&collection));
        assert_eq!(held.fields.project(), Some(&path));
    }
    Outcome::Held
}
