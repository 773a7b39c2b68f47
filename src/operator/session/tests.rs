//! Decisions about sessions, without a cluster.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::{
        core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount},
        networking::v1::NetworkPolicy,
    },
    apimachinery::pkg::apis::meta::v1::Time,
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    drift_task::Told,
    env,
    evidence::{self, PodState},
    inputs::Inputs,
    objects,
    plan::{Plan, Saying, Step, plan},
    pod::Parts,
    status::status,
    view::View,
    wish::{DESIRED_PHASE, Why, is_same},
};
use crate::{
    api::{AgenticSession, Run, outcome::OutcomeReason, session::SessionPhase},
    operator::config::{Config, Deadlines, Platform, Policy},
};

pub(super) fn config() -> Config {
    Config {
        watch_namespaces: Vec::new(),
        backend_namespace: Some("ambient-code".into()),
        namespace: "ambient-system".into(),
        runner_image: "runner".into(),
        agent_image: "agent".into(),
        pull_policy: "IfNotPresent".into(),
        port: 8001,
        event_store: std::path::PathBuf::new(),
        event_bucket: None,
        event_retention: None,
        leader_elect: None,
        inactivity: Duration::from_hours(24),
        deadlines: Deadlines::default(),
        policy: Policy::default(),
        platform: Platform::default(),
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

pub(super) fn session(spec: &Value) -> AgenticSession {
    let object = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "AgenticSession",
        "metadata": {"name": "s1", "namespace": "team", "uid": "session-uid", "generation": 1},
        "spec": spec,
    });
    serde_json::from_value(object).unwrap()
}

pub(super) fn pod_with(status: &Value) -> Pod {
    let object = json!({
        "metadata": {
            "name": "s1-runner", "namespace": "team", "uid": "pod-uid", "creationTimestamp": at(0).to_string(),
            "ownerReferences": [{"apiVersion": "v", "kind": "AgenticSession", "name": "s1", "uid": "session-uid"}],
        },
        "status": status,
    });
    serde_json::from_value(object).unwrap()
}

pub(super) fn ready() -> Value {
    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}]})
}

pub(in crate::operator) fn view(session: AgenticSession, pod: Option<Pod>) -> View {
    View {
        session: Arc::new(session),
        account: None,
        token: None,
        service: None,
        files: None,
        policy: None,
        pod: pod.map(Arc::new),
        runs: Vec::new(),
        project_inactivity: None,
        inputs: inputs(),
        told: Told::default(),
    }
}

/// A namespace with keys, and nothing else.
pub(super) fn inputs() -> Inputs {
    Inputs { keys: true, ..Inputs::default() }
}

pub(super) fn made(session: &AgenticSession, inputs: &Inputs, config: &Config) -> Value {
    Parts { session, project: None, inputs, config }.pod().unwrap()
}

/// The next status of a session, as the operator would write it.
pub(super) fn step(view: &View, second: i64) -> (Plan, AgenticSession) {
    let plan = plan(view, &config(), at(second));
    let mut session = (*view.session).clone();
    session.status = Some(status(view, &plan.saying, plan.starts, &config(), at(second)));
    if plan.steps.contains(&Step::ClearRequest) {
        session.metadata.annotations = None;
    }
    (plan, session)
}

fn asks(mut session: AgenticSession, phase: &str) -> AgenticSession {
    session.metadata.annotations = Some([(DESIRED_PHASE.to_owned(), phase.to_owned())].into());
    session
}

pub(super) fn phase(session: &AgenticSession) -> SessionPhase {
    session.status.as_ref().unwrap().phase
}

/// Whatever is built is what its kind knows, and nothing else.
pub(super) fn is_typed<K: Serialize + DeserializeOwned>(object: &Value) {
    let typed: K = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(&serde_json::to_value(typed).unwrap(), object);
}

#[test]
fn what_is_built_has_only_members_that_its_kind_knows() {
    let session = session(&json!({
        "files": [{"path": "a", "content": "b"}], "repos": [{"url": "https://git.example/a.git"}],
        "llmSettings": {"temperature": 1}, "userContext": {"userId": "alice", "displayName": "Alice"},
        "agent": {"allowedTools": ["Read"], "maxTurns": 3, "systemPrompt": "be brief"},
        "activeWorkflow": {"gitUrl": "https://git.example/w.git"}, "mcpServers": {"disabled": ["x"]},
    }));
    is_typed::<Pod>(&made(&session, &inputs(), &config()));
    is_typed::<ServiceAccount>(&objects::account(&session));
    is_typed::<Secret>(&objects::token(&session, "t"));
    is_typed::<Service>(&objects::service(&session, &config()));
    is_typed::<ConfigMap>(&objects::files(&session).unwrap());
    is_typed::<NetworkPolicy>(&objects::policy("team", &config()));
}

