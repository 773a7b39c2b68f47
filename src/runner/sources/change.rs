//! One change after the other: add, remove, switch.

use std::{path::PathBuf, sync::Arc};

use tokio::sync::OwnedSemaphorePermit;

use super::{
    SourceError, Sources,
    progress::{Subject, Teller},
    record::Choice,
    tokens::RequestTokens,
};
use crate::workspace::{
    Hydrated, HydratedRepo,
    fetch::{self, FetchError, Wanted},
    git::{
        refname,
        url::{self, ParsedUrl},
    },
    paths::RelativePath,
    workflow::{ActiveWorkflow, WorkflowSource},
};

/// What a failed clone of a repository begins with; the original's words.
const CLONE: &str = "Failed to clone repository";
/// The same for a workflow.
const WORKFLOW: &str = "Failed to clone workflow";

/// A repository to add, or one that is there and whose branch is to be another.
#[derive(Debug, Clone, Default)]
pub struct NewRepo {
    /// The clone URL.
    pub url: String,
    /// The branch to check out, made when the remote lacks it; empty: the session's working branch, from the default branch.
    pub branch: String,
    /// Its folder; absent: the last part of the URL.
    pub name: Option<String>,
    /// Whether the agent is asked to push.
    pub auto_push: bool,
}

/// What adding came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Added {
    /// Its folder below `repos/`.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// False: it was there.
    pub newly_cloned: bool,
}

/// A workflow to switch to.
#[derive(Debug, Clone, Default)]
pub struct NewWorkflow {
    /// The clone URL; empty: no workflow.
    pub git_url: String,
    /// The branch or tag.
    pub branch: String,
    /// The folder in the repository; empty: its root.
    pub path: String,
}

/// What switching came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switched {
    /// Another one is active now.
    Updated,
    /// It was active already.
    Already,
}

