//! Who is who when two sides meet (S26): a strict order of evidence, and review where it runs out.

use std::collections::{BTreeMap, BTreeSet};

use instep_model::{Field, Fields, RemoteId, ReviewReason, Task, TaskId, Value};

use crate::projection::Projection;

/// How far markers found on tasks can be trusted to speak of this server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Trust {
    /// They may speak of it, or be older than it or the hub.
    Unknown,
    /// They speak of another server.
    OtherServer,
}

/// A hub task without a partner.
#[derive(Debug, Clone, Copy)]
pub struct HubCandidate<'a> {
    /// The task; a tombstone if it is deleted.
    pub task: &'a Task,
    /// The remote id that a marker on it names; `None` too where that item is paired already,
    /// so that a copied marker does not pass for one of something gone (S26).
    pub hint: Option<&'a RemoteId>,
    /// Whether it waits for review: its marker was not believed before.
    pub held: bool,
    /// Titles that stood against its own before and lost: an account that was not met yet may
    /// still show one of them.
    pub former: &'a [String],
}

/// A remote item without a partner.
#[derive(Debug, Clone, Copy)]
pub struct RemoteCandidate<'a> {
    /// Its id.
    pub id: &'a RemoteId,
    /// Its values, in the hub's ids where they are known.
    pub fields: &'a Fields,
    /// The hub id it would have, where we choose ids.
    pub chosen: Option<TaskId>,
}

/// What a meeting goes by.
#[derive(Debug, Clone, Copy)]
pub struct Meeting<'a> {
    /// How the service sees tasks.
    pub projection: Projection<'a>,
    /// Whether this is the first one: later, only what is certain is paired.
    pub first: bool,
    /// Whether every item of the remote is among the candidates or paired already.
    pub complete: bool,
    /// How far markers are to be believed.
    pub trust: Trust,
    /// How many more markers of known pairs are right than wrong.
    pub vouched: usize,
}

/// Who was found to be who, by position in the two lists.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Adoption {
    /// The same task on both sides.
    pub pairs: Vec<(usize, usize)>,
    /// Remote items that the hub does not have.
    pub new: Vec<usize>,
    /// Neither paired nor created until a person has looked.
    pub reviews: Vec<(Option<usize>, Option<usize>, ReviewReason)>,
}

/// Matches two lists of partnerless tasks. Living hub tasks that come back neither in `pairs`
/// nor in `reviews` are to be created in the remote.
pub fn adopt(meeting: &Meeting, hub: &[HubCandidate], remote: &[RemoteCandidate]) -> Adoption {
    let mut table = Table {
        meeting,
        hub,
        remote,
        projected: hub
            .iter()
            .map(|c| meeting.projection.project(&c.task.fields))
            .collect(),
        free_hub: (0..hub.len())
            .filter(|at| hub[*at].task.is_alive())
            .collect(),
        free_remote: (0..remote.len()).collect(),
        result: Adoption::default(),
    };
    table.by_chosen_id();
    table.by_marker();
    table.by_content();
    if meeting.first {
        table.by_unique(|fields| {
            let due = fields.get(Field::Due).map(ToString::to_string);
            (place(fields), due)
        });
        table.by_unique(|fields| (place(fields), None));
        table.by_former_title();
    }
    table.review();
    table.result.new = table.free_remote.into_iter().collect();
    table.result.pairs.sort_unstable();
    table.result
}

fn place(fields: &Fields) -> String {
    let project = fields
        .project()
        .map(ToString::to_string)
        .unwrap_or_default();
    format!("{project}\n{}", fields.title().trim())
}

struct Table<'a> {
    meeting: &'a Meeting<'a>,
    hub: &'a [HubCandidate<'a>],
    remote: &'a [RemoteCandidate<'a>],
    projected: Vec<Fields>,
    free_hub: BTreeSet<usize>,
    free_remote: BTreeSet<usize>,
    result: Adoption,
}

