//! From a path to what it names, and only for those who may know of it.

use std::sync::Arc;

use axum::http::HeaderMap;
use kube::ResourceExt;

use super::{
    Gateway,
    access::{Caller, Right},
    error::GatewayError,
    source::Log,
};
use crate::{
    agui::Id,
    api::{
        AgenticSession, AgenticSessionSpec, Run, RunSpec, RunStatus,
        run::{RunnerRef, SessionRef},
    },
};

/// What stands before a UID in place of a name.
const UID: &str = "uid:";

/// What a caller may read.
pub(super) struct Found<T> {
    pub(super) object: T,
    pub(super) caller: Caller,
    /// What they were allowed by, to be asked again.
    pub(super) right: Right,
}

impl Gateway {
    /// A session by name or `uid:…`, for somebody who may read its events.
    pub(super) async fn session(
        &self,
        headers: &HeaderMap,
        namespace: &str,
        name: &str,
    ) -> Result<Found<Arc<AgenticSession>>, GatewayError> {
        let caller = self.access.caller(headers).await?;
        let found = self.session_found(namespace, name).await?;
        // A UID that is unknown, or another namespace's, is asked for as all sessions of this one: the answer tells nothing.
        let known = found.as_ref().map(|session| session.name_any());
        let subject = if name.starts_with(UID) { known.unwrap_or_default() } else { name.to_owned() };
        let right = Right::read(namespace, &subject);
        self.allow(&caller, &right, &format!("read events of session {namespace}/{name}")).await?;
        let object = found.ok_or_else(|| GatewayError::NotFound(no("AgenticSession", namespace, name)))?;
        Ok(Found { object, caller, right })
    }

    /// A Run by name or `uid:…`, for somebody who may read its session's events.
    pub(super) async fn run(
        &self,
        headers: &HeaderMap,
        namespace: &str,
        name: &str,
    ) -> Result<Found<Arc<Run>>, GatewayError> {
        self.run_of(headers, namespace, name, || None).await
    }

    /// The same, also for a Run that was deleted, as long as its events are kept.
    pub(super) async fn run_or_kept(
        &self,
        headers: &HeaderMap,
        namespace: &str,
        name: &str,
    ) -> Result<Found<Arc<Run>>, GatewayError> {
        let gone = || self.run_gone(namespace, name.strip_prefix(UID)?).map(Arc::new);
        self.run_of(headers, namespace, name, gone).await
    }

    async fn run_of(
        &self,
        headers: &HeaderMap,
        namespace: &str,
        name: &str,
        gone: impl FnOnce() -> Option<Arc<Run>>,
    ) -> Result<Found<Arc<Run>>, GatewayError> {
        let caller = self.access.caller(headers).await?;
        let found = self.run_found(namespace, name).await?.or_else(gone);
        let session = found.as_ref().map(|run| run.spec.session_ref.name.clone()).unwrap_or_default();
        let right = Right::read(namespace, &session);
        self.allow(&caller, &right, &format!("read events of Run {namespace}/{name}")).await?;
        let object = found.ok_or_else(|| GatewayError::NotFound(no("Run", namespace, name)))?;
        Ok(Found { object, caller, right })
    }

    /// 403 unless the caller may. `what` is made of what the caller has said alone.
    pub(super) async fn allow(&self, caller: &Caller, right: &Right, what: &str) -> Result<(), GatewayError> {
        if self.access.may(caller, right).await? {
            return Ok(());
        }
        let resource =
            right.subresource.map_or_else(|| right.resource.to_owned(), |sub| format!("{}/{sub}", right.resource));
        Err(GatewayError::Forbidden(format!(
            "{} may not {what}; it takes the verb {} on {resource} in namespace {}",
            caller.name(),
            right.verb,
            right.namespace
        )))
    }

    /// By name or `uid:…`, also one that was deleted.
    async fn session_found(&self, namespace: &str, name: &str) -> Result<Option<Arc<AgenticSession>>, GatewayError> {
        match name.strip_prefix(UID) {
            None => self.sessions.find(&self.client, namespace, name).await,
            Some(uid) => Ok(self.session_of_uid(namespace, uid)),
        }
    }

    fn session_of_uid(&self, namespace: &str, uid: &str) -> Option<Arc<AgenticSession>> {
        let there = self.sessions.store.find(|one| {
            one.metadata.uid.as_deref() == Some(uid) && one.metadata.namespace.as_deref() == Some(namespace)
        });
        there.or_else(|| self.gone(namespace, uid).map(Arc::new))
    }

    /// What is known of a session that was deleted.
    fn gone(&self, namespace: &str, uid: &str) -> Option<AgenticSession> {
        let kept = self.history.session(uid).filter(|kept| kept.namespace == namespace)?;
        let mut session = AgenticSession::new(&kept.name, AgenticSessionSpec::default());
        session.metadata.namespace = Some(kept.namespace);
        session.metadata.uid = Some(uid.to_owned());
        Some(session)
    }

    /// What is known of a Run that was deleted: where its events are.
    fn run_gone(&self, namespace: &str, uid: &str) -> Option<Run> {
        let (session, kept) = self.history.run(namespace, uid)?;
        let spec = RunSpec {
            session_ref: SessionRef { name: self.history.session(&session)?.name },
            run_id: Some(kept.id.to_string()),
            thread_id: Some(kept.thread.to_string()),
            ..RunSpec::default()
        };
        let mut run = Run::new(&format!("{UID}{uid}"), spec);
        (run.metadata.namespace, run.metadata.uid) = (Some(namespace.to_owned()), Some(uid.to_owned()));
        let runner = RunnerRef { session: Some(session), ..RunnerRef::default() };
        run.status = Some(RunStatus { runner: Some(runner), ..RunStatus::default() });
        Some(run)
    }

    /// Whether a session is there, and not only what is kept of it.
    pub(super) fn is_there(&self, session: &AgenticSession) -> bool {
        self.sessions.store.find(|one| one.metadata.uid == session.metadata.uid).is_some()
    }

    /// By name or `uid:…`.
    pub(super) async fn run_found(&self, namespace: &str, name: &str) -> Result<Option<Arc<Run>>, GatewayError> {
        match name.strip_prefix(UID) {
            None => self.runs.find(&self.client, namespace, name).await,
            Some(uid) => Ok(self.runs.store.find(|one| {
                one.metadata.uid.as_deref() == Some(uid) && one.metadata.namespace.as_deref() == Some(namespace)
            })),
        }
    }

    /// The log of a Run's thread; none while its session does not exist.
    pub(super) fn log_of(&self, run: &Run) -> Option<Log> {
        let namespace = run.metadata.namespace.clone()?;
        let given = run.status.as_ref().and_then(|status| status.runner.as_ref()?.session.clone());
        let session = match given {
            Some(uid) => self.session_of_uid(&namespace, &uid)?,
            None => self.sessions.get(&namespace, &run.spec.session_ref.name)?,
        };
        Some(log(&session, run.spec.thread_id.as_deref()))
    }
}

/// The log of a session's thread; its own by default.
pub(super) fn log(session: &AgenticSession, thread: Option<&str>) -> Log {
    let name = session.name_any();
    Log {
        namespace: session.namespace().unwrap_or_default(),
        thread: Id::from(thread.unwrap_or(&name)),
        uid: session.uid().unwrap_or_default(),
        session: name,
    }
}

fn no(kind: &str, namespace: &str, name: &str) -> String {
    format!("there is no {kind} {name} in namespace {namespace}; `kubectl get` lists those that there are")
}
