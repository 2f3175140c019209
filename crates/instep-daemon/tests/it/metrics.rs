//! What is counted, as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use instep_api::{Exit, Failure, SyncRequest};
use instep_app::{App, Places, Turned};
use instep_daemon::metrics::Metrics;
use instep_doubles::vikunja::{Fault, Options, Vikunja};
use tempfile::TempDir;

const CONFIG: &str = r#"
[[account]]
id = "list-1"
name = "list"
kind = "file"
path = "tasks.json"
"#;

async fn app(home: &Path) -> App {
    app_of(home, CONFIG).await
}

async fn app_of(home: &Path, text: &str) -> App {
    let places = Places::under(home);
    let config = places.config();
    fs::create_dir_all(config.parent().expect("a directory")).expect("a directory");
    fs::write(config, text).expect("a config");
    fs::set_permissions(config, fs::Permissions::from_mode(0o600)).expect("a mode");
    App::open(&places).await.expect("the hub opens")
}

/// Each sample by its name and labels.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &'_ str| line.rsplit_once(' ').map(|(name, _)| name.len());
    lines
        .map(|line| {
            let (name, value) = line.split_at(sample(line).expect("a name and a value"));
            (name, value.trim().parse().expect("a number"))
        })
        .collect()
}

/// One of everything.
fn counted() -> Metrics {
    let metrics = Metrics::default();
    metrics.turn(
        "list",
        &Turned {
            hub_changes: 2,
            remote_changes: 3,
            calls: 4,
            waits: vec![Duration::from_millis(20), Duration::from_secs(2)],
            own: Some(Duration::from_millis(4)),
            ..Turned::default()
        },
    );
    let failure = Failure::new(
        Exit::Unreachable,
        "unreachable",
        "no",
        "secret words",
        "wait",
    );
    metrics.turn(
        "list",
        &Turned {
            failure: Some(failure),
            calls: 1,
            ..Turned::default()
        },
    );
    metrics.hook_reports(7);
    metrics.refused_connection();
    metrics.webhook("list", true);
    metrics.webhook("list", false);
    metrics
}

