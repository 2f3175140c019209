//! The in-memory store runs the suite, and its state can be taken and put back.

use std::time::Duration;

use instep_contract::{MemoryStore, Store};
use instep_model::{AccountId, Timestamp, Trouble};

async fn open() -> MemoryStore {
    MemoryStore::new()
}

macro_rules! run {
    ($($case:ident)*) => { $(
        #[tokio::test]
        async fn $case() {
            instep_contract::store_suite::$case(open).await;
        }
    )* };
}
instep_contract::for_each_store_case!(run);

#[tokio::test]
async fn a_snapshot_brings_back_what_was() {
    let store = MemoryStore::new();
    let vik = AccountId::new("vik");
    let away = Trouble::Unreachable {
        reason: "away".to_owned(),
    };
    store.set_trouble(&vik, Some(&away)).await.expect("stored");
    let before = store.snapshot();
    let handle = store.clone();
    let lease = handle
        .claim_lease(&vik, "test", Duration::from_secs(60), Timestamp::UNIX_EPOCH)
        .await
        .expect("free");
    handle.set_trouble(&vik, None).await.expect("stored");
    assert_ne!(store.snapshot(), before);

    store.restore(&before);
    assert_eq!(handle.snapshot(), before);
    let state = handle.account_state(&vik).await.expect("read");
    assert_eq!(state.trouble, Some(away));
    let again = handle
        .claim_lease(&vik, "test", Duration::from_secs(60), Timestamp::UNIX_EPOCH)
        .await
        .expect("free again");
    assert_eq!(again, lease);
}