/// Item 25 of the original's weaknesses: a whole number was read as no number.
#[test]
fn weakness_25_a_whole_temperature_is_that_temperature() {
    let session = session(&json!({"llmSettings": {"temperature": 1}}));
    let env = env::runner(&session, None, &config());
    let temperature = env.iter().find(|variable| variable["name"] == "LLM_TEMPERATURE").unwrap();
    assert_eq!(temperature["value"], "1.00");
}

/// Items 14 and 15: nothing in the pod's specification is a secret, and its account may do nothing.
#[test]
fn weakness_15_no_secret_is_a_plain_value_and_the_agent_has_no_key() {
    let session = session(&json!({"environmentVariables": {"AGUI_TOKEN": "mine", "HELLO": "there"}}));
    let pod = made(&session, &inputs(), &config());
    let runner = &pod["spec"]["containers"][0];
    let named = |name: &str| {
        runner["env"].as_array().unwrap().iter().filter(|variable| variable["name"] == name).collect::<Vec<_>>()
    };
    assert!(named("AGUI_TOKEN")[0]["valueFrom"]["secretKeyRef"].is_object() && named("AGUI_TOKEN").len() == 1);
    assert_eq!(named("HELLO")[0]["value"], "there");
    let agent = &pod["spec"]["initContainers"][1];
    assert_eq!(agent["name"], evidence::AGENT);
    assert!(agent.get("envFrom").is_none() && !agent["env"].to_string().contains("valueFrom"));
    let mounts: Vec<&str> =
        agent["volumeMounts"].as_array().unwrap().iter().filter_map(|mount| mount["name"].as_str()).collect();
    assert!(!mounts.contains(&"data") && !mounts.contains(&"bot-token"), "{mounts:?}");
}

