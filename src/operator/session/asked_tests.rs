//! What people and the platform ask of sessions by annotations, without a cluster.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    objects,
    plan::{Plan, Step, plan},
    status::status,
    tests::{at, config, inputs},
    view::View,
    wish::{DESIRED_PHASE, FORCE_PROMPT, STOP_REASON},
};
use crate::api::AgenticSession;

fn session(annotations: &Value, status: &Value) -> AgenticSession {
    let object = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "AgenticSession",
        "metadata": {"name": "s1", "namespace": "team", "uid": "u", "generation": 1, "annotations": annotations},
        "spec": {"initialPrompt": "go"}, "status": status,
    });
    serde_json::from_value(object).unwrap()
}

fn view(session: AgenticSession) -> View {
    super::tests::view(session, None)
}

fn made(session: &AgenticSession) -> Value {
    super::tests::made(session, &inputs(), &config())
}

fn decide(view: &View) -> Plan {
    plan(view, &config(), at(10))
}

fn stopped() -> Value {
    json!({"phase": "Stopped", "startTime": at(0).to_string(), "completionTime": at(5).to_string(), "stoppedReason": "user"})
}

/// Item 2 of the original's weaknesses: the prompt is no variable of a pod that the next try loses, but a Run, and it is made before
/// the status says that the session has started.
#[test]
fn weakness_02_the_first_prompt_is_a_run_that_is_made_before_anything_says_that_the_session_has_started() {
    let new = view(session(&json!({}), &json!(null)));
    for _ in 0..2 {
        assert_eq!(decide(&new).steps, [Step::CreateFirstRun, Step::Provide, Step::CreatePod]);
    }
    let plan = decide(&new);
    let mut started = (*new.session).clone();
    started.status = Some(status(&new, &plan.saying, plan.starts, &config(), at(10)));
    assert_eq!(decide(&view(started)).steps, [Step::Provide, Step::CreatePod], "its pod was lost");
    let made = made(&new.session).to_string();
    assert!(!made.contains("INITIAL_PROMPT") && !made.contains("IS_RESUME"));
}

#[test]
fn a_start_that_asks_for_the_prompt_makes_a_run_of_it_and_the_request_goes_before_anything_is_written() {
    let asked = session(&json!({DESIRED_PHASE: "Running", FORCE_PROMPT: "true"}), &stopped());
    let steps = decide(&view(asked)).steps;
    let expected = [Step::CreatePromptRun, Step::ClearForce, Step::Provide, Step::CreatePod, Step::ClearRequest];
    assert_eq!(steps, expected);
    let first = session(&json!({DESIRED_PHASE: "Running", FORCE_PROMPT: "true"}), &json!(null));
    let steps = decide(&view(first)).steps;
    assert!(steps.contains(&Step::CreateFirstRun) && steps.contains(&Step::ClearForce), "{steps:?}");
    assert!(!steps.contains(&Step::CreatePromptRun), "the first start has it anyway");
    let rests = session(&json!({FORCE_PROMPT: "true"}), &stopped());
    assert_eq!(decide(&view(rests)).steps, [], "nobody has asked for a start");
}

/// Item 13: what users can write decides neither which account a token is made for nor which Secret it goes to.
#[test]
fn weakness_13_annotations_about_accounts_and_secrets_change_nothing() {
    let plain = session(&json!({}), &json!(null));
    let forged = json!({
        "ambient-code.io/runner-sa": "default", "ambient-code.io/runner-token-secret": "somebodys-secret",
    });
    let forged = session(&forged, &json!(null));
    assert_eq!(made(&plain), made(&forged));
    assert_eq!(objects::account(&plain), objects::account(&forged));
    assert_eq!(objects::token(&plain, "t"), objects::token(&forged, "t"));
    assert_eq!(decide(&view(forged)).steps, decide(&view(plain)).steps);
}

/// Item 23: why the platform stopped a session is what its status says.
#[test]
fn weakness_23_a_stop_after_a_finished_run_is_told_from_one_by_a_person() {
    for (reason, stopped) in
        [(Some("run-finished"), "run-finished"), (Some("inactivity"), "inactivity"), (None, "user")]
    {
        let running = json!({"phase": "Running", "startTime": at(0).to_string()});
        let mut asked = session(&json!({DESIRED_PHASE: "Stopped"}), &running);
        if let Some(reason) = reason {
            asked.annotations_mut().insert(STOP_REASON.to_owned(), reason.to_owned());
        }
        let view = view(asked);
        let plan = decide(&view);
        let said = status(&view, &plan.saying, plan.starts, &config(), at(10));
        assert_eq!(said.stopped_reason.as_deref(), Some(stopped));
    }
}
