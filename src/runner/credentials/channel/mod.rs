//! The way from an agent's process to the credentials of the person whose run it serves.
//!
//! The runner listens on one unix socket; each process of an agent gets a key of its own. A key is worth something only
//! while a run of its process's person is going on its thread, and only for the hosts that a credential is for. Processes of
//! the agent's user can read each other's environments, so this keeps people's credentials apart by accident, not by attack.

mod environment;
mod listen;
mod programs;
#[cfg(test)]
mod tests;
mod wrappers;

use std::{
    any::Any,
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio_util::task::AbortOnDropHandle;

use self::wrappers::Wrappers;
use super::{
    kind::{Kind, Unavailable},
    service::Credentials,
    wire::{KEY, Question, Reply},
};
use crate::{
    agui::Id,
    bridge::AgentChannels,
    host::Variables,
    runner::callers::Run,
    security::{self, Secret},
};

/// The channels of all agents.
pub struct Channels {
    desk: Arc<Desk>,
    place: environment::Place,
    _listening: AbortOnDropHandle<()>,
}

/// Who may ask, and who answers.
struct Desk {
    credentials: Arc<Credentials>,
    keys: Mutex<HashMap<String, Grant>>,
}

/// Whom a key was given to.
#[derive(Clone)]
struct Grant {
    thread: Id,
    user: Option<String>,
    opened: Instant,
}

impl Channels {
    /// Listens on `socket`, and puts the wrappers of the agent's programs into a folder beside it. `helper` is how the
    /// agent's shell calls this program. What a former runner left there is replaced.
    pub fn bind(socket: &Path, helper: &str, credentials: Arc<Credentials>) -> std::io::Result<Self> {
        let socket: PathBuf = std::path::absolute(socket)?;
        let place = environment::Place::make(&socket, helper, &wrappers(&credentials))?;
        let listener = listen::bind(&socket)?;
        let desk = Arc::new(Desk { credentials, keys: Mutex::default() });
        let listening = tokio::spawn(listen::serve(listener, Arc::clone(&desk)));
        Ok(Self { desk, place, _listening: AbortOnDropHandle::new(listening) })
    }
}

/// Only what there may be a credential for is wrapped.
fn wrappers(credentials: &Credentials) -> Wrappers {
    let kinds = Kind::ALL.into_iter().filter(|kind| credentials.sources.may_have(*kind)).collect();
    Wrappers { kinds, committers: credentials.sources.backend.is_some() }
}

impl Drop for Channels {
    fn drop(&mut self) {
        self.place.clear();
    }
}

impl AgentChannels for Channels {
    fn open(&self, thread: &Id, user: Option<&str>, env: &mut Variables) -> Box<dyn Any + Send + Sync> {
        let key = format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
        self.place.describe(&key, env);
        self.desk.credentials.redactor().add([security::Credential::new(KEY, Secret::from(key.as_str()))]);
        let grant = Grant { thread: thread.clone(), user: user.map(str::to_owned), opened: Instant::now() };
        self.desk.keys().insert(key.clone(), grant);
        Box::new(Guard { desk: Arc::clone(&self.desk), key })
    }
}

/// Keeps a key good.
struct Guard {
    desk: Arc<Desk>,
    key: String,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.desk.keys().remove(&self.key);
    }
}

impl Desk {
    fn keys(&self) -> MutexGuard<'_, HashMap<String, Grant>> {
        // Each change is one call, so a panic elsewhere does not spoil the map.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a question; whoever has no key, or asks for a host that no credential is for, learns nothing.
    async fn answer(&self, question: &Question) -> Reply {
        let Some(grant) = self.keys().get(&question.key).cloned() else {
            return Reply::default();
        };
        if let Some(program) = &question.program {
            return self.start(&grant, program).await;
        }
        let run = match self.run_of(&grant) {
            Ok(run) => run,
            Err(why) => return refusal(why),
        };
        let kind = Kind::of_host(&question.host);
        if let Some(token) = &question.refused {
            self.credentials.refused(kind, &run.caller, token).await;
            return Reply::default();
        }
        let answer = self.credentials.get(kind, &run.caller).await;
        // It may have taken a while: what was asked in a run that is over is not answered to the next one.
        match (answer, self.run_of(&grant)) {
            (_, Err(why)) => refusal(why),
            (_, Ok(now)) if now.id != run.id => refusal("the run that asked is over"),
            (Ok(credential), Ok(_)) if credential.host.eq_ignore_ascii_case(&question.host) => Reply {
                username: kind.git_user().map(str::to_owned),
                password: Some(credential.token.expose().trim().to_owned()),
                expires: credential.expires.map(jiff::Timestamp::as_second),
                ..Reply::default()
            },
            (Ok(_), Ok(_)) => Reply::default(),
            (Err(why), Ok(_)) => explained(&why, &question.host),
        }
    }

    fn run_of(&self, grant: &Grant) -> Result<Run, &'static str> {
        let run = self.credentials.callers.running(&grant.thread);
        let run = run.ok_or("credentials are given while a run is going, and none is")?;
        if run.user == grant.user { Ok(run) } else { Err("the run that is going is another person's") }
    }
}

fn refusal(why: &str) -> Reply {
    Reply { error: Some(why.to_owned()), ..Reply::default() }
}

/// A failure is told where the host may be meant; elsewhere other ways to sign in are left to git.
fn explained(why: &Unavailable, host: &str) -> Reply {
    let is_meant = host.eq_ignore_ascii_case(Kind::Github.host()) || host.to_ascii_lowercase().contains("gitlab");
    if is_meant { refusal(&why.to_string()) } else { Reply::default() }
}
