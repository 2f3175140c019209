//! Retention, copies and backups.

use std::time::Duration;

use instep_contract::{MergeStep, Store};
use instep_model::{AccountId, Evidence, Provenance, Timestamp};
use instep_store::{HubStore, JournalFilter, Pruned, TaskFilter};

use crate::samples::*;

const DAY: i64 = 24 * 60 * 60;

fn deleted(mut step: MergeStep, seconds: i64) -> MergeStep {
    if let Some(write) = &mut step.task {
        write.task.deleted = Some(Provenance {
            at: at(seconds),
            account: None,
        });
    }
    step
}

fn gone(mut step: MergeStep) -> MergeStep {
    if let Some(mapping) = &mut step.mapping {
        mapping.gone = Some((Evidence::Flagged, at(1)));
    }
    step
}

async fn tombstones(hub: &HubStore) -> Vec<u32> {
    let found = hub.find_task("0").await.expect("read");
    let dead = (1..20).filter(|number| {
        found
            .iter()
            .any(|found| found.task.id == numbered(*number) && found.is_tombstone)
    });
    dead.collect()
}

#[tokio::test]
async fn tombstones_stay_until_all_have_confirmed_and_90_days() {
    let hub = fresh().await;
    let quiet = |mut step: MergeStep| {
        step.wake.clear();
        step
    };
    let steps = [
        quiet(deleted(gone(adopted(1)), 0)),
        quiet(deleted(adopted(2), 0)),
        deleted(gone(adopted(3)), 0),
        quiet(deleted(gone(adopted(4)), 2 * DAY)),
        quiet(adopted(5)),
        deleted(step(task(6)), 0),
    ];
    put(&hub, &steps).await;
    let early = hub.prune(at(89 * DAY), None).await.expect("pruned");
    assert_eq!(early, Pruned::default());
    let later = hub.prune(at(91 * DAY), None).await.expect("pruned");
    assert_eq!(later.tombstones, 2);
    // 2 is still alive there, 3 is still work, 4 is too young.
    assert_eq!(tombstones(&hub).await, [2, 3, 4]);
    assert_eq!(
        hub.list_tasks(&TaskFilter::default())
            .await
            .expect("read")
            .len(),
        1
    );
    assert_eq!(
        hub.journal(&JournalFilter::default())
            .await
            .expect("read")
            .len(),
        5
    );
}

#[tokio::test]
async fn the_journal_is_kept_for_as_long_as_asked() {
    let hub = fresh().await;
    filled(&hub, 9).await;
    let pruned = hub
        .prune(at(10), Some(Duration::from_secs(4)))
        .await
        .expect("pruned");
    assert_eq!(pruned.journal, 5);
    let left = hub.journal(&JournalFilter::default()).await.expect("read");
    assert_eq!(left.first().map(|line| line.at), Some(at(6)));
}

#[tokio::test]
async fn a_dormant_account_is_forgotten_after_90_days() {
    let hub = fresh().await;
    filled(&hub, 2).await;
    hub.mirror_accounts(&[], at(0)).await.expect("stored");
    assert_eq!(
        hub.prune(at(89 * DAY), None)
            .await
            .expect("pruned")
            .accounts,
        0
    );
    assert_eq!(hub.mappings(Some(&vik())).await.expect("read").len(), 2);
    assert_eq!(
        hub.prune(at(91 * DAY), None)
            .await
            .expect("pruned")
            .accounts,
        2
    );
    assert!(hub.mappings(None).await.expect("read").is_empty());
    assert_eq!(
        hub.list_tasks(&TaskFilter::default())
            .await
            .expect("read")
            .len(),
        2
    );
}

#[tokio::test]
async fn a_forgotten_account_leaves_tasks_and_history() {
    let hub = fresh().await;
    filled(&hub, 2).await;
    for account in [vik(), AccountId::new("tw"), AccountId::new("unknown")] {
        hub.forget_account(&account).await.expect("forgotten");
    }
    assert!(hub.summary().await.expect("read").is_empty());
    assert!(hub.mappings(None).await.expect("read").is_empty());
    assert_eq!(
        hub.list_tasks(&TaskFilter::default())
            .await
            .expect("read")
            .len(),
        2
    );
    assert_eq!(
        hub.journal(&JournalFilter::default())
            .await
            .expect("read")
            .len(),
        2
    );
    assert!(hub.integrity().await.expect("read").is_empty());
}

#[tokio::test]
async fn a_scratch_copy_leaves_the_original_alone() {
    let hub = fresh().await;
    filled(&hub, 2).await;
    let lease = claim(&hub).await;
    let scratch = hub.dir.path().join("scratch");
    let copy = hub.scratch_copy(&scratch).await.expect("copied");
    let own = claim(&copy).await;
    copy.commit_merge(Some(&own), &[adopted(3)], at(1))
        .await
        .expect("stored");
    copy.end_epoch(&own, None, at(1)).await.expect("stored");
    copy.close().await;
    assert_eq!(hub.mappings(Some(&vik())).await.expect("read").len(), 2);
    hub.commit_merge(Some(&lease), &[adopted(3)], at(1))
        .await
        .expect("still ours");
}

#[tokio::test]
async fn numbers_go_on_after_everything_was_done() {
    let hub = fresh().await;
    filled(&hub, 1).await;
    let tw = AccountId::new("tw");
    let first = hub
        .pending_work(&tw, 0, 9, Timestamp::MAX)
        .await
        .expect("read");
    hub.forget_account(&tw).await.expect("forgotten");
    hub.prune(at(999 * DAY), Some(Duration::ZERO))
        .await
        .expect("pruned");
    put(&hub, &[adopted(2)]).await;
    let second = hub
        .pending_work(&tw, 0, 9, Timestamp::MAX)
        .await
        .expect("read");
    assert!(second[0].place > first[0].place);
}
