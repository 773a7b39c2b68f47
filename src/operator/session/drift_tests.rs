//! What a running session's runner is told, without a cluster.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::drift::{Change, Failure, Tried, again, changes, conditions, due, is_outdated, settle};
use crate::api::{
    AgenticSessionSpec, AgenticSessionStatus,
    session::{RepoStatus, WorkflowStatus},
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn spec(spec: &Value) -> AgenticSessionSpec {
    serde_json::from_value(spec.clone()).unwrap()
}

/// The pod that was made from a manifest.
fn pod(uid: &str, spec: &AgenticSessionSpec) -> Pod {
    let workflow = spec.active_workflow.as_ref().and_then(|workflow| Some((workflow, workflow.git_url.as_ref()?)));
    let runner = workflow.map_or(json!([]), |(workflow, url)| {
        json!([
            {"name": "ACTIVE_WORKFLOW_GIT_URL", "value": url},
            {"name": "ACTIVE_WORKFLOW_BRANCH", "value": workflow.branch},
        ])
    });
    let repos = json!([{"name": "REPOS_JSON", "value": serde_json::to_string(&spec.repos).unwrap()}]);
    let pod = json!({
        "metadata": {"name": "s1-runner", "uid": uid},
        "spec": {
            "initContainers": [{"name": "init-hydrate", "env": repos}],
            "containers": [{"name": "ambient-code-runner", "env": runner}],
        },
    });
    serde_json::from_value(pod).unwrap()
}

fn repo(name: &str, branch: Option<&str>) -> Value {
    json!({"url": format!("https://git.example/{name}.git"), "branch": branch})
}

fn done(change: Change) -> Tried {
    Tried { change, result: Ok(()) }
}

fn failed(change: Change, tries: u32, again: Option<Timestamp>) -> Tried {
    Tried { change, result: Err(Failure { message: "git says no.".to_owned(), tries, again }) }
}

fn condition<'a>(status: &'a AgenticSessionStatus, kind: &str) -> (&'a str, &'a str) {
    let found = status.conditions.iter().find(|condition| condition.type_ == kind).unwrap();
    (&found.status, &found.reason)
}

/// Item 11 of the original's weaknesses: what the pod was set up with is not applied a second time.
#[test]
fn weakness_11_what_the_pod_was_made_with_is_not_told_to_it_again() {
    let spec = spec(&json!({"repos": [repo("a", None), repo("b", Some("dev"))]}));
    let mut status = AgenticSessionStatus::default();
    settle(&mut status, &pod("p1", &spec), &spec, &[], at(1));
    assert_eq!(changes(&status, &spec), []);
    assert!(status.reconciled_repos.iter().all(|repo| repo.status == Some(RepoStatus::Ready)));
    conditions(&mut status, &spec, &[], Some(1), at(1));
    assert_eq!(condition(&status, "Reconciled"), ("True", "SpecApplied"));
    assert!(!is_outdated(&pod("p1", &spec), &spec));
}

/// Item 10: nothing is said to be there before the runner says so, and its words are told.
#[test]
fn weakness_10_a_repository_is_ready_when_the_runner_says_so_and_failed_with_its_words() {
    let before = spec(&json!({"repos": [repo("a", None)]}));
    let after = spec(&json!({"repos": [repo("a", None), repo("b", None)]}));
    let pod = pod("p1", &before);
    let mut status = AgenticSessionStatus::default();
    settle(&mut status, &pod, &before, &[], at(1));
    settle(&mut status, &pod, &after, &[], at(2));
    assert_eq!(status.reconciled_repos[1].status, Some(RepoStatus::Cloning));
    conditions(&mut status, &after, &[], Some(2), at(2));
    assert_eq!(condition(&status, "ReposReconciled"), ("False", "Applying"));
    let add = changes(&status, &after).remove(0);
    let tried = [failed(add.clone(), 1, Some(at(10)))];
    settle(&mut status, &pod, &after, &tried, at(3));
    conditions(&mut status, &after, &tried, Some(2), at(3));
    assert_eq!(status.reconciled_repos[1].status, Some(RepoStatus::Failed));
    assert_eq!(condition(&status, "ReposReconciled"), ("False", "RepoFailed"));
    assert_eq!(condition(&status, "Reconciled"), ("False", "RepoReconciliationFailed"));
    let message = &status.conditions.iter().find(|condition| condition.type_ == "Reconciled").unwrap().message;
    assert_eq!(message, "git says no.");
    let tried = [done(add)];
    settle(&mut status, &pod, &after, &tried, at(4));
    conditions(&mut status, &after, &tried, Some(2), at(4));
    assert_eq!(changes(&status, &after), []);
    assert_eq!(condition(&status, "ReposReconciled"), ("True", "Reconciled"));
    let settled = status.clone();
    settle(&mut status, &pod, &after, &tried, at(5));
    assert_eq!(status, settled, "hearing the same again changes nothing");
}

