//! What an operator counts and measures, for Prometheus. Every label has a bounded set of values: no names of objects.

mod objects;
mod requests;
mod waiting;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, http::header::CONTENT_TYPE, routing::get};
use jiff::Timestamp;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram, info::Info},
    registry::Registry,
};
use tokio::net::TcpListener;

pub use self::requests::{CountRequests, Counted};
pub(super) use self::{objects::Objects, waiting::Waiting};
use super::error::OperatorError;
use crate::api::{AgenticSession, AgenticSessionStatus, Run, RunStatus, session::SessionPhase};

/// What the exposition format is called.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of buckets, in seconds, for what computers do.
const WORK: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];
/// Upper bounds of buckets, in seconds, for what people wait for.
const STARTUP: [f64; 10] = [0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0];
/// Upper bounds of buckets, in seconds, for the life of a session.
const LIFE: [f64; 8] = [60.0, 300.0, 900.0, 3600.0, 14_400.0, 43_200.0, 86_400.0, 604_800.0];

/// One label.
type One = [(&'static str, &'static str); 1];
/// Two labels.
type Two = [(&'static str, &'static str); 2];

/// The metrics of an operator; a clone is another handle on the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    leader: Gauge,
    requests: requests::Requests,
    reconciles: Family<Two, Histogram>,
    latency: Family<One, Histogram>,
    startup: Histogram,
    life: Histogram,
    transitions: Family<Two, Counter>,
    completed: Family<One, Counter>,
    runs: Family<One, Counter>,
    ingest_lag: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Metrics that say nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("ambient");
        let work = || Histogram::new(WORK);
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The operator's version", build);
        Self {
            leader: add(&mut registry, "leader", "1 while this process reconciles", Gauge::default()),
            requests: add(
                &mut registry,
                "api_requests",
                "Requests to the API server by verb, resource and code",
                Family::default(),
            ),
            reconciles: add(
                &mut registry,
                "reconcile_duration_seconds",
                "How long a reconcile took, by kind and result",
                Family::new_with_constructor(work),
            ),
            latency: add(
                &mut registry,
                "queue_latency_seconds",
                "How long a changed object waited for its reconcile, by kind",
                Family::new_with_constructor(work),
            ),
            startup: add(
                &mut registry,
                "session_startup_duration_seconds",
                "From the beginning of a session's life until its runner answers",
                Histogram::new(STARTUP),
            ),
            life: add(
                &mut registry,
                "session_total_duration_seconds",
                "From the beginning of a session's life to its end",
                Histogram::new(LIFE),
            ),
            transitions: add(
                &mut registry,
                "session_phase_transitions",
                "Changes of a session's phase",
                Family::default(),
            ),
            completed: add(
                &mut registry,
                "sessions_completed",
                "Sessions that came to rest, by phase",
                Family::default(),
            ),
            runs: add(&mut registry, "runs_finished", "Runs that ended, by outcome", Family::default()),
            ingest_lag: add(
                &mut registry,
                "ingest_lag_seconds",
                "From the time of an event to its place in the event store",
                work(),
            ),
            registry: Arc::new(Mutex::new(registry)),
        }
    }

    /// Counts the requests of a client from now on.
    #[must_use]
    pub fn count_requests(&self) -> CountRequests {
        CountRequests::new(self.requests.clone())
    }

    /// Sessions and Runs by phase, and what waits for a reconcile, are looked up when somebody asks.
    pub(super) fn watch(&self, objects: Objects) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register_collector(Box::new(objects));
    }

    /// Whether this process reconciles.
    pub(super) fn leads(&self, leads: bool) {
        self.leader.set(leads.into());
    }

    /// A reconcile is over.
    pub(super) fn reconciled<T>(&self, kind: &'static str, result: &Result<T, OperatorError>, took: Duration) {
        let result = match result {
            Ok(_) => "ok",
            Err(OperatorError::Refused { .. }) => "refused",
            Err(OperatorError::Retry { .. } | OperatorError::Store(_)) => "retry",
        };
        self.reconciles.get_or_create(&[("kind", kind), ("result", result)]).observe(took.as_secs_f64());
    }

    /// A reconcile begins.
    pub(super) fn waited(&self, kind: &'static str, waited: Duration) {
        self.latency.get_or_create(&[("kind", kind)]).observe(waited.as_secs_f64());
    }

    /// A session's status was written.
    pub(super) fn session(&self, before: &AgenticSessionStatus, session: &AgenticSession) {
        let Some(status) = session.status.as_ref().filter(|status| status.phase != before.phase) else {
            return;
        };
        let (from, to) = (objects::session_phase(before.phase), objects::session_phase(status.phase));
        self.transitions.get_or_create(&[("from", from), ("to", to)]).inc();
        let started = status.start_time.as_ref().map(|time| time.0);
        let since = |end: Timestamp| started.map(|started| end.duration_since(started).as_secs_f64().max(0.0));
        match status.phase {
            SessionPhase::Running if before.phase != SessionPhase::Stopping => {
                if let Some(took) = since(Timestamp::now()) {
                    self.startup.observe(took);
                }
            }
            SessionPhase::Stopped | SessionPhase::Completed | SessionPhase::Failed => {
                self.completed.get_or_create(&[("final_phase", to)]).inc();
                let end = status.completion_time.as_ref().map(|time| time.0);
                if let Some(took) = end.and_then(since) {
                    self.life.observe(took);
                }
            }
            SessionPhase::Pending | SessionPhase::Creating | SessionPhase::Running | SessionPhase::Stopping => {}
        }
    }

    /// A Run's status was written.
    pub(super) fn run(&self, before: Option<&RunStatus>, run: &Run) {
        let had_ended = before.is_some_and(|status| status.phase.is_terminal());
        let Some(status) = run.status.as_ref().filter(|status| status.phase.is_terminal() && !had_ended) else {
            return;
        };
        let outcome = status.outcome.as_ref().map_or("Unknown", |outcome| outcome.reason.as_str());
        self.runs.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// An event reached the event store this long after it happened.
    pub fn ingested(&self, lag: Duration) {
        self.ingest_lag.observe(lag.as_secs_f64());
    }

    /// All of it in the `OpenMetrics` format.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string does not fail.
        let _ = encode(&mut text, &self.registry.lock().unwrap_or_else(PoisonError::into_inner));
        text
    }
}

/// Answers `/metrics` until the operator ends.
pub(super) async fn serve(listener: TcpListener, metrics: Metrics) {
    let answer = get(move || {
        let text = metrics.text();
        async move { ([(CONTENT_TYPE, OPEN_METRICS)], text) }
    });
    if let Err(error) = axum::serve(listener, Router::new().route("/metrics", answer)).await {
        tracing::error!(%error, "the metrics endpoint failed");
    }
}

fn add<M>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M
where
    M: prometheus_client::registry::Metric + Clone,
{
    registry.register(name, help, metric.clone());
    metric
}
