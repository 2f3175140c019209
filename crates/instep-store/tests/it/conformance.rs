//! The suite that every store runs, on a fresh file for each case.

use crate::samples::fresh;

macro_rules! run {
    ($($case:ident)*) => { $(
        #[tokio::test]
        async fn $case() {
            let fresh = fresh().await;
            instep_contract::store_suite::$case(|| async { fresh.store.clone() }).await;
        }
    )* };
}
instep_contract::for_each_store_case!(run);
