//! What the workspace of a running session has, compared with what the manifest wants. Pure.
//!
//! A pod is made from the manifest: what its containers were told is the first state, and nothing of it is applied again. From
//! there on `status.reconciledRepos` and `status.reconciledWorkflow` say what its runner was told. Before the runner hears of
//! something new, that is written into the status, so that a change that was under way when the operator died is found again;
//! for the runner, hearing the same twice is no news.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Time};
use kube::ResourceExt;
use serde::de::DeserializeOwned;

use super::evidence::{HYDRATE, RUNNER};
use crate::api::{
    AgenticSessionSpec, AgenticSessionStatus,
    conditions::{self, Aspect, Status},
    session::{ReconciledRepo, ReconciledWorkflow, RepoSpec, RepoStatus, WorkflowSpec, WorkflowStatus},
};

/// Whether the repositories are those of the manifest; a type of the original.
const REPOS: &str = "ReposReconciled";
/// Whether the workflow is the manifest's; a type of the original.
const WORKFLOW: &str = "WorkflowReconciled";
/// Whether both are; a type of the original.
const ALL: &str = "Reconciled";

/// The variables by which a pod's containers are told what the workspace is to have.
pub(in crate::operator) const TOLD: [&str; 4] =
    ["REPOS_JSON", "ACTIVE_WORKFLOW_GIT_URL", "ACTIVE_WORKFLOW_BRANCH", "ACTIVE_WORKFLOW_PATH"];

/// The first and the longest pause before a change that failed is tried again, in seconds.
const PAUSE: (i64, i64) = (5, 300);

/// One thing to tell the runner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operator) enum Change {
    /// A repository is to go, with its folder.
    Remove { name: String },
    /// A repository is to be there, on its branch.
    Add(RepoSpec),
    /// This is to be the workflow; without a URL: none.
    Workflow(WorkflowSpec),
}

/// What the runner said to a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operator) struct Tried {
    pub(in crate::operator) change: Change,
    pub(in crate::operator) result: Result<(), Failure>,
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operator) struct Failure {
    /// The runner's own words.
    pub(in crate::operator) message: String,
    /// How often it was tried.
    pub(in crate::operator) tries: u32,
    /// When it is tried again; none: when the manifest asks for something else.
    pub(in crate::operator) again: Option<Timestamp>,
}

/// When a change that failed this many times is tried again.
pub(in crate::operator) fn again(tries: u32, now: Timestamp) -> Option<Timestamp> {
    let seconds = PAUSE.0.saturating_mul(1_i64.checked_shl(tries.saturating_sub(1)).unwrap_or(i64::MAX)).min(PAUSE.1);
    now.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// What the runner has to be told so that the workspace is what the manifest wants.
pub(in crate::operator) fn changes(status: &AgenticSessionStatus, spec: &AgenticSessionSpec) -> Vec<Change> {
    let wanted = repos(spec);
    let known = &status.reconciled_repos;
    let goes =
        |known: &&ReconciledRepo| !wanted.iter().any(|repo| repo.folder() == folder(known) && repo.url == known.url);
    let removed = known.iter().filter(goes).map(|repo| Change::Remove { name: folder(repo) });
    let is_there = |repo: &RepoSpec| {
        known.iter().any(|known| {
            folder(known) == repo.folder()
                && known.url == repo.url
                && known.branch == repo.branch
                && known.status == Some(RepoStatus::Ready)
        })
    };
    let added = wanted.iter().filter(|repo| !is_there(repo)).map(|repo| Change::Add((*repo).clone()));
    let workflow = workflow(spec.active_workflow.as_ref());
    let same = is_workflow(status.reconciled_workflow.as_ref(), workflow.as_ref());
    let switched = (!same).then(|| Change::Workflow(workflow.unwrap_or_default()));
    removed.chain(added).chain(switched).collect()
}

/// Those that are to be tried now, and when the next of the others is.
pub(in crate::operator) fn due(
    changes: Vec<Change>,
    tried: &[Tried],
    now: Timestamp,
) -> (Vec<Change>, Option<Timestamp>) {
    let waits = |change: &Change| failure(change, tried).filter(|failure| failure.again.is_none_or(|time| time > now));
    let next = changes.iter().filter_map(|change| waits(change)?.again).min();
    (changes.into_iter().filter(|change| waits(change).is_none()).collect(), next)
}

/// How a change failed last.
pub(in crate::operator) fn failure<'a>(change: &Change, tried: &'a [Tried]) -> Option<&'a Failure> {
    tried.iter().find(|tried| tried.change == *change)?.result.as_ref().err()
}