/// Item 1: what happens to the pod of a running session is seen.
#[test]
fn weakness_01_a_dead_runner_is_noticed_while_the_session_runs() {
    let (_, running) = step(&view(session(&json!({})), Some(pod_with(&ready()))), 1);
    assert_eq!(phase(&running), SessionPhase::Running);
    let dead = json!({"phase": "Failed", "containerStatuses": [{
        "name": "ambient-code-runner", "ready": false, "restartCount": 1, "image": "", "imageID": "",
        "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    }]});
    let (plan, session) = step(&view(running, Some(pod_with(&dead))), 2);
    assert!(matches!(&plan.saying, Saying::Failed { reason: OutcomeReason::OOMKilled, .. }), "{:?}", plan.saying);
    assert_eq!(phase(&session), SessionPhase::Failed);
    let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."});
    let (plan, session) = step(&view(session, Some(pod_with(&evicted))), 3);
    assert_eq!((plan.steps, phase(&session)), (vec![Step::DeletePod], SessionPhase::Failed), "it is at rest");
}

/// Item 3: a stop is heard while the pod comes up.
#[test]
fn weakness_03_a_session_that_comes_up_can_be_stopped() {
    let (_, creating) = step(&view(session(&json!({})), None), 0);
    assert_eq!(phase(&creating), SessionPhase::Creating);
    let pending = json!({"phase": "Pending"});
    let (plan, stopping) = step(&view(asks(creating, "Stopped"), Some(pod_with(&pending))), 1);
    assert_eq!(plan.steps, [Step::DeletePod]);
    assert_eq!(phase(&stopping), SessionPhase::Stopping);
    let (plan, stopped) = step(&view(stopping, None), 2);
    assert_eq!((plan.saying, plan.steps), (Saying::Stopped(Why::User), vec![Step::ClearRequest]));
    assert_eq!(phase(&stopped), SessionPhase::Stopped);
}

/// Item 4: a pod that nothing can be done about does not stay for ever; item 24: the first failed pull is not the last.
#[test]
fn weakness_04_and_24_an_image_that_cannot_be_pulled_fails_at_the_deadline_and_not_before() {
    let pull = json!({"phase": "Pending",
    "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": at(0).to_string()}],
    "initContainerStatuses": [{
        "name": "agent", "ready": false, "restartCount": 0, "image": "", "imageID": "",
        "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}},
    }]});
    let (plan, creating) = step(&view(session(&json!({})), Some(pod_with(&pull))), 1);
    assert!(matches!(plan.saying, Saying::Creating { .. }));
    let deadline = at(0).checked_add(SignedDuration::try_from(config().deadlines.start).unwrap()).unwrap();
    assert_eq!(plan.wake, Some(deadline));
    let late = i64::try_from(config().deadlines.start.as_secs()).unwrap();
    let (plan, failed) = step(&view(creating, Some(pod_with(&pull))), late);
    let Saying::Failed { reason, message } = &plan.saying else { panic!("{:?}", plan.saying) };
    assert_eq!(*reason, OutcomeReason::ImagePull);
    assert!(message.contains("no such image"), "{message}");
    assert_eq!(phase(&failed), SessionPhase::Failed);
}

/// Item 5: a request is removed only when it has acted.
#[test]
fn weakness_05_a_stop_that_comes_while_the_pod_is_made_is_not_forgotten() {
    let (plan, creating) = step(&view(asks(session(&json!({})), "Running"), None), 0);
    assert_eq!(plan.steps, [Step::Provide, Step::CreatePod, Step::ClearRequest]);
    let (plan, _) = step(&view(asks(creating, "Stopped"), None), 1);
    assert_eq!(plan.saying, Saying::Stopped(Why::User));
}

#[test]
fn a_session_that_is_wanted_otherwise_by_now_is_decided_anew() {
    let (plain, mut noted, mut changed) = (session(&json!({})), session(&json!({})), session(&json!({})));
    noted.metadata.annotations = Some([("somebody/else".to_owned(), "writes".to_owned())].into());
    noted.metadata.resource_version = Some("7".to_owned());
    changed.metadata.generation = Some(2);
    assert!(is_same(&plain, &noted), "what has nothing to do with it");
    assert!(!is_same(&plain, &changed));
    assert!(!is_same(&plain, &asks(session(&json!({})), "Stopped")));
}

#[test]
fn what_is_written_says_how_far_the_pod_is_by_then() {
    let (begun, _) = step(&view(session(&json!({})), None), 0);
    let said = |later: &View| {
        let mut plan_then = begun.clone();
        plan_then.catch_up(plan(later, &config(), at(1)));
        assert_eq!((&plan_then.steps, plan_then.starts), (&begun.steps, true), "what was done stays what was done");
        plan_then.saying
    };
    let with = |status: Value| view(session(&json!({})), Some(pod_with(&status)));
    assert_eq!(said(&with(ready())), Saying::Running);
    assert!(
        matches!(said(&with(json!({"phase": "Pending"}))), Saying::Creating { reason, .. } if reason != "PodCreated")
    );
    assert_eq!(
        said(&with(json!({"phase": "Succeeded"}))),
        begun.saying,
        "what becomes of that is the next one's to decide"
    );
    assert_eq!(said(&view(asks(session(&json!({})), "Stopped"), Some(pod_with(&ready())))), begun.saying);
}

/// Item 6: a pod that is ending is not the pod of the next life.
#[test]
fn weakness_06_a_session_that_starts_again_waits_for_its_old_pod_to_end() {
    let mut leaving = pod_with(&ready());
    leaving.metadata.deletion_timestamp = Some(Time(at(1)));
    let (_, stopping) = step(&view(asks(session(&json!({})), "Stopped"), Some(leaving.clone())), 1);
    let (plan, creating) = step(&view(asks(stopping, "Running"), Some(leaving)), 2);
    assert_eq!(plan.steps, []);
    assert_eq!(phase(&creating), SessionPhase::Creating);
    let (plan, _) = step(&view(asks(creating, "Running"), None), 3);
    assert_eq!(plan.steps, [Step::Provide, Step::CreatePod, Step::ClearRequest]);
}

#[test]
fn a_pod_of_the_sessions_name_that_is_another_ones_is_left_alone() {
    let mut foreign = pod_with(&ready());
    foreign.metadata.owner_references = None;
    let (plan, _) = step(&view(session(&json!({})), Some(foreign)), 1);
    assert_eq!(plan.steps, []);
    assert!(matches!(plan.saying, Saying::Failed { reason: OutcomeReason::SetupFailed, .. }));
}

#[test]
fn a_session_stops_by_its_own_limits_and_a_run_wakes_it() {
    for (spec, why) in
        [(json!({"activeDeadlineSeconds": 10}), Why::Deadline), (json!({"inactivityTimeout": 10}), Why::Inactivity)]
    {
        let (plan, running) = step(&view(session(&spec), Some(pod_with(&ready()))), 0);
        assert_eq!(plan.saying, Saying::Running);
        let (plan, running) = step(&view(running, Some(pod_with(&ready()))), 9);
        assert_eq!((plan.saying, plan.wake), (Saying::Running, Some(at(10))));
        let (plan, stopping) = step(&view(running, Some(pod_with(&ready()))), 10);
        assert_eq!(plan.saying, Saying::Stopping(why));
        let (plan, stopped) = step(&view(stopping, None), 11);
        assert_eq!(plan.saying, Saying::Stopped(why));
        let (plan, stopped) = step(&view(stopped, None), 12);
        assert_eq!(plan.saying, Saying::AsBefore);
        let mut woken = view(stopped, None);
        let mut run = Run::new("r1", crate::api::RunSpec::default());
        run.metadata.creation_timestamp = Some(Time(at(13)));
        woken.runs.push(Arc::new(run));
        let (plan, creating) = step(&woken, 14);
        assert_eq!(plan.steps, [Step::Provide, Step::CreatePod]);
        assert_eq!(creating.status.unwrap().start_time, Some(Time(at(14))));
    }
}

/// What can happen between two looks at a session.
#[derive(Debug, Clone)]
enum Happens {
    PodSays(usize),
    PodGone,
    Asked(&'static str),
    Desired(Option<&'static str>),
    Nothing,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        (0..5_usize).prop_map(Happens::PodSays),
        Just(Happens::PodGone),
        prop_oneof![Just("Running"), Just("Stopped")].prop_map(Happens::Asked),
        prop_oneof![Just(None), Just(Some("Running")), Just(Some("Stopped"))].prop_map(Happens::Desired),
        Just(Happens::Nothing),
    ]
}

fn said(number: usize) -> Value {
    [
        json!({"phase": "Pending"}),
        ready(),
        json!({"phase": "Failed", "reason": "Evicted"}),
        json!({"phase": "Failed"}),
        json!({"phase": "Succeeded"}),
    ][number]
        .clone()
}

proptest! {
    /// Whatever happens: a pod is made only where there is none, two looks at the same thing say the same, a session that waits
    /// has a time at which it is looked at again or something of its own to wait for, and one that is to be down gets there.
    #[test]
    fn a_session_is_always_on_its_way(events in prop::collection::vec(happens(), 1..40)) {
        let mut seen = view(session(&json!({"activeDeadlineSeconds": 100_000})), None);
        for (second, event) in events.into_iter().enumerate() {
            let second = i64::try_from(second).unwrap();
            match event {
                Happens::PodSays(number) if seen.pod.is_some() => seen.pod = Some(Arc::new(pod_with(&said(number)))),
                Happens::PodGone => seen.pod = None,
                Happens::Asked(phase) => seen.session = Arc::new(asks((*seen.session).clone(), phase)),
                Happens::Desired(state) => {
                    let mut session = (*seen.session).clone();
                    session.spec.desired_state = state.map(|state| serde_json::from_value(json!(state)).unwrap());
                    session.metadata.generation = session.metadata.generation.map(|number| number + 1);
                    seen.session = Arc::new(session);
                }
                Happens::PodSays(_) | Happens::Nothing => {}
            }
            let before = evidence::state(seen.pod.as_deref());
            let (plan, session) = step(&seen, second);
            prop_assert!(!plan.steps.contains(&Step::CreatePod) || before == PodState::Absent);
            prop_assert!(!plan.steps.contains(&Step::DeletePod) || !matches!(before, PodState::Absent | PodState::Leaving));
            if plan.steps.contains(&Step::CreatePod) {
                seen.pod = Some(Arc::new(pod_with(&said(0))));
            }
            if plan.steps.contains(&Step::DeletePod) {
                seen.pod = None;
            }
            let starting = matches!(evidence::state(seen.pod.as_deref()), PodState::Starting(_));
            let settled = plan.steps.is_empty() && starting && matches!(plan.saying, Saying::Creating { .. });
            prop_assert!(!settled || plan.wake.is_some(), "{plan:?}");
            seen.session = Arc::new(session);
            let again = super::plan::plan(&seen, &config(), at(second));
            if plan.steps.is_empty() && plan.saying != Saying::Completed {
                prop_assert!(again.steps.is_empty() || again.steps == [Step::Provide], "{again:?} after {plan:?}");
            }
        }
    }
}