impl Sources {
    /// Adds a repository. What has begun goes on to its end, whether somebody waits for it or not.
    pub async fn add(self: &Arc<Self>, new: NewRepo, tokens: RequestTokens) -> Result<Added, SourceError> {
        let url = self.url("url", &new.url)?;
        checked_branch(&new.branch)?;
        let name = new.name.clone().filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| url.url.repository().to_owned());
        check_name(&name)?;
        self.in_background(move |sources| async move { sources.add_checked(&name, url, &new, &tokens).await }).await
    }

    async fn add_checked(
        &self,
        name: &str,
        url: ParsedUrl,
        new: &NewRepo,
        tokens: &RequestTokens,
    ) -> Result<Added, SourceError> {
        let _only_us = self.names.hold(name).await;
        let current = self.parts.current.get();
        if let Some(known) = current.repos.iter().find(|repo| repo.name == name) {
            return self.again(known, &url, new, tokens).await;
        }
        self.room(&current)?;
        let working_branch = if new.branch.is_empty() { &current.working_branch } else { &new.branch };
        let subject = Subject { kind: "repository", failed: CLONE, name, url: url.url.as_str() };
        let teller = Teller::new(&self.parts.engine, subject);
        let wanted = Wanted {
            name,
            url: &url,
            branch: Some(new.branch.as_str()).filter(|branch| !branch.is_empty()),
            working_branch,
            credentials: &self.parts.tokens.of(tokens),
            progress: &|phase, percent| teller.goes_on(phase, percent),
        };
        let cloned = self.limited(&teller, self.fetch.repository(wanted)).await?;
        let repo = HydratedRepo { auto_push: new.auto_push, ..cloned };
        let added = Added { name: name.to_owned(), path: repo.path.clone(), newly_cloned: true };
        let noted = self.commit(|next, record| {
            self.room(next)?;
            record.repos.retain(|known| known.name != repo.name);
            record.repos.push(repo.clone());
            next.repos.push(repo);
            Ok(())
        });
        if let Err(error) = noted.await {
            // Nobody knows of it: it must not be in the way of the next try.
            let _ = self.fetch.remove(name).await;
            return Err(error);
        }
        self.parts.engine.note(format!("The repository {name} was added to the workspace ({working_branch})."));
        Ok(added)
    }

    /// Takes a repository out of the session, with its folder.
    pub async fn remove(self: &Arc<Self>, name: String) -> Result<(), SourceError> {
        check_name(&name)?;
        self.in_background(move |sources| async move { sources.remove_checked(&name).await }).await
    }

    async fn remove_checked(&self, name: &str) -> Result<(), SourceError> {
        let _only_us = self.names.hold(name).await;
        let known = self.parts.current.get().repos.iter().any(|repo| repo.name == name);
        if known {
            self.commit(|next, record| {
                next.repos.retain(|repo| repo.name != name);
                record.repos.retain(|repo| repo.name != name);
                Ok(())
            })
            .await?;
        }
        let removed = self.fetch.remove(name).await;
        let removed =
            removed.map_err(|error| SourceError::Platform(format!("Failed to remove repository: {error}")))?;
        if !known && !removed {
            let known: Vec<String> = self.parts.current.get().repos.iter().map(|repo| repo.name.clone()).collect();
            let message = format!("No repository {name:?} in this session; known: {}", known.join(", "));
            return Err(SourceError::NotFound(message));
        }
        self.parts.engine.note(format!("The repository {name} was removed from the workspace."));
        Ok(())
    }

    /// Switches to a workflow, or to none. When it fails, the one before stays active.
    pub async fn switch(self: &Arc<Self>, new: NewWorkflow, tokens: RequestTokens) -> Result<Switched, SourceError> {
        let url = if new.git_url.is_empty() { None } else { Some(self.url("gitUrl", &new.git_url)?) };
        checked_branch(&new.branch)?;
        let path = workflow_path(&new.path)?;
        self.in_background(move |sources| async move {
            sources.switch_checked(url, &new.branch, path.as_ref(), &tokens).await
        })
        .await
    }

    async fn switch_checked(
        &self,
        url: Option<ParsedUrl>,
        branch: &str,
        path: Option<&RelativePath>,
        tokens: &RequestTokens,
    ) -> Result<Switched, SourceError> {
        // No repository can have this name.
        let _only_us = self.names.hold("/workflow").await;
        let source = url.as_ref().map(|url| WorkflowSource {
            git_url: url.url.to_string(),
            branch: branch.to_owned(),
            path: path.map(ToString::to_string).unwrap_or_default(),
        });
        if self.parts.current.get().workflow.as_ref().map(|active| &active.source) == source.as_ref() {
            return Ok(Switched::Already);
        }
        let workflow = match &url {
            None => None,
            Some(url) => Some(self.fetch_workflow(url, branch, path, tokens).await?),
        };
        let note = match &workflow {
            Some(workflow) => format!("The workflow {} is active now.", workflow.source.git_url),
            None => "No workflow is active any more.".to_owned(),
        };
        self.commit(|next, record| {
            record.workflow = Some(workflow.clone().map_or(Choice::None, |active| Choice::Active(Box::new(active))));
            next.workflow = workflow;
            Ok(())
        })
        .await?;
        self.parts.engine.note(note);
        Ok(Switched::Updated)
    }

    async fn fetch_workflow(
        &self,
        url: &ParsedUrl,
        branch: &str,
        path: Option<&RelativePath>,
        tokens: &RequestTokens,
    ) -> Result<ActiveWorkflow, SourceError> {
        let name = url.url.repository();
        check_name(name)?;
        let subject = Subject { kind: "workflow", failed: WORKFLOW, name, url: url.url.as_str() };
        let teller = Teller::new(&self.parts.engine, subject);
        let wanted = Wanted {
            name,
            url,
            branch: Some(branch).filter(|branch| !branch.is_empty()),
            working_branch: branch,
            credentials: &self.parts.tokens.of(tokens),
            progress: &|phase, percent| teller.goes_on(phase, percent),
        };
        self.limited(&teller, self.fetch.workflow(wanted, path)).await
    }

    fn url(&self, field: &'static str, text: &str) -> Result<ParsedUrl, SourceError> {
        url::parse(text, self.parts.urls).map_err(|error| SourceError::Invalid { field, message: error.to_string() })
    }

    fn room(&self, hydrated: &Hydrated) -> Result<(), SourceError> {
        let limit = self.parts.bounds.repos;
        if hydrated.repos.len() < limit {
            return Ok(());
        }
        Err(SourceError::Conflict(format!("the session has {limit} repositories, the most there can be; remove one")))
    }

    /// Runs a clone when it is its turn, within the deadline, and tells of it.
    pub(super) async fn limited<T>(
        &self,
        teller: &Teller<'_>,
        clone: impl Future<Output = Result<T, FetchError>>,
    ) -> Result<T, SourceError> {
        let deadline = self.parts.bounds.deadline;
        let run = async {
            let _turn = self.clones.acquire().await;
            teller.started();
            clone.await
        };
        let Subject { failed: what, url, .. } = teller.subject();
        let url = || url.to_owned();
        let result = match tokio::time::timeout(deadline, run).await {
            Ok(result) => result.map_err(|error| SourceError::Fetch { what, url: url(), error: Box::new(error) }),
            Err(_) => Err(SourceError::Deadline { what, url: url(), seconds: deadline.as_secs() }),
        };
        teller.ended(&result);
        result
    }

    /// A client that leaves in mid-way does not leave a half-done change behind.
    async fn in_background<T, F>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> F) -> Result<T, SourceError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, SourceError>> + Send + 'static,
    {
        let place = self.place()?;
        let work = work(Arc::clone(self));
        let task = tokio::spawn(async move {
            let _place = place;
            work.await
        });
        task.await.unwrap_or_else(|panic| Err(SourceError::Platform(format!("the change failed: {panic}"))))
    }

    fn place(&self) -> Result<OwnedSemaphorePermit, SourceError> {
        Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| {
            let limit = self.parts.bounds.waiting;
            SourceError::Conflict(format!(
                "{limit} changes are under way, the most there can be; try again when one has ended"
            ))
        })
    }
}

fn check_name(name: &str) -> Result<(), SourceError> {
    fetch::check_name(name).map_err(|message| SourceError::Invalid { field: "name", message })
}

fn checked_branch(branch: &str) -> Result<(), SourceError> {
    if branch.is_empty() {
        return Ok(());
    }
    refname::check(branch).map_err(|error| SourceError::Invalid { field: "branch", message: error.to_string() })
}

fn workflow_path(path: &str) -> Result<Option<RelativePath>, SourceError> {
    if path.is_empty() || path == "." {
        return Ok(None);
    }
    let invalid = |message: String| SourceError::Invalid { field: "path", message };
    let parsed: RelativePath =
        path.parse().map_err(|error: crate::workspace::paths::PathError| invalid(error.to_string()))?;
    if parsed.parents().chain([parsed.name()]).any(|name| name == ".git") {
        return Err(invalid("git's own folder is no workflow".to_owned()));
    }
    Ok(Some(parsed))
}
