//! The session's pod: the agent in a container of its own, beside the runner that holds the keys. Pure.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    env::{self, DATA, FILES, SOCKET_DIR, STATE, WORKSPACE},
    evidence::{AGENT, HYDRATE, RUNNER},
    objects,
};
use crate::{
    api::{AgenticSession, McpServers, names},
    operator::config::Config,
};

/// The Secret with the provider's keys; the runner needs it.
const KEYS: &str = "ambient-runner-secrets";
/// The Secret with the tokens of integrations; optional.
const INTEGRATIONS: &str = "ambient-non-vertex-integrations";

/// The user of every container.
const USER: u32 = 1001;
/// The runner ends within 5 s of SIGTERM, and the agent, which is told afterwards, within another 5 s.
const GRACE: u32 = 30;
/// How long a pod stays on a node that does not answer: a lost node is known within a minute.
const LOST_NODE: u32 = 15;

/// The pod of a session.
pub(super) fn pod(session: &AgenticSession, project: Option<&McpServers>, config: &Config) -> Value {
    let name = session.name_any();
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": names::pod(&name),
            "namespace": session.namespace(),
            "labels": { names::SESSION_LABEL: names::session_label(&name), names::APP_LABEL: names::APP },
            "ownerReferences": [objects::owner(session)],
        },
        "spec": {
            "serviceAccountName": names::service_account(&name),
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            // A runner that crashes starts again in place, ends its open run, and goes on.
            "restartPolicy": "OnFailure",
            "terminationGracePeriodSeconds": GRACE,
            "tolerations": [lost("node.kubernetes.io/not-ready"), lost("node.kubernetes.io/unreachable")],
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": USER,
                "runAsGroup": 0,
                "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "initContainers": [hydrate(session, config), agent(config)],
            "containers": [runner(session, project, config)],
            "volumes": volumes(session, config),
        },
    })
}

fn lost(taint: &str) -> Value {
    json!({ "key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": LOST_NODE })
}

fn hydrate(session: &AgenticSession, config: &Config) -> Value {
    let mut mounts = vec![
        mount("workspace", WORKSPACE),
        mount("agent-state", STATE),
        mount("data", DATA),
        mount("runner-tmp", "/tmp"),
    ];
    if !session.spec.files.is_empty() {
        mounts.push(read_only("files", FILES));
    }
    json!({
        "name": HYDRATE,
        "image": config.runner_image,
        "imagePullPolicy": config.pull_policy,
        "args": ["hydrate"],
        "env": env::hydrate(session),
        "envFrom": [{ "secretRef": { "name": INTEGRATIONS, "optional": true } }],
        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "512Mi" } },
        "securityContext": restricted(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    })
}

/// A native sidecar: it starts before the runner and ends after it, and starts again by itself while the runner lives.
fn agent(config: &Config) -> Value {
    let workflows = json!({
        "name": "workspace", "mountPath": format!("{WORKSPACE}/workflows"), "subPath": "workflows", "readOnly": true,
    });
    json!({
        "name": AGENT,
        "image": config.agent_image,
        "imagePullPolicy": config.pull_policy,
        "args": ["agent"],
        "restartPolicy": "Always",
        "env": env::agent(),
        "resources": { "requests": { "cpu": "100m", "memory": "512Mi" }, "limits": { "memory": "2Gi" } },
        "securityContext": restricted(),
        "volumeMounts": [
            mount("workspace", WORKSPACE),
            workflows,
            mount("agent-state", STATE),
            mount("agent-socket", SOCKET_DIR),
            mount("agent-home", "/home/ambient"),
            mount("agent-tmp", "/tmp"),
        ],
    })
}

fn runner(session: &AgenticSession, project: Option<&McpServers>, config: &Config) -> Value {
    let mut mounts = vec![
        mount("workspace", WORKSPACE),
        read_only("agent-state", STATE),
        mount("agent-socket", SOCKET_DIR),
        mount("data", DATA),
        mount("runner-tmp", "/tmp"),
    ];
    if config.backend_namespace.is_some() {
        mounts.push(read_only("bot-token", "/var/run/secrets/ambient"));
    }
    let health = json!({ "path": "/health", "port": "agui" });
    json!({
        "name": RUNNER,
        "image": config.runner_image,
        "imagePullPolicy": config.pull_policy,
        "args": ["runner"],
        "env": env::runner(session, project, config),
        "envFrom": [
            { "secretRef": { "name": INTEGRATIONS, "optional": true } },
            { "secretRef": { "name": KEYS } },
        ],
        "ports": [{ "name": "agui", "containerPort": config.port, "protocol": "TCP" }],
        "readinessProbe": { "httpGet": health.clone(), "periodSeconds": 2, "timeoutSeconds": 2 },
        // One that does not answer for a minute is started again, and ends its open run.
        "livenessProbe": { "httpGet": health, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6 },
        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "512Mi" } },
        "securityContext": restricted(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    })
}

fn restricted() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"] },
    })
}

fn mount(volume: &str, path: &str) -> Value {
    json!({ "name": volume, "mountPath": path })
}

fn read_only(volume: &str, path: &str) -> Value {
    json!({ "name": volume, "mountPath": path, "readOnly": true })
}

fn volumes(session: &AgenticSession, config: &Config) -> Vec<Value> {
    let empty = ["workspace", "agent-state", "agent-home", "agent-tmp", "data", "runner-tmp"];
    let mut volumes: Vec<Value> = empty.iter().map(|name| json!({ "name": name, "emptyDir": {} })).collect();
    volumes.push(json!({ "name": "agent-socket", "emptyDir": { "sizeLimit": "1Mi" } }));
    if config.backend_namespace.is_some() {
        let token = json!({ "serviceAccountToken": { "path": "bot-token", "expirationSeconds": 3600 } });
        volumes.push(json!({ "name": "bot-token", "projected": { "sources": [token] } }));
    }
    if !session.spec.files.is_empty() {
        let name = names::files(&session.name_any());
        volumes.push(json!({ "name": "files", "configMap": { "name": name } }));
    }
    volumes
}
