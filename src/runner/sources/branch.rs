//! Adding a repository that is there already: it is no news, or its branch is switched.

use super::{
    Added, NewRepo, RequestTokens, SourceError, Sources,
    progress::{Subject, Teller},
};
use crate::workspace::{
    HydratedRepo,
    fetch::{Lent, Wanted},
    git::{
        agent_side::AgentGit,
        switch::{self, Fresh, SwitchError},
        url::{ParsedUrl, UrlPolicy},
    },
};

/// What a failed fetch begins with.
const FETCH: &str = "Failed to fetch repository";

impl Sources {
    /// A repository of this name is there. The same branch is no news, another one is switched to, and another URL is in the way.
    pub(super) async fn again(
        &self,
        known: &HydratedRepo,
        url: &ParsedUrl,
        new: &NewRepo,
        tokens: &RequestTokens,
    ) -> Result<Added, SourceError> {
        let name = &known.name;
        if known.url != url.url.as_str() {
            let message =
                format!("{name} is the clone of another URL ({}); choose another name, or remove it first", known.url);
            return Err(SourceError::Conflict(message));
        }
        if !new.branch.is_empty() && !self.is_on(known, &new.branch).await? {
            self.switch_branch(known, url, &new.branch, tokens).await?;
        }
        Ok(Added { name: name.clone(), path: known.path.clone(), newly_cloned: false })
    }

    /// Whether a repository is on a branch, or on the session's own that was made from it.
    async fn is_on(&self, known: &HydratedRepo, branch: &str) -> Result<bool, SourceError> {
        let on = switch::current(&self.git(), &known.path).await.map_err(|error| failed(known, &error))?;
        let working_branch = known.branch.clone().unwrap_or_else(|| self.parts.current.get().working_branch.clone());
        let made_from_it = known.base.as_deref() == Some(branch) && on.as_deref() == Some(&*working_branch);
        Ok(on.as_deref() == Some(branch) || made_from_it)
    }

    async fn switch_branch(
        &self,
        known: &HydratedRepo,
        url: &ParsedUrl,
        branch: &str,
        tokens: &RequestTokens,
    ) -> Result<(), SourceError> {
        self.nobody_works()?;
        let subject = Subject { kind: "repository", failed: FETCH, name: &known.name, url: url.url.as_str() };
        let teller = Teller::new(&self.parts.engine, subject);
        let wanted = Wanted {
            name: &known.name,
            url,
            branch: Some(branch),
            working_branch: branch,
            credentials: &self.parts.tokens.of(tokens),
            progress: &|phase, percent| teller.goes_on(phase, percent),
        };
        let lent = self.limited(&teller, self.fetch.lend(wanted)).await?;
        let switched = self.check_out(known, branch, &lent).await;
        self.fetch.take_back(lent).await;
        let base_commit = switched?;
        self.commit(|next, record| {
            let repo = next.repos.iter_mut().find(|repo| repo.name == known.name);
            let Some(repo) = repo else { return Ok(()) };
            repo.branch = Some(branch.to_owned());
            repo.base = Some(branch.to_owned());
            repo.base_commit = base_commit;
            record.repos.retain(|other| other.name != repo.name);
            record.repos.push(repo.clone());
            Ok(())
        })
        .await?;
        self.parts.engine.note(format!("The repository {} is on the branch {branch} now.", known.name));
        Ok(())
    }

    async fn check_out(&self, known: &HydratedRepo, branch: &str, lent: &Lent) -> Result<Option<String>, SourceError> {
        if lent.is_empty {
            let message = format!("{}: the remote has no commit yet, so there is no branch {branch}", known.name);
            return Err(SourceError::Conflict(message));
        }
        self.nobody_works()?;
        let fresh = Fresh { clone: &lent.path, on_remote: lent.on_remote };
        switch::switch(&self.git(), &known.path, branch, fresh).await.map_err(|error| match error {
            SwitchError::Busy(why) => SourceError::Conflict(format!("{}: {why}", known.name)),
            SwitchError::Git(error) => failed(known, &error),
        })
    }

    /// Files must not change under a turn.
    fn nobody_works(&self) -> Result<(), SourceError> {
        if !self.parts.engine.is_busy() {
            return Ok(());
        }
        let message = "a turn is under way, and a branch is switched between turns only; try again when it has ended, or interrupt it";
        Err(SourceError::Conflict(message.to_owned()))
    }

    /// git where the agent runs, for a clone of ours in the workspace.
    fn git(&self) -> AgentGit<'_> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let git = AgentGit::new(&*self.parts.host, path, self.parts.bounds.deadline);
        git.reaching(UrlPolicy { http: false, file: true })
    }
}

fn failed(known: &HydratedRepo, error: &dyn std::fmt::Display) -> SourceError {
    SourceError::Platform(format!("{}: {error}", known.name))
}
