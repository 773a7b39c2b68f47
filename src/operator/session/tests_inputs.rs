//! What a session waits for before its pod, and what becomes of a pod that does not end.

use std::sync::Arc;

use jiff::SignedDuration;
use k8s_openapi::{api::core::v1::PersistentVolumeClaim, apimachinery::pkg::apis::meta::v1::Time};
use serde_json::json;

use super::{
    inputs::Template,
    plan::{Plan, Saying, Step, plan},
    status::status,
    tests::{at, config, pod_with, ready, session, view},
    view::View,
    wish::{DESIRED_PHASE, Why},
};
use crate::{
    api::{AgenticSession, outcome::OutcomeReason, session::SessionPhase},
    operator::config::{Config, Platform, Vertex},
};

/// Decides, writes the status, and takes away what has acted.
fn next(view: &mut View, config: &Config, second: i64) -> Plan {
    let plan = plan(view, config, at(second));
    let mut session = (*view.session).clone();
    session.status = Some(status(view, &plan.saying, plan.starts, config, at(second)));
    if plan.steps.contains(&Step::ClearRequest) {
        session.metadata.annotations = None;
    }
    view.session = Arc::new(session);
    plan
}

fn phase(view: &View) -> SessionPhase {
    view.session.status.as_ref().unwrap().phase
}

fn condition(session: &AgenticSession, kind: &str) -> (String, String) {
    let conditions = &session.status.as_ref().unwrap().conditions;
    let found = conditions.iter().find(|condition| condition.type_ == kind).unwrap();
    (found.status.clone(), found.reason.clone())
}

