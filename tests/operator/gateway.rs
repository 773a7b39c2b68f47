//! `ambient events` at a real API server: who may read sees a live run, the same after it ended, and nobody else sees anything.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use ambient::{
    api::{Run, run::RunPhase},
    eventlog::Record,
};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{ConfigMap, ServiceAccount},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, PostParams},
    config::Kubeconfig,
};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    cluster,
    rig::SOON,
    world::{Pods, World, run_phase},
};

/// A person with a kubeconfig.
pub(crate) struct Person {
    dir: TempDir,
}

impl Person {
    /// Somebody with a right in the test's namespace, or with none.
    pub(crate) async fn with(world: &World, name: &str, resource: Option<&str>) -> Self {
        let cluster = &world.cluster;
        let kubectl = |arguments: &[&str]| {
            let arguments: Vec<&str> =
                ["-n", &cluster.namespace].into_iter().chain(arguments.iter().copied()).collect();
            cluster.ring.kubectl(&arguments).unwrap();
        };
        kubectl(&["create", "serviceaccount", name]);
        if let Some(resource) = resource {
            let resource = format!("--resource={resource}");
            kubectl(&["create", "role", name, "--verb=get", &resource]);
            let subject = format!("--serviceaccount={}:{name}", cluster.namespace);
            kubectl(&["create", "rolebinding", name, &format!("--role={name}"), &subject]);
        }
        let accounts: Api<ServiceAccount> = cluster.api();
        let spec = TokenRequestSpec {
            audiences: vec!["ambient-gateway".to_owned()],
            expiration_seconds: Some(3600),
            ..TokenRequestSpec::default()
        };
        let wanted = TokenRequest { spec, ..TokenRequest::default() };
        let given = accounts.create_token_request(name, &PostParams::default(), &wanted).await.unwrap();
        let mut config = Kubeconfig::read_from(&cluster.ring.kubeconfig).unwrap();
        for user in &mut config.auth_infos {
            let auth = json!({ "token": given.status.as_ref().unwrap().token });
            user.auth_info = Some(serde_json::from_value(auth).unwrap());
        }
        let dir = TempDir::new().unwrap();
        std::fs::write(dir.path().join("kubeconfig"), serde_json::to_string(&config).unwrap()).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `ambient events` with these arguments, under way.
    async fn events(&self, world: &World, arguments: &[&str]) -> tokio::process::Child {
        self.events_as(world, &self.path("kubeconfig"), arguments).await
    }

    async fn events_as(&self, world: &World, kubeconfig: &Path, arguments: &[&str]) -> tokio::process::Child {
        let arguments = [&["events"], arguments].concat();
        self.command(world, kubeconfig, &arguments).await.spawn().unwrap()
    }

    /// `ambient` with these arguments and the way to the gateway.
    pub(crate) async fn command(&self, world: &World, kubeconfig: &Path, arguments: &[&str]) -> Command {
        let certificate = self.path("gateway.crt");
        std::fs::write(&certificate, certificate_of(world).await).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ambient"));
        command
            .args(arguments)
            .args(["--gateway", world.gateway(), "--gateway-ca"])
            .arg(certificate)
            .env_clear()
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn read(&self, world: &World, arguments: &[&str]) -> Output {
        ended(self.events(world, arguments).await).await
    }
}

pub(crate) async fn ended(child: tokio::process::Child) -> Output {
    tokio::time::timeout(SOON, child.wait_with_output()).await.expect("it ends").unwrap()
}

/// The certificate that the operator has published.
async fn certificate_of(world: &World) -> String {
    let maps: Api<ConfigMap> = Api::namespaced(world.cluster.client.clone(), "ambient-system");
    let has = |map: Option<&ConfigMap>| {
        map.is_some_and(|map| map.data.as_ref().is_some_and(|data| data.contains_key("tls.crt")))
    };
    let there = kube::runtime::wait::await_condition(maps, "ambient-gateway", has);
    let map = tokio::time::timeout(SOON, there).await.expect("the certificate is published").unwrap().unwrap();
    map.data.unwrap()["tls.crt"].clone()
}

pub(crate) fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

fn records(output: &Output) -> Vec<Record> {
    text(output).0.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_live_run_is_followed_to_its_end_and_reads_the_same_afterwards_and_after_a_restart() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        let reader = Person::with(&world, "reader", Some("agenticsessions.vteam.ambient-code/events")).await;
        world.session("s1", json!({})).await;
        world.run("r1", json!({"prompt": "echo first; sleep 1500; tool; echo last"})).await;
        let name = format!("{}/r1", world.cluster.namespace);
        let live = reader.events(&world, &["--run", &name]).await;
        world.run_until("r1", |run| run_phase(run) == RunPhase::Succeeded).await;
        let (live, errors) = text(&ended(live).await);
        assert!(
            live.contains("first") && live.contains("last") && live.contains("Succeeded (Completed)"),
            "{live}{errors}"
        );
        assert_eq!(text(&reader.read(&world, &["--run", &name]).await).0, live);
        world.restart_operator();
        assert_eq!(text(&reader.read(&world, &["--run", &name]).await).0, live);
        let all = records(&reader.read(&world, &["--run", &name, "-o", "json"]).await);
        assert!(all.windows(2).all(|pair| pair[0].seq < pair[1].seq));
        assert!(all.last().unwrap().event.kind.is_terminal());
        let middle = all[all.len() / 2].seq;
        let rest = records(&reader.read(&world, &["--run", &name, "-o", "json", "--after", &middle.to_string()]).await);
        assert_eq!(rest, all[all.len() / 2 + 1..]);
        let session = format!("{}/s1", world.cluster.namespace);
        let thread = records(&reader.read(&world, &[&session, "-o", "json", "--no-follow"]).await);
        assert_eq!(thread.last(), all.last());
        let api = world.cluster.api::<Run>();
        let uid = api.get("r1").await.unwrap().uid().unwrap();
        api.delete("r1", &DeleteParams::default()).await.unwrap();
        world.gone::<Run>("r1").await;
        let deleted = format!("{}/uid:{uid}", world.cluster.namespace);
        assert_eq!(records(&reader.read(&world, &["--run", &deleted, "-o", "json"]).await), all);
        world.restart_operator();
        assert_eq!(records(&reader.read(&world, &["--run", &deleted, "-o", "json"]).await), all);
    });
}

