//! Who is who (S26): the order of evidence, step by step.

use expect_test::{Expect, expect};
use instep_model::{Fields, RemoteId, Task, TaskId};
use instep_sync::{Adoption, HubCandidate, Meeting, Projection, RemoteCandidate, Trust, adopt};
use uuid::Uuid;

use crate::draw::at;
use crate::services::{SERVER, service, zone};
use crate::spoken;
use crate::sync::{hub_task, person, reach};

/// A hub task as a table writes it.
#[derive(Debug, Clone)]
pub(crate) struct Here {
    pub(crate) id: u128,
    pub(crate) fields: Fields,
    pub(crate) hint: Option<String>,
    pub(crate) deleted: bool,
    pub(crate) held: bool,
    pub(crate) former: Vec<String>,
}

/// A remote item as a table writes it.
#[derive(Debug, Clone)]
pub(crate) struct There {
    pub(crate) id: String,
    pub(crate) fields: Fields,
    pub(crate) chosen: Option<u128>,
}

/// What a meeting goes by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    pub(crate) first: bool,
    pub(crate) complete: bool,
    pub(crate) trust: Trust,
    pub(crate) vouched: usize,
}

/// Two full sides.
const FIRST: How = How {
    first: true,
    complete: true,
    trust: Trust::Unknown,
    vouched: 0,
};

fn here(id: u128, fields: &str) -> Here {
    Here {
        id,
        fields: spoken::fields(fields),
        hint: None,
        deleted: false,
        held: false,
        former: Vec::new(),
    }
}

impl Here {
    fn hint(self, id: &str) -> Self {
        let hint = Some(id.to_owned());
        Self { hint, ..self }
    }

    fn was(self, title: &str) -> Self {
        let former = vec![title.to_owned()];
        Self { former, ..self }
    }

    fn deleted(self) -> Self {
        let deleted = true;
        Self { deleted, ..self }
    }
}

fn there(id: &str, fields: &str) -> There {
    There {
        id: id.to_owned(),
        fields: spoken::fields(fields),
        chosen: None,
    }
}

impl There {
    fn chosen(self, id: u128) -> Self {
        let chosen = Some(id);
        Self { chosen, ..self }
    }
}

pub(crate) fn run(how: How, hub: &[Here], remote: &[There]) -> Adoption {
    let task = |one: &Here| Task {
        id: TaskId(Uuid::from_u128(one.id)),
        deleted: one.deleted.then(|| person(at(0))),
        ..hub_task(one.fields.clone())
    };
    let tasks: Vec<Task> = hub.iter().map(task).collect();
    let hints: Vec<Option<RemoteId>> = hub
        .iter()
        .map(|one| one.hint.clone().map(RemoteId::new))
        .collect();
    let hub: Vec<HubCandidate> = tasks
        .iter()
        .zip(hub)
        .zip(&hints)
        .map(|((task, one), hint)| HubCandidate {
            task,
            hint: hint.as_ref(),
            held: one.held,
            former: &one.former,
        })
        .collect();
    let ids: Vec<RemoteId> = remote.iter().map(|one| RemoteId::new(&*one.id)).collect();
    let remote: Vec<RemoteCandidate> = remote
        .iter()
        .zip(&ids)
        .map(|(one, id)| RemoteCandidate {
            id,
            fields: &one.fields,
            chosen: one.chosen.map(|id| TaskId(Uuid::from_u128(id))),
        })
        .collect();
    let meeting = Meeting {
        projection: Projection {
            capabilities: &service(SERVER).capabilities,
            zone: zone(0),
            reachable: &reach(0),
        },
        first: how.first,
        complete: how.complete,
        trust: how.trust,
        vouched: how.vouched,
    };
    adopt(&meeting, &hub, &remote)
}

