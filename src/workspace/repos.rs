//! Cloning the repositories of a plan: several at a time, again when a server does not answer.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};

use super::{
    git::{
        clone::{CloneJob, Cloned},
        command::GitSettings,
        failure::RepoFailure,
        refname,
    },
    plan::{Actions, RepoAction},
    progress::{OnProgress, Progress},
    spec::WorkspacePlan,
    state::{ClonedRepo, State},
};

/// Clones what is missing, several at a time. One failure does not stop the others: what is cloned stays.
pub(super) async fn clone_all(
    plan: &WorkspacePlan,
    git: &GitSettings,
    into: &Path,
    actions: &Actions,
    state: &mut State,
    on_progress: OnProgress<'_>,
) -> Vec<RepoFailure> {
    let (kept, missing): (Vec<_>, Vec<_>) = actions.repos.iter().partition(|repo| repo.keep);
    for repo in kept {
        on_progress(Progress::Kept { repo: repo.name.clone() });
    }
    let working = refname::working_branch(&plan.session);
    let clones = missing.into_iter().map(|repo| clone_one(plan, git, into, repo, &working, on_progress));
    let mut clones = stream::iter(clones).buffer_unordered(plan.limits.parallel.max(1));
    let mut failures = Vec::new();
    while let Some((name, result)) = clones.next().await {
        match result {
            Ok(Cloned { base, commit }) => {
                state.repos.insert(name, ClonedRepo { base, commit });
            }
            Err(failure) => failures.push(failure),
        }
    }
    failures
}

async fn clone_one(
    plan: &WorkspacePlan,
    git: &GitSettings,
    into: &Path,
    repo: &RepoAction,
    working_branch: &str,
    on_progress: OnProgress<'_>,
) -> (String, Result<Cloned, RepoFailure>) {
    let name = || repo.name.clone();
    let begun = Instant::now();
    on_progress(Progress::Started { repo: name() });
    let job = CloneJob {
        name: &repo.name,
        field: &repo.field,
        url: &repo.url,
        credential: repo.credential.as_ref(),
        credentials: &plan.credentials,
        branch: repo.branch.as_deref(),
        working_branch,
        identity: plan.identity.as_ref().map(|who| (who.name.as_str(), who.email.as_str())),
        into,
        deadline: plan.limits.command,
    };
    let result = with_retries(plan, git, &job, on_progress).await;
    on_progress(match &result {
        Ok(cloned) => Progress::Finished {
            repo: name(),
            took: begun.elapsed(),
            base: cloned.base.clone(),
            branch: working_branch.to_owned(),
        },
        Err(failure) => Progress::Failed { repo: name(), reason: failure.to_string() },
    });
    (name(), result)
}

async fn with_retries(
    plan: &WorkspacePlan,
    git: &GitSettings,
    job: &CloneJob<'_>,
    on_progress: OnProgress<'_>,
) -> Result<Cloned, RepoFailure> {
    let mut pause: Duration = plan.limits.pause;
    let mut attempt = 1;
    loop {
        let repo = || job.name.to_owned();
        let fraction = |phase, percent| {
            on_progress(Progress::Fraction { repo: repo(), percent, phase });
        };
        match job.run(git, fraction).await {
            Err(failure) if failure.cause.is_transient() && attempt < plan.limits.attempts => {
                attempt += 1;
                let (reason, after) = (failure.detail, pause);
                on_progress(Progress::Retrying { repo: repo(), reason, attempt, after });
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            result => return result,
        }
    }
}
