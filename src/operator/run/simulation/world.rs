//! The cluster, the runner and the operator's memory, as far as decisions depend on them.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::json;

use super::{
    super::{
        plan::{self, Next},
        queue, status,
        tests::config,
        view::{Seen, View},
    },
    runner::{Kept, Runner, told},
};
use crate::{
    api::{
        AgenticSession, Run, RunStatus,
        outcome::OutcomeReason,
        run::{DesiredState, RunPhase},
        session::SessionPhase,
    },
    operator::session::{
        evidence::{self, PodState},
        plan::{self as sessions, Step},
        status as session_status,
        tests::view as session_view,
        view::View as SessionView,
        wish::DESIRED_PHASE,
    },
};

/// How many Runs there are.
pub(super) const RUNS: usize = 4;

/// An object that the operator looks at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Which {
    Session,
    Pod,
    Run(usize),
}

/// What the API server has, or what the operator believes that it has.
#[derive(Debug, Clone)]
struct Objects {
    session: Option<AgenticSession>,
    pod: Option<Pod>,
    runs: Vec<Run>,
}

pub(super) struct World {
    pub(super) now: i64,
    truth: Objects,
    cache: Objects,
    runner: Runner,
    kept: HashMap<String, Kept>,
    executed: HashMap<String, u32>,
    ended: HashMap<usize, (RunPhase, OutcomeReason)>,
    asked: Option<bool>,
    versions: u64,
}

fn run(number: usize) -> Run {
    let object = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "Run",
        "metadata": {"name": format!("r{number}"), "namespace": "team", "uid": format!("uid-r{number}"), "resourceVersion": "0",
            "creationTimestamp": time(i64::try_from(number).unwrap()).to_string()},
        "spec": {"sessionRef": {"name": "s1"}, "prompt": "hello"},
    });
    serde_json::from_value(object).unwrap()
}

fn session() -> AgenticSession {
    let object = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "AgenticSession",
        "metadata": {"name": "s1", "namespace": "team", "uid": "session-uid", "generation": 1, "resourceVersion": "0"}, "spec": {},
    });
    serde_json::from_value(object).unwrap()
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

impl World {
    pub(super) fn new() -> Self {
        let truth = Objects { session: Some(session()), pod: None, runs: (0..RUNS).map(run).collect() };
        Self {
            now: 10,
            cache: truth.clone(),
            truth,
            runner: Runner::default(),
            kept: HashMap::new(),
            executed: HashMap::new(),
            ended: HashMap::new(),
            asked: None,
            versions: 0,
        }
    }

    pub(super) fn see(&mut self, which: Which) {
        match which {
            Which::Session => self.cache.session.clone_from(&self.truth.session),
            Which::Pod => self.cache.pod.clone_from(&self.truth.pod),
            Which::Run(number) => self.cache.runs[number] = self.truth.runs[number].clone(),
        }
    }

    pub(super) fn restart(&mut self) {
        self.cache = self.truth.clone();
    }

    /// The operator looks, decides, and does at most so many things of what it decided.
    pub(super) fn look(&mut self, which: Which, effects: usize) {
        match which {
            Which::Session | Which::Pod => self.look_at_session(effects),
            Which::Run(number) => self.look_at_run(number, effects),
        }
    }

    fn look_at_session(&mut self, effects: usize) {
        let Some(session) = self.cache.session.clone() else { return };
        let runs = self.cache.runs.iter().cloned().map(Arc::new).collect();
        let view = SessionView { runs, ..session_view(session, self.cache.pod.clone()) };
        let now = time(self.now);
        let plan = sessions::plan(&view, &config(), now);
        let steps: Vec<Step> = plan.steps.iter().filter(|step| **step != Step::ClearRequest).copied().collect();
        for step in steps.iter().take(effects) {
            self.act(*step, &view);
        }
        let status = session_status::status(&view, &plan.saying, plan.starts, &config(), now);
        let is_said = steps.len() < effects && self.write_session(|session| session.status = Some(status));
        if is_said && steps.len() + 1 < effects && plan.steps.contains(&Step::ClearRequest) {
            self.write_session(|session| session.metadata.annotations = None);
        }
    }

    fn act(&mut self, step: Step, view: &SessionView) {
        match step {
            Step::CreatePod => self.create_pod(),
            Step::DeletePod | Step::ReleasePod => self.delete_pod(view.pod.as_deref()),
            Step::Provide | Step::CreateFirstRun | Step::CreatePromptRun | Step::ClearForce | Step::ClearRequest => {}
        }
    }