impl Table<'_> {
    fn pair(&mut self, hub: usize, remote: usize) {
        self.free_hub.remove(&hub);
        self.free_remote.remove(&remote);
        self.result.pairs.push((hub, remote));
    }

    fn same_title(&self, hub: usize, remote: usize) -> bool {
        self.projected[hub].title().trim() == self.remote[remote].fields.title().trim()
    }

    fn by_chosen_id(&mut self) {
        let hub: BTreeMap<TaskId, usize> = self
            .free_hub
            .iter()
            .map(|at| (self.hub[*at].task.id, *at))
            .collect();
        for remote in self.free_remote.clone() {
            if let Some(task) = self.remote[remote].chosen
                && let Some(hub) = hub.get(&task)
                && self.free_hub.contains(hub)
            {
                self.pair(*hub, remote);
            }
        }
    }

    /// A marker held by two tasks belongs to the older, if it is a copy: where neither has the item's
    /// title, one of them was left by an earlier server, and nobody knows which.
    fn by_marker(&mut self) {
        if self.meeting.trust == Trust::OtherServer {
            return;
        }
        let remotes: BTreeMap<&RemoteId, usize> = self
            .free_remote
            .iter()
            .map(|at| (self.remote[*at].id, *at))
            .collect();
        let mut claims: Vec<(usize, usize)> = self
            .free_hub
            .iter()
            .filter_map(|hub| Some((*hub, *remotes.get(self.hub[*hub].hint?)?)))
            .collect();
        claims.sort_by_key(|(hub, remote)| {
            let task = self.hub[*hub].task;
            // A marker of an earlier server names what is another task's here.
            let strange = !self.same_title(*hub, *remote);
            (strange, task.fields.instant(Field::Created), task.id)
        });
        let alike = claims
            .iter()
            .filter(|(hub, remote)| self.same_title(*hub, *remote))
            .count();
        // Where most markers name an item of their own title, they speak of this server.
        let vouched = self.meeting.vouched;
        let trusted = (alike + vouched) * 2 > claims.len() + vouched;
        let mut claimants: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, remote) in &claims {
            *claimants.entry(*remote).or_default() += 1;
        }
        for (hub, remote) in claims {
            let free = self.free_remote.contains(&remote);
            let alone = claimants[&remote] == 1;
            let believed = trusted && !self.hub[hub].held;
            let retitled = believed && alone && !self.is_known_elsewhere(hub, remote);
            if free && (retitled || self.same_title(hub, remote)) {
                self.pair(hub, remote);
            }
        }
    }

    /// Whether one of the two has a partner of its own title: then the marker is of an earlier server,
    /// and neither was retitled.
    fn is_known_elsewhere(&self, hub: usize, remote: usize) -> bool {
        let (here, there) = (self.free_hub.iter(), self.free_remote.iter());
        let mut there = there.filter(|at| **at != remote);
        let mut here = here.filter(|at| **at != hub);
        there.any(|at| self.same_title(hub, *at)) || here.any(|at| self.same_title(*at, remote))
    }

    fn by_content(&mut self) {
        let mut by_content: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for remote in self.free_remote.iter().rev() {
            let key = content(&self.meeting.projection, self.remote[*remote].fields);
            by_content.entry(key).or_default().push(*remote);
        }
        for hub in self.free_hub.clone() {
            let key = content(&self.meeting.projection, &self.projected[hub]);
            if let Some(remote) = by_content.get_mut(&key).and_then(Vec::pop) {
                self.pair(hub, remote);
            }
        }
    }

    fn by_unique(&mut self, key: impl Fn(&Fields) -> (String, Option<String>)) {
        let mut groups: BTreeMap<_, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for hub in &self.free_hub {
            groups
                .entry(key(&self.projected[*hub]))
                .or_default()
                .0
                .push(*hub);
        }
        for remote in &self.free_remote {
            groups
                .entry(key(self.remote[*remote].fields))
                .or_default()
                .1
                .push(*remote);
        }
        for (hub, remote) in groups.into_values() {
            if let ([hub], [remote]) = (hub.as_slice(), remote.as_slice()) {
                self.pair(*hub, *remote);
            }
        }
    }

    /// A task that was retitled since its account was last seen, and that another account has met
    /// under its new title by now.
    fn by_former_title(&mut self) {
        let mut groups: BTreeMap<String, (BTreeSet<usize>, Vec<usize>)> = BTreeMap::new();
        for hub in &self.free_hub {
            for title in self.hub[*hub].former {
                let former = self.projected[*hub]
                    .clone()
                    .with(Field::Title, Value::Text(title.clone()));
                groups.entry(place(&former)).or_default().0.insert(*hub);
            }
        }
        for remote in &self.free_remote {
            let group = groups.get_mut(&place(self.remote[*remote].fields));
            if let Some((_, remotes)) = group {
                remotes.push(*remote);
            }
        }
        for (hub, remote) in groups.into_values() {
            if let ([hub], [remote]) = (Vec::from_iter(hub).as_slice(), remote.as_slice())
                && self.free_hub.contains(hub)
            {
                self.pair(*hub, *remote);
            }
        }
    }

    fn review(&mut self) {
        self.review_deleted();
        self.review_lost_markers();
        if self.meeting.first {
            self.review_equal_titles();
        }
    }

    /// Deleted here, alive there under a live marker or, when sides meet anew, under our id.
    fn review_deleted(&mut self) {
        for (at, candidate) in self.hub.iter().enumerate() {
            if candidate.task.is_alive() {
                continue;
            }
            let is_meant = |at_remote: &usize| {
                let remote = &self.remote[*at_remote];
                let ours = self.meeting.first && remote.chosen == Some(candidate.task.id);
                let believed = match self.meeting.trust {
                    Trust::Unknown => self.same_title(at, *at_remote),
                    Trust::OtherServer => false,
                };
                ours || (believed && Some(remote.id) == candidate.hint)
            };
            let remote = self.free_remote.iter().copied().find(is_meant);
            if let Some(remote) = remote {
                self.free_remote.remove(&remote);
                self.result
                    .reviews
                    .push((Some(at), Some(remote), ReviewReason::DeletedHere));
            }
        }
    }

    /// A marker that names an item which a complete look did not find.
    fn review_lost_markers(&mut self) {
        if !self.meeting.complete || self.meeting.trust == Trust::OtherServer {
            return;
        }
        let known: BTreeSet<&RemoteId> = self.remote.iter().map(|candidate| candidate.id).collect();
        for hub in self.free_hub.clone() {
            if self.hub[hub].hint.is_some_and(|hint| !known.contains(hint)) {
                self.free_hub.remove(&hub);
                self.result
                    .reviews
                    .push((Some(hub), None, ReviewReason::MarkerOfGone));
            }
        }
    }

    fn review_equal_titles(&mut self) {
        let mut titles: BTreeMap<String, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
        for hub in &self.free_hub {
            titles
                .entry(self.projected[*hub].title().trim().to_owned())
                .or_default()
                .0
                .push(*hub);
        }
        for remote in &self.free_remote {
            let title = self.remote[*remote].fields.title().trim().to_owned();
            titles.entry(title).or_default().1.push(*remote);
        }
        for (hub, remote) in titles.into_values() {
            if hub.is_empty() || remote.is_empty() {
                continue;
            }
            for at in hub {
                self.free_hub.remove(&at);
                self.result
                    .reviews
                    .push((Some(at), None, ReviewReason::EqualTitle));
            }
            for at in remote {
                self.free_remote.remove(&at);
                self.result
                    .reviews
                    .push((None, Some(at), ReviewReason::EqualTitle));
            }
        }
    }
}

/// Everything that both sides can hold, links and notes' identities apart.
fn content(projection: &Projection, fields: &Fields) -> Vec<(Field, String)> {
    let mut content = Vec::new();
    for (field, value) in fields.iter().filter(|(field, _)| projection.merges(*field)) {
        match field {
            Field::Depends | Field::Parent => {}
            Field::Annotations => {
                let notes = fields.annotations().into_values();
                content.extend(notes.map(|note| (field, note.text)));
            }
            _ => content.push((field, value.to_string())),
        }
    }
    content.sort();
    content
}