/// Whether a pod was made from another manifest than this one.
pub(super) fn is_outdated(pod: &Pod, spec: &AgenticSessionSpec) -> bool {
    let mut first = AgenticSessionStatus::default();
    begin(&mut first, pod, Timestamp::UNIX_EPOCH);
    let only_cloned = |change: &Change| {
        let workflow = workflow(spec.active_workflow.as_ref()).unwrap_or_default();
        let told = first.reconciled_workflow.as_ref();
        *change == Change::Workflow(workflow.clone()) && told.is_some_and(|told| is_like(told, &workflow))
    };
    changes(&first, spec).iter().any(|change| !only_cloned(change))
}

/// Brings what the status says of the workspace up to date: by the pod, if it is another one than before, by what the runner has
/// said, and by what it will be told next.
pub(super) fn settle(
    status: &mut AgenticSessionStatus,
    pod: &Pod,
    spec: &AgenticSessionSpec,
    tried: &[Tried],
    now: Timestamp,
) {
    if status.reconciled_pod != pod.uid() {
        begin(status, pod, now);
        status.reconciled_pod = pod.uid();
    }
    for tried in tried {
        note(status, tried, now);
    }
    for change in changes(status, spec) {
        if failure(&change, tried).is_none() {
            intend(status, &change);
        }
    }
}

/// The conditions that follow, for [`settle`]d statuses.
pub(super) fn conditions(
    status: &mut AgenticSessionStatus,
    spec: &AgenticSessionSpec,
    tried: &[Tried],
    generation: Option<i64>,
    now: Timestamp,
) {
    let left = changes(status, spec);
    let of_workflow = |change: &&Change| matches!(change, Change::Workflow(_));
    let words = |changes: Vec<&Change>, failed| words(&changes, tried, failed);
    let repos = words(left.iter().filter(|change| !of_workflow(change)).collect(), "RepoFailed");
    let workflow = words(left.iter().filter(of_workflow).collect(), "UpdateFailed");
    let no_repos = if spec.repos.is_empty() { "NoRepos" } else { "Reconciled" };
    let no_workflow = if spec.active_workflow.is_none() { "NotConfigured" } else { "Reconciled" };
    let all = match (&repos, &workflow) {
        (None, None) => None,
        (_, Some((reason, message))) if *reason != "Applying" => {
            Some(("WorkflowReconciliationFailed", message.clone()))
        }
        (Some((reason, message)), _) if *reason != "Applying" => Some(("RepoReconciliationFailed", message.clone())),
        (Some(applying), _) | (None, Some(applying)) => Some(applying.clone()),
    };
    let mut conditions = std::mem::take(&mut status.conditions);
    for (kind, good, bad) in [(REPOS, no_repos, repos), (WORKFLOW, no_workflow, workflow), (ALL, "SpecApplied", all)] {
        let (reason, message) = bad.as_ref().map_or((good, ""), |(reason, message)| (*reason, message.as_str()));
        let aspect = Aspect { kind, status: Status::from(bad.is_none()), reason, message };
        conditions::upsert(&mut conditions, aspect, generation, now);
    }
    status.conditions = conditions;
}

/// What is said while changes are left; none where there are none.
fn words(left: &[&Change], tried: &[Tried], failed: &'static str) -> Option<(&'static str, String)> {
    if left.is_empty() {
        return None;
    }
    let messages: Vec<&str> = left.iter().filter_map(|change| Some(failure(change, tried)?.message.as_str())).collect();
    if messages.is_empty() {
        return Some(("Applying", "The runner is told what has changed; its next turns have it.".to_owned()));
    }
    Some((failed, messages.join(" ")))
}

