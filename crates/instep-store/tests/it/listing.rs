//! What people list and look up.

use instep_contract::{Later, MergeStep, PushStep, Store};
use instep_model::{
    Account, AccountId, Conflict, ConflictId, ConflictPolicy, ConflictState, Direction, Field,
    Kind, MappingState, NextTry, ProjectPath, Provenance, Scope, Side, Status, Trouble, Value,
};
use instep_store::{Hindrance, HubStore, JournalFilter, TaskFilter};

use crate::samples::*;

/// Three tasks: 1 open in `Home.Garden`, 2 done with tag `x` and paired, 3 deleted.
async fn household(store: &HubStore) {
    let mut garden = task(1);
    let path: ProjectPath = "Home.Garden".parse().expect("a path");
    garden.fields.set(Field::Project, Value::Path(path));
    let mut done = adopted(2);
    if let Some(write) = &mut done.task {
        write
            .task
            .fields
            .set(Field::Status, Value::Status(Status::Done));
        write
            .task
            .fields
            .set(Field::Tags, Value::Tags(["x".to_owned()].into()));
    }
    let mut dead = task(3);
    dead.deleted = Some(Provenance {
        at: at(3),
        account: None,
    });
    put(store, &[step(garden), done, step(dead)]).await;
}

#[tokio::test]
async fn tasks_are_listed_by_what_they_hold() {
    let hub = fresh().await;
    household(&hub).await;
    let path = |text: &str| text.parse::<ProjectPath>().ok();
    let none = TaskFilter::default;
    let cases = [
        (none(), vec![1, 2]),
        (
            TaskFilter {
                statuses: vec![Status::Open],
                ..none()
            },
            vec![1],
        ),
        (
            TaskFilter {
                statuses: vec![Status::Open, Status::Done],
                ..none()
            },
            vec![1, 2],
        ),
        (
            TaskFilter {
                project: path("Home"),
                ..none()
            },
            vec![1],
        ),
        (
            TaskFilter {
                project: path("Garden"),
                ..none()
            },
            vec![],
        ),
        (
            TaskFilter {
                tag: Some("x".to_owned()),
                ..none()
            },
            vec![2],
        ),
        (
            TaskFilter {
                account: Some(vik()),
                ..none()
            },
            vec![2],
        ),
        (
            TaskFilter {
                account: Some(vik()),
                statuses: vec![Status::Open],
                ..none()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        let found = hub.list_tasks(&filter).await.expect("read");
        let found: Vec<_> = found.iter().map(|task| task.id).collect();
        let expected: Vec<_> = expected.into_iter().map(numbered).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn a_task_is_found_by_the_beginning_of_its_id() {
    let hub = fresh().await;
    household(&hub).await;
    put(&hub, &[step(task(0x3a)), step(task(0xffff_ffff))]).await;
    let cases = [
        ("00000002", vec![(2, false)]),
        ("00000003-0", vec![(3, true)]),
        ("0000003A", vec![(0x3a, false)]),
        ("0000000", vec![(1, false), (2, false), (3, true)]),
        ("f", vec![(0xffff_ffff, false)]),
        ("%", vec![]),
        ("", vec![]),
        ("00000009", vec![]),
    ];
    for (prefix, expected) in cases {
        let found = hub.find_task(prefix).await.expect("read");
        let found: Vec<_> = found
            .iter()
            .map(|found| (found.task.id, found.is_tombstone))
            .collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(n, dead)| (numbered(n), dead))
            .collect();
        assert_eq!(found, expected, "`{prefix}`");
    }
}

#[tokio::test]
async fn the_journal_is_read_by_time_task_account_and_step() {
    let hub = fresh().await;
    filled(&hub, 5).await;
    let none = JournalFilter::default;
    let cases = [
        (none(), vec![1, 2, 3, 4, 5]),
        (
            JournalFilter {
                since: Some(at(4)),
                ..none()
            },
            vec![4, 5],
        ),
        (
            JournalFilter {
                task: Some(numbered(3)),
                ..none()
            },
            vec![3],
        ),
        (
            JournalFilter {
                account: Some(AccountId::new("tw")),
                ..none()
            },
            vec![],
        ),
        (
            JournalFilter {
                operation: Some("op-2".to_owned()),
                ..none()
            },
            vec![2],
        ),
        (
            JournalFilter {
                limit: Some(2),
                ..none()
            },
            vec![4, 5],
        ),
        (
            JournalFilter {
                account: Some(vik()),
                since: Some(at(2)),
                limit: Some(9),
                ..none()
            },
            vec![2, 3, 4, 5],
        ),
    ];
    for (filter, expected) in cases {
        let found = hub.journal(&filter).await.expect("read");
        let found: Vec<_> = found.iter().filter_map(|line| line.task).collect();
        let expected: Vec<_> = expected.into_iter().map(numbered).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
}

#[tokio::test]
async fn conflicts_are_found_and_closed() {
    let hub = fresh().await;
    let conflict = |name: &str, seconds| Conflict {
        id: ConflictId::new(name),
        task: numbered(1),
        account: vik(),
        field: Field::Priority,
        base: Some(Value::Number(0)),
        hub: Some(Value::Number(9)),
        remote: None,
        state: ConflictState::Open,
        at: at(seconds),
    };
    let found = MergeStep {
        conflicts: vec![conflict("c%2", 1), conflict("c%1", 2), conflict("cx1", 3)],
        ..adopted(1)
    };
    put(&hub, &[found]).await;
    let all = [conflict("c%2", 1), conflict("c%1", 2), conflict("cx1", 3)];
    assert_eq!(hub.conflicts(true).await.expect("read"), all);
    assert_eq!(hub.conflict("c%").await.expect("read"), all[..2]);
    assert_eq!(hub.conflict("cx1").await.expect("read"), all[2..]);

    let states = [
        ConflictState::Settled(Side::Hub),
        ConflictState::Settled(Side::Remote),
        ConflictState::Closed,
    ];
    for state in states {
        let id = ConflictId::new("c%1");
        assert!(hub.set_conflict_state(&id, state).await.expect("stored"));
        let found = hub.conflict("c%1").await.expect("read");
        assert_eq!(found[0].state, state);
    }
    assert_eq!(hub.conflicts(true).await.expect("read").len(), 2);
    let unknown = ConflictId::new("none");
    let known = hub
        .set_conflict_state(&unknown, ConflictState::Closed)
        .await;
    assert!(!known.expect("stored"));
}

#[tokio::test]
async fn accounts_come_back_as_they_stand_in_the_config() {
    let hub = fresh().await;
    let accounts: Vec<Account> = [ConflictPolicy::Ask, ConflictPolicy::Prefer(vik())]
        .into_iter()
        .enumerate()
        .map(|(number, policy)| Account {
            id: AccountId::new(format!("a{number}")),
            name: format!("name {number}"),
            kind: Kind::ALL[number],
            direction: Direction::FromRemote,
            scope: Scope {
                projects: vec!["a\\.b.c".parse().expect("a path")],
                tags: ["x".to_owned()].into(),
                not_tags: ["y".to_owned()].into(),
            },
            policy,
        })
        .collect();
    for mirrored in [&accounts[..], &accounts[1..], &accounts[..], &[]] {
        hub.mirror_accounts(mirrored, at(1)).await.expect("stored");
        assert_eq!(hub.accounts().await.expect("read"), mirrored);
    }
}

#[tokio::test]
async fn a_summary_counts_what_waits() {
    let hub = fresh().await;
    filled(&hub, 4).await;
    let rejected = Trouble::NeedsLogin {
        reason: "the token was rejected".to_owned(),
    };
    hub.set_trouble(&vik(), Some(&rejected))
        .await
        .expect("stored");
    let summary = hub.summary().await.expect("read");
    let [tw, vik] = &summary[..] else {
        panic!("two accounts are known: {summary:?}");
    };
    assert_eq!((tw.account.as_str(), tw.work, tw.pairs.len()), ("tw", 4, 0));
    assert_eq!((vik.account.as_str(), vik.work), ("vik", 0));
    assert_eq!(vik.pairs.get("pending"), Some(&4));
    assert_eq!(vik.state.trouble, Some(rejected));
    assert_eq!((tw.last_change_at, vik.last_change_at), (None, Some(at(4))));
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_apart_by_account() {
    let hub = fresh().await;
    filled(&hub, 3).await;
    let tw = AccountId::new("tw");
    let mut parked = adopted(1);
    if let Some(mapping) = &mut parked.mapping {
        mapping.state = MappingState::Error;
    }
    let conflict = |name: &str, state| Conflict {
        id: ConflictId::new(name),
        task: numbered(2),
        account: vik(),
        field: Field::Priority,
        base: None,
        hub: None,
        remote: None,
        state,
        at: at(1),
    };
    let conflicts = vec![
        conflict("open", ConflictState::Open),
        conflict("closed", ConflictState::Closed),
    ];
    let step = MergeStep {
        task: None,
        conflicts,
        ..parked
    };
    put(&hub, &[step]).await;
    let away = Trouble::Unreachable {
        reason: "away".to_owned(),
    };
    hub.set_trouble(&tw, Some(&away)).await.expect("stored");
    let hindrance = |account, trouble, refused, conflicts| Hindrance {
        account,
        trouble,
        refused,
        conflicts,
    };
    assert_eq!(
        hub.hindrances().await.expect("read"),
        [
            hindrance(tw.clone(), Some(away), 0, 0),
            hindrance(vik(), None, 1, 1)
        ]
    );
    assert_eq!(hub.work_left(&tw).await.expect("read"), 3);
    assert_eq!(hub.work_left(&vik()).await.expect("read"), 0);
}

/// What waits comes before what is parked; what was woken since is due. A task that waits for two
/// accounts counts once.
#[tokio::test]
async fn what_was_refused_is_told_with_its_next_try() {
    let hub = fresh().await;
    let refused = |number: u32| {
        let mut step = adopted(number);
        if let Some(mapping) = &mut step.mapping {
            mapping.state = MappingState::Error;
            mapping.last_error = Some(format!("reason {number}"));
        }
        step.wake = vec![vik()];
        step
    };
    put(
        &hub,
        &[refused(1), refused(2), refused(3), refused(4), adopted(5)],
    )
    .await;
    let ttl = std::time::Duration::from_secs(60);
    let lease = hub.claim_lease(&vik(), "test", ttl, at(1)).await;
    let lease = lease.expect("free");
    let work = hub.pending_work(&vik(), 0, 9, at(1)).await.expect("read");
    let later = |index: usize, until: i64| PushStep {
        later: Some(Later {
            work: work[index].clone(),
            until: at(until),
        }),
        ..PushStep::default()
    };
    let parked = PushStep {
        done: Some(work[0].clone()),
        ..PushStep::default()
    };
    let steps = [parked, later(1, 30), later(2, 20)];
    hub.commit_push(&lease, &steps, at(2))
        .await
        .expect("stored");
    let told = hub.refused(Some(&vik()), 9).await.expect("read");
    let told: Vec<_> = told
        .iter()
        .map(|one| (one.title.as_str(), one.pair.last_error.as_deref(), one.next))
        .collect();
    assert_eq!(
        told,
        [
            ("task 4", Some("reason 4"), NextTry::Sync),
            ("task 3", Some("reason 3"), NextTry::At(at(20))),
            ("task 2", Some("reason 2"), NextTry::At(at(30))),
            ("task 1", Some("reason 1"), NextTry::Parked),
        ]
    );
    assert_eq!(hub.refused(None, 2).await.expect("read").len(), 2);
    let tw = AccountId::new("tw");
    assert!(hub.refused(Some(&tw), 9).await.expect("read").is_empty());
    assert_eq!(hub.parked(&vik()).await.expect("read"), 1);
    assert_eq!(hub.parked(&tw).await.expect("read"), 0);
    // The fifth waits for Taskwarrior, as the others do.
    assert_eq!(hub.not_carried().await.expect("read"), 5);
    assert_eq!(hub.work_left(&vik()).await.expect("read"), 1);
}

#[tokio::test]
async fn users_of_one_file_see_nothing_of_each_other() {
    let hub = fresh().await;
    filled(&hub, 2).await;
    let path = hub.dir.path().join("hub.db");
    let other = HubStore::open(&path, instep_model::UserId::new("other"))
        .await
        .expect("opens");
    assert!(other.tasks(&[numbered(1)]).await.expect("read").is_empty());
    assert!(other.find_task("0").await.expect("read").is_empty());
    assert!(other.mappings(None).await.expect("read").is_empty());
    assert!(
        other
            .journal(&JournalFilter::default())
            .await
            .expect("read")
            .is_empty()
    );
    assert!(other.summary().await.expect("read").is_empty());
    // The same ids again are no clash.
    put(&other, &[adopted(1)]).await;
    assert_eq!(
        hub.list_tasks(&TaskFilter::default())
            .await
            .expect("read")
            .len(),
        2
    );
    other.close().await;
}