    /// Conflicts when the operator has not seen the last version. Whether it is written.
    fn write_session(&mut self, change: impl FnOnce(&mut AgenticSession)) -> bool {
        let seen = self.cache.session.as_ref().and_then(ResourceExt::resource_version);
        let version = self.version();
        let Some(session) = self.truth.session.as_mut().filter(|session| session.resource_version() == seen) else {
            return false;
        };
        change(session);
        session.metadata.resource_version = Some(version);
        self.cache.session.clone_from(&self.truth.session);
        true
    }

    fn create_pod(&mut self) {
        if self.truth.pod.is_some() || self.truth.session.is_none() {
            return;
        }
        let pod = json!({
            "metadata": {"name": "s1-runner", "namespace": "team", "uid": format!("pod-{}", self.version()),
                "creationTimestamp": time(self.now).to_string(),
                "ownerReferences": [{"apiVersion": "v", "kind": "AgenticSession", "name": "s1", "uid": "session-uid"}]},
            "status": {"phase": "Pending"},
        });
        self.truth.pod = Some(serde_json::from_value(pod).unwrap());
        self.cache.pod.clone_from(&self.truth.pod);
        self.runner = Runner::default();
    }

    /// Only the pod that was seen. Its runner has the time to end what it is at, and is heard.
    fn delete_pod(&mut self, seen: Option<&Pod>) {
        if self.truth.pod.as_ref().and_then(ResourceExt::uid) != seen.and_then(ResourceExt::uid) {
            return;
        }
        if let Some(run) = self.runner.current() {
            self.runner.log.push((run, Kept::Ended(OutcomeReason::SessionStopped)));
        }
        self.hear();
        self.truth.pod = None;
        self.runner = Runner::default();
    }

    fn look_at_run(&mut self, number: usize, effects: usize) {
        let run = self.cache.runs[number].clone();
        let id = status::run_id(&run);
        let seen = self.kept.get(&id).map_or(Seen::Nothing, |kept| Seen::Events(Box::new(told(*kept))));
        let view = View {
            run: Arc::new(run),
            session: self.cache.session.clone().map(Arc::new),
            all: self.cache.runs.iter().cloned().map(Arc::new).collect(),
            pod: self.cache.pod.clone().map(Arc::new),
            seen,
        };
        let mut next = plan::plan(&view, &config(), time(self.now));
        if let Next::Lost { reason, message } = next {
            let runner = view.run.status.as_ref().and_then(|status| status.runner.clone()).map(|runner| runner.uid);
            if runner.is_some() && self.truth.pod.as_ref().and_then(ResourceExt::uid) == runner {
                // It can still be heard.
                return;
            }
            if self.kept.get(&id) == Some(&Kept::Started) {
                self.kept.insert(id.clone(), Kept::Ended(reason));
            }
            next = match self.kept.get(&id) {
                Some(kept) => plan::taken(&view, &told(*kept)),
                None => Next::End { reason, message },
            };
        }
        if effects == 0 {
            return;
        }
        if let Some(status) = status::status(&view, &next, time(self.now))
            && !self.write_run(number, &view.run, status)
        {
            return;
        }
        if effects > 1
            && let Next::Follow { cancel } = plan::plan(&self.again(&view, number), &config(), time(self.now))
        {
            self.give(number, cancel);
        }
    }

    /// What was seen, with the Run as it was written.
    fn again(&self, view: &View, number: usize) -> View {
        View { run: Arc::new(self.cache.runs[number].clone()), ..view.clone() }
    }

    fn write_run(&mut self, number: usize, seen: &Run, status: RunStatus) -> bool {
        let version = self.version();
        let run = &mut self.truth.runs[number];
        if run.resource_version() != seen.resource_version() {
            return false;
        }
        run.status = Some(status);
        run.metadata.resource_version = Some(version);
        self.cache.runs[number] = run.clone();
        true
    }

    /// To the pod that the operator has seen: nobody answers where that is another one by now.
    fn give(&mut self, number: usize, cancel: bool) {
        let ready = evidence::state(self.truth.pod.as_ref()) == PodState::Ready;
        if !ready
            || self.truth.pod.as_ref().and_then(ResourceExt::uid) != self.cache.pod.as_ref().and_then(ResourceExt::uid)
        {
            return;
        }
        let id = status::run_id(&self.truth.runs[number]);
        if self.runner.last(&id).is_none() && !self.runner.queue.contains(&id) {
            self.runner.queue.push(id.clone());
        }
        if cancel && self.runner.current().as_ref() == Some(&id) {
            self.runner.log.push((id, Kept::Ended(OutcomeReason::Cancelled)));
        }
    }

    pub(super) fn work(&mut self) {
        if evidence::state(self.truth.pod.as_ref()) != PodState::Ready {
            return;
        }
        if let Some(run) = self.runner.current() {
            self.runner.log.push((run, Kept::Ended(OutcomeReason::Completed)));
        } else if !self.runner.queue.is_empty() {
            let run = self.runner.queue.remove(0);
            *self.executed.entry(run.clone()).or_default() += 1;
            self.runner.log.push((run, Kept::Started));
        }
    }