/// What a pod's containers were told. Something that was said of a former pod otherwise is not certain: its data may have outlived
/// it, so the runner is told again.
fn begin(status: &mut AgenticSessionStatus, pod: &Pod, now: Timestamp) {
    let before = std::mem::take(&mut status.reconciled_repos);
    let told: Vec<RepoSpec> = json_of(pod, "REPOS_JSON").unwrap_or_default();
    let told: Vec<&RepoSpec> = last_of(&told);
    let is_certain = |repo: &RepoSpec| {
        let known = before.iter().find(|known| folder(known) == repo.folder());
        known.is_none_or(|known| known.url == repo.url && known.branch == repo.branch)
    };
    let state = |repo: &RepoSpec| if is_certain(repo) { RepoStatus::Ready } else { RepoStatus::Cloning };
    let mut repos: Vec<ReconciledRepo> =
        told.iter().map(|repo| ReconciledRepo { cloned_at: Some(Time(now)), ..entry(repo, state(repo)) }).collect();
    let left = before.into_iter().filter(|known| !told.iter().any(|repo| repo.folder() == folder(known)));
    repos.extend(left.map(|known| ReconciledRepo { status: Some(RepoStatus::Cloning), ..known }));
    status.reconciled_repos = repos;
    // A runner clones its workflow itself when it starts; its answer to the same wish says what became of it.
    let told = variable(pod, "ACTIVE_WORKFLOW_GIT_URL").map(|url| WorkflowSpec {
        git_url: Some(url),
        branch: variable(pod, "ACTIVE_WORKFLOW_BRANCH").unwrap_or_default(),
        path: variable(pod, "ACTIVE_WORKFLOW_PATH"),
    });
    let before = status
        .reconciled_workflow
        .take()
        .map(|known| ReconciledWorkflow { status: Some(WorkflowStatus::Cloning), ..known });
    let told = workflow(told.as_ref()).map(|told| workflow_entry(&told, WorkflowStatus::Cloning));
    status.reconciled_workflow = told.or(before);
}

fn json_of<T: DeserializeOwned>(pod: &Pod, name: &str) -> Option<T> {
    serde_json::from_str(&variable(pod, name)?).ok()
}

/// A variable of the container that sets up the workspace, else of the runner.
fn variable(pod: &Pod, name: &str) -> Option<String> {
    let spec = pod.spec.as_ref()?;
    let containers = || spec.init_containers.iter().flatten().chain(&spec.containers);
    [HYDRATE, RUNNER].iter().find_map(|wanted| {
        let container = containers().find(|container| container.name == *wanted)?;
        container.env.iter().flatten().rev().find(|variable| variable.name == name)?.value.clone()
    })
}

/// What the runner has said.
fn note(status: &mut AgenticSessionStatus, tried: &Tried, now: Timestamp) {
    match (&tried.change, &tried.result) {
        (Change::Remove { name }, Ok(())) => status.reconciled_repos.retain(|known| folder(known) != *name),
        (Change::Remove { name }, Err(_)) => fail(status, name),
        (Change::Add(repo), Ok(())) => {
            let known = status.reconciled_repos.iter_mut().find(|known| folder(known) == repo.folder());
            let fresh = ReconciledRepo { cloned_at: Some(Time(now)), ..entry(repo, RepoStatus::Ready) };
            match known {
                Some(known) if is_entry(known, repo) => {}
                Some(known) => *known = fresh,
                None => status.reconciled_repos.push(fresh),
            }
        }
        (Change::Add(repo), Err(_)) => {
            if !status.reconciled_repos.iter().any(|known| folder(known) == repo.folder()) {
                status.reconciled_repos.push(entry(repo, RepoStatus::Failed));
            }
            fail(status, repo.folder());
        }
        (Change::Workflow(workflow), Ok(())) => {
            let known = status.reconciled_workflow.take();
            let same =
                |known: &ReconciledWorkflow| known.status == Some(WorkflowStatus::Active) && is_like(known, workflow);
            let fresh = || ReconciledWorkflow {
                applied_at: Some(Time(now)),
                ..workflow_entry(workflow, WorkflowStatus::Active)
            };
            let active = || known.filter(same).unwrap_or_else(fresh);
            status.reconciled_workflow = workflow.git_url.is_some().then(active);
        }
        (Change::Workflow(_), Err(_)) => {
            if let Some(known) = &mut status.reconciled_workflow {
                known.status = Some(WorkflowStatus::Failed);
            }
        }
    }
}

