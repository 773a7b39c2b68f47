//! The default install in a test's namespace, and what a person does with it.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ambient::api::{AgenticSession, Run, session::SessionPhase};
use kube::{
    api::{Patch, PatchParams},
    runtime::wait::await_condition,
};
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    images::{Images, alone, root, with_images},
    pod::secret,
};

/// For images that unpack, clones and turns, on a machine that does much else.
const SOON: Duration = Duration::from_mins(3);

/// The install is the cluster's: one test at a time has it.
static ONE: Mutex<()> = Mutex::new(());

/// `manifests/default` for the test's images and namespace alone; taken away when dropped.
pub(crate) struct Install {
    folder: PathBuf,
    cluster: Cluster,
}

impl Install {
    /// Installs, with more environment for the operator.
    fn of(cluster: &Cluster, images: &Images, more: &[(&str, &str)]) -> Self {
        let folder = root().join("target/tmp").join(&cluster.namespace);
        fs::create_dir_all(&folder).unwrap();
        let fixed = [("AMBIENT_RUNNER_IMAGE", images.ambient.as_str()), ("AMBIENT_AGENT_IMAGE", images.agent.as_str())];
        let env: Vec<Value> =
            fixed.iter().chain(more).map(|(name, value)| json!({"name": name, "value": value})).collect();
        let container = json!({"name": "operator", "image": images.ambient, "env": env});
        // Merged by the names of containers and variables.
        let patch = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "ambient-operator"},
            "spec": {"template": {"spec": {"containers": [container]}}},
        });
        let overlay = json!({
            "resources": ["../../../manifests/default"],
            "patches": [{"target": {"kind": "Deployment"}, "patch": patch.to_string()}],
        });
        fs::write(folder.join("kustomization.yaml"), overlay.to_string()).unwrap();
        let install = Self { folder, cluster: cluster.clone() };
        install.kubectl(&["apply", "--server-side", "--force-conflicts", "-k"]);
        let rollout =
            ["rollout", "status", "deployment/ambient-operator", "--namespace=ambient-system", "--timeout=180s"];
        cluster.ring.kubectl(&rollout).unwrap();
        install
    }

    fn kubectl(&self, verb: &[&str]) -> String {
        self.cluster.ring.kubectl(&[verb, &[self.folder.to_str().unwrap()]].concat()).unwrap()
    }
}

impl Drop for Install {
    fn drop(&mut self) {
        let namespace = "--namespace=ambient-system";
        println!("{:?}", self.cluster.ring.kubectl(&["logs", namespace, "deployment/ambient-operator", "--tail=200"]));
        drop(self.cluster.ring.kubectl(&["delete", namespace, "deployment/ambient-operator", "--wait=true"]));
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Runs a test with the install, whose operator has more environment.
pub(crate) fn with_install<F: Future<Output = ()>>(more: &[(&str, &str)], test: impl FnOnce(Cluster) -> F + Send) {
    // Before the test's time begins.
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    with_images(|cluster, images| installed(cluster, images, more, test));
}

/// The same, while no other test of this program has a pod.
pub(crate) fn with_install_alone<F: Future<Output = ()>>(test: impl FnOnce(Cluster) -> F + Send) {
    alone(|cluster, images| installed(cluster, images, &[], test));
}

async fn installed<F: Future<Output = ()>>(
    cluster: Cluster,
    images: Images,
    more: &[(&str, &str)],
    test: impl FnOnce(Cluster) -> F,
) {
    let install = Install::of(&cluster, &images, more);
    test(cluster).await;
    drop(install);
}

/// The Secret with a key for the ring's model.
pub(crate) async fn with_key(cluster: &Cluster, key: &str) {
    let gateway = "http://model.ambient-test.svc:8080";
    secret(cluster, "ambient-runner-secrets", &[("ANTHROPIC_API_KEY", key), ("ANTHROPIC_BASE_URL", gateway)]).await;
}

/// Waits for a state of an object.
pub(crate) async fn until<K>(cluster: &Cluster, name: &str, what: &str, wanted: impl Fn(&K) -> bool) -> K
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned
        + Send
        + 'static,
{
    let seen = await_condition(cluster.api(), name, |object: Option<&K>| object.is_some_and(&wanted));
    let seen = tokio::time::timeout(SOON, seen).await.unwrap_or_else(|_| panic!("{name} is not {what}"));
    seen.unwrap().unwrap()
}

/// Applies a session.
pub(crate) async fn apply(cluster: &Cluster, name: &str, spec: Value) {
    write::<AgenticSession>(cluster, "AgenticSession", name, spec).await;
}

/// Applies a Run.
pub(crate) async fn apply_run(cluster: &Cluster, name: &str, spec: Value) {
    write::<Run>(cluster, "Run", name, spec).await;
}

async fn write<K>(cluster: &Cluster, kind: &str, name: &str, spec: Value)
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::de::DeserializeOwned,
{
    let object = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec,
    });
    let params = PatchParams::apply("test").force();
    cluster.api::<K>().patch(name, &params, &Patch::Apply(&object)).await.unwrap();
}

/// What the session's condition Ready says.
pub(crate) fn ready_message(session: &AgenticSession) -> String {
    let conditions = &session.status.as_ref().unwrap().conditions;
    conditions.iter().find(|condition| condition.type_ == "Ready").unwrap().message.clone()
}

/// The session's phase.
pub(crate) fn phase(session: &AgenticSession) -> SessionPhase {
    session.status.as_ref().map(|status| status.phase).unwrap_or_default()
}

/// Whether a Run has ended.
pub(crate) fn ended(run: &Run) -> bool {
    run.status.as_ref().is_some_and(|status| status.phase.is_terminal())
}
