//! Two sessions of two people in two namespaces: nothing of one is in reach of the other, nor of those who may read the other.
//!
//! The ring's network enforces no `NetworkPolicy`, so what counts here is that a runner refuses whoever has not its token, and that the
//! policy would let nobody in but the operator.

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::Request;
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
    core::v1::{ConfigMap, Namespace, Secret, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
};
use kube::{
    Api, Client, Config,
    api::{ListParams, PostParams},
    client::Body,
    config::KubeConfigOptions,
};
use serde_json::json;
use tokio::time::sleep;

use crate::{
    cluster::Cluster,
    install::{apply, with_install, with_key},
    matrix::end,
    pod::AGENT,
};

/// Longest wait for a Service to reach its pod.
const SOON: Duration = Duration::from_secs(30);

/// A session of somebody, whose first Run is over, in a namespace.
struct Side {
    cluster: Cluster,
    session: &'static str,
}

impl Side {
    async fn begin(cluster: Cluster, session: &'static str, user: &str) -> Self {
        with_key(&cluster, "key-of-no-value").await;
        let spec = json!({ "initialPrompt": "Say hello", "userContext": { "userId": user, "displayName": user } });
        apply(&cluster, session, spec).await;
        let status = end(&cluster, &format!("{session}-initial")).await;
        assert!(status.result.is_some(), "{status:?}");
        Self { cluster, session }
    }

    /// What the agent's container gets of a runner's events: the HTTP status, and curl's own.
    fn asks(&self, other: &Self) -> String {
        let (session, namespace) = (other.session, &other.cluster.namespace);
        let url = format!("http://session-{session}.{namespace}.svc:8001/events/{session}");
        let script = format!("curl -s -m 10 -o /dev/null -w '%{{http_code}}' {url}; echo \" $?\"");
        let (at, pod) = (format!("--namespace={}", self.cluster.namespace), format!("{}-runner", self.session));
        self.cluster.ring.kubectl(&["exec", &at, &pod, "--container", AGENT, "--", "sh", "-c", &script]).unwrap()
    }

    /// What opens the runner.
    async fn token(&self) -> String {
        let name = format!("ambient-runner-token-{}", self.session);
        let secret = self.cluster.api::<Secret>().get(&name).await.unwrap();
        String::from_utf8(secret.data.unwrap()["agui-token"].0.clone()).unwrap()
    }

