//! Has an account looked at shortly after somebody changed its files.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use instep_app::AccountId;
use tokio::time::{Instant, sleep_until};

use crate::shared::Shared;

/// Changes that come so soon after another are seen by one look.
const SETTLES: Duration = Duration::from_millis(200);

/// Watches until it is dropped.
pub(crate) async fn run(shared: Rc<Shared>) {
    let mut watch = shared.app().watch().await;
    let mut due: BTreeMap<AccountId, Instant> = BTreeMap::new();
    loop {
        let first = due.values().min().copied();
        let changed = match first {
            None => watch.next().await,
            Some(at) => tokio::select! {
                changed = watch.next() => changed,
                () = sleep_until(at) => {
                    ring(&shared, &mut due);
                    continue;
                }
            },
        };
        let Some(account) = changed else {
            return;
        };
        due.entry(account)
            .or_insert_with(|| Instant::now() + SETTLES);
    }
}

fn ring(shared: &Shared, due: &mut BTreeMap<AccountId, Instant>) {
    let now = Instant::now();
    for (account, _) in due.iter().filter(|(_, at)| **at <= now) {
        shared.bell(account).ask_for_a_look();
    }
    due.retain(|_, at| *at > now);
}
