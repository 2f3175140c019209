//! What the daemon counts, in Prometheus' text format. Labels are names of accounts and words of ours:
//! no task, no id of a service and no address is ever among them.
//!
//! Counters are numbers in memory; what the hub knows anyway is asked of it when somebody looks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use instep_api::BreakerState;
use instep_app::{AccountVitals, App, Turned};
use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry, TextEncoder,
};

/// A metric's name, and what it tells.
type Named = (&'static str, &'static str);

const LATENCY: Named = (
    "instep_event_latency_seconds",
    "From when something was told of the account until the turn that saw to it had ended.",
);

/// Bounds of the seconds from when something was told until it was seen to.
const LATENCIES: [f64; 13] = [
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

const OWN: Named = (
    "instep_turn_own_seconds",
    "What turns that saw to single items took by themselves, without waiting for the service or for \
     processes.",
);

/// Bounds of the seconds that a turn takes by itself.
const OWNS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0];

/// A turn that went well.
const FINE: &str = "fine";

/// A turn of an account that has to meet the hub first.
const UNMET: &str = "unmet";

/// What is counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    turns: IntCounterVec,
    calls: IntCounterVec,
    changes: IntCounterVec,
    latency: HistogramVec,
    own: HistogramVec,
    hook_reports: IntCounter,
    refused_connections: IntCounter,
    webhooks: IntCounterVec,
    accounts: AccountGauges,
    spool_files: IntGauge,
    resident: IntGauge,
}

/// How each account stands, as the hub knows it.
#[derive(Debug)]
struct AccountGauges {
    last_pass: GaugeVec,
    since_pass: GaugeVec,
    work: IntGaugeVec,
    events: IntGaugeVec,
    refused: IntGaugeVec,
    parked: IntGaugeVec,
    breaker: IntGaugeVec,
    failures: IntGaugeVec,
    retry: IntGaugeVec,
    paused: IntGaugeVec,
}

impl Default for Metrics {
    fn default() -> Self {
        let registry = Registry::new();
        let metrics = Self {
            turns: counters(
                &registry,
                "instep_turns_total",
                "Turns of the account by how they ended: fine, unmet, or the code of the failure.",
                &["account", "outcome"],
            ),
            calls: counters(
                &registry,
                "instep_calls_total",
                "Calls to the account's service.",
                &["account"],
            ),
            changes: counters(
                &registry,
                "instep_changes_total",
                "Tasks that turns of the account changed, in the hub or in its service (remote).",
                &["account", "side"],
            ),
            latency: histograms(&registry, LATENCY, &LATENCIES),
            own: histograms(&registry, OWN, &OWNS),
            hook_reports: counter(
                &registry,
                "instep_hook_reports_total",
                "Reports of hooks that were stored.",
            ),
            refused_connections: counter(
                &registry,
                "instep_refused_connections_total",
                "Connections to the socket that were not answered as asked.",
            ),
            webhooks: counters(
                &registry,
                "instep_webhooks_total",
                "Webhooks for the account, accepted or refused.",
                &["account", "outcome"],
            ),
            accounts: AccountGauges::new(&registry),
            spool_files: gauge(
                &registry,
                "instep_spool_files",
                "Reports of hooks that wait in the spool.",
            ),
            resident: gauge(
                &registry,
                "process_resident_memory_bytes",
                "Resident memory of the daemon.",
            ),
            registry,
        };
        metrics.tell_of_this_process();
        metrics
    }
}

impl Metrics {
    /// Counts a turn.
    pub fn turn(&self, account: &str, turned: &Turned) {
        let outcome = match &turned.failure {
            Some(failure) => failure.code.as_str(),
            None if turned.unmet => UNMET,
            None => FINE,
        };
        self.outcome(account, outcome);
        self.calls
            .with_label_values(&[account])
            .inc_by(turned.calls);
        for (side, count) in [
            ("hub", turned.hub_changes),
            ("remote", turned.remote_changes),
        ] {
            let changes = self.changes.with_label_values(&[account, side]);
            changes.inc_by(count.try_into().unwrap_or(u64::MAX));
        }
        let latency = self.latency.with_label_values(&[account]);
        for wait in &turned.waits {
            latency.observe(wait.as_secs_f64());
        }
        if let Some(own) = turned.own {
            let histogram = self.own.with_label_values(&[account]);
            histogram.observe(own.as_secs_f64());
        }
    }

    /// Counts how a turn ended.
    pub fn outcome(&self, account: &str, outcome: &str) {
        self.turns.with_label_values(&[account, outcome]).inc();
    }

    /// Counts reports of hooks that were stored.
    pub fn hook_reports(&self, count: usize) {
        self.hook_reports.inc_by(count.try_into().unwrap_or(0));
    }

    /// Counts a connection to the socket that was not answered as asked.
    pub fn refused_connection(&self) {
        self.refused_connections.inc();
    }

    /// Counts a webhook for the account of this name that was signed as it should be.
    pub fn webhook(&self, account: &str, accepted: bool) {
        let outcome = if accepted { "accepted" } else { "not_stored" };
        self.webhooks.with_label_values(&[account, outcome]).inc();
    }

    /// All of it, as it stands. Where the hub cannot be read, as `/health` tells, what it alone knows
    /// of the accounts is left out.
    pub async fn text(&self, app: &App) -> String {
        self.accounts.reset();
        if let Ok(vitals) = app.vitals().await {
            for one in &vitals.accounts {
                self.accounts.set(one);
            }
            set(&self.spool_files, vitals.spooled);
        }
        if let Some(bytes) = resident_bytes() {
            self.resident.set(bytes);
        }
        let text = TextEncoder::new().encode_to_string(&self.registry.gather());
        // Into a text it always fits.
        text.unwrap_or_default()
    }

