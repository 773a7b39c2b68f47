//! The session of `manifests/session` in a test's namespace.

use std::{collections::BTreeMap, fs, time::Duration};

use k8s_openapi::api::core::v1::{ContainerStatus, Namespace, Pod, Secret, Service, ServiceAccount};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    runtime::wait::await_condition,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    images::{Images, root},
    stream::Stream,
};

/// For what takes a moment, on a machine that does much else.
pub(crate) const SOON: Duration = Duration::from_mins(2);

/// The session of the manifests; also its thread.
pub(crate) const SESSION: &str = "example";
/// Its pod.
pub(crate) const POD: &str = "example-runner";
/// The container that holds the keys.
pub(crate) const RUNNER: &str = "ambient-code-runner";
/// The agent's container.
pub(crate) const AGENT: &str = "agent";

/// A session whose pod is ready.
pub(crate) struct Session {
    pub(crate) cluster: Cluster,
    /// What opens the runner.
    pub(crate) token: String,
    http: reqwest::Client,
    url: String,
}

impl Session {
    /// Applies the manifests as they are, but for the images' names.
    pub(crate) async fn start(cluster: Cluster, images: &Images) -> Self {
        Self::start_with(cluster, images, |_| {}).await
    }

    /// The same with a pod that `change` has changed.
    pub(crate) async fn start_with(cluster: Cluster, images: &Images, change: impl FnOnce(&mut Value)) -> Self {
        restrict(&cluster).await;
        let token = format!("token-{}", uuid::Uuid::new_v4().simple());
        secret(&cluster, "ambient-runner-token-example", &[("agui-token", &token)]).await;
        let gateway = "http://model.ambient-test.svc:8080";
        let keys = [("ANTHROPIC_API_KEY", "key-of-no-value"), ("ANTHROPIC_BASE_URL", gateway)];
        secret(&cluster, "ambient-runner-secrets", &keys).await;
        create::<ServiceAccount>(&cluster, manifest("serviceaccount.yaml")).await;
        let service: Service = create(&cluster, manifest("service.yaml")).await;
        let mut pod = manifest("pod.yaml");
        pod["spec"]["initContainers"][0]["image"] = json!(images.agent);
        pod["spec"]["containers"][0]["image"] = json!(images.ambient);
        change(&mut pod);
        create::<Pod>(&cluster, pod).await;
        let ip = service.spec.unwrap().cluster_ip.unwrap();
        // Connections that are kept would not show whether the Service leads to the pod.
        let http = reqwest::Client::builder().timeout(SOON + SOON).pool_max_idle_per_host(0).build().unwrap();
        let session = Self { cluster, token, http, url: format!("http://{ip}:8001") };
        session.ready().await;
        session
    }

    /// Waits until the pod is ready, and the Service leads to it.
    pub(crate) async fn ready(&self) -> Pod {
        let pod = self.until("ready", |pod| is(pod, "Ready")).await;
        let answers = async {
            // That the node has the rule for a ready pod is announced nowhere.
            while !matches!(self.get("/health").await, Ok(response) if response.status() == 200) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(SOON, answers).await.expect("the Service leads to the pod");
        pod
    }

    /// Waits for a state of the pod.
    pub(crate) async fn until(&self, what: &str, wanted: impl Fn(&Pod) -> bool) -> Pod {
        let seen = await_condition(self.cluster.api(), POD, |pod: Option<&Pod>| pod.is_some_and(&wanted));
        let seen = tokio::time::timeout(SOON, seen).await.unwrap_or_else(|_| panic!("the pod is not {what}"));
        seen.unwrap().unwrap()
    }

    /// The pod as it is.
    pub(crate) async fn pod(&self) -> Pod {
        self.cluster.api::<Pod>().get(POD).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        self.http.get(format!("{}{path}", self.url)).header("x-ambient-session-token", &self.token).send().await
    }

    /// Starts a run and returns its stream.
    pub(crate) async fn begin(&self, run: &str, prompt: &str) -> Stream {
        let body = json!({
            "threadId": SESSION, "runId": run,
            "messages": [{"id": format!("{run}-message"), "role": "user", "content": prompt}],
        });
        let url = format!("{}/run", self.url);
        let post = || self.http.post(&url).header("x-ambient-session-token", &self.token).json(&body).send();
        let response = async {
            loop {
                match post().await {
                    // The Service leads nowhere for a moment when a container of the pod has started again.
                    Err(error) if error.is_connect() => tokio::time::sleep(Duration::from_millis(100)).await,
                    answer => return answer.unwrap(),
                }
            }
        };
        let response = tokio::time::timeout(SOON, response).await.expect("the Service leads to the pod");
        assert_eq!(response.status(), 200, "{run}");
        Stream::of(response)
    }

    /// Starts a run whose agent works for minutes, and waits until it does.
    pub(crate) async fn begin_long(&self, run: &str) -> Stream {
        let mark = format!("/workspace/artifacts/{run}");
        let stream = self.begin(run, &format!("Run the command `touch {mark}; sleep 100`")).await;
        let begun = async {
            while self.exec(RUNNER, &["ls", &mark]).is_err() {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        tokio::time::timeout(SOON, begun).await.expect("the agent runs the command");
        stream
    }

    /// Runs a program in a container; what it printed, or why it failed.
    pub(crate) fn exec(&self, container: &str, command: &[&str]) -> Result<String, String> {
        let place = ["exec", "--namespace", &self.cluster.namespace, POD, "--container", container, "--"];
        self.cluster.ring.kubectl(&[&place, command].concat())
    }
}

/// What a container's status says.
pub(crate) fn status<'a>(pod: &'a Pod, container: &str) -> &'a ContainerStatus {
    let status = pod.status.as_ref().unwrap();
    let all = status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    all.into_iter().find(|status| status.name == container).unwrap()
}

/// How often a container was started again.
pub(crate) fn restarts(pod: &Pod, container: &str) -> i32 {
    status(pod, container).restart_count
}

/// Whether a condition of the pod holds.
pub(crate) fn is(pod: &Pod, condition: &str) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|found| found.type_ == condition && found.status == "True")
}

fn manifest(file: &str) -> Value {
    let path = root().join("manifests/session").join(file);
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

async fn restrict(cluster: &Cluster) {
    let labels = json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "restricted" } } });
    let namespaces: Api<Namespace> = Api::all(cluster.client.clone());
    namespaces.patch(&cluster.namespace, &PatchParams::default(), &Patch::Merge(labels)).await.unwrap();
}

pub(crate) async fn secret(cluster: &Cluster, name: &str, values: &[(&str, &str)]) {
    let values: BTreeMap<_, _> = values.iter().copied().collect();
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": values,
    });
    create::<Secret>(cluster, secret).await;
}

async fn create<K>(cluster: &Cluster, object: Value) -> K
where
    K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + std::fmt::Debug
        + serde::Serialize
        + DeserializeOwned,
{
    let object: K = serde_json::from_value(object).unwrap();
    let name = object.name_any();
    let created = cluster.api::<K>().create(&PostParams::default(), &object).await;
    created.unwrap_or_else(|error| panic!("{name}: {error}"))
}
