//! Where credentials come from, in which order, and that no text shows them.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use super::{
    backend::{Backend, who},
    cache::Cache,
    credential::Credential,
    files,
    give::OauthClient,
    kind::{Kind, Unavailable},
    person::Person,
};
use crate::{
    runner::{Caller, callers::Callers},
    security::{Redactor, Secret},
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
    /// Those of [`OWN`](super::OWN) that are in the runner's own environment: the session's.
    pub own: BTreeMap<&'static str, Secret>,
    /// The application that people have given access to their Google accounts.
    pub google: OauthClient,
}

impl Sources {
    /// Whether there is anything to ask.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.backend.is_none() && self.folder.is_none() && self.own.is_empty()
    }

    /// Whether a credential of this kind can come from anywhere.
    #[must_use]
    pub fn may_have(&self, kind: Kind) -> bool {
        self.backend.is_some() || self.folder.is_some() || files::own(&self.own, kind).is_some()
    }
}

/// The credentials of those whose runs are going.
pub struct Credentials {
    pub(super) sources: Sources,
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

    /// Who commits: the person as GitHub knows them, and what it does not say as GitLab does. Somebody whom neither knows is
    /// nobody in particular. Answers within 25 s.
    pub(super) async fn committer(&self, caller: &Caller) -> Result<Person, Unavailable> {
        tokio::time::timeout(WITHIN, self.known(caller)).await.map_err(|_| too_late(Kind::Github))?
    }

    async fn known(&self, caller: &Caller) -> Result<Person, Unavailable> {
        let github = self.person(Kind::Github, caller).await;
        if github.as_ref().is_ok_and(Person::is_whole) {
            return github;
        }
        match (github, self.person(Kind::Gitlab, caller).await) {
            (Ok(first), Ok(second)) => Ok(first.or(second)),
            // What cannot be asked now must not turn into somebody else.
            (Ok(known), Err(why)) | (Err(why), Ok(known)) if known == Person::default() => Err(why),
            (Ok(known), Err(_)) | (Err(_), Ok(known)) => Ok(known),
            (Err(why), Err(_)) => Err(why),
        }
    }

    async fn person(&self, kind: Kind, caller: &Caller) -> Result<Person, Unavailable> {
        match self.get(kind, caller).await {
            Ok(credential) => Ok(credential.person),
            Err(Unavailable::Absent { .. }) => Ok(Person::default()),
            Err(why) => Err(why),
        }
    }

    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    fn shield(&self, answer: Result<Credential, Unavailable>) -> Result<Credential, Unavailable> {
        let credential = answer?;
        self.redactor.add(credential.hidden.iter().cloned());
        Ok(credential)
    }

    async fn fetch(&self, kind: Kind, caller: &Caller) -> Result<Credential, Unavailable> {
        tokio::time::timeout(WITHIN, self.look(kind, caller)).await.map_err(|_| too_late(kind))?
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
        files::own(&self.sources.own, kind)
    }
}

fn too_late(kind: Kind) -> Unavailable {
    Unavailable::Failed { kind, reason: format!("it took longer than {} s", WITHIN.as_secs()) }
}
