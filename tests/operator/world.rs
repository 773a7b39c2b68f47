//! A namespace with an operator, a runner that every pod leads to, and what a test looks at.

use ambient::api::{AgenticSession, AgenticSessionStatus, ProjectSettings, Run, run::RunPhase, session::SessionPhase};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount};
use kube::{
    Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    runtime::wait::await_condition,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{
    account::Account,
    cluster::Cluster,
    kubelet,
    operator::Operator,
    rig::{Runner, SOON, Session},
};

/// The annotation by which the platform asks.
const ASKED: &str = "ambient-code.io/desired-phase";

/// What becomes of pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pods {
    /// They are ready at once, at the test's own address.
    Ready,
    /// There is no node that could take them, and the scheduler says so.
    Unschedulable,
}

/// What a test works with.
pub(crate) struct World {
    pub(crate) cluster: Cluster,
    pub(crate) runner: Session,
    account: Account,
    operator: Option<Operator>,
    port: String,
    pub(crate) events: tempfile::TempDir,
    arguments: Vec<String>,
    kubelet: JoinHandle<()>,
    pub(crate) process: Runner,
}

impl Drop for World {
    fn drop(&mut self) {
        self.kubelet.abort();
    }
}

impl World {
    /// An operator and a runner of session `s1`, in a namespace that has the provider's keys.
    pub(crate) async fn begin(cluster: Cluster, pods: Pods) -> Self {
        create_secret(&cluster, "ambient-runner-secrets", "ANTHROPIC_API_KEY").await;
        Self::begin_with(cluster, pods, &[]).await
    }

    /// An operator with more arguments and a runner of session `s1`, in a namespace that has nothing.
    pub(crate) async fn begin_with(cluster: Cluster, pods: Pods, arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let token = uuid::Uuid::new_v4().to_string();
        let secret = json!({
            "metadata": {"name": "ambient-runner-token-s1", "labels": {"agentic-session": "s1"}},
            "stringData": {"agui-token": token},
        });
        let secret: Secret = serde_json::from_value(secret).unwrap();
        cluster.api::<Secret>().create(&PostParams::default(), &secret).await.unwrap();
        let runner =
            Session::new().env("AGUI_TOKEN", &token).env("AGUI_HOST", "127.0.0.1").env("AMBIENT_CLONE_HTTP", "true");
        let process = runner.start();
        let port = process.url.rsplit(':').next().unwrap().to_owned();
        let kubelet = match pods {
            Pods::Ready => tokio::spawn(kubelet::serve(cluster.api())),
            Pods::Unschedulable => tokio::spawn(std::future::ready(())),
        };
        let account = Account::of(&cluster).await;
        let events = tempfile::tempdir().unwrap();
        let operator = Some(Operator::start(&cluster, account.path(), &port, events.path(), &arguments));
        Self { cluster, runner, account, operator, port, events, arguments, kubelet, process }
    }

    /// Kills the operator and starts another one.
    pub(crate) fn restart_operator(&mut self) {
        self.restart_operator_with(&[]);
    }

    /// The same, with more arguments.
    pub(crate) fn restart_operator_with(&mut self, more: &[&str]) {
        drop(self.operator.take());
        let (account, events) = (self.account.path(), self.events.path());
        let own = self.arguments.iter().cloned();
        let more: Vec<String> = own.chain(more.iter().map(|text| (*text).to_owned())).collect();
        self.operator = Some(Operator::start(&self.cluster, account, &self.port, events, &more));
    }

    /// The same, in another environment.
    pub(crate) fn restart_operator_in(&mut self, environment: &[(&str, &str)]) {
        drop(self.operator.take());
        let (account, events) = (self.account.path(), self.events.path());
        let own = &self.arguments;
        self.operator = Some(Operator::start_in(&self.cluster, account, &self.port, events, own, environment));
    }

    /// What opens the runner.
    pub(crate) async fn token(&self) -> String {
        text(&self.cluster.api::<Secret>().get("ambient-runner-token-s1").await.unwrap(), "agui-token")
    }

    /// The port of the runner, which is that of every pod.
    pub(crate) fn port(&self) -> &str {
        &self.port
    }

    /// The operator that there is.
    pub(crate) fn operator(&self) -> &Operator {
        self.operator.as_ref().unwrap()
    }

    /// Kills the operator.
    pub(crate) fn stop_operator(&mut self) {
        drop(self.operator.take());
    }

    /// Applies settings with these groups, and waits until all that they ask for is there.
    pub(crate) async fn settings(&self, access: Value) {
        self.apply::<ProjectSettings>("ProjectSettings", "projectsettings", json!({"groupAccess": access})).await;
        let is_done = |settings: Option<&ProjectSettings>| {
            settings.and_then(|settings| settings.status.as_ref()?.scheduled_session_rbac_ready) == Some(true)
        };
        let seen = await_condition(self.cluster.api(), "projectsettings", is_done);
        tokio::time::timeout(SOON, seen).await.expect("the settings get there").unwrap();
    }

    /// Until an object is gone.
    pub(crate) async fn gone<K>(&self, name: &str)
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + Send
            + serde::de::DeserializeOwned
            + 'static,
    {
        let seen = await_condition(self.cluster.api::<K>(), name, |object: Option<&K>| object.is_none());
        tokio::time::timeout(SOON, seen).await.expect("the object goes").unwrap();
    }

    /// One more, with more arguments.
    pub(crate) fn another_operator(&self, arguments: &[&str]) -> Operator {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        Operator::start(&self.cluster, self.account.path(), &self.port, self.events.path(), &arguments)
    }