/// `1=a` for a pair, `new a`, `send 1`, and what is to be reviewed.
fn told(adoption: &Adoption, hub: &[Here], remote: &[There]) -> String {
    let mut told = Vec::new();
    for (here, there) in &adoption.pairs {
        told.push(format!("{}={}", hub[*here].id, remote[*there].id));
    }
    told.extend(
        adoption
            .new
            .iter()
            .map(|there| format!("new {}", remote[*there].id)),
    );
    for (at, one) in hub.iter().enumerate() {
        let paired = adoption.pairs.iter().any(|(here, _)| *here == at);
        let reviewed = adoption
            .reviews
            .iter()
            .any(|(here, _, _)| *here == Some(at));
        if !paired && !reviewed && !one.deleted {
            told.push(format!("send {}", one.id));
        }
    }
    for (here, there, reason) in &adoption.reviews {
        let here = here.map_or_else(|| "-".to_owned(), |here| hub[here].id.to_string());
        let there = there.map_or_else(|| "-".to_owned(), |there| remote[there].id.clone());
        told.push(format!("{reason} {here} {there}"));
    }
    told.join(", ")
}

fn check(how: How, hub: &[Here], remote: &[There], expected: Expect) {
    expected.assert_eq(&told(&run(how, hub, remote), hub, remote));
}

#[test]
fn an_id_that_we_chose_comes_before_everything() {
    let hub = [here(1, "title=a").hint("y"), here(2, "title=b")];
    let remote = [there("x", "title=b").chosen(1), there("y", "title=a")];
    check(FIRST, &hub, &remote, expect!["1=x, new y, send 2"]);
    let other = How {
        trust: Trust::OtherServer,
        first: false,
        ..FIRST
    };
    check(other, &hub[..1], &remote[..1], expect!["1=x"]);
}

#[test]
fn a_marker_is_believed_as_far_as_its_server() {
    let hub = [here(1, "title=a").hint("x"), here(2, "title=b")];
    let remote = [there("x", "title=changed"), there("y", "title=a")];
    check(FIRST, &hub, &remote, expect!["1=y, new x, send 2"]);
    check(
        How {
            trust: Trust::OtherServer,
            ..FIRST
        },
        &hub,
        &remote,
        expect!["1=y, new x, send 2"],
    );
    let titled = [there("x", "title=a ; priority=3"), there("y", "title=a")];
    check(FIRST, &hub, &titled, expect!["1=x, new y, send 2"]);
}

#[test]
fn markers_are_believed_of_a_lost_hub_where_most_name_their_own_title() {
    let hub = [
        here(1, "title=a").hint("x"),
        here(2, "title=b").hint("y"),
        here(3, "title=c").hint("z"),
    ];
    let most = [
        there("x", "title=a"),
        there("y", "title=b"),
        there("z", "title=changed"),
    ];
    check(FIRST, &hub, &most, expect!["1=x, 2=y, 3=z"]);
    let few = [
        there("x", "title=a"),
        there("y", "title=other"),
        there("z", "title=changed"),
    ];
    check(
        FIRST,
        &hub,
        &few,
        expect!["1=x, new y, new z, send 2, send 3"],
    );
    check(
        FIRST,
        &hub[1..],
        &[there("y", "title=b"), there("z", "title=other")],
        expect!["2=y, new z, send 3"],
    );
    // Two that changed their names, or ids that were given out anew: these two say the latter.
    let moved = [
        there("x", "title=a"),
        there("y", "title=b"),
        there("z", "title=other"),
        there("w", "title=c"),
    ];
    check(FIRST, &hub, &moved, expect!["1=x, 2=y, 3=w, new z"]);
}

#[test]
fn one_marker_is_believed_where_those_of_known_pairs_vouch_for_it() {
    let later = How {
        first: false,
        ..FIRST
    };
    let vouched = How {
        vouched: 2,
        ..later
    };
    let hub = [here(1, "title=a").hint("x")];
    let remote = [there("x", "title=changed")];
    check(later, &hub, &remote, expect!["new x, send 1"]);
    check(vouched, &hub, &remote, expect!["1=x"]);
    let held = Here {
        held: true,
        ..hub[0].clone()
    };
    check(vouched, &[held], &remote, expect!["new x, send 1"]);
}

