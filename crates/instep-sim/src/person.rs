//! People at work: each deed happens in one place, and the ledger hears what they saw there.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;

use instep_contract::{Effect, MemoryStore, Store};
use instep_engine::{Decisions, EditError, Engine, Limits, Peer};
use instep_model::{
    Annotation, AnnotationId, Direction, Field, Fields, Link, Operation, ProjectPath, RemoteId,
    RemoteTask, Status, TaskId, TimeZone, Value,
};
use uuid::Uuid;

use crate::bugs::REHEARSAL;
use crate::executor::poll;
use crate::ledger::{
    self, Key, Place, Shade, Slot, note, read, read_note, read_tag, read_title, tag, texts, value,
};
use crate::outside::moves_scope;
use crate::schedule::Deed;
use crate::setting::AWAY;
use crate::shown::{Body, Shown, index, low};
use crate::stage::Stage;
use crate::world::{SimClock, SimRng};

const PROJECTS: u32 = 4;

impl Stage {
    /// Lets a person do something, if there is anything to do it to.
    pub(crate) fn act(&mut self, place: Place, deed: Deed, pick: u64) {
        match deed {
            Deed::Create => return self.create(place, low(pick)),
            Deed::TakeBack => return self.take_back(),
            _ => {}
        }
        let Some(shown) = self.task_of(place, pick) else {
            return;
        };
        self.work_on(&shown, |stage| stage.do_to(&shown, deed, low(pick) / 7));
    }

    /// Lets a person do something to a task that is shown.
    pub(crate) fn work_on(&mut self, shown: &Shown, work: impl FnOnce(&mut Self)) {
        let place = shown.place();
        self.stir(shown);
        self.ledger.last = Some(shown.key);
        self.ledger.place = place;
        self.ledger.abroad = self.is_abroad(place);
        self.ledger.outside = self.outside(shown);
        work(self);
        self.ledger.outside = None;
        self.ledger.abroad = false;
    }

    /// Whether the hub never reads there (S29).
    pub(crate) fn is_abroad(&self, place: Place) -> bool {
        match place {
            Place::Hub => false,
            Place::Remote(remote) => self.accounts[remote].direction == Direction::ToRemote,
        }
    }

    fn do_to(&mut self, shown: &Shown, deed: Deed, rest: u32) {
        match deed {
            Deed::Create | Deed::TakeBack => {}
            Deed::Enter(slot) => self.enter(shown, slot, rest),
            Deed::Clear(slot) => self.clear(shown, slot),
            Deed::Prioritise => {
                let number = Value::Number(1 + rest % 5);
                self.put(shown, Field::Priority, Some(number));
            }
            Deed::Move => {
                let path = ProjectPath::new([format!("p{}", rest % PROJECTS)]);
                self.put(shown, Field::Project, path.map(Value::Path));
            }
            Deed::Tag => self.tag(shown),
            Deed::Ban => self.ban(shown),
            Deed::Shade => self.shade(shown),
            Deed::Untag => self.untag(shown, rest),
            Deed::Note => self.note(shown),
            Deed::Reword => self.reword(shown, rest),
            Deed::Erase => self.erase(shown, rest),
            Deed::Depend => self.depend(shown, rest),
            Deed::Undepend => self.undepend(shown, rest),
            Deed::Complete => self.close(shown, true),
            Deed::Reopen => self.close(shown, false),
            Deed::Delete => self.delete(shown),
            Deed::Unmark => self.unmark(shown),
        }
    }

    /// A remote item that the hub made and has not paired yet is in doubt: whoever changes it now
    /// takes away what it could be told by.
    fn stir(&mut self, shown: &Shown) {
        if self.recovering {
            self.ledger.fluid.insert(shown.key);
        }
        if let Body::Remote(remote, task) = &shown.body {
            let pairs = self
                .store
                .mappings_by_remote(&self.accounts[*remote].id, std::slice::from_ref(&task.id));
            let paired = poll(std::pin::pin!(pairs)).and_then(Result::ok);
            let alone = paired.is_none_or(|pairs| pairs.is_empty());
            let everywhere = self.titles();
            let elsewhere = everywhere
                .get(&shown.key)
                .is_some_and(|places| places.iter().filter(|one| !one.is_empty()).count() > 1);
            if alone && elsewhere {
                self.ledger.fluid.insert(shown.key);
            }
        }
    }

