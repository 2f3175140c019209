//! Cases about whether an account's service may be called.

use std::future::Future;

use instep_model::{Access, Breaker, Opening, Pause, Span};

use super::Inspect;
use super::sample::*;

fn span(since: i64, until: i64) -> Span {
    let (since, until) = (at(since), at(until));
    Span { since, until }
}

/// Nothing stands in the way of the first call, whether the account is known or not.
pub async fn an_account_may_be_called_at_first<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let mirror = [mirrored("vik")];
    store.mirror_accounts(&mirror, at(0)).await.expect("stored");
    for name in ["vik", "unknown"] {
        let access = store.access(&account(name)).await.expect("read");
        assert_eq!(access, Access::default(), "{name}");
    }
}

/// Every state comes back as it was stored, for each account apart.
pub async fn access_is_stored_whole<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let (vik, other) = (account("vik"), account("other"));
    let opening = Opening {
        span: span(5, 65),
        count: 2,
        failures: 4,
        reason: "HTTP 503 \"gone\"".to_owned(),
    };
    let states = [
        Breaker::Closed { failures: 0 },
        Breaker::Closed { failures: 2 },
        Breaker::Open(opening.clone()),
        Breaker::HalfOpen(opening),
    ];
    let waits = [
        (None, None),
        (Some(span(1, 31)), None),
        (None, Some((2, None))),
        (Some(span(3, 4)), Some((2, Some(7)))),
    ];
    for (version, (breaker, (throttle, pause))) in (0..).zip(states.into_iter().zip(waits)) {
        let access = Access {
            version,
            host: (version > 0).then(|| "tasks.example.org:8443".to_owned()),
            breaker,
            spent: (version > 1).then(|| (15, at(2))),
            throttle,
            pause: pause.map(|(since, until)| Pause {
                since: at(since),
                until: until.map(at),
            }),
        };
        assert!(store.commit_access(&vik, &access).await.expect("stored"));
        let stored = Access {
            version: version + 1,
            ..access
        };
        assert_eq!(store.access(&vik).await.expect("read"), stored);
    }
    let untouched = store.access(&other).await.expect("read");
    assert_eq!(untouched, Access::default());
}

/// Of two that were planned from one version the second stores nothing.
pub async fn access_is_stored_from_its_newest_version_only<S: Inspect, F: Future<Output = S>>(
    open: impl Fn() -> F,
) {
    let store = open().await;
    let vik = account("vik");
    let failing = |version, failures| Access {
        version,
        breaker: Breaker::Closed { failures },
        ..Access::default()
    };
    let commits = [
        (failing(1, 9), false),
        (failing(0, 1), true),
        (failing(0, 9), false),
        (failing(1, 2), true),
        (failing(1, 9), false),
        (failing(3, 9), false),
    ];
    for (access, taken) in commits {
        let stored = store.commit_access(&vik, &access).await;
        assert_eq!(stored.expect("answered"), taken, "{access:?}");
    }
    assert_eq!(store.access(&vik).await.expect("read"), failing(2, 2));
}

/// A new server at the same address is called as the old one was, and a person's pause stays.
pub async fn access_outlives_an_epoch<S: Inspect, F: Future<Output = S>>(open: impl Fn() -> F) {
    let store = open().await;
    let vik = account("vik");
    let lease = claim(&store, &vik).await;
    let paused = Access {
        pause: Some(Pause {
            since: at(1),
            until: None,
        }),
        ..Access::default()
    };
    assert!(store.commit_access(&vik, &paused).await.expect("stored"));
    store.end_epoch(&lease, None, at(3)).await.expect("stored");
    let kept = store.access(&vik).await.expect("read");
    assert_eq!(kept.pause, paused.pause);
}