    fn tell_of_this_process(&self) {
        let began = kept(
            &self.registry,
            Gauge::new(
                "process_start_time_seconds",
                "When the daemon was started, in seconds since 1970.",
            ),
        );
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        began.set(now.unwrap_or(Duration::ZERO).as_secs_f64());
        let build = Opts::new("instep_build_info", "The version that runs.");
        let build = kept(&self.registry, IntGaugeVec::new(build, &["version"]));
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    }
}

impl AccountGauges {
    fn new(registry: &Registry) -> Self {
        let of_account = |name, help| gauges(registry, name, help, &["account"]);
        Self {
            last_pass: seconds(
                registry,
                "instep_last_pass_timestamp_seconds",
                "When the account was last looked at to the end, in seconds since 1970.",
            ),
            since_pass: seconds(
                registry,
                "instep_since_last_pass_seconds",
                "How long ago the account was last looked at to the end.",
            ),
            work: of_account(
                "instep_waiting_tasks",
                "Tasks that are to be carried to the account.",
            ),
            events: of_account(
                "instep_waiting_events",
                "Things told of the account that wait to be looked at; 10000 stands for more.",
            ),
            refused: of_account("instep_refused_items", "Tasks that the account refused."),
            parked: of_account(
                "instep_parked_items",
                "Tasks that the account refused and that are tried no more until somebody asks.",
            ),
            breaker: gauges(
                registry,
                "instep_breaker_state",
                "1 for the state that the breaker of the account's service is in, 0 for the others.",
                &["account", "state"],
            ),
            failures: of_account(
                "instep_breaker_failures",
                "Failures in a row of the account's service.",
            ),
            retry: of_account(
                "instep_breaker_retry_seconds",
                "How long until the service is asked again; 0 where it is asked.",
            ),
            paused: gauges(
                registry,
                "instep_paused",
                "1 while the account is paused, by a person or because its service asked.",
                &["account", "by"],
            ),
        }
    }

    /// Forgets accounts that may be gone.
    fn reset(&self) {
        self.last_pass.reset();
        self.since_pass.reset();
        for gauges in [
            &self.work,
            &self.events,
            &self.refused,
            &self.parked,
            &self.breaker,
            &self.failures,
            &self.retry,
            &self.paused,
        ] {
            gauges.reset();
        }
    }

    fn set(&self, one: &AccountVitals) {
        let name = one.name.as_str();
        let account = [name];
        if let Some(at) = one.last_pass_at {
            let at = at.as_duration().as_secs_f64();
            self.last_pass.with_label_values(&account).set(at);
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            let since = (now.unwrap_or(Duration::ZERO).as_secs_f64() - at).max(0.0);
            self.since_pass.with_label_values(&account).set(since);
        }
        for (gauges, count) in [
            (&self.work, one.work),
            (&self.events, one.events),
            (&self.refused, one.refused),
            (&self.parked, one.parked),
        ] {
            set(&gauges.with_label_values(&account), count);
        }
        for state in [
            BreakerState::Closed,
            BreakerState::Open,
            BreakerState::HalfOpen,
        ] {
            let gauge = self.breaker.with_label_values(&[name, word(state)]);
            gauge.set(i64::from(state == one.breaker.state));
        }
        let failures = self.failures.with_label_values(&account);
        failures.set(one.breaker.failures.into());
        let retry = one.breaker.retry_in_s.unwrap_or(0);
        let retry_gauge = self.retry.with_label_values(&account);
        retry_gauge.set(i64::try_from(retry).unwrap_or(i64::MAX));
        for (by, holds) in [("person", one.paused), ("service", one.throttled)] {
            let gauge = self.paused.with_label_values(&[name, by]);
            gauge.set(i64::from(holds));
        }
    }
}

/// A state as a label.
fn word(state: BreakerState) -> &'static str {
    match state {
        BreakerState::Closed => "closed",
        BreakerState::Open => "open",
        BreakerState::HalfOpen => "half_open",
    }
}

fn set(gauge: &IntGauge, count: usize) {
    gauge.set(count.try_into().unwrap_or(i64::MAX));
}

/// Registers what was made; names and labels are fixed, so that neither step can fail.
fn kept<T: Collector + Clone + 'static>(registry: &Registry, made: prometheus::Result<T>) -> T {
    let made = made.expect("the name and the labels are valid");
    let registered = registry.register(Box::new(made.clone()));
    registered.expect("every name is given once");
    made
}

fn counter(registry: &Registry, name: &str, help: &str) -> IntCounter {
    kept(registry, IntCounter::new(name, help))
}

fn counters(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    kept(registry, IntCounterVec::new(Opts::new(name, help), labels))
}

fn gauge(registry: &Registry, name: &str, help: &str) -> IntGauge {
    kept(registry, IntGauge::new(name, help))
}

fn gauges(registry: &Registry, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    kept(registry, IntGaugeVec::new(Opts::new(name, help), labels))
}

fn seconds(registry: &Registry, name: &str, help: &str) -> GaugeVec {
    kept(registry, GaugeVec::new(Opts::new(name, help), &["account"]))
}

fn histograms(registry: &Registry, (name, help): Named, bounds: &[f64]) -> HistogramVec {
    let opts = HistogramOpts::new(name, help).buckets(bounds.to_vec());
    kept(registry, HistogramVec::new(opts, &["account"]))
}

/// Resident memory of this process, where the system tells it.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}