#[test]
fn a_failure_is_tried_again_after_a_pause_that_grows_and_a_refusal_only_when_the_manifest_changes() {
    assert_eq!([1, 2, 3].map(|tries| again(tries, at(0))), [5, 10, 20].map(|second| Some(at(second))));
    assert_eq!([60, u32::MAX].map(|tries| again(tries, at(0))), [Some(at(300)); 2]);
    let one = Change::Remove { name: "a".into() };
    let two = Change::Remove { name: "b".into() };
    let tried = [failed(one.clone(), 1, Some(at(5))), failed(two.clone(), 1, None)];
    let all = || vec![one.clone(), two.clone()];
    assert_eq!(due(all(), &tried, at(4)), (vec![], Some(at(5))));
    assert_eq!(due(all(), &tried, at(5)), (vec![one.clone()], None));
    assert_eq!(due(vec![Change::Remove { name: "c".into() }], &tried, at(0)).0.len(), 1);
}

#[test]
fn a_folder_that_gets_another_url_is_emptied_first_and_of_two_wishes_for_a_folder_the_last_counts() {
    let before = spec(&json!({"repos": [repo("a", None)]}));
    let other = json!({"url": "https://git.example/other/a.git"});
    let after = spec(&json!({"repos": [repo("a", None), other]}));
    let mut status = AgenticSessionStatus::default();
    settle(&mut status, &pod("p1", &before), &after, &[], at(1));
    let said = changes(&status, &after);
    assert!(
        matches!(said.as_slice(), [Change::Remove { name }, Change::Add(repo)]
            if name == "a" && repo.url == "https://git.example/other/a.git"),
        "{said:?}"
    );
}

#[test]
fn a_workflow_is_active_when_the_runner_says_so_and_none_is_a_wish_too() {
    let one = spec(&json!({"activeWorkflow": {"gitUrl": "https://git.example/w.git"}}));
    let none = spec(&json!({}));
    let pod = pod("p1", &one);
    let mut status = AgenticSessionStatus::default();
    settle(&mut status, &pod, &one, &[], at(1));
    assert_eq!(status.reconciled_workflow.as_ref().unwrap().status, Some(WorkflowStatus::Cloning));
    let asked = changes(&status, &one);
    assert_eq!(asked.len(), 1, "the runner has been told by its pod, and says what became of it");
    assert!(!is_outdated(&pod, &one) && is_outdated(&pod, &none));
    settle(&mut status, &pod, &one, &[done(asked[0].clone())], at(2));
    assert_eq!(status.reconciled_workflow.as_ref().unwrap().status, Some(WorkflowStatus::Active));
    assert_eq!(changes(&status, &one), []);
    let asked = changes(&status, &none);
    assert!(matches!(&asked[..], [Change::Workflow(workflow)] if workflow.git_url.is_none()), "{asked:?}");
    settle(&mut status, &pod, &none, &[done(asked[0].clone())], at(3));
    assert_eq!((status.reconciled_workflow.is_none(), changes(&status, &none)), (true, vec![]));
}

#[test]
fn a_new_pod_begins_with_its_own_manifest_and_is_told_what_its_data_may_remember_otherwise() {
    let before = spec(&json!({"repos": [repo("a", None), repo("b", None)]}));
    let after = spec(&json!({"repos": [repo("a", None)]}));
    let mut status = AgenticSessionStatus::default();
    settle(&mut status, &pod("p1", &before), &before, &[], at(1));
    settle(&mut status, &pod("p2", &after), &after, &[], at(2));
    assert_eq!(status.reconciled_pod.as_deref(), Some("p2"));
    assert_eq!(changes(&status, &after), [Change::Remove { name: "b".into() }]);
}

fn any_spec() -> impl Strategy<Value = AgenticSessionSpec> {
    let repo = (0..3_u8, 0..2_u8, prop::option::of(0..2_u8)).prop_map(|(name, host, branch)| {
        json!({
            "url": format!("https://git{host}.example/r{name}.git"),
            "branch": branch.map(|number| format!("b{number}")),
        })
    });
    let workflow = prop::option::of(0..2_u8)
        .prop_map(|number| number.map(|number| json!({"gitUrl": format!("https://git.example/w{number}.git")})));
    (prop::collection::vec(repo, 0..4), workflow)
        .prop_map(|(repos, workflow)| spec(&json!({"repos": repos, "activeWorkflow": workflow})))
}

proptest! {
    /// Whatever was there and whatever fails on the way: when the runner has done all that it is told, the status says what the
    /// manifest does, and nothing is left to tell.
    #[test]
    fn the_workspace_becomes_what_the_manifest_wants(
        first in any_spec(),
        wishes in prop::collection::vec((any_spec(), any::<bool>(), any::<bool>()), 1..5),
    ) {
        let mut status = AgenticSessionStatus::default();
        let mut number = 0;
        let mut pod = pod("p0", &first);
        settle(&mut status, &pod, &first, &[], at(0));
        for (wish, fails, moves) in wishes {
            if moves {
                number += 1;
                pod = self::pod(&format!("p{number}"), &wish);
            }
            settle(&mut status, &pod, &wish, &[], at(1));
            let said = changes(&status, &wish);
            if fails {
                let tried: Vec<Tried> = said.iter().map(|change| failed(change.clone(), 1, Some(at(9)))).collect();
                settle(&mut status, &pod, &wish, &tried, at(2));
                prop_assert_eq!(due(changes(&status, &wish), &tried, at(3)).0, vec![]);
            }
            let tried: Vec<Tried> = changes(&status, &wish).into_iter().map(done).collect();
            settle(&mut status, &pod, &wish, &tried, at(4));
            prop_assert_eq!(changes(&status, &wish), vec![]);
        }
    }
}
