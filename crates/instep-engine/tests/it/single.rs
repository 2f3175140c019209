//! One task that a person asks for: what it may do without a whole look, and what has to wait for one.

use std::time::Duration;

use instep_contract::{Call, Fault};
use instep_engine::Trouble;

use crate::bench::Bench;

#[test]
fn s14_one_task_alone_is_not_made_while_its_create_is_in_doubt() {
    let bench = Bench::new(&["tw", "vik"]);
    bench.make(0, "a");
    bench.order(1, Call::Create, Fault::TimedOut(Duration::from_secs(20)));
    bench.round();
    let report = bench.push(bench.hub_ids()[0]);
    assert_eq!(
        report.accounts[1].trouble,
        Some(Trouble::InDoubt { count: 1 })
    );
    bench.settle();
    assert_eq!(bench.titles(1), ["a"]);
}