#[test]
fn a_title_that_lost_leads_to_who_still_shows_it() {
    let later = How {
        first: false,
        ..FIRST
    };
    let hub = [here(1, "title=new").was("old"), here(2, "title=b")];
    let remote = [there("x", "title=old"), there("y", "title=b")];
    check(FIRST, &hub, &remote, expect!["1=x, 2=y"]);
    check(later, &hub[..1], &remote[..1], expect!["new x, send 1"]);
    // It is another task's own title, or that of two.
    let hub = [here(1, "title=new").was("old"), here(2, "title=old")];
    check(FIRST, &hub, &remote[..1], expect!["2=x, send 1"]);
    let two = [
        there("x", "title=old; due=2026-01-01"),
        there("y", "title=old"),
    ];
    check(FIRST, &hub[..1], &two, expect!["new x, new y, send 1"]);
}

#[test]
fn a_marker_of_two_tasks_belongs_to_the_older() {
    let hub = [
        here(1, "title=a; created=2026-01-02T00:00:00Z").hint("x"),
        here(2, "title=a; created=2026-01-01T00:00:00Z").hint("x"),
    ];
    check(
        FIRST,
        &hub,
        &[there("x", "title=a")],
        expect!["2=x, send 1"],
    );
    let same = [here(2, "title=a").hint("x"), here(1, "title=a").hint("x")];
    check(
        FIRST,
        &same,
        &[there("x", "title=a")],
        expect!["1=x, send 2"],
    );
}

#[test]
fn full_content_is_a_multiset() {
    let twins = [
        here(1, "title=a; tags=t"),
        here(2, "title=a; tags=t"),
        here(3, "title=a; tags=t"),
    ];
    let two = [there("x", "title=a; tags=t"), there("y", "title=a; tags=t")];
    check(FIRST, &twins, &two, expect!["1=x, 2=y, send 3"]);
    check(FIRST, &twins[..1], &two, expect!["1=x, new y"]);
    let later = How {
        first: false,
        ..FIRST
    };
    check(later, &twins, &two, expect!["1=x, 2=y, send 3"]);
    // What only one side can hold is no content.
    check(
        later,
        &[here(1, "title=a; wait=2026-01-05")],
        &[there("x", "title=a; completed_at=2026-01-05T00:00:00Z")],
        expect!["1=x"],
    );
    let noted = |id: u128, text: &str| {
        format!(
            "title=a; annotations={} 2026-01-01T00:00:00Z {text}",
            Uuid::from_u128(id)
        )
    };
    check(
        later,
        &[here(1, &noted(1, "n"))],
        &[there("x", &noted(2, "n")), there("y", &noted(1, "m"))],
        expect!["1=x, new y"],
    );
    check(
        later,
        &[here(1, "title=a"), here(2, "title=b")],
        &[there("x", "title=b; priority=1"), there("y", "title=a")],
        expect!["1=y, new x, send 2"],
    );
}

#[test]
fn title_project_and_due_pair_where_they_are_unique() {
    let hub = [
        here(1, "title=a; project=P; due=2026-01-05; priority=1"),
        here(2, "title=a; project=P; due=2026-01-06; priority=1"),
    ];
    let remote = [
        there("x", "title=a; project=P; due=2026-01-06T00:00:00Z"),
        there("y", "title=a; project=P; due=2026-01-05T00:00:00Z"),
    ];
    check(FIRST, &hub, &remote, expect!["1=y, 2=x"]);
    check(
        How {
            first: false,
            ..FIRST
        },
        &hub,
        &remote,
        expect!["new x, new y, send 1, send 2"],
    );
    // The date of one moved: the other goes by its date, and then title and project are unique.
    let moved = [
        there("x", "title=a; project=P; due=2026-01-06T00:00:00Z"),
        there("y", "title=a; project=P"),
    ];
    check(FIRST, &hub, &moved, expect!["1=y, 2=x"]);
    let apart = [here(1, "title=a; project=P; priority=1")];
    check(
        FIRST,
        &apart,
        &[there("x", "title=a; project=Q")],
        expect!["equal_title 1 -, equal_title - x"],
    );
    check(
        FIRST,
        &apart,
        &[there("x", "title= a ; project=P")],
        expect!["1=x"],
    );
}

