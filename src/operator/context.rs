//! What every reconcile is given: the client, what is known of the cluster, and who is told.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use k8s_openapi::api::{
    core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
};
use kube::{
    Client, Resource, ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};

use super::{
    config::Config,
    guard::Broken,
    history::History,
    index::{self, Index},
    ingest::{Ingest, Source},
    inputs::InputStores,
    keeping::Keeping,
    kept::{Kept, KeptRun},
    metrics::Metrics,
    pods_first::PodsFirst,
    retention::{self, Nonsense},
    run::{Wake, followers::Followers, queue, run_id, view::View as RunView},
    session::{
        drift_task::{Drifts, Wake as WakeSession},
        evidence::{self, PodState},
        inputs, objects,
        view::View,
    },
    settings::stores::Projects,
    stores::Stores,
    tell::Teller,
    written::Written,
};
use crate::{
    agui::Id,
    api::{
        AgenticSession, AgenticSessionStatus, McpServers, ProjectSettings, Run,
        conditions::{READY, SUCCEEDED},
        names,
        session::SessionPhase,
        settings::NAME,
    },
    eventlog::LogError,
    security::Secret as Hidden,
};

/// What every reconcile is given.
pub(super) struct Context {
    pub(super) client: Client,
    pub(super) config: Config,
    pub(super) stores: Stores,
    pub(super) index: Index,
    pub(super) broken: Broken,
    pub(super) metrics: Metrics,
    pub(super) inputs: InputStores,
    pub(super) sessions: Arc<Written<AgenticSession>>,
    pub(super) runs: Arc<Written<Run>>,
    pub(super) pods: Arc<Written<Pod>>,
    pub(super) children: Arc<Children>,
    pub(super) followers: Arc<Followers>,
    pub(super) http: reqwest::Client,
    pub(super) history: Arc<History>,
    pub(super) ingest: Arc<Ingest>,
    pub(super) wake_run: Wake,
    pub(super) projects: Projects,
    pub(super) settings: Arc<Written<ProjectSettings>>,
    pub(super) drifts: Arc<Drifts>,
    pub(super) wake_session: WakeSession,
    pub(super) teller: Teller,
    pub(super) pods_first: PodsFirst,
    pub(super) nonsense: Nonsense,
    /// Tokens that were made and perhaps not seen yet, by session UID.
    pub(super) made: Mutex<HashMap<String, String>>,
}

/// What else was written for sessions.
#[derive(Default)]
pub(super) struct Children {
    pub(super) accounts: Arc<Written<ServiceAccount>>,
    pub(super) tokens: Arc<Written<Secret>>,
    pub(super) services: Arc<Written<Service>>,
    pub(super) files: Arc<Written<ConfigMap>>,
    pub(super) policies: Arc<Written<NetworkPolicy>>,
}

impl Children {
    pub(super) fn remember(&self, account: Option<ServiceAccount>, token: Option<Secret>, service: Option<Service>) {
        account.map(|account| self.accounts.remember(account));
        token.map(|token| self.tokens.remember(token));
        service.map(|service| self.services.remember(service));
    }

    pub(super) fn remember_files(&self, files: Option<ConfigMap>) {
        files.map(|files| self.files.remember(files));
    }

    pub(super) fn remember_policy(&self, policy: Option<NetworkPolicy>) {
        policy.map(|policy| self.policies.remember(policy));
    }
}

/// The newest that is known of an object.
pub(super) fn look<K>(store: &Store<K>, written: &Written<K>, namespace: &str, name: &str) -> Option<Arc<K>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let reference = ObjectRef::<K>::new(name).within(namespace);
    written.newest(&reference, store.get(&reference))
}