    fn create(&mut self, place: Place, pick: u32) {
        let key = self.ledger.key();
        self.ledger.last = Some(key);
        self.ledger.place = place;
        self.ledger.abroad = self.is_abroad(place);
        let number = self.ledger.number();
        let title = value(key, Slot::Title, number, false);
        let mut fields = Fields::new().with(Field::Title, title);
        if pick.is_multiple_of(3) && self.holds(place, Slot::Due) {
            let due = self.ledger.number();
            fields.set(
                Field::Due,
                value(key, Slot::Due, due, pick.is_multiple_of(2)),
            );
            self.ledger.enter(key, Slot::Due, due, None);
        }
        if pick.is_multiple_of(5) {
            let path = ProjectPath::new([format!("p{}", pick % PROJECTS)]);
            fields.set(Field::Project, path.map(Value::Path));
        }
        if pick.is_multiple_of(7) && self.holds(place, Slot::Tag) {
            let number = self.ledger.number();
            fields.set(Field::Tags, value(key, Slot::Tag, number, false));
            self.ledger.enter(key, Slot::Tag, number, None);
        }
        self.ledger.enter(key, Slot::Title, number, None);
        if self.recovering {
            self.ledger.fluid.insert(key);
        }
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("task {key}").as_bytes());
        match place {
            Place::Hub => {
                done(self.desk().add_task(TaskId(id), fields));
            }
            Place::Remote(remote) => {
                let chosen = RemoteId::new(id.to_string());
                let id = self.remotes[remote].create(self.world.now(), &chosen, &fields);
                self.ledger.shown.insert((remote, id, number));
            }
        }
        self.ledger.abroad = false;
    }

    /// Gives a task the tag that keeps it out of a limited account, or takes it away.
    fn ban(&mut self, shown: &Shown) {
        if !self.holds(shown.place(), Slot::Tag) {
            return;
        }
        let mut tags = shown.fields().tags();
        if !tags.remove(AWAY) {
            tags.insert(AWAY.to_owned());
        }
        self.put(shown, Field::Tags, Some(Value::Tags(tags)));
    }

    /// Writes what the hub has no field for.
    fn shade(&mut self, shown: &Shown) {
        let Body::Remote(remote, task) = &shown.body else {
            return;
        };
        let number = self.ledger.number();
        let now = self.world.now();
        if self.remotes[*remote].shade(now, &task.id, Some(&ledger::shade(number))) {
            let at = self.ledger.tick();
            let shade = Shade { number, at };
            self.ledger.shades.insert((*remote, shown.key), shade);
        }
    }

    /// Puts a value that bears no number.
    fn put(&mut self, shown: &Shown, field: Field, value: Option<Value>) {
        if self.write(shown, field, value) {
            self.ledger.touch(shown.key);
        }
    }

    fn enter(&mut self, shown: &Shown, slot: Slot, rest: u32) {
        let place = shown.place();
        if !self.holds(place, slot) {
            return;
        }
        let number = self.ledger.number();
        let seen = read(slot, shown.fields().get(slot.field()));
        let new = value(shown.key, slot, number, rest.is_multiple_of(2));
        let former = shown.fields().get(slot.field()).cloned();
        self.ledger.former = Some((number, former));
        if self.write(shown, slot.field(), Some(new)) {
            self.ledger.enter(shown.key, slot, number, seen);
            self.retitled(shown, slot, number);
        }
    }

    /// Records that an item shows a title from here on, if it is one that was written.
    pub(crate) fn retitled(&mut self, shown: &Shown, slot: Slot, number: u32) {
        if let (Slot::Title, Body::Remote(remote, task)) = (slot, &shown.body) {
            let shown = (*remote, task.id.clone(), number);
            self.ledger.shown.insert(shown);
        }
    }

    fn clear(&mut self, shown: &Shown, slot: Slot) {
        let Some(seen) = read(slot, shown.fields().get(slot.field())) else {
            return;
        };
        if self.write(shown, slot.field(), None) {
            self.ledger.supersede(shown.key, slot, seen);
        }
    }

    fn tag(&mut self, shown: &Shown) {
        if !self.holds(shown.place(), Slot::Tag) {
            return;
        }
        let number = self.ledger.number();
        let mut tags = shown.fields().tags();
        tags.insert(tag(number));
        if self.write(shown, Field::Tags, Some(Value::Tags(tags))) {
            self.ledger.enter(shown.key, Slot::Tag, number, None);
        }
    }

    fn untag(&mut self, shown: &Shown, rest: u32) {
        let tags = shown.fields().tags();
        let gone = index(rest, tags.len()).and_then(|at| tags.iter().nth(at));
        if let Some(gone) = gone {
            self.untag_this(shown, gone);
        }
    }

    pub(crate) fn untag_this(&mut self, shown: &Shown, gone: &str) {
        let mut tags = shown.fields().tags();
        tags.remove(gone);
        if !self.write(shown, Field::Tags, Some(Value::Tags(tags))) {
            return;
        }
        match read_tag(gone) {
            Some(number) => self.ledger.remove(shown.key, Slot::Tag, number),
            None => self.ledger.touch(shown.key),
        }
    }

    fn note(&mut self, shown: &Shown) {
        if !self.holds(shown.place(), Slot::Note) {
            return;
        }
        let number = self.ledger.number();
        match &shown.body {
            Body::Hub(task) => {
                let mut notes = task.fields.annotations();
                let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, note(number).as_bytes());
                let annotation = Annotation {
                    at: self.world.now(),
                    text: note(number),
                };
                notes.insert(AnnotationId(id), annotation);
                self.write(shown, Field::Annotations, Some(Value::Annotations(notes)));
            }
            Body::Remote(remote, task) => {
                self.remotes[*remote].add_note(self.world.now(), &task.id, &note(number));
            }
        }
        self.ledger.enter(shown.key, Slot::Note, number, None);
    }

    fn reword(&mut self, shown: &Shown, rest: u32) {
        let number = self.ledger.number();
        let seen = match &shown.body {
            Body::Hub(task) => {
                let mut notes = task.fields.annotations();
                let Some(at) = index(rest, notes.len()) else {
                    return;
                };
                let Some(one) = notes.values_mut().nth(at) else {
                    return;
                };
                let seen = read_note(&one.text);
                one.text = note(number);
                self.write(shown, Field::Annotations, Some(Value::Annotations(notes)));
                seen
            }
            Body::Remote(remote, task) => {
                let Some(one) = index(rest, task.notes.len()).and_then(|at| task.notes.get(at))
                else {
                    return;
                };
                let now = self.world.now();
                self.remotes[*remote].edit_note(now, &task.id, &one.id, &note(number));
                read_note(&one.text)
            }
        };
        self.ledger.enter(shown.key, Slot::Note, number, seen);
    }

    fn erase(&mut self, shown: &Shown, rest: u32) {
        self.erase_one(shown, |texts| index(rest, texts.len()));
    }

    /// Takes the note away that is picked from the texts of all.
    pub(crate) fn erase_one(&mut self, shown: &Shown, pick: impl Fn(&[&str]) -> Option<usize>) {
        let seen = match &shown.body {
            Body::Hub(task) => {
                let mut notes = task.fields.annotations();
                let texts: Vec<&str> = notes.values().map(|note| note.text.as_str()).collect();
                let id = pick(&texts).and_then(|at| notes.keys().nth(at).copied());
                let Some(gone) = id.and_then(|id| notes.remove(&id)) else {
                    return;
                };
                self.write(shown, Field::Annotations, Some(Value::Annotations(notes)));
                read_note(&gone.text)
            }
            Body::Remote(remote, task) => {
                let texts: Vec<&str> = texts(&task.notes).collect();
                let Some(one) = pick(&texts).and_then(|at| task.notes.get(at)) else {
                    return;
                };
                self.remotes[*remote].remove_note(self.world.now(), &task.id, &one.id);
                read_note(&one.text)
            }
        };
        if let Some(number) = seen {
            self.ledger.remove(shown.key, Slot::Note, number);
        }
    }

    /// Later tasks depend on earlier ones, so that no circle arises.
    fn depend(&mut self, shown: &Shown, rest: u32) {
        let Some(other) = self.task_of(shown.place(), rest.into()) else {
            return;
        };
        if other.key == shown.key || !self.holds_links(shown.place()) {
            return;
        }
        let (earlier, later) = if other.key < shown.key {
            (&other, shown)
        } else {
            (shown, &other)
        };
        let moved = match (&later.body, &earlier.body) {
            (Body::Hub(task), Body::Hub(other)) => {
                let mut depends = task.fields.depends();
                depends.insert(other.id);
                self.write(later, Field::Depends, Some(Value::Tasks(depends)))
            }
            (Body::Remote(remote, task), Body::Remote(_, other)) => {
                let now = self.world.now();
                self.remotes[*remote].link(now, &task.id, Link::DependsOn, &other.id)
            }
            _ => false,
        };
        if moved {
            self.stir(later);
            self.ledger.touch(later.key);
        }
    }

    /// Takes away one of the links that there are.
    fn undepend(&mut self, shown: &Shown, rest: u32) {
        let moved = match &shown.body {
            Body::Hub(task) => {
                let mut depends = task.fields.depends();
                let picked = index(rest, depends.len()).and_then(|at| depends.iter().nth(at));
                let Some(other) = picked.copied() else { return };
                depends.remove(&other);
                self.write(shown, Field::Depends, Some(Value::Tasks(depends)))
            }
            Body::Remote(remote, task) => {
                let depends = &task.depends;
                let picked = index(rest, depends.len()).and_then(|at| depends.iter().nth(at));
                let Some(other) = picked else { return };
                let now = self.world.now();
                self.remotes[*remote].unlink(now, &task.id, Link::DependsOn, other)
            }
        };
        if moved {
            self.ledger.touch(shown.key);
        }
    }

    pub(crate) fn holds_links(&self, place: Place) -> bool {
        match place {
            Place::Hub => true,
            Place::Remote(remote) => {
                let capabilities = self.remotes[remote].capabilities();
                *capabilities.hold(Field::Depends) != instep_model::Hold::No
            }
        }
    }

    fn close(&mut self, shown: &Shown, closed: bool) {
        if shown.fields().status().is_closed() == closed {
            return;
        }
        let status = closed.then_some(Value::Status(Status::Done));
        if self.write(shown, Field::Status, status) && !self.ledger.abroad {
            self.ledger.touch(shown.key);
            if !closed {
                self.ledger.reopened.insert(shown.key);
            } else if self.ledger.outside.is_none() {
                // Of what is outside the hub may never hear.
                let now = self.ledger.clock;
                self.ledger.closed.insert(shown.key, now);
            }
        }
    }

    pub(crate) fn delete(&mut self, shown: &Shown) {
        // With few tasks left, the guard lets a listing pass that lost them all (S28).
        self.world.skies(|skies| skies.lies = [false; 3]);
        let outside = self.is_outside(shown);
        let seen = shown.numbers();
        let place = shown.place();
        let held: Vec<Slot> = [
            Slot::Title,
            Slot::Notes,
            Slot::Due,
            Slot::Start,
            Slot::Tag,
            Slot::Note,
        ]
        .into_iter()
        .filter(|slot| self.holds(place, *slot))
        .collect();
        // What stays in the hub alone was never shown to whoever deletes here, and beats it (S29).
        let spared = matches!(place, Place::Remote(remote)
            if self.accounts[remote].direction == Direction::FromRemote)
            && (self.out_of_step().contains(&shown.key) || self.is_linked_elsewhere(shown));
        match &shown.body {
            Body::Hub(task) => {
                done(self.desk().delete_task(task.id));
            }
            Body::Remote(remote, task) => {
                let linked = self.linked_to(*remote, &task.id);
                self.remotes[*remote].delete(self.world.now(), &task.id);
                let still = self.linked_to(*remote, &task.id);
                // Some services take the links away with it, and show it before they show why.
                for key in linked.difference(&still) {
                    self.ledger.touch(*key);
                }
            }
        }
        if let Body::Remote(remote, task) = &shown.body {
            self.ledger.shade_off(*remote, shown.key);
            if outside {
                // What is none of the account's goes with all that it held (S27).
                self.ledger.shades.remove(&(*remote, shown.key));
            }
            if self.is_abroad(place) {
                if !self.recovering && self.is_known(*remote, task) {
                    self.ledger.refused.insert((*remote, shown.key));
                }
                return;
            }
        }
        self.ledger.shift(shown.key);
        if outside {
            let elsewhere = self.values_of(shown.key);
            self.ledger.drop_outside(shown.key, &seen, &elsewhere);
            return;
        }
        self.ledger
            .bury(shown.key, &seen, |slot| held.contains(&slot), spared);
    }

    /// The tasks whose items in the remote link to this one.
    fn linked_to(&self, remote: usize, id: &RemoteId) -> BTreeSet<Key> {
        let items = self.remotes[remote].tasks();
        let linked = items
            .iter()
            .filter(|item| item.depends.contains(id) || item.parent.as_ref() == Some(id));
        linked
            .filter_map(|item| Some(read_title(item.fields.title())?.0))
            .collect()
    }

    /// Whether the hub's task has links that this item does not show.
    fn is_linked_elsewhere(&self, shown: &Shown) -> bool {
        let Body::Remote(_, item) = &shown.body else {
            return false;
        };
        let shows = item.depends.len() + usize::from(item.parent.is_some());
        self.store.all_tasks().iter().any(|task| {
            let is_it = read_title(task.fields.title()).is_some_and(|(key, _)| key == shown.key);
            let depends = task.fields.depends().len();
            let parent = usize::from(task.fields.get(Field::Parent).is_some());
            is_it && task.is_alive() && depends + parent > shows
        })
    }

    /// Whether the hub knows that this item is there: only then can its loss be told from one that was
    /// never made. Whoever acts in the middle of a round may meet one whose making is not judged yet.
    fn is_known(&self, remote: usize, task: &RemoteTask) -> bool {
        let made_now = |effect: &Effect| {
            matches!(effect.operation, Operation::Create(_)) && effect.id == task.id
        };
        let pairs = self.store.all_mappings();
        let mut own = pairs
            .iter()
            .filter(|pair| pair.account == self.accounts[remote].id);
        own.any(|pair| pair.remote.as_ref() == Some(&task.id) && pair.gone.is_none())
            && !self.remotes[remote].peek_effects().iter().any(made_now)
    }

    fn unmark(&mut self, shown: &Shown) {
        if let Body::Remote(remote, task) = &shown.body {
            let now = self.world.now();
            for name in task.markers.keys() {
                self.remotes[*remote].mark(now, &task.id, name, None);
            }
        }
    }

    /// Writes one field where it was shown; answers whether that made a difference.
    pub(crate) fn write(&mut self, shown: &Shown, field: Field, value: Option<Value>) -> bool {
        let now = self.world.now();
        if moves_scope(shown.fields(), field, value.as_ref()) {
            self.ledger.shift(shown.key);
        }
        match &shown.body {
            Body::Hub(task) => {
                let change = |fields: &mut Fields| fields.set(field, value.clone());
                done(self.desk().edit_task(task.id, change))
                    .action
                    .is_some()
            }
            Body::Remote(remote, task) => {
                self.remotes[*remote].edit(now, &task.id, field, value.as_ref())
            }
        }
    }

    /// The engine as a person's command uses it: nothing stops that.
    fn desk(&self) -> Engine<MemoryStore, SimClock, SimRng> {
        Engine {
            store: self.store.clone(),
            clock: self.world.clock(REHEARSAL),
            rng: SimRng(self.world.clone()),
            zone: TimeZone::UTC,
            peers: self.accounts.iter().map(Peer::of).collect(),
            decisions: Decisions::default(),
            limits: Limits::default(),
        }
    }
}

/// A person's own edit is stored at once.
fn done<T: std::fmt::Debug>(edit: impl Future<Output = Result<T, EditError>>) -> T {
    match poll(pin!(edit)) {
        Some(Ok(edited)) => edited,
        other => unreachable!("a person's own edit is stored: {other:?}"),
    }
}
