//! Sessions and Runs by phase, counted when somebody asks.

use std::{collections::BTreeMap, fmt};

use kube::runtime::reflector::Store;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

use super::waiting::Waiting;
use crate::api::{AgenticSession, Run, run::RunPhase, session::SessionPhase};

/// What is looked at.
pub(in crate::operator) struct Objects {
    pub(in crate::operator) sessions: Store<AgenticSession>,
    pub(in crate::operator) runs: Store<Run>,
    pub(in crate::operator) waiting_sessions: Waiting<AgenticSession>,
    pub(in crate::operator) waiting_runs: Waiting<Run>,
}

impl fmt::Debug for Objects {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Objects").finish_non_exhaustive()
    }
}

impl Collector for Objects {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let phase = |session: &AgenticSession| session.status.as_ref().map(|status| status.phase).unwrap_or_default();
        let sessions = count(self.sessions.state().iter().map(|session| session_phase(phase(session))));
        gauges(&mut encoder, "sessions", "Sessions by phase", "phase", &sessions)?;
        let phase = |run: &Run| run.status.as_ref().map(|status| status.phase).unwrap_or_default();
        let runs = count(self.runs.state().iter().map(|run| run_phase(phase(run))));
        gauges(&mut encoder, "runs", "Runs by phase", "phase", &runs)?;
        let depth = [("session", self.waiting_sessions.depth()), ("run", self.waiting_runs.depth())];
        gauges(&mut encoder, "queue_depth", "Changed objects that wait for their reconcile", "kind", &depth.into())
    }
}

fn count(values: impl Iterator<Item = &'static str>) -> BTreeMap<&'static str, usize> {
    values.fold(BTreeMap::new(), |mut counts, value| {
        *counts.entry(value).or_default() += 1;
        counts
    })
}

fn gauges(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &'static str,
    values: &BTreeMap<&'static str, usize>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (value, count) in values {
        let gauge = ConstGauge::new(i64::try_from(*count).unwrap_or(i64::MAX));
        gauge.encode(family.encode_family(&[(label, *value)])?)?;
    }
    Ok(())
}

pub(super) const fn session_phase(phase: SessionPhase) -> &'static str {
    match phase {
        SessionPhase::Pending => "Pending",
        SessionPhase::Creating => "Creating",
        SessionPhase::Running => "Running",
        SessionPhase::Stopping => "Stopping",
        SessionPhase::Stopped => "Stopped",
        SessionPhase::Completed => "Completed",
        SessionPhase::Failed => "Failed",
    }
}

const fn run_phase(phase: RunPhase) -> &'static str {
    match phase {
        RunPhase::Pending => "Pending",
        RunPhase::Waiting => "Waiting",
        RunPhase::Running => "Running",
        RunPhase::WaitingForInput => "WaitingForInput",
        RunPhase::Succeeded => "Succeeded",
        RunPhase::Failed => "Failed",
        RunPhase::Cancelled => "Cancelled",
    }
}
