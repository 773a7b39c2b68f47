//! The operator that is measured.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    process::Command,
    sync::mpsc,
    time::{Duration, Instant},
};

use crate::{
    Arguments, Result, account,
    process::{Cpu, resident},
    program::Program,
};

/// Longest wait for an operator to have looked at everything.
const PATIENCE: Duration = Duration::from_mins(5);

/// A running operator; killed when dropped.
pub(crate) struct Operator {
    program: Program,
    metrics: String,
    /// Where its gateway is.
    pub(crate) gateway: SocketAddr,
    begun: Instant,
}

/// What the metrics say, by name and labels.
pub(crate) type Samples = BTreeMap<String, f64>;

impl Operator {
    /// Starts one for all namespaces.
    pub(crate) fn start(arguments: &Arguments) -> Result<Self> {
        Self::start_with(arguments, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(arguments: &Arguments, more: &[String]) -> Result<Self> {
        let begun = Instant::now();
        let mut command = Command::new(&arguments.ambient);
        command
            .args(["operator", "--log-format", "text", "--health-address", "127.0.0.1:0"])
            .args(["--metrics-address", "127.0.0.1:0", "--gateway-address", "127.0.0.1:0"])
            .arg("--event-store")
            .arg(arguments.results.join("events"))
            .args(more)
            .env_clear()
            .env("KUBECONFIG", account::path(arguments));
        let (tell, told) = mpsc::channel();
        let program = Program::start(&mut command, move |line| {
            if let Some((what, address)) = line.split_once(" address=") {
                let _ = tell.send((what.to_owned(), address.trim().to_owned()));
            } else if line.contains("WARN") || line.contains("ERROR") || line.starts_with("error") {
                eprintln!("  operator: {line}");
            }
        })?;
        let address = |wanted: &str| -> Result<SocketAddr> {
            loop {
                let (what, address) = told.recv_timeout(PATIENCE).map_err(|_| format!("no word of its {wanted}"))?;
                if what.ends_with(wanted) {
                    return Ok(address.parse()?);
                }
            }
        };
        // In the order in which it says so.
        let (metrics, gateway) = (format!("http://{}/metrics", address("metrics")?), address("gateway")?);
        Ok(Self { program, metrics, gateway, begun })
    }

    pub(crate) async fn samples(&self) -> Result<Samples> {
        let text = reqwest::get(&self.metrics).await?.text().await?;
        let samples = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        Ok(samples.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect())
    }

    /// Until at least so many sessions were looked at and nothing waits. How long that took since the start.
    pub(crate) async fn reconciled(&self, sessions: usize) -> Result<Duration> {
        while self.begun.elapsed() < PATIENCE {
            let samples = self.samples().await?;
            let sum = |part: &str| -> f64 {
                samples.iter().filter(|(name, _)| name.starts_with(part)).map(|(_, value)| value).sum()
            };
            let done = sum("ambient_reconcile_duration_seconds_count{kind=\"session\"");
            if done >= load_of(sessions) && sum("ambient_queue_depth") < 0.5 && sum("ambient_leader") > 0.5 {
                return Ok(self.begun.elapsed());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(format!("the operator has not looked at {sessions} sessions").into())
    }

    pub(crate) fn cpu(&self) -> Result<Cpu> {
        Cpu::of(self.program.id())
    }

    /// Resident memory in MB (10^6 bytes).
    pub(crate) fn memory(&self) -> Result<f64> {
        resident(self.program.id())
    }
}

fn load_of(sessions: usize) -> f64 {
    u32::try_from(sessions).map_or(f64::INFINITY, f64::from)
}

/// Requests that write, without Events and leases.
pub(crate) fn writes(samples: &Samples) -> f64 {
    requests(samples, &["create", "patch", "update", "delete", "deletecollection"])
}

/// Requests that neither write nor begin a watch.
pub(crate) fn reads(samples: &Samples) -> f64 {
    requests(samples, &["get", "list"])
}

fn requests(samples: &Samples, verbs: &[&str]) -> f64 {
    let wanted = |name: &str| {
        let is = |label: &str, value: &str| name.contains(&format!("{label}=\"{value}\""));
        name.starts_with("ambient_api_requests_total{")
            && verbs.iter().any(|verb| is("verb", verb))
            && !is("resource", "events")
            && !is("resource", "leases")
    };
    samples.iter().filter(|(name, _)| wanted(name)).map(|(_, count)| count).sum()
}
