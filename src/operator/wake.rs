//! Who is looked at again when something has changed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use kube::{
    Resource, ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{
    index::Index,
    metrics::Waiting,
    settings::stores::{Project, Projects},
    stores::{Change, Stores},
};
use crate::api::{AgenticSession, ProjectSettings, Run, settings::NAME};

/// The queues, and what is needed to find out who belongs to whom.
#[derive(Clone)]
pub(super) struct Wakers {
    pub(super) sessions: UnboundedSender<ObjectRef<AgenticSession>>,
    pub(super) runs: UnboundedSender<ObjectRef<Run>>,
    pub(super) settings: UnboundedSender<ObjectRef<ProjectSettings>>,
    pub(super) namespaces: UnboundedSender<ObjectRef<Project>>,
    pub(super) session_store: Store<AgenticSession>,
    pub(super) run_store: Store<Run>,
    pub(super) settings_store: Store<ProjectSettings>,
    pub(super) namespace_store: Store<Project>,
    pub(super) index: Index,
    /// Whether anybody works on the queues. Until then nothing is put there, and then everything once.
    pub(super) open: Arc<AtomicBool>,
    pub(super) waiting_sessions: Waiting<AgenticSession>,
    pub(super) waiting_runs: Waiting<Run>,
}

/// What is to be looked at.
pub(super) struct Asked {
    pub(super) sessions: UnboundedReceiver<ObjectRef<AgenticSession>>,
    pub(super) runs: UnboundedReceiver<ObjectRef<Run>>,
    pub(super) settings: UnboundedReceiver<ObjectRef<ProjectSettings>>,
    pub(super) namespaces: UnboundedReceiver<ObjectRef<Project>>,
}

impl Wakers {
    /// Empty queues over what the watches know.
    pub(super) fn new(stores: &Stores, projects: &Projects) -> (Self, Asked) {
        let (to_sessions, sessions) = unbounded_channel();
        let (to_runs, runs) = unbounded_channel();
        let (to_settings, settings) = unbounded_channel();
        let (to_namespaces, namespaces) = unbounded_channel();
        let wakers = Self {
            sessions: to_sessions,
            runs: to_runs,
            settings: to_settings,
            namespaces: to_namespaces,
            session_store: stores.sessions.clone(),
            run_store: stores.runs.clone(),
            settings_store: stores.settings.clone(),
            namespace_store: projects.namespaces.clone(),
            index: Index::default(),
            open: Arc::default(),
            waiting_sessions: Waiting::default(),
            waiting_runs: Waiting::default(),
        };
        (wakers, Asked { sessions, runs, settings, namespaces })
    }