    pub(super) fn hear(&mut self) {
        for (run, kept) in &self.runner.log {
            // What has an end takes nothing more.
            if !matches!(self.kept.get(run), Some(Kept::Ended(_))) {
                self.kept.insert(run.clone(), *kept);
            }
        }
    }

    pub(super) fn pod_comes(&mut self) {
        let status = json!({"phase": "Running", "podIP": "10.0.0.1", "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": time(self.now).to_string()},
            {"type": "Ready", "status": "True"},
        ]});
        if let Some(pod) =
            self.truth.pod.as_mut().filter(|pod| matches!(evidence::state(Some(pod)), PodState::Starting(_)))
        {
            pod.status = serde_json::from_value(status).unwrap();
        }
    }

    pub(super) fn pod_fails(&mut self) {
        if let Some(pod) = &mut self.truth.pod {
            pod.status =
                serde_json::from_value(json!({"phase": "Failed", "reason": "Evicted", "message": "no room"})).unwrap();
            self.runner.queue.clear();
        }
    }

    pub(super) fn pod_vanishes(&mut self) {
        self.truth.pod = None;
        self.runner = Runner::default();
    }

    pub(super) fn cancel(&mut self, number: usize) {
        let version = self.version();
        self.truth.runs[number].spec.desired_state = DesiredState::Cancelled;
        self.truth.runs[number].metadata.resource_version = Some(version);
    }

    pub(super) fn ask(&mut self, up: bool) {
        let (version, phase) = (self.version(), if up { "Running" } else { "Stopped" });
        self.asked = Some(up);
        if let Some(session) = &mut self.truth.session {
            session.annotations_mut().insert(DESIRED_PHASE.to_owned(), phase.to_owned());
            session.metadata.resource_version = Some(version);
        }
    }

    pub(super) fn delete(&mut self) {
        self.truth.session = None;
        self.pod_vanishes();
    }

    fn version(&mut self) -> String {
        self.versions += 1;
        self.versions.to_string()
    }

    /// What must hold after every step.
    pub(super) fn check(&mut self) {
        assert!(self.executed.values().all(|times| *times == 1), "executed twice: {:?}", self.executed);
        for (number, run) in self.truth.runs.iter().enumerate() {
            let (phase, id) = (queue::phase(run), status::run_id(run));
            let Some(before) = self.ended.get(&number) else {
                if phase.is_terminal() {
                    let reason = run.status.as_ref().unwrap().outcome.as_ref().unwrap().reason;
                    self.ended.insert(number, (phase, reason));
                    self.is_true(&id, reason);
                }
                continue;
            };
            let reason = run.status.as_ref().unwrap().outcome.as_ref().unwrap().reason;
            assert_eq!(*before, (phase, reason), "{id} has ended again");
        }
    }

    /// Whether the reason of an end is what is known.
    fn is_true(&self, id: &str, reason: OutcomeReason) {
        match self.kept.get(id) {
            Some(Kept::Ended(kept)) if *kept == OutcomeReason::SessionStopped => {
                let known = [OutcomeReason::SessionStopped, OutcomeReason::SessionDeleted, OutcomeReason::Evicted];
                assert!(known.contains(&reason), "{id}: {kept:?} is told as {reason:?}");
            }
            Some(Kept::Ended(kept)) => assert_eq!(*kept, reason, "{id}"),
            Some(Kept::Started) => panic!("{id} has ended as {reason:?} while it goes"),
            None => assert_ne!(reason, OutcomeReason::Completed, "{id} is said to be done"),
        }
    }

    /// Nothing goes wrong any more. All ends within the longest deadlines.
    pub(super) fn calm_down(&mut self) {
        for _ in 0..400 {
            self.restart();
            self.pod_comes();
            self.see(Which::Pod);
            self.look(Which::Session, usize::MAX);
            for number in 0..RUNS {
                self.look(Which::Run(number), usize::MAX);
            }
            self.work();
            self.hear();
            self.now += 10;
            self.check();
        }
        let phase = self.truth.session.as_ref().and_then(|session| session.status.as_ref()).map(|status| status.phase);
        let held = phase == Some(SessionPhase::Stopped);
        if let Some((up, _)) = self.asked.zip(phase) {
            assert_eq!(held, !up, "what was asked for last is forgotten: {phase:?}");
        }
        for run in &self.truth.runs {
            let waits = held && queue::phase(run) == RunPhase::Waiting;
            assert!(queue::phase(run).is_terminal() || waits, "{phase:?}: {:?}", run.status);
        }
    }
}
