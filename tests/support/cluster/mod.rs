//! Real clusters for tests: the rings of `hack/cluster`.
//!
//! [`control_plane`] and [`node`] give a test a client and a namespace of its own, and tell what was in the namespace when the test
//! fails. A ring of `make cluster-up` is joined; else a test of the control plane starts one for its process. Without
//! the tools the test is skipped, and says so; in CI it fails.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod dump;
mod find;
mod ledger;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, resume_unwind},
    time::Duration,
};

use futures_util::FutureExt;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::{
    Api, Client, Config,
    api::{DeleteParams, PostParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::ObjectMeta,
    runtime::wait::await_condition,
};

pub(crate) use find::{Kind, Ring};

/// How long a test may take; one that is asked to do more than usual says so.
fn limit() -> Duration {
    let minutes = std::env::var("AMBIENT_TEST_LIMIT_MINUTES").ok().and_then(|minutes| minutes.parse().ok());
    Duration::from_mins(minutes.unwrap_or(4))
}

/// What a test works with.
#[derive(Clone)]
pub(crate) struct Cluster {
    /// An administrator.
    pub(crate) client: Client,
    /// The test's own namespace.
    pub(crate) namespace: String,
    /// Where the cluster is.
    #[allow(dead_code, reason = "not every test looks at the ring itself")]
    pub(crate) ring: Ring,
}

impl Cluster {
    /// The objects of a kind in the test's namespace.
    #[allow(dead_code, reason = "not every test asks for typed objects")]
    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

/// Runs a test with an API server that has our kinds; nothing there runs pods.
#[allow(dead_code, reason = "used by tests of the API")]
pub(crate) fn control_plane<F: Future<Output = ()>>(test: impl FnOnce(Cluster) -> F + Send) {
    run(Kind::ControlPlane, test);
}

/// Runs a test with a cluster that runs pods, inside the cluster's network.
#[allow(dead_code, reason = "used by tests of pods")]
pub(crate) fn node<F: Future<Output = ()>>(test: impl FnOnce(Cluster) -> F + Send) {
    run(Kind::Node, test);
}

fn run<F: Future<Output = ()>>(kind: Kind, test: impl FnOnce(Cluster) -> F + Send) {
    let name = std::thread::current().name().unwrap_or("test").to_owned();
    let ring = match find::ring(kind) {
        Ok(ring) => ring,
        Err(missing) => {
            assert!(std::env::var_os("CI").is_none(), "{name} needs {missing}");
            eprintln!("skipped: needs {missing}");
            return;
        }
    };
    ledger::record(kind.name());
    // A thread of its own, since a thread that went into the ring's network stays there.
    let outcome = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(name.clone());
        thread.spawn_scoped(scope, || inside(ring, &name, test)).unwrap().join()
    });
    if let Err(panic) = outcome.and_then(|outcome| outcome) {
        resume_unwind(panic);
    }
}

fn inside<F: Future<Output = ()>>(
    ring: Ring,
    name: &str,
    test: impl FnOnce(Cluster) -> F,
) -> Result<(), Box<dyn Any + Send>> {
    ring.enter_network();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let cluster = join(ring, name).await;
        let limited = async {
            tokio::time::timeout(limit(), test(cluster.clone())).await.expect("the test takes too long");
        };
        let outcome = AssertUnwindSafe(limited).catch_unwind().await;
        if outcome.is_err() {
            dump::print(&cluster).await;
        }
        let namespaces: Api<Namespace> = Api::all(cluster.client);
        drop(namespaces.delete(&cluster.namespace, &DeleteParams::background()).await);
        outcome
    })
}

/// A client, and a namespace that pods can be created in.
async fn join(ring: Ring, name: &str) -> Cluster {
    let config = Kubeconfig::read_from(&ring.kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    let client = Client::try_from(config).unwrap();
    let namespace = namespace_of(name);
    // What a platform that takes care of its nodes enforces.
    let labels = [("pod-security.kubernetes.io/enforce".to_owned(), "restricted".to_owned())];
    let metadata = ObjectMeta { name: Some(namespace.clone()), labels: Some(labels.into()), ..ObjectMeta::default() };
    let object = Namespace { metadata, ..Namespace::default() };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    namespaces.create(&PostParams::default(), &object).await.unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), &namespace);
    let there = await_condition(accounts, "default", |account: Option<&ServiceAccount>| account.is_some());
    tokio::time::timeout(Duration::from_mins(1), there).await.expect("no service account").unwrap();
    Cluster { client, namespace, ring }
}

/// The end of the test's name, as far as a name of Kubernetes takes it, and something unique.
fn namespace_of(test: &str) -> String {
    let last = test.rsplit("::").next().unwrap_or(test);
    let plain: String =
        last.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let short: String = plain.chars().take(40).collect();
    format!("t-{}-{}", short.trim_matches('-'), &uuid::Uuid::new_v4().simple().to_string()[..8])
}