#[tokio::test]
async fn everything_that_is_counted_is_told() {
    let home = TempDir::new().expect("a directory");
    let app = app(home.path()).await;
    let spool = home.path().join(".local/share/instep/spool");
    fs::create_dir(&spool).expect("a directory");
    fs::write(spool.join("0000000000001-a.json"), "{}").expect("a file");
    let metrics = counted();
    let text = metrics.text(&app).await;
    let wanted = [
        (r#"instep_turns_total{account="list",outcome="fine"}"#, 1.0),
        (
            r#"instep_turns_total{account="list",outcome="unreachable"}"#,
            1.0,
        ),
        (r#"instep_calls_total{account="list"}"#, 5.0),
        (r#"instep_changes_total{account="list",side="hub"}"#, 2.0),
        (r#"instep_changes_total{account="list",side="remote"}"#, 3.0),
        (
            r#"instep_event_latency_seconds_bucket{account="list",le="0.025"}"#,
            1.0,
        ),
        (r#"instep_event_latency_seconds_count{account="list"}"#, 2.0),
        (
            r#"instep_turn_own_seconds_bucket{account="list",le="0.0025"}"#,
            0.0,
        ),
        (
            r#"instep_turn_own_seconds_bucket{account="list",le="0.005"}"#,
            1.0,
        ),
        (r#"instep_turn_own_seconds_count{account="list"}"#, 1.0),
        ("instep_hook_reports_total", 7.0),
        ("instep_refused_connections_total", 1.0),
        (
            r#"instep_webhooks_total{account="list",outcome="accepted"}"#,
            1.0,
        ),
        (
            r#"instep_webhooks_total{account="list",outcome="not_stored"}"#,
            1.0,
        ),
        (r#"instep_waiting_tasks{account="list"}"#, 0.0),
        (r#"instep_waiting_events{account="list"}"#, 0.0),
        (r#"instep_refused_items{account="list"}"#, 0.0),
        (r#"instep_parked_items{account="list"}"#, 0.0),
        (
            r#"instep_breaker_state{account="list",state="closed"}"#,
            1.0,
        ),
        (r#"instep_breaker_state{account="list",state="open"}"#, 0.0),
        (r#"instep_breaker_failures{account="list"}"#, 0.0),
        (r#"instep_breaker_retry_seconds{account="list"}"#, 0.0),
        (r#"instep_paused{account="list",by="person"}"#, 0.0),
        ("instep_spool_files", 1.0),
        (r#"instep_build_info{version="0.1.0"}"#, 1.0),
    ];
    let samples = samples(&text);
    for (name, value) in wanted {
        assert_eq!(samples.get(name), Some(&value), "{name} in\n{text}");
    }
    assert!(samples["process_resident_memory_bytes"] > 1e6);
    assert!(samples["process_start_time_seconds"] > 1e9);
    assert!(!text.contains("secret words"), "{text}");
    app.close().await;
}

/// A sync that has to come to an end, whatever that is.
async fn sync(app: &App) {
    let request = SyncRequest::default();
    app.sync(&request, &mut |_| {}).await.expect("a reply");
}

#[tokio::test]
async fn a_service_that_is_left_alone_is_told() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let home = TempDir::new().expect("a directory");
    let vikunja = Vikunja::start(Options::default()).await;
    let token = home.path().join("token");
    fs::write(&token, vikunja.token()).expect("a file");
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).expect("a mode");
    let app = app_of(
        home.path(),
        &format!(
            "[[account]]\nid = \"v\"\nname = \"v\"\nkind = \"vikunja\"\nurl = \"{}\"\n\
             secret = {{ file = \"{}\" }}\n",
            vikunja.url(),
            token.display()
        ),
    )
    .await;
    let metrics = Metrics::default();
    let told = async || {
        let text = metrics.text(&app).await;
        let samples = samples(&text).into_iter();
        let owned = samples.map(|(name, value)| (name.to_owned(), value));
        owned.collect::<BTreeMap<String, f64>>()
    };
    sync(&app).await;
    let samples = told().await;
    let age = samples[r#"instep_since_last_pass_seconds{account="v"}"#];
    assert!((0.0..60.0).contains(&age), "{samples:?}");
    assert!(samples[r#"instep_last_pass_timestamp_seconds{account="v"}"#] > 1e9);
    vikunja.set_fault(Fault::status(503));
    for _ in 0..3 {
        sync(&app).await;
    }
    let samples = told().await;
    for (state, is_it) in [("closed", 0.0), ("open", 1.0), ("half_open", 0.0)] {
        let name = format!(r#"instep_breaker_state{{account="v",state="{state}"}}"#);
        assert_eq!(samples[&name], is_it, "{name}");
    }
    assert_eq!(samples[r#"instep_breaker_failures{account="v"}"#], 3.0);
    let retry = samples[r#"instep_breaker_retry_seconds{account="v"}"#];
    assert!((1.0..=60.0).contains(&retry), "{samples:?}");
    app.pause(None, None).await.expect("paused");
    let samples = told().await;
    assert_eq!(samples[r#"instep_paused{account="v",by="person"}"#], 1.0);
    assert_eq!(samples[r#"instep_paused{account="v",by="service"}"#], 0.0);
    app.close().await;
}

/// What README lists is what is told, no more and no less.
#[tokio::test]
async fn every_metric_is_documented() {
    let home = TempDir::new().expect("a directory");
    let app = app(home.path()).await;
    sync(&app).await;
    let text = counted().text(&app).await;
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let told: BTreeSet<&str> = types.filter_map(|line| line.split(' ').next()).collect();
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = fs::read_to_string(readme).expect("the README");
    let rows = readme
        .lines()
        .filter(|line| line.starts_with("| `instep_") || line.starts_with("| `process_"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let documented: BTreeSet<&str> = cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert_eq!(documented, told);
    app.close().await;
}
