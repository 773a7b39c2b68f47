//! Where credentials come from, in which order, and that no text shows them.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use super::{
    backend::{Backend, who},
    cache::Cache,
    files,
    kind::{Credential, Kind, Unavailable},
};
use crate::{
    runner::{Caller, callers::Callers},
    security::{self, Redactor, Secret},
};

/// However slow everything is, an answer comes within this time: two questions to the backend, and some.
const WITHIN: Duration = Duration::from_secs(25);

/// Where credentials come from.
#[derive(Default)]
pub struct Sources {
    /// The platform's backend: each person's own.
    pub backend: Option<Backend>,
    /// Mounted files: the session's.
    pub folder: Option<PathBuf>,
    /// Tokens in the runner's own environment (`GITHUB_TOKEN`, `GITLAB_TOKEN`): the session's.
    pub own: BTreeMap<&'static str, Secret>,
}

impl Sources {
    /// Whether there is anything to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.backend.is_none() && self.folder.is_none() && self.own.is_empty()
    }
}

/// The credentials of those whose runs are going.
pub struct Credentials {
    sources: Sources,
    cache: Cache,
    pub(super) callers: Arc<Callers>,
    redactor: Arc<Redactor>,
}

impl Credentials {
    /// The service. Every value it gives out is known to `redactor` before.
    #[must_use]
    pub fn new(sources: Sources, callers: Arc<Callers>, redactor: Arc<Redactor>) -> Self {
        Self { sources, cache: Cache::default(), callers, redactor }
    }

    /// A person's credential: the one that is good, else a new one. Answers within 25 s.
    pub async fn get(&self, kind: Kind, caller: &Caller) -> Result<Credential, Unavailable> {
        let answer = self.cache.get((kind, caller.identity()), self.fetch(kind, caller)).await;
        self.shield(answer)
    }

    /// A person's credential, fetched anew.
    pub async fn renew(&self, kind: Kind, caller: &Caller) -> Result<Credential, Unavailable> {
        let answer = self.cache.renew((kind, caller.identity()), self.fetch(kind, caller)).await;
        self.shield(answer)
    }

    /// The host has refused this token: the next who asks gets another, if there is one.
    pub async fn refused(&self, kind: Kind, caller: &Caller, token: &str) {
        self.cache.refused((kind, caller.identity()), token).await;
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    fn shield(&self, answer: Result<Credential, Unavailable>) -> Result<Credential, Unavailable> {
        let credential = answer?;
        self.redactor.add([security::Credential::new(credential.kind.variable(), credential.token.clone())]);
        Ok(credential)
    }

    async fn fetch(&self, kind: Kind, caller: &Caller) -> Result<Credential, Unavailable> {
        let late = |_| Unavailable::Failed { kind, reason: format!("it took longer than {} s", WITHIN.as_secs()) };
        tokio::time::timeout(WITHIN, self.look(kind, caller)).await.map_err(late)?
    }

    /// The person's own, else the session's.
    async fn look(&self, kind: Kind, caller: &Caller) -> Result<Credential, Unavailable> {
        let absent = Unavailable::Absent { kind, who: who(caller) };
        let own = match &self.sources.backend {
            Some(backend) => backend.fetch(kind, caller).await,
            None => Err(absent),
        };
        match own {
            Err(Unavailable::Absent { kind, who }) => {
                self.of_session(kind).await.ok_or(Unavailable::Absent { kind, who })
            }
            other => other,
        }
    }

    async fn of_session(&self, kind: Kind) -> Option<Credential> {
        if let Some(folder) = &self.sources.folder
            && let Some(found) = files::read(folder, kind).await
        {
            return Some(found);
        }
        let token = self.sources.own.get(kind.variable())?;
        Some(files::of(kind, token.clone(), None))
    }
}
