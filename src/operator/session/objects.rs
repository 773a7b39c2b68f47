//! What a session owns beside its pod, as it is to be. Pure.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use kube::{Resource, ResourceExt};
use serde_json::{Value, json};

use crate::{
    api::{API_VERSION, AgenticSession, names},
    operator::config::Config,
};

/// The label of what the platform calls its own.
const PART: &str = "app";

/// The key of the runner's token in its Secret.
pub(in crate::operator) const TOKEN_KEY: &str = "agui-token";

/// The file with `spec.files`, in the `ConfigMap` and where it is mounted.
pub(super) const FILES_KEY: &str = "files.json";

/// The name of the namespace's policy; the original's.
pub(in crate::operator) const POLICY: &str = "runner-allow-backend-only";

/// Names of a session's things.
struct Of<'a> {
    session: &'a AgenticSession,
    name: String,
}

impl Of<'_> {
    fn metadata(&self, name: &str, app: &str) -> Value {
        json!({
            "name": name,
            "namespace": self.session.namespace(),
            "labels": { PART: app, names::SESSION_LABEL: names::session_label(&self.name) },
            "ownerReferences": [owner(self.session)],
        })
    }
}

fn of(session: &AgenticSession) -> Of<'_> {
    Of { session, name: session.name_any() }
}

/// Garbage collection takes away with the session what it owns.
pub(super) fn owner(session: &AgenticSession) -> Value {
    json!({
        "apiVersion": API_VERSION,
        "kind": AgenticSession::kind(&()),
        "name": session.name_any(),
        "uid": session.uid(),
        "controller": true,
    })
}

/// An account that nothing is bound to.
pub(super) fn account(session: &AgenticSession) -> Value {
    let of = of(session);
    let mut metadata = of.metadata(&names::service_account(&of.name), "ambient-runner");
    let user = session.spec.user_context.as_ref().and_then(|user| user.user_id.as_deref());
    if let Some(user) = user {
        metadata["annotations"] = json!({ "ambient-code.io/created-by-user-id": user });
    }
    json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "automountServiceAccountToken": false })
}

/// The Secret with what opens the session's runner.
pub(super) fn token(session: &AgenticSession, token: &str) -> Value {
    let of = of(session);
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": of.metadata(&names::token_secret(&of.name), "ambient-runner-token"),
        "type": "Opaque",
        "data": { TOKEN_KEY: STANDARD.encode(token) },
    })
}

/// Where clients inside the cluster find the runner.
pub(super) fn service(session: &AgenticSession, config: &Config) -> Value {
    let of = of(session);
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": of.metadata(&names::service(&of.name), "ambient-code"),
        "spec": {
            "type": "ClusterIP",
            "selector": { names::SESSION_LABEL: names::session_label(&of.name), names::APP_LABEL: names::APP },
            "ports": [{ "name": "agui", "port": config.port, "protocol": "TCP", "targetPort": "agui" }],
        },
    })
}

/// The files of the manifest, for the set-up of the workspace; none where there are none.
pub(super) fn files(session: &AgenticSession) -> Option<Value> {
    let files = &session.spec.files;
    let of = of(session);
    let text = serde_json::to_string(files).ok().filter(|_| !files.is_empty())?;
    Some(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": of.metadata(&names::files(&of.name), "ambient-code"),
        "data": { FILES_KEY: text },
    }))
}

/// Who may reach the runners of a namespace: the operator and the platform's backend. One for all sessions, so it is nobody's.
pub(super) fn policy(namespace: &str, config: &Config) -> Value {
    let mut names = vec![config.namespace.as_str()];
    names.extend(config.backend_namespace.as_deref().filter(|backend| *backend != config.namespace));
    let from: Vec<Value> = names
        .iter()
        .map(|name| json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": name } } }))
        .collect();
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": POLICY,
            "namespace": namespace,
            "labels": { PART: "ambient-code", "ambient-code.io/managed-by": "operator" },
        },
        "spec": {
            "podSelector": { "matchLabels": { names::APP_LABEL: names::APP } },
            "policyTypes": ["Ingress"],
            // By its name: runners of one namespace may have different ports.
            "ingress": [{ "from": from, "ports": [{ "protocol": "TCP", "port": "agui" }] }],
        },
    })
}