#[test]
fn what_has_an_equal_title_on_the_other_side_is_reviewed_once_the_sides_meet() {
    let hub = [
        here(1, "title=a; priority=1"),
        here(2, "title=a; priority=2"),
        here(3, "title=c"),
    ];
    let remote = [there("x", "title=a; priority=3"), there("y", "title=d")];
    check(
        FIRST,
        &hub,
        &remote,
        expect!["new y, send 3, equal_title 1 -, equal_title 2 -, equal_title - x"],
    );
    check(
        How {
            first: false,
            ..FIRST
        },
        &hub,
        &remote,
        expect!["new x, new y, send 1, send 2, send 3"],
    );
}

#[test]
fn a_marker_of_something_gone_is_reviewed_after_a_complete_look() {
    let hub = [here(1, "title=a").hint("gone"), here(2, "title=b")];
    let remote = [there("x", "title=c")];
    check(
        FIRST,
        &hub,
        &remote,
        expect!["new x, send 2, marker_of_gone 1 -"],
    );
    check(
        How {
            first: false,
            ..FIRST
        },
        &hub,
        &remote,
        expect!["new x, send 2, marker_of_gone 1 -"],
    );
    check(
        How {
            complete: false,
            ..FIRST
        },
        &hub,
        &remote,
        expect!["new x, send 1, send 2"],
    );
    check(
        How {
            trust: Trust::OtherServer,
            ..FIRST
        },
        &hub,
        &remote,
        expect!["new x, send 1, send 2"],
    );
    check(
        How {
            trust: Trust::Unknown,
            ..FIRST
        },
        &hub,
        &remote,
        expect!["new x, send 2, marker_of_gone 1 -"],
    );
    // Its content stands there under another id.
    check(
        FIRST,
        &hub,
        &[there("x", "title=a")],
        expect!["1=x, send 2"],
    );
}

#[test]
fn what_was_deleted_here_does_not_come_back_by_itself() {
    let hub = [here(1, "title=a").hint("x").deleted()];
    let remote = [there("x", "title=a"), there("y", "title=a")];
    check(FIRST, &hub, &remote, expect!["new y, deleted_here 1 x"]);
    check(
        How {
            first: false,
            ..FIRST
        },
        &hub,
        &remote,
        expect!["new y, deleted_here 1 x"],
    );
    check(
        How {
            trust: Trust::OtherServer,
            ..FIRST
        },
        &hub,
        &remote,
        expect!["new x, new y"],
    );
    let renamed = [there("x", "title=b")];
    check(FIRST, &hub, &renamed, expect!["new x"]);
    check(
        FIRST,
        &[here(1, "title=a").deleted()],
        &remote,
        expect!["new x, new y"],
    );
    // Under our id it is the same task, whatever became of its title and its server.
    let ours = [there("x", "title=b").chosen(1)];
    let dead = [here(1, "title=a").deleted()];
    check(
        How {
            trust: Trust::OtherServer,
            ..FIRST
        },
        &dead,
        &ours,
        expect!["deleted_here 1 x"],
    );
    check(
        How {
            first: false,
            ..FIRST
        },
        &dead,
        &ours,
        expect!["new x"],
    );
}

#[test]
fn links_are_not_part_of_the_content_that_pairs() {
    let link = TaskId(Uuid::from_u128(7));
    let hub = [here(1, "title=a; notes=n"), here(2, "title=a; notes=m")];
    let remote = [
        there("x", &format!("title=a; notes=m; depends={link}")),
        there("y", &format!("title=a; notes=n; parent={link}")),
    ];
    check(FIRST, &hub, &remote, expect!["1=y, 2=x"]);
}
