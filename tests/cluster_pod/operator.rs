//! The default install on a real node: sessions of the real agent, and what people are told when one does not come up.

use std::{fs, path::PathBuf, time::Duration};

use ambient::api::{AgenticSession, Run, outcome::OutcomeReason, run::RunPhase, session::SessionPhase};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
    runtime::wait::await_condition,
};
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    images::{Images, root, with_images},
    pod::secret,
};

/// For images that unpack, clones and turns, on a machine that does much else.
const SOON: Duration = Duration::from_mins(3);

/// `manifests/default` for the test's images and namespace alone; taken away when dropped.
struct Install {
    folder: PathBuf,
    cluster: Cluster,
}

impl Install {
    fn of(cluster: &Cluster, images: &Images) -> Self {
        let folder = root().join("target/tmp").join(&cluster.namespace);
        fs::create_dir_all(&folder).unwrap();
        let env = |at: usize, value: &str| json!({"op": "replace", "path": format!("/spec/template/spec/containers/0/env/{at}/value"), "value": value});
        let watched = json!({"name": "AMBIENT_WATCH_NAMESPACE", "value": cluster.namespace});
        let patch = json!([
            {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": images.ambient},
            env(1, &images.ambient),
            env(2, &images.agent),
            {"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": watched},
        ]);
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

async fn until<K>(cluster: &Cluster, name: &str, what: &str, wanted: impl Fn(&K) -> bool) -> K
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

async fn apply(cluster: &Cluster, name: &str, spec: Value) {
    let object = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "AgenticSession", "metadata": {"name": name}, "spec": spec,
    });
    let api: Api<AgenticSession> = cluster.api();
    api.patch(name, &PatchParams::apply("test").force(), &Patch::Apply(&object)).await.unwrap();
}

fn ready_message(session: &AgenticSession) -> String {
    let conditions = &session.status.as_ref().unwrap().conditions;
    conditions.iter().find(|condition| condition.type_ == "Ready").unwrap().message.clone()
}

fn phase(session: &AgenticSession) -> SessionPhase {
    session.status.as_ref().map(|status| status.phase).unwrap_or_default()
}

fn ended(run: &Run) -> bool {
    run.status.as_ref().is_some_and(|status| status.phase.is_terminal())
}

#[test]
fn the_default_install_runs_the_example_and_says_what_keeps_others_from_running() {
    with_images(|cluster, images| async move {
        let install = Install::of(&cluster, &images);
        // Without the Secret the pod waits, and says for what; it comes up when the Secret is there.
        let example = root().join("examples/fix-bug.yaml");
        let namespace = format!("--namespace={}", cluster.namespace);
        cluster.ring.kubectl(&["apply", &namespace, "-f", example.to_str().unwrap()]).unwrap();
        let waits = |session: &AgenticSession| {
            session.status.is_some() && ready_message(session).contains("ambient-runner-secrets")
        };
        until::<AgenticSession>(&cluster, "fix-bug", "waiting for its Secret", waits).await;
        let gateway = "http://model.ambient-test.svc:8080";
        let keys = [("ANTHROPIC_API_KEY", "key-of-no-value"), ("ANTHROPIC_BASE_URL", gateway)];
        secret(&cluster, "ambient-runner-secrets", &keys).await;
        let run = until::<Run>(&cluster, "fix-bug-initial", "at its end", ended).await;
        let status = run.status.clone().unwrap();
        assert_eq!(status.phase, RunPhase::Succeeded, "{status:?}");
        assert!(status.usage.is_some() && status.result.is_some() && status.events.is_some(), "{status:?}");
        // The files of the manifest are where the agent works.
        let file =
            ["exec", &namespace, "fix-bug-runner", "--container=agent", "--", "cat", "/workspace/calculator/README.md"];
        assert!(cluster.ring.kubectl(&file).unwrap().contains("adds whole numbers"));
        println!("{}", cluster.ring.kubectl(&["get", "as,arun", &namespace]).unwrap());
        let owned = run.labels()["agentic-session"].clone();
        assert_eq!(owned, "fix-bug");
        cannot_be_cloned(&cluster).await;
        drop(install);
    });
}

/// A repository that would be cloned without TLS fails the set-up at once, and the Run with it.
async fn cannot_be_cloned(cluster: &Cluster) {
    let repos = json!([{"url": "http://127.0.0.1/nothing.git"}]);
    apply(cluster, "no-repo", json!({"repos": repos, "initialPrompt": "Say hello", "activeDeadlineSeconds": 600}))
        .await;
    let failed = |session: &AgenticSession| phase(session) == SessionPhase::Failed;
    let session = until::<AgenticSession>(cluster, "no-repo", "failed", failed).await;
    assert!(ready_message(&session).contains("spec.repos[0].url"), "{}", ready_message(&session));
    let run = until::<Run>(cluster, "no-repo-initial", "at its end", ended).await;
    assert_eq!(run.status.unwrap().outcome.unwrap().reason, OutcomeReason::SetupFailed);
}