fn fail(status: &mut AgenticSessionStatus, name: &str) {
    if let Some(known) = status.reconciled_repos.iter_mut().find(|known| folder(known) == name) {
        known.status = Some(RepoStatus::Failed);
    }
}

/// What the runner will be told is written down first.
fn intend(status: &mut AgenticSessionStatus, change: &Change) {
    match change {
        // What is there and not wanted says enough.
        Change::Remove { .. } => {}
        Change::Add(repo) => match status.reconciled_repos.iter_mut().find(|known| folder(known) == repo.folder()) {
            Some(known) => known.status = Some(RepoStatus::Cloning),
            None => status.reconciled_repos.push(entry(repo, RepoStatus::Cloning)),
        },
        Change::Workflow(workflow) => match &mut status.reconciled_workflow {
            Some(known) => known.status = Some(WorkflowStatus::Cloning),
            known @ None => *known = Some(workflow_entry(workflow, WorkflowStatus::Cloning)),
        },
    }
}

/// The repositories that are wanted; of several for one folder the last.
fn repos(spec: &AgenticSessionSpec) -> Vec<&RepoSpec> {
    last_of(&spec.repos)
}

fn last_of(repos: &[RepoSpec]) -> Vec<&RepoSpec> {
    let is_last = |(position, repo): &(usize, &RepoSpec)| {
        !repos[position + 1..].iter().any(|later| later.folder() == repo.folder())
    };
    repos.iter().enumerate().filter(is_last).map(|(_, repo)| repo).collect()
}

fn folder(known: &ReconciledRepo) -> String {
    let named = RepoSpec { url: known.url.clone(), name: known.name.clone(), ..RepoSpec::default() };
    named.folder().to_owned()
}

fn entry(repo: &RepoSpec, status: RepoStatus) -> ReconciledRepo {
    ReconciledRepo {
        url: repo.url.clone(),
        name: Some(repo.folder().to_owned()),
        branch: repo.branch.clone(),
        status: Some(status),
        ..ReconciledRepo::default()
    }
}

fn is_entry(known: &ReconciledRepo, repo: &RepoSpec) -> bool {
    known.url == repo.url && known.branch == repo.branch && known.status == Some(RepoStatus::Ready)
}

/// A workflow in one form, whatever is absent or empty.
fn workflow(wanted: Option<&WorkflowSpec>) -> Option<WorkflowSpec> {
    let wanted = wanted?;
    let git_url = wanted.git_url.clone().filter(|url| !url.is_empty())?;
    let path = wanted.path.clone().filter(|path| !path.is_empty());
    Some(WorkflowSpec { git_url: Some(git_url), branch: wanted.branch.clone(), path })
}

fn workflow_entry(workflow: &WorkflowSpec, status: WorkflowStatus) -> ReconciledWorkflow {
    ReconciledWorkflow {
        git_url: workflow.git_url.clone(),
        branch: Some(workflow.branch.clone()),
        path: workflow.path.clone(),
        status: Some(status),
        applied_at: None,
    }
}

fn is_like(known: &ReconciledWorkflow, workflow: &WorkflowSpec) -> bool {
    let path = known.path.as_ref().filter(|path| !path.is_empty());
    known.git_url == workflow.git_url
        && known.branch.as_deref() == Some(&*workflow.branch)
        && path == workflow.path.as_ref()
}

fn is_workflow(known: Option<&ReconciledWorkflow>, wanted: Option<&WorkflowSpec>) -> bool {
    match (known, wanted) {
        (None, None) => true,
        (Some(known), Some(wanted)) => known.status == Some(WorkflowStatus::Active) && is_like(known, wanted),
        (_, _) => false,
    }
}