#[test]
fn who_may_not_read_gets_nothing_and_cannot_tell_what_there_is() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        let (reader, nobody) = (
            Person::with(&world, "reader", Some("agenticsessions.vteam.ambient-code/events")).await,
            Person::with(&world, "nobody", None).await,
        );
        world.session("s1", json!({"initialPrompt": "echo hello"})).await;
        world.run_until("s1-initial", |run| run_phase(run).is_terminal()).await;
        let namespace = world.cluster.namespace.clone();
        let refused = |output: Output| {
            let (out, err) = text(&output);
            assert_eq!((output.status.success(), out.as_str()), (false, ""), "{err}");
            err
        };
        for name in ["s1", "s2"] {
            let err = refused(nobody.read(&world, &[&format!("{namespace}/{name}")]).await);
            assert!(err.contains("may not read events of session") && err.contains("(403)"), "{err}");
        }
        let there = refused(nobody.read(&world, &["--run", &format!("{namespace}/s1-initial")]).await);
        let not_there = refused(nobody.read(&world, &["--run", &format!("{namespace}/s1-nothing")]).await);
        assert_eq!(there.replace("s1-initial", "X"), not_there.replace("s1-nothing", "X"));
        assert!(
            refused(reader.read(&world, &[&format!("{namespace}/s2")]).await).contains("there is no AgenticSession s2")
        );
        assert!(refused(reader.read(&world, &["default/s1"]).await).contains("(403)"));
    });
}

#[test]
fn a_client_certificate_is_enough_for_an_administrator() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        let nobody = Person::with(&world, "nobody", None).await;
        world.session("s1", json!({"initialPrompt": "echo hello"})).await;
        world.run_until("s1-initial", |run| run_phase(run).is_terminal()).await;
        let name = format!("{}/s1-initial", world.cluster.namespace);
        let kubeconfig = world.cluster.ring.kubeconfig.clone();
        let output = ended(nobody.events_as(&world, &kubeconfig, &["--run", &name]).await).await;
        let (out, err) = text(&output);
        assert!(output.status.success() && out.contains("hello"), "{out}{err}");
    });
}