fn reason(plan: &Plan) -> &str {
    match &plan.saying {
        Saying::Creating { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap()
}

#[test]
fn weakness_19_a_session_waits_for_its_keys_and_goes_on_when_they_are_there() {
    let mut view = view(session(&json!({})), None);
    view.inputs.keys = false;
    let plan = next(&mut view, &config(), 0);
    assert_eq!((reason(&plan), plan.steps.as_slice()), ("RunnerSecretMissing", [].as_slice()));
    let limit = SignedDuration::try_from(config().deadlines.inputs).unwrap();
    assert_eq!(plan.wake, Some(at(0).checked_add(limit).unwrap()));
    assert_eq!(condition(&view.session, "SecretsReady"), ("False".into(), "RunnerSecretMissing".into()));
    view.inputs.keys = true;
    let plan = next(&mut view, &config(), 5);
    assert_eq!(plan.steps, [Step::Provide, Step::CreatePod]);
    assert_eq!(condition(&view.session, "SecretsReady"), ("True".into(), "AllRequiredSecretsFound".into()));
}

#[test]
fn a_session_without_keys_fails_at_its_deadline_and_says_what_to_create() {
    let mut view = view(session(&json!({})), None);
    view.inputs.keys = false;
    next(&mut view, &config(), 0);
    let plan = next(&mut view, &config(), seconds(config().deadlines.inputs));
    let Saying::Failed { reason, message } = &plan.saying else { panic!("{plan:?}") };
    assert_eq!(*reason, OutcomeReason::SetupFailed);
    assert!(message.contains("ambient-runner-secrets") && message.contains("team"), "{message}");
}

#[test]
fn a_recording_needs_no_keys() {
    let mut view = view(session(&json!({"runner": {"type": "replay", "replay": {"path": "a"}}})), None);
    view.inputs.keys = false;
    assert_eq!(next(&mut view, &config(), 0).steps, [Step::Provide, Step::CreatePod]);
}

#[test]
fn the_deadline_of_a_running_session_that_lost_pod_and_keys_counts_from_then() {
    let mut view = view(session(&json!({})), Some(pod_with(&ready())));
    next(&mut view, &config(), 0);
    view.pod = None;
    view.inputs.keys = false;
    let day = 80_000;
    // The pod is missing for the first time: the condition Ready still says that it runs.
    let plan = next(&mut view, &config(), day);
    assert_eq!(phase(&view), SessionPhase::Creating, "{plan:?}");
    assert_eq!(reason(&next(&mut view, &config(), day + 1)), "RunnerSecretMissing");
    next(&mut view, &config(), day + seconds(config().deadlines.inputs));
    assert_eq!(phase(&view), SessionPhase::Failed);
}

#[test]
fn weakness_07_a_restart_without_the_vertex_secret_is_tried_once_and_then_at_rest() {
    let vertex = Vertex { region: "r".into(), project: "p".into(), credentials: "c".into() };
    let config = Config { platform: Platform { vertex: Some(vertex), ..Platform::default() }, ..config() };
    let mut view = view(session(&json!({})), None);
    let mut asked = (*view.session).clone();
    asked.metadata.annotations = Some([(DESIRED_PHASE.to_owned(), "Running".to_owned())].into());
    view.session = Arc::new(asked);
    let mut changes = 0;
    let mut before = None;
    // Ten looks a second for twice the deadline, as if its own writes woke it.
    for second in 0..2 * seconds(config.deadlines.inputs) {
        next(&mut view, &config, second);
        let now = view.session.status.clone();
        changes += usize::from(before != now);
        before = now;
    }
    assert_eq!((phase(&view), changes), (SessionPhase::Failed, 2), "it waits, and it has failed");
    assert!(view.session.metadata.annotations.is_none(), "the request was tried");
}

#[test]
fn a_template_that_a_session_names_is_waited_for() {
    let mut view = view(session(&json!({})), None);
    view.inputs.template = Template::Missing("gpu".into());
    let plan = next(&mut view, &config(), 0);
    assert_eq!(reason(&plan), "PodTemplateMissing");
}

fn kept() -> AgenticSession {
    session(&json!({"workspace": {"persistence": "PersistentVolume"}}))
}

fn claim(owner: &str) -> Arc<PersistentVolumeClaim> {
    let claim = json!({
        "metadata": {
            "name": "s1-workspace", "namespace": "team",
            "ownerReferences": [{"apiVersion": "v", "kind": "AgenticSession", "name": "s1", "uid": owner}],
        },
        "status": {"phase": "Pending"},
    });
    Arc::new(serde_json::from_value(claim).unwrap())
}

#[test]
fn the_volume_of_an_earlier_session_of_the_name_is_waited_away_and_never_used() {
    let mut view = view(kept(), None);
    view.inputs.claim = Some(claim("another-uid"));
    assert_eq!(reason(&next(&mut view, &config(), 0)), "VolumeLeaving");
    view.inputs.claim = Some(claim("session-uid"));
    assert_eq!(next(&mut view, &config(), 1).steps, [Step::Provide, Step::CreatePod]);
}

#[test]
fn a_claim_without_a_volume_is_named_and_has_a_deadline() {
    let message = "pod has unbound immediate PersistentVolumeClaims";
    let pending = json!({"phase": "Pending", "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message},
    ]});
    let mut view = view(kept(), Some(pod_with(&pending)));
    view.inputs.claim = Some(claim("session-uid"));
    let plan = next(&mut view, &config(), 1);
    assert_eq!(reason(&plan), "VolumePending");
    let plan = next(&mut view, &config(), seconds(config().deadlines.schedule));
    let Saying::Failed { reason, message } = &plan.saying else { panic!("{plan:?}") };
    assert_eq!(*reason, OutcomeReason::SetupFailed);
    assert!(message.contains("s1-workspace") && message.contains("unbound"), "{message}");
}

#[test]
fn a_pod_that_does_not_end_is_reported_and_its_node_is_asked_about() {
    let mut leaving = pod_with(&ready());
    leaving.metadata.deletion_timestamp = Some(Time(at(30)));
    let limit = 30 + seconds(config().deadlines.end);
    for asked in [Some("Stopped"), None] {
        let mut session = session(&json!({}));
        session.metadata.annotations = asked.map(|phase| [(DESIRED_PHASE.to_owned(), phase.to_owned())].into());
        let mut view = view(session, Some(leaving.clone()));
        let plan = next(&mut view, &config(), 31);
        assert_eq!((plan.steps.as_slice(), plan.wake), ([].as_slice(), Some(at(limit))));
        let plan = next(&mut view, &config(), limit);
        assert_eq!((plan.steps.as_slice(), plan.wake), ([Step::ReleasePod].as_slice(), Some(at(limit + 30))));
        match (asked, &plan.saying) {
            (Some(_), Saying::Stuck(Why::User, message)) | (None, Saying::Creating { message, .. }) => {
                assert!(message.contains("s1-runner does not end"), "{message}");
            }
            other => panic!("{other:?}"),
        }
        view.pod = None;
        let plan = next(&mut view, &config(), limit + 1);
        let expected = if asked.is_some() { SessionPhase::Stopped } else { SessionPhase::Creating };
        assert_eq!(phase(&view), expected, "{plan:?}");
    }
}

#[test]
fn weakness_08_a_session_of_any_name_has_a_service_that_is_its_own_and_is_seen_to_while_it_runs() {
    let mut view = view(session(&json!({})), Some(pod_with(&ready())));
    assert!(next(&mut view, &config(), 0).steps.contains(&Step::Provide));
    let mut long = session(&json!({}));
    long.metadata.name = Some("a".repeat(253));
    let service = super::objects::service(&long, &config());
    assert!(service["metadata"]["name"].as_str().unwrap().len() <= 63);
    assert_eq!(service["metadata"]["ownerReferences"][0]["kind"], "AgenticSession");
}