impl Context {
    /// A session and what belongs to it.
    pub(super) fn view(&self, session: Arc<AgenticSession>) -> View {
        let (namespace, name) = (session.namespace().unwrap_or_default(), session.name_any());
        let session = look(&self.stores.sessions, &self.sessions, &namespace, &name).unwrap_or(session);
        let (stores, children) = (&self.stores, &self.children);
        View {
            account: look(&stores.accounts, &children.accounts, &namespace, &names::service_account(&name)),
            token: look(&stores.tokens, &children.tokens, &namespace, &names::token_secret(&name)),
            service: look(&stores.services, &children.services, &namespace, &names::service(&name)),
            files: look(&stores.files, &children.files, &namespace, &names::files(&name)),
            policy: look(&stores.policies, &children.policies, &namespace, objects::POLICY),
            pod: look(&stores.pods, &self.pods, &namespace, &names::pod(&name)),
            runs: self.runs_of(&namespace, &name),
            inputs: self.inputs.of(&session, |secret| look(&stores.tokens, &children.tokens, &namespace, secret)),
            told: {
                let pod = look(&stores.pods, &self.pods, &namespace, &names::pod(&name)).and_then(|pod| pod.uid());
                self.drifts.told(&session, pod.as_deref())
            },
            project_inactivity: self.settings(&namespace).map(|settings| settings.spec.inactivity_timeout_seconds),
            session,
        }
    }

    /// A Run and what it depends on.
    pub(super) fn run_view(&self, run: Arc<Run>) -> RunView {
        let (namespace, name) = (run.namespace().unwrap_or_default(), run.name_any());
        let session = run.spec.session_ref.name.clone();
        let run = look(&self.stores.runs, &self.runs, &namespace, &name).unwrap_or(run);
        RunView {
            session: look(&self.stores.sessions, &self.sessions, &namespace, &session),
            all: self.runs_of(&namespace, &session),
            pod: look(&self.stores.pods, &self.pods, &namespace, &names::pod(&session)),
            seen: self.followers.seen(&run),
            run,
        }
    }

    pub(super) fn runs_of(&self, namespace: &str, session: &str) -> Vec<Arc<Run>> {
        let runs = self.index.of(namespace, session).into_iter();
        let newest = runs.filter_map(|run| look(&self.stores.runs, &self.runs, namespace, &run.name));
        newest.filter(|run| index::is_of(run, namespace, session)).collect()
    }

    /// Whether the session of a Run is one that cannot be read.
    pub(super) fn has_broken_session(&self, run: &Run) -> bool {
        self.broken.has::<AgenticSession>(&run.namespace().unwrap_or_default(), &run.spec.session_ref.name)
    }

    fn settings(&self, namespace: &str) -> Option<Arc<ProjectSettings>> {
        self.stores.settings.get(&ObjectRef::new(NAME).within(namespace))
    }

    /// The MCP servers of the namespace's settings.
    pub(super) fn project_servers(&self, namespace: &str) -> Option<McpServers> {
        self.settings(namespace)?.spec.mcp_servers.clone()
    }

    /// What opens a session's runner: as it is, or made now.
    pub(super) fn token(&self, view: &View) -> Hidden {
        let known = view.token.as_deref().and_then(token_in);
        known.unwrap_or_else(|| {
            let uid = view.session.uid().unwrap_or_default();
            let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
            Hidden::from(made.entry(uid).or_insert_with(|| uuid::Uuid::new_v4().to_string()).clone())
        })
    }

    /// What opens a session's runner, once it is there.
    pub(super) fn token_of(&self, session: &AgenticSession) -> Option<Hidden> {
        let (namespace, name) = (session.namespace()?, names::token_secret(&session.name_any()));
        token_in(&*look(&self.stores.tokens, &self.children.tokens, &namespace, &name)?)
    }

    /// Where the events of a Run's thread are kept.
    pub(super) fn log_of(&self, view: &RunView) -> Result<Keeping, LogError> {
        let (namespace, name) = (view.run.namespace().unwrap_or_default(), view.run.spec.session_ref.name.clone());
        let uid = view.session.as_ref().and_then(|session| session.uid()).unwrap_or_default();
        let of = view.session.as_deref().map_or_else(|| Kept { namespace, name, ..Kept::default() }, retention::kept);
        let thread = Id::from(queue::thread(&view.run));
        let run = KeptRun {
            uid: view.run.uid().unwrap_or_default(),
            thread: thread.clone(),
            id: Id::from(run_id(&view.run)),
        };
        // Written with a thread that is new. Of one that is known the Run does not wait for the disk.
        let kept = self.history.keeping(&Kept { runs: vec![run.clone()], ..of }, &uid, &thread)?;
        self.note(uid, run);
        Ok(kept)
    }