    /// One of the methods below, for a watch.
    pub(super) fn when<K: 'static>(
        &self,
        wake: impl Fn(&Self, &Change<'_, K>) + Send + 'static,
    ) -> impl Fn(&Change<'_, K>) + Send + 'static {
        let to = self.clone();
        move |change| wake(&to, change)
    }

    /// A session has changed.
    pub(super) fn session(&self, change: &Change<'_, AgenticSession>) {
        match change {
            Change::Applied(session) | Change::Deleted(session) => {
                self.family(session.namespace().as_deref(), &session.name_any());
            }
            Change::Listed => self.all(),
        }
    }

    /// A Run has changed: those behind it may go, and its session counts it.
    pub(super) fn run(&self, change: &Change<'_, Run>) {
        match change {
            Change::Applied(run) | Change::Deleted(run) => {
                self.family(run.namespace().as_deref(), &run.spec.session_ref.name);
            }
            Change::Listed => self.all(),
        }
    }

    /// Something that a session owns has changed.
    pub(super) fn child<K: Resource<DynamicType = ()>>(&self, change: &Change<'_, K>) {
        match change {
            Change::Applied(object) | Change::Deleted(object) => {
                let owners = object.owner_references().iter().filter(|owner| owner.kind == AgenticSession::kind(&()));
                owners.for_each(|owner| self.family(object.namespace().as_deref(), &owner.name));
            }
            Change::Listed => self.all(),
        }
    }

    /// Something that all sessions of a namespace share has changed.
    pub(super) fn shared<K: Resource<DynamicType = ()>>(&self, change: &Change<'_, K>) {
        match change {
            Change::Applied(object) | Change::Deleted(object) => {
                let namespace = object.namespace();
                if self.is_open() {
                    self.wake_sessions(|session| session.metadata.namespace == namespace);
                }
            }
            Change::Listed => self.all(),
        }
    }

    /// Settings have changed: they are looked at, and the sessions that take defaults from them.
    pub(super) fn settings(&self, change: &Change<'_, ProjectSettings>) {
        self.project(change);
        self.shared(change);
        // A project that has lost its settings gets others.
        if let Change::Deleted(settings) = change
            && self.is_open()
        {
            let _ = self.namespaces.send(ObjectRef::new(&settings.namespace().unwrap_or_default()));
        }
    }

    /// Something that belongs to a project's settings has changed.
    pub(super) fn project<K: Resource<DynamicType = ()>>(&self, change: &Change<'_, K>) {
        if !self.is_open() {
            return;
        }
        match change {
            Change::Applied(object) | Change::Deleted(object) => {
                let _ = self.settings.send(ObjectRef::new(NAME).within(&object.namespace().unwrap_or_default()));
            }
            Change::Listed => self.wake_settings(|_| true),
        }
    }

    /// A namespace has become a project, or is none any more.
    pub(super) fn namespace(&self, change: &Change<'_, Project>) {
        if !self.is_open() {
            return;
        }
        match change {
            Change::Applied(object) | Change::Deleted(object) => {
                let _ = self.namespaces.send(ObjectRef::from_obj(*object));
                let name = object.name_any();
                let is_in = |namespace: Option<&String>| namespace == Some(&name);
                self.wake_sessions(|session| is_in(session.metadata.namespace.as_ref()));
                self.wake_settings(|settings| is_in(settings.metadata.namespace.as_ref()));
                for run in self.run_store.state_filter(|run| is_in(run.metadata.namespace.as_ref())) {
                    self.wake_run(ObjectRef::from_obj(&*run));
                }
            }
            Change::Listed => {
                for namespace in self.namespace_store.state() {
                    let _ = self.namespaces.send(ObjectRef::from_obj(&*namespace));
                }
                self.all();
                self.wake_settings(|_| true);
            }
        }
    }

    fn wake_settings(&self, which: impl Fn(&ProjectSettings) -> bool) {
        for settings in self.settings_store.state_filter(which) {
            let _ = self.settings.send(ObjectRef::from_obj(&*settings));
        }
    }

    /// Somebody works on the queues from now on: everything that is there is looked at.
    pub(super) fn open(&self) {
        self.open.store(true, Ordering::SeqCst);
        self.all();
        self.wake_settings(|_| true);
        for namespace in self.namespace_store.state() {
            let _ = self.namespaces.send(ObjectRef::from_obj(&*namespace));
        }
    }

    /// Whoever finds this closed has changed the stores before, so that `open` sees it.
    fn is_open(&self) -> bool {
        self.open.load(Ordering::SeqCst)
    }

    /// Something that all sessions share has changed.
    pub(super) fn everybody<K>(&self, _: &Change<'_, K>) {
        if self.is_open() {
            self.wake_sessions(|_| true);
        }
    }

    fn all(&self) {
        if self.is_open() {
            self.wake_sessions(|_| true);
            for run in self.run_store.state() {
                self.wake_run(ObjectRef::from_obj(&*run));
            }
        }
    }

    /// A session and its Runs.
    fn family(&self, namespace: Option<&str>, session: &str) {
        if !self.is_open() {
            return;
        }
        let namespace = namespace.unwrap_or_default();
        self.wake_session(ObjectRef::new(session).within(namespace));
        for run in self.index.of(namespace, session) {
            self.wake_run(run);
        }
    }

    fn wake_sessions(&self, which: impl Fn(&AgenticSession) -> bool) {
        for session in self.session_store.state_filter(which) {
            self.wake_session(ObjectRef::from_obj(&*session));
        }
    }

    /// A closed queue is that of an operator that ends.
    fn wake_session(&self, session: ObjectRef<AgenticSession>) {
        self.waiting_sessions.add(&session);
        let _ = self.sessions.send(session);
    }

    fn wake_run(&self, run: ObjectRef<Run>) {
        self.waiting_runs.add(&run);
        let _ = self.runs.send(run);
    }

    /// Wakes one session.
    pub(super) fn of_sessions(&self) -> super::session::drift_task::Wake {
        let to = self.clone();
        Arc::new(move |session| to.wake_session(session))
    }

    /// Wakes one Run.
    pub(super) fn of_runs(&self) -> super::run::Wake {
        let to = self.clone();
        Arc::new(move |run| to.wake_run(run))
    }
}
