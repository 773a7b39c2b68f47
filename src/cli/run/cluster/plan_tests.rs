use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::json;

use super::*;
use crate::api::{
    AgenticSessionSpec, AgenticSessionStatus, RunSpec, RunStatus,
    conditions::{self, Aspect},
    run::{DesiredState, RunPhase, SessionRef},
};

fn session(prompt: Option<&str>) -> AgenticSession {
    let spec = AgenticSessionSpec { initial_prompt: prompt.map(str::to_owned), ..AgenticSessionSpec::default() };
    AgenticSession::new("s", spec)
}

fn started(prompt: Option<&str>) -> AgenticSession {
    let status =
        AgenticSessionStatus { start_time: Some(Time(jiff::Timestamp::UNIX_EPOCH)), ..AgenticSessionStatus::default() };
    AgenticSession { status: Some(status), ..session(prompt) }
}

fn run(name: &str, prompt: &str) -> Run {
    let spec =
        RunSpec { session_ref: SessionRef { name: "s".into() }, prompt: Some(prompt.into()), ..RunSpec::default() };
    Run::new(name, spec)
}

fn with(run: Run, phase: RunPhase) -> Run {
    Run { status: Some(RunStatus { phase, ..RunStatus::default() }), ..run }
}

fn of(session: &AgenticSession, runs: &[Run]) -> Given {
    Given { session: Some(session.clone()), runs: runs.to_vec(), settings: Vec::new() }
}

fn write(run: Run) -> Step {
    Step::Write(Box::new(run))
}

fn over(run: Run) -> Step {
    Step::Over(Box::new(run))
}

#[test]
fn a_new_session_is_asked_its_prompt_by_the_operator_and_then_the_runs_in_their_order() {
    let (one, two) = (run("z", "one"), run("a", "two"));
    let given = of(&session(Some("hello")), &[one.clone(), two.clone()]);
    let steps = steps(&session(Some("hello")), None, &given, &[], None).unwrap();
    assert_eq!(steps, [Step::Await("s-initial".into()), write(one), write(two)]);
}

#[test]
fn the_first_prompt_is_asked_once_for_the_life_of_the_session() {
    let asked = session(Some("hello"));
    let going = with(run("s-initial", "hello"), RunPhase::Running);
    let ended = with(going.clone(), RunPhase::Succeeded);
    let known = started(Some("hello"));
    let steps = |there: &[Run]| steps(&asked, Some(&known), &of(&asked, &[]), there, None);
    assert_eq!(steps(&[going]).unwrap(), [Step::Await("s-initial".into())]);
    assert_eq!(steps(std::slice::from_ref(&ended)).unwrap(), [over(ended)]);
    assert!(matches!(steps(&[]), Err(JobError::Nothing)), "it was deleted");
}

#[test]
fn a_run_that_is_over_is_not_run_again_one_that_goes_is_followed_and_another_one_of_its_name_is_refused() {
    let given = run("r", "x");
    let step =
        |there: Run| steps(&session(None), None, &of(&session(None), std::slice::from_ref(&given)), &[there], None);
    for phase in [RunPhase::Succeeded, RunPhase::Failed, RunPhase::Cancelled, RunPhase::WaitingForInput] {
        let there = with(given.clone(), phase);
        assert_eq!(step(there.clone()).unwrap(), [over(there)]);
    }
    assert_eq!(step(with(given.clone(), RunPhase::Running)).unwrap(), [write(given.clone())]);
    assert!(matches!(step(run("r", "y")), Err(JobError::Changed(name)) if name == "r"));
    let mut cancelled = given.clone();
    cancelled.spec.desired_state = DesiredState::Cancelled;
    assert_eq!(step(cancelled.clone()).unwrap(), [write(cancelled)], "there is no way back");
}

#[test]
fn a_message_becomes_a_run_whose_name_the_api_server_chooses() {
    let steps = steps(&session(None), Some(&started(None)), &Given::default(), &[], Some("more")).unwrap();
    let [Step::Write(run)] = steps.as_slice() else { panic!("{steps:?}") };
    let body = applied(&**run, "n");
    assert_eq!(body["metadata"], json!({"generateName": "s-", "namespace": "n"}));
    assert_eq!((&body["kind"], &body["spec"]["prompt"]), (&json!("Run"), &json!("more")));
}

