//! What every connector must do.

use instep_contract::connector_suite::{Case, Outcome, Subject, check};
use instep_model::{TimeZone, Timestamp};
use uuid::Uuid;

use super::server::on_each;

#[tokio::test]
async fn every_case_holds() {
    on_each(async |server| {
        for case in Case::ALL {
            let subject = Subject {
                open: async || server.connector(),
                label: Uuid::new_v4().simple().to_string(),
                zone: TimeZone::get("Europe/Berlin").expect("a time zone"),
                now: Timestamp::now(),
            };
            let outcome = check(*case, &subject).await;
            let lacking = [Case::AlreadyExists, Case::Revives, Case::Markers];
            let expected = if lacking.contains(case) {
                Outcome::Lacking
            } else {
                Outcome::Held
            };
            assert_eq!(outcome, expected, "{case:?}");
        }
    })
    .await;
}