    /// Notes where a Run is, in its own time.
    fn note(&self, session: String, run: KeptRun) {
        let history = Arc::clone(&self.history);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = history.note(&session, &run) {
                tracing::warn!(%error, run = %run.uid, "when the Run is deleted its events will not be found by its UID");
            }
        });
    }

    /// Listens to the session's runner, if its pod can be reached.
    pub(super) fn listen(&self, view: &View) {
        let Some((source, _)) = self.source(view).zip(view.pod.as_ref().filter(|_| view.owns_pod())) else {
            return;
        };
        let (uid, retention) = (source.session.clone(), source.of.retention);
        self.ingest.follow(source);
        if let Err(error) = self.history.keep_for(&uid, retention) {
            tracing::warn!(%error, "how long a session's events are kept is not noted");
        }
    }

    fn source(&self, view: &View) -> Option<Source> {
        let pod = view.pod.as_deref()?;
        let started = matches!(evidence::state(Some(pod)), PodState::Ready | PodState::Unready | PodState::Leaving);
        let address = pod.status.as_ref()?.pod_ip.clone().filter(|_| started)?;
        let host = if address.contains(':') { format!("[{address}]") } else { address };
        let port = inputs::port(pod).unwrap_or(self.config.port);
        Some(Source {
            session: view.session.uid()?,
            of: retention::kept(&view.session),
            pod: (pod.name_any(), pod.uid()?),
            url: format!("http://{host}:{port}"),
            token: self.token_of(&view.session)?,
        })
    }

    /// Tells people what became of a session, as an Event.
    pub(super) fn tell_session(&self, before: &AgenticSessionStatus, session: &AgenticSession) {
        self.metrics.session(before, session);
        let Some(status) = session.status.as_ref().filter(|status| status.phase != before.phase) else {
            return;
        };
        let ready = status.conditions.iter().find(|condition| condition.type_ == READY);
        let (reason, note) = ready.map(|ready| (ready.reason.clone(), ready.message.clone())).unwrap_or_default();
        let bad = status.phase == SessionPhase::Failed;
        self.teller.tell(bad, reason, note, session.object_ref(&()));
    }

    /// Tells people that what a session says about its events means nothing, once a change.
    pub(super) fn tell_nonsense(&self, session: &AgenticSession) {
        if let Some(note) = self.nonsense.news(session) {
            self.teller.tell(true, "InvalidAnnotation".to_owned(), note.to_owned(), session.object_ref(&()));
        }
    }

    /// Tells people what became of a Run, as an Event.
    pub(super) fn tell_run(&self, before: &Run, run: &Run) {
        self.metrics.run(before.status.as_ref(), run);
        let phase = |run: &Run| run.status.as_ref().map(|status| status.phase).unwrap_or_default();
        let Some(status) = run.status.as_ref().filter(|_| phase(before) != phase(run)) else {
            return;
        };
        let end = status.conditions.iter().find(|condition| condition.type_ == SUCCEEDED);
        let (reason, note) = end.map(|end| (end.reason.clone(), end.message.clone())).unwrap_or_default();
        let bad = status.phase == crate::api::run::RunPhase::Failed;
        self.teller.tell(bad, reason, note, run.object_ref(&()));
    }
}

/// The token in its Secret, if there is one.
pub(super) fn token_in(secret: &Secret) -> Option<Hidden> {
    let bytes = &secret.data.as_ref()?.get(objects::TOKEN_KEY)?.0;
    String::from_utf8(bytes.clone()).ok().filter(|token| !token.is_empty()).map(Hidden::from)
}