    /// Where the operator's gateway is.
    pub(crate) fn gateway(&self) -> &str {
        &self.operator.as_ref().unwrap().gateway
    }

    /// Applies a session.
    pub(crate) async fn session(&self, name: &str, spec: Value) {
        self.apply::<AgenticSession>("AgenticSession", name, spec).await;
    }

    /// Applies a Run of session `s1`.
    pub(crate) async fn run(&self, name: &str, mut spec: Value) {
        spec["sessionRef"] = json!({"name": "s1"});
        self.apply::<Run>("Run", name, spec).await;
    }

    async fn apply<K>(&self, kind: &str, name: &str, spec: Value)
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let object = json!({
            "apiVersion": "vteam.ambient-code/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec,
        });
        let params = PatchParams::apply("test").force();
        self.cluster.api::<K>().patch(name, &params, &Patch::Apply(&object)).await.unwrap();
    }

    pub(crate) async fn annotate(&self, session: &str, name: &str, value: &str) {
        let patch = json!({"metadata": {"annotations": {name: value}}});
        let api = self.cluster.api::<AgenticSession>();
        api.patch(session, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }

    pub(crate) async fn cancel(&self, run: &str) {
        let patch = json!({"spec": {"desiredState": "Cancelled"}});
        self.cluster.api::<Run>().patch(run, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }

    pub(crate) async fn delete_pod(&self, name: &str) {
        self.cluster.api::<Pod>().delete(name, &DeleteParams::default()).await.unwrap();
    }

    pub(crate) async fn session_until(&self, name: &str, wanted: impl Fn(&AgenticSession) -> bool) -> AgenticSession {
        let seen =
            await_condition(self.cluster.api(), name, |object: Option<&AgenticSession>| object.is_some_and(&wanted));
        tokio::time::timeout(SOON, seen).await.expect("the session gets there").unwrap().unwrap()
    }

    pub(crate) async fn run_until(&self, name: &str, wanted: impl Fn(&Run) -> bool) -> Run {
        let seen = await_condition(self.cluster.api(), name, |object: Option<&Run>| object.is_some_and(&wanted));
        tokio::time::timeout(SOON, seen).await.expect("the Run gets there").unwrap().unwrap()
    }

    pub(crate) async fn pod_until(&self, name: &str, wanted: impl Fn(Option<&Pod>) -> bool) -> Option<Pod> {
        let seen = await_condition(self.cluster.api(), name, &wanted);
        tokio::time::timeout(SOON, seen).await.expect("the pod gets there").unwrap()
    }

    /// Until the operator has looked at everything that there was: it answers a new Run after that.
    pub(crate) async fn settle(&self) {
        let name = format!("marker-{}", uuid::Uuid::new_v4().simple());
        self.apply::<Run>("Run", &name, json!({"sessionRef": {"name": "nobody"}, "prompt": "x"})).await;
        self.run_until(&name, |run| run_phase(run) == RunPhase::Waiting).await;
        self.cluster.api::<Run>().delete(&name, &DeleteParams::default()).await.unwrap();
    }

    /// The resource versions of everything that belongs to the session.
    pub(crate) async fn versions(&self) -> Vec<(String, Option<String>)> {
        let mut versions = self.of::<AgenticSession>().await;
        versions.extend(self.of::<Run>().await);
        // The scheduler goes on writing into a pod that has no node; what it is to be is nobody's but ours.
        let pods = self.cluster.api::<Pod>().list(&ListParams::default()).await.unwrap();
        versions.extend(
            pods.iter().map(|pod| (pod.uid().unwrap(), pod.metadata.generation.map(|number| number.to_string()))),
        );
        versions.extend(self.of::<Secret>().await);
        versions.extend(self.of::<Service>().await);
        versions.extend(self.of::<ServiceAccount>().await);
        versions.extend(self.of::<ConfigMap>().await);
        versions
    }

    async fn of<K>(&self) -> Vec<(String, Option<String>)>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let list = self.cluster.api::<K>().list(&ListParams::default()).await.unwrap();
        let ours = list.iter().filter(|object| object.name_any().contains("s1"));
        ours.map(|object| (object.name_any(), object.resource_version())).collect()
    }
}

/// Creates a Secret with one key of no value.
pub(crate) async fn create_secret(cluster: &Cluster, name: &str, key: &str) {
    let secret = json!({"metadata": {"name": name}, "stringData": {key: "of-no-value"}});
    let secret: Secret = serde_json::from_value(secret).unwrap();
    cluster.api::<Secret>().create(&PostParams::default(), &secret).await.unwrap();
}

pub(crate) fn status(session: &AgenticSession) -> AgenticSessionStatus {
    session.status.clone().unwrap_or_default()
}

pub(crate) fn phase(session: &AgenticSession) -> SessionPhase {
    status(session).phase
}

pub(crate) fn run_phase(run: &Run) -> RunPhase {
    run.status.as_ref().map(|status| status.phase).unwrap_or_default()
}

/// Why a Run is where it is.
pub(crate) fn reason(run: &Run) -> String {
    let conditions = &run.status.as_ref().unwrap().conditions;
    conditions.iter().find(|condition| condition.type_ == "Succeeded").unwrap().reason.clone()
}

pub(crate) fn condition(session: &AgenticSession, kind: &str) -> String {
    status(session).conditions.iter().find(|condition| condition.type_ == kind).unwrap().status.clone()
}

pub(crate) fn is_asked(session: &AgenticSession) -> bool {
    session.annotations().contains_key(ASKED)
}

pub(crate) fn text(secret: &Secret, key: &str) -> String {
    String::from_utf8(secret.data.as_ref().unwrap()[key].0.clone()).unwrap()
}
