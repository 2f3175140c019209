//! Every wire case on the double, and on a real server where one is named.

use std::io::Write as _;

use instep_doubles::vikunja::cases::{ALL, Case, Stop, Target};
use instep_doubles::vikunja::{Options, Vikunja};

/// How a run of cases went.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    skipped: Vec<String>,
    failed: Vec<String>,
}

/// Runs cases one after the other and prints a line for each.
async fn run(on: &str, url: &str, token: &str, cases: impl IntoIterator<Item = &Case>) -> Tally {
    let mut out = std::io::stderr();
    let mut tally = Tally::default();
    for case in cases {
        let target = Target::new(url, token).expect("an HTTP client");
        let line = match case.run(&target).await {
            Ok(()) => {
                tally.passed += 1;
                "ok".to_owned()
            }
            Err(Stop::Skipped(why)) => {
                tally.skipped.push(format!("{}: {why}", case.name));
                format!("skipped: {why}")
            }
            Err(Stop::Failed(why)) => {
                tally.failed.push(format!("{}: {why}", case.name));
                format!("FAILED: {why}")
            }
        };
        writeln!(out, "{on}: {} {:?} {line}", case.name, case.numbers).expect("stderr");
    }
    let (passed, skipped, failed) = (tally.passed, tally.skipped.len(), tally.failed.len());
    writeln!(out, "{on}: {passed} ok, {skipped} skipped, {failed} failed").expect("stderr");
    tally
}

fn named(names: &[&str]) -> Vec<&'static Case> {
    ALL.iter()
        .filter(|case| names.contains(&case.name))
        .collect()
}

#[tokio::test]
async fn the_double_passes_every_case() {
    let double = Vikunja::start(Options::default()).await;
    let tally = run("double", double.url(), double.token(), ALL).await;
    assert!(tally.failed.is_empty(), "{:#?}", tally.failed);
    // These two need another configuration; the tests below give it.
    let mut skipped: Vec<&str> = tally
        .skipped
        .iter()
        .filter_map(|line| line.split(": ").next())
        .collect();
    skipped.sort_unstable();
    let elsewhere = [
        "access::the_pre_auth_limit",
        "updates::dates_come_in_the_service_zone",
    ];
    assert_eq!(skipped, elsewhere);
}

#[tokio::test]
async fn the_double_passes_what_needs_another_configuration() {
    let options = Options {
        noauth_limit: 10,
        ..Options::default()
    };
    let double = Vikunja::start(options).await;
    let cases = named(&["access::the_pre_auth_limit"]);
    let tally = run("double, limited", double.url(), double.token(), cases).await;
    assert_eq!(
        (tally.passed, tally.skipped.len(), tally.failed.len()),
        (1, 0, 0),
        "{tally:?}"
    );

    let options = Options {
        timezone: "Europe/Berlin".to_owned(),
        ..Options::default()
    };
    let double = Vikunja::start(options).await;
    let cases = named(&["updates::dates_come_in_the_service_zone"]);
    let tally = run("double, in Berlin", double.url(), double.token(), cases).await;
    assert_eq!(
        (tally.passed, tally.skipped.len(), tally.failed.len()),
        (1, 0, 0),
        "{tally:?}"
    );

    let options = Options {
        concurrent_writes: true,
        ..Options::default()
    };
    let double = Vikunja::start(options).await;
    let cases = named(&[
        "filters::the_boundary_second",
        "access::parallel_writers_fail_on_sqlite",
    ]);
    let tally = run("double, on PostgreSQL", double.url(), double.token(), cases).await;
    assert_eq!(
        (tally.passed, tally.skipped.len(), tally.failed.len()),
        (2, 0, 0),
        "{tally:?}"
    );
}

/// Runs only where `INSTEP_TEST_VIKUNJA_URL` and `INSTEP_TEST_VIKUNJA_TOKEN` name a server;
/// `INSTEP_TEST_VIKUNJA_CASE` narrows it to names that contain it.
#[tokio::test]
async fn a_real_server_passes_every_case() {
    let variable = |name| {
        std::env::var(name)
            .ok()
            .filter(|value: &String| !value.is_empty())
    };
    let (Some(url), Some(token)) = (
        variable("INSTEP_TEST_VIKUNJA_URL"),
        variable("INSTEP_TEST_VIKUNJA_TOKEN"),
    ) else {
        let mut out = std::io::stderr();
        writeln!(
            out,
            "real server: skipped: INSTEP_TEST_VIKUNJA_URL is not set"
        )
        .expect("stderr");
        return;
    };
    let part = variable("INSTEP_TEST_VIKUNJA_CASE").unwrap_or_default();
    let cases = ALL.iter().filter(|case| case.name.contains(&part));
    let tally = run("real server", &url, &token, cases).await;
    assert!(tally.failed.is_empty(), "{:#?}", tally.failed);
}