#[test]
fn a_message_to_a_session_without_its_manifest_says_nothing_of_its_first_prompt() {
    let known = started(Some("hello"));
    let there = [with(run("s-initial", "hello"), RunPhase::Succeeded)];
    let steps = steps(&known, Some(&known), &Given::default(), &there, Some("more")).unwrap();
    assert!(matches!(steps.as_slice(), [Step::Write(_)]), "{steps:?}");
}

#[test]
fn a_run_of_another_session_and_nothing_at_all_are_refused() {
    let mut stranger = run("r", "x");
    stranger.spec.session_ref.name = "t".into();
    let refused = steps(&session(None), None, &of(&session(None), &[stranger]), &[], None);
    assert!(matches!(refused, Err(JobError::Stranger { named, .. }) if named == "t"));
    assert!(matches!(steps(&session(None), None, &Given::default(), &[], None), Err(JobError::Nothing)));
}

#[test]
fn the_namespace_is_as_told_as_written_or_the_kubeconfigs_and_never_two() {
    let mut given = Given { session: Some(session(None)), runs: vec![run("r", "x")], settings: Vec::new() };
    assert_eq!(namespace(&given, None, "default").unwrap(), "default");
    assert_eq!(namespace(&given, Some("a"), "default").unwrap(), "a");
    given.runs[0].metadata.namespace = Some("b".into());
    assert_eq!(namespace(&given, None, "default").unwrap(), "b");
    let refused = namespace(&given, Some("a"), "default").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Run r names namespace b, and this is namespace a; correct metadata.namespace, or use -n b"
    );
}

#[test]
fn the_session_is_that_of_the_manifest_the_one_that_is_named_or_that_of_the_run() {
    let nothing = Given::default();
    assert!(matches!(session_of(&nothing, None), Err(ClusterError::NothingNamed)));
    assert_eq!(session_of(&nothing, Some("t")).unwrap(), "t");
    let given = Given { runs: vec![run("r", "x")], ..Given::default() };
    assert_eq!(session_of(&given, None).unwrap(), "s");
}

#[test]
fn the_status_of_a_manifest_is_not_applied() {
    let body = applied(&with(run("r", "x"), RunPhase::Running), "n");
    assert_eq!(body.get("status"), None);
    assert_eq!(body["apiVersion"], "vteam.ambient-code/v1alpha1");
}

#[test]
fn a_session_that_is_not_ready_says_what_it_waits_for() {
    let mut session = started(None);
    assert_eq!(waits_for(&session), None);
    let mut ready = |status: bool, message: &str| {
        let conditions = &mut session.status.as_mut().unwrap().conditions;
        let aspect = Aspect { kind: READY, status: status.into(), reason: "Pod", message };
        conditions::upsert(conditions, aspect, None, jiff::Timestamp::UNIX_EPOCH);
        waits_for(&session).map(str::to_owned)
    };
    assert_eq!(ready(false, "The pod waits for a node.").as_deref(), Some("The pod waits for a node."));
    assert_eq!(ready(true, "Ready."), None);
}

#[test]
fn a_question_that_nobody_answers_holds_up_what_comes_behind_it() {
    let asks = with(run("r", "x"), RunPhase::WaitingForInput);
    let ended = with(run("r", "x"), RunPhase::Succeeded);
    let (next, past) = ([write(run("s", "y"))], [over(ended.clone())]);
    assert!(blocks(&asks, next.iter()));
    assert!(!blocks(&asks, past.iter()));
    assert!(!blocks(&ended, next.iter()));
}

#[test]
fn the_exit_code_is_that_of_the_first_run_that_did_not_succeed() {
    assert_eq!(exit_code(&[]), 0);
    assert_eq!(exit_code(&[0, 0]), 0);
    assert_eq!(exit_code(&[0, 5, 1]), 5);
}
