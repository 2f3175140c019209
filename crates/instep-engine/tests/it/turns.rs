//! One account's turn by itself: what it leaves alone, and in how many calls; and in which order
//! accounts meet an older hub.

use instep_contract::{Call, Fault, Store};
use instep_engine::{AccountReport, Begin};

use crate::bench::{Bench, block_on};

fn calls(reports: &[AccountReport], account: &str) -> u64 {
    let own = reports.iter().filter(|one| one.account.as_str() == account);
    own.map(|one| one.calls).sum()
}

/// A round for one item leaves the marker of what it made to whatever comes next.
#[test]
fn what_we_wrote_ourselves_is_read_once_and_writes_nothing() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.settle();
    let id = bench.make(0, "a");
    bench.told(0, &id);
    let written = (bench.seats[0].remote.tasks(), bench.seats[1].remote.tasks());
    let reports = bench.told(1, &bench.id(1, "a"));
    let after = (bench.seats[0].remote.tasks(), bench.seats[1].remote.tasks());
    assert_eq!(written, after);
    assert_eq!(calls(&reports, "tw"), 0, "{reports:#?}");
    // One asks who answers; a connector that is kept knows that.
    assert_eq!(calls(&reports, "vik"), 2, "{reports:#?}");
}

#[test]
fn an_account_that_has_not_met_the_hub_has_no_turn() {
    let bench = Bench::new(&["tw", "vik"]);
    let id = bench.make(0, "a");
    for begin in [Begin::Items(vec![id]), Begin::Work, Begin::Look] {
        let report = bench.turn(0, &begin);
        let own = &report.accounts[0];
        assert_eq!((&own.trouble, own.calls, own.unmet), (&None, 0, true));
    }
    assert!(bench.hub_ids().is_empty());
}

#[test]
fn i9_nothing_is_met_anew_before_the_markers_that_tell_who_is_who() {
    let bench = Bench::new(&["tw", "vik", "file"]);
    bench.settle();
    let before = bench.store.snapshot();
    bench.make(1, "a");
    bench.settle();
    bench.store.restore(&before);
    block_on(bench.store.forget_cursors()).expect("forgotten");
    bench.order(0, Call::Observe, Fault::Unavailable);
    let report = bench.round();
    assert!(report.accounts.iter().all(|one| one.trouble.is_some()));
    bench.settle();
    for at in 0..3 {
        assert_eq!(bench.titles(at), ["a"]);
    }
}
