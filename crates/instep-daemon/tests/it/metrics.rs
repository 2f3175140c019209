//! What is counted, as Prometheus reads it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use instep_api::{Exit, Failure};
use instep_app::{App, Places, Turned};
use instep_daemon::metrics::Metrics;
use tempfile::TempDir;

const CONFIG: &str = r#"
[[account]]
id = "list-1"
name = "list"
kind = "file"
path = "tasks.json"
"#;

async fn app(home: &Path) -> App {
    let places = Places::under(home);
    let config = places.config();
    fs::create_dir_all(config.parent().expect("a directory")).expect("a directory");
    fs::write(config, CONFIG).expect("a config");
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
    metrics.webhook(Some("list"), true);
    metrics.webhook(None, false);
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
    let text = metrics.text(&app).await.expect("it can be told");
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
        ("instep_hook_reports_total", 7.0),
        ("instep_refused_connections_total", 1.0),
        (
            r#"instep_webhooks_total{account="list",outcome="accepted"}"#,
            1.0,
        ),
        (
            r#"instep_webhooks_total{account="",outcome="refused"}"#,
            1.0,
        ),
        (r#"instep_waiting_tasks{account="list"}"#, 0.0),
        (r#"instep_waiting_events{account="list"}"#, 0.0),
        (r#"instep_refused_items{account="list"}"#, 0.0),
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