    /// What the runner answers to somebody with a token.
    async fn answers(&self, token: &str) -> u16 {
        let service = self.cluster.api::<Service>().get(&format!("session-{}", self.session)).await.unwrap();
        let url = format!("http://{}:8001/repos/status", service.spec.unwrap().cluster_ip.unwrap());
        let request = || reqwest::Client::new().get(&url).header("x-ambient-session-token", token).send();
        let end = Instant::now() + SOON;
        loop {
            match request().await {
                Ok(response) => return response.status().as_u16(),
                // The node's rules for a Service follow its pod, and tell nobody when they have.
                Err(error) if error.is_connect() && Instant::now() < end => sleep(Duration::from_millis(100)).await,
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    /// Whether the session's own account may do something in a namespace.
    async fn may(&self, verb: &str, (group, resource): (&str, &str), namespace: &str) -> bool {
        let user = format!("system:serviceaccount:{}:ambient-session-{}", self.cluster.namespace, self.session);
        let all = "system:serviceaccounts";
        let groups =
            vec![all.to_owned(), format!("{all}:{}", self.cluster.namespace), "system:authenticated".to_owned()];
        let what = ResourceAttributes {
            verb: Some(verb.to_owned()),
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            namespace: Some(namespace.to_owned()),
            ..ResourceAttributes::default()
        };
        let spec = SubjectAccessReviewSpec {
            user: Some(user),
            groups: Some(groups),
            resource_attributes: Some(what),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let reviews: Api<SubjectAccessReview> = Api::all(self.cluster.client.clone());
        reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
    }

    /// The namespaces that the policy lets in.
    async fn let_in(&self) -> Vec<String> {
        let policies = self.cluster.api::<NetworkPolicy>().list(&ListParams::default()).await.unwrap();
        assert_eq!(policies.items.len(), 1);
        let spec = policies.items[0].spec.clone().unwrap();
        assert_eq!(spec.pod_selector.unwrap().match_labels.unwrap()["app"], "ambient-code-runner");
        let peers = spec.ingress.unwrap().into_iter().flat_map(|rule| rule.from.unwrap_or_default());
        let name = "kubernetes.io/metadata.name";
        peers.map(|peer| peer.namespace_selector.unwrap().match_labels.unwrap()[name].clone()).collect()
    }
}

/// A namespace beside the test's own; gone when dropped.
struct Neighbour(Cluster);

impl Neighbour {
    async fn of(cluster: &Cluster) -> Self {
        let name = format!("{}-b", cluster.namespace);
        let labels = json!({ "pod-security.kubernetes.io/enforce": "restricted" });
        let namespace = json!({ "metadata": { "name": name, "labels": labels } });
        let namespace: Namespace = serde_json::from_value(namespace).unwrap();
        Api::all(cluster.client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
        Self(Cluster { namespace: name, ..cluster.clone() })
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        drop(self.0.ring.kubectl(&["delete", "namespace", &self.0.namespace, "--wait=false"]));
    }
}

/// Somebody who may read the events of one namespace.
struct Reader(Client);

impl Reader {
    async fn of(cluster: &Cluster) -> Self {
        let at = format!("--namespace={}", cluster.namespace);
        let kubectl = |arguments: &[&str]| cluster.ring.kubectl(&[&[at.as_str()], arguments].concat()).unwrap();
        kubectl(&["create", "serviceaccount", "reader"]);
        let resource = "--resource=agenticsessions.vteam.ambient-code/events";
        kubectl(&["create", "role", "reader", "--verb=get", resource]);
        let subject = format!("--serviceaccount={}:reader", cluster.namespace);
        kubectl(&["create", "rolebinding", "reader", "--role=reader", &subject]);
        let maps: Api<ConfigMap> = Api::namespaced(cluster.client.clone(), "ambient-system");
        let certificate = maps.get("ambient-gateway").await.unwrap().data.unwrap()["tls.crt"].clone();
        let services: Api<Service> = Api::namespaced(cluster.client.clone(), "ambient-system");
        let service = services.get("ambient-gateway").await.unwrap().spec.unwrap();
        let config = json!({
            "clusters": [{ "name": "gateway", "cluster": {
                "server": format!("https://{}:{}", service.cluster_ip.unwrap(), service.ports.unwrap()[0].port),
                "certificate-authority-data": STANDARD.encode(certificate),
                // The certificate is the Service's name's, which only pods can look up.
                "tls-server-name": "ambient-gateway",
            } }],
            "users": [{ "name": "reader", "user": { "token": token(cluster, "reader").await } }],
            "contexts": [{ "name": "gateway", "context": { "cluster": "gateway", "user": "reader" } }],
            "current-context": "gateway",
        });
        let config = serde_json::from_value(config).unwrap();
        let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
        Self(Client::try_from(config).unwrap())
    }

    /// What the gateway answers when asked for the events of a session's first Run: the status, and the events.
    async fn reads(&self, side: &Side) -> (u16, String) {
        let run = format!("{}-initial", side.session);
        let path = format!("/v1/namespaces/{}/runs/{run}/events", side.cluster.namespace);
        let request = || Request::get(&path);
        let answer = self.0.send(request().body(Body::empty()).unwrap()).await.unwrap();
        let events = self.0.request_text(request().body(Vec::new()).unwrap()).await;
        (answer.status().as_u16(), events.unwrap_or_default())
    }
}

/// A token of an account, for the gateway alone.
async fn token(cluster: &Cluster, account: &str) -> String {
    let spec = TokenRequestSpec { audiences: vec!["ambient-gateway".to_owned()], ..TokenRequestSpec::default() };
    let wanted = TokenRequest { spec, ..TokenRequest::default() };
    let accounts = cluster.api::<ServiceAccount>();
    let given = accounts.create_token_request(account, &PostParams::default(), &wanted).await.unwrap();
    given.status.unwrap().token
}

#[test]
fn two_sessions_in_two_namespaces_cannot_see_each_other() {
    with_install(&[], |cluster| async move {
        let beside = Neighbour::of(&cluster).await;
        let (near, far) =
            tokio::join!(Side::begin(cluster.clone(), "near", "ann"), Side::begin(beside.0.clone(), "far", "bob"));
        for (one, other) in [(&near, &far), (&far, &near)] {
            let (own, others) = (one.token().await, other.token().await);
            assert_eq!((one.answers(&own).await, one.answers(&others).await), (200, 401), "{}", one.session);
        }
        for (one, other) in [(&near, &far), (&far, &near)] {
            let code = one.asks(other);
            // Where the policy is enforced, nobody answers in time.
            assert!(["401 0", "000 28"].contains(&code.trim()), "{}: {code}", one.session);
            assert_eq!(one.let_in().await, ["ambient-system"], "{}", one.session);
            for resource in
                [("", "secrets"), ("", "pods"), ("", "configmaps"), ("vteam.ambient-code", "agenticsessions")]
            {
                for namespace in [&one.cluster.namespace, &other.cluster.namespace] {
                    for verb in ["get", "list", "create", "delete"] {
                        assert!(!one.may(verb, resource, namespace).await, "{} {verb} {resource:?}", one.session);
                    }
                }
            }
        }
        let reader = Reader::of(&cluster).await;
        let (status, events) = reader.reads(&near).await;
        assert!(status == 200 && events.contains("RUN_FINISHED"), "{status}: {events}");
        assert_eq!(reader.reads(&far).await, (403, String::new()));
    });
}
