//! The session's pod: the agent in a container of its own, beside the runner that holds the keys. Pure.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    env,
    evidence::{AGENT, HYDRATE, RUNNER},
    inputs::{Inputs, KEYS, PORT_LABEL, Template},
    objects, platform, resources,
    template::{self, TemplateError},
    tools,
    volumes::Volumes,
};
use crate::{
    api::{
        AgenticSession, McpServers, names,
        session::{Resources, RunnerSpec, RunnerType},
    },
    operator::config::Config,
};

/// The Secret with the tokens of integrations; optional.
const INTEGRATIONS: &str = "ambient-non-vertex-integrations";

/// The user of every container.
const USER: u32 = 1001;
/// The runner ends within 5 s of SIGTERM, and the agent, which is told afterwards, within another 5 s.
const GRACE: u32 = 30;
/// How long a pod stays on a node that does not answer: a lost node is known within a minute.
const LOST_NODE: u32 = 15;
/// The taints of such a node.
const LOST: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

/// What a pod is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    /// The session.
    pub(super) session: &'a AgenticSession,
    /// The MCP servers of the namespace.
    pub(super) project: Option<&'a McpServers>,
    /// What it depends on beside them.
    pub(super) inputs: &'a Inputs,
    /// The operator's settings, as the registry changes them.
    pub(super) config: &'a Config,
}

impl<'a> Parts<'a> {
    /// The pod of the session.
    pub(super) fn pod(&self) -> Result<Value, TemplateError> {
        let mut pod = pod(self);
        if let Template::Given(map) = &self.inputs.template {
            template::merge(&mut pod, template::parse(map)?);
        }
        Ok(pod)
    }

    fn volumes(&self) -> Volumes<'a> {
        Volumes { session: self.session, inputs: self.inputs, config: self.config }
    }
}

/// The pod but for what a template adds to it.
/// The runner's numbers go on where those of the pods before it ended.
pub(super) fn begin_at(pod: &mut Value, first: u64) {
    let containers = pod["spec"]["containers"].as_array_mut().into_iter().flatten();
    let runner = containers.filter(|container| container["name"] == RUNNER);
    for env in runner.filter_map(|runner| runner["env"].as_array_mut()) {
        env.push(json!({ "name": "AMBIENT_FIRST_SEQ", "value": first.to_string() }));
    }
}

fn pod(parts: &Parts<'_>) -> Value {
    let Parts { session, inputs, config, .. } = *parts;
    let name = session.name_any();
    let mut init = vec![hydrate(parts)];
    init.extend(tools::inject(session, config));
    init.push(agent(parts));
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": names::pod(&name),
            "namespace": session.namespace(),
            "labels": {
                names::SESSION_LABEL: names::session_label(&name),
                names::APP_LABEL: names::APP,
                PORT_LABEL: config.port.to_string(),
            },
            "ownerReferences": [objects::owner(session)],
        },
        "spec": {
            "serviceAccountName": names::service_account(&name),
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            // A runner that crashes starts again in place, ends its open run, and goes on.
            "restartPolicy": "OnFailure",
            "terminationGracePeriodSeconds": inputs.entry().sandbox.termination_grace_period.unwrap_or(GRACE),
            "tolerations": tolerations(session.spec.runner.as_ref()),
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": USER,
                "runAsGroup": 0,
                "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "initContainers": init,
            "containers": [runner(parts)],
            "volumes": parts.volumes().all(),
        },
    });
    placed(&mut pod["spec"], session.spec.runner.as_ref());
    pod
}

/// The session's own, and ours for the taints of a lost node that it says nothing about.
fn tolerations(runner: Option<&RunnerSpec>) -> Vec<Value> {
    let own = runner.map(|runner| runner.tolerations.as_slice()).unwrap_or_default();
    let lost = LOST
        .into_iter()
        .filter(|taint| !own.iter().any(|toleration| toleration.key.as_deref().is_none_or(|key| key == *taint)));
    let lost = lost.map(
        |taint| json!({ "key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": LOST_NODE }),
    );
    own.iter().filter_map(|toleration| serde_json::to_value(toleration).ok()).chain(lost).collect()
}

/// Which nodes take the pod, and how they run it.
fn placed(spec: &mut Value, runner: Option<&RunnerSpec>) {
    let Some(runner) = runner else { return };
    if !runner.node_selector.is_empty() {
        spec["nodeSelector"] = json!(runner.node_selector);
    }
    if let Some(class) = &runner.runtime_class_name {
        spec["runtimeClassName"] = json!(class);
    }
}

fn hydrate(parts: &Parts<'_>) -> Value {
    let Parts { session, inputs, config, .. } = *parts;
    json!({
        "name": HYDRATE,
        "image": config.runner_image,
        "imagePullPolicy": config.pull_policy,
        "args": ["hydrate"],
        "env": platform::trusting(env::hydrate(session), inputs),
        "envFrom": [{ "secretRef": { "name": INTEGRATIONS, "optional": true } }],
        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "512Mi" } },
        "securityContext": restricted(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": parts.volumes().of_hydrate(),
    })
}

/// A native sidecar: it starts before the runner and ends after it, and starts again by itself while the runner lives.
fn agent(parts: &Parts<'_>) -> Value {
    let Parts { session, inputs, config, .. } = *parts;
    let mut agent = json!({
        "name": AGENT,
        "image": config.agent_image,
        "imagePullPolicy": config.pull_policy,
        "args": ["agent"],
        "restartPolicy": "Always",
        "env": platform::trusting(env::agent(), inputs),
        "resources": { "requests": { "cpu": "100m", "memory": "512Mi" }, "limits": { "memory": "2Gi" } },
        "securityContext": restricted(),
        "volumeMounts": parts.volumes().of_agent(),
    });
    tools::adapt(&mut agent, session);
    set(&mut agent, session.spec.agent.as_ref().and_then(|agent| agent.resources.as_ref()));
    agent
}

fn runner(parts: &Parts<'_>) -> Value {
    let Parts { session, project, inputs, config } = *parts;
    let health = json!({ "path": "/health", "port": "agui" });
    let mut runner = json!({
        "name": RUNNER,
        "image": config.runner_image,
        "imagePullPolicy": config.pull_policy,
        "args": ["runner"],
        "env": platform::runner(env::runner(session, project, config), session, inputs, config),
        "envFrom": secrets(session, config),
        "ports": [{ "name": "agui", "containerPort": config.port, "protocol": "TCP" }],
        "readinessProbe": { "httpGet": health.clone(), "periodSeconds": 2, "timeoutSeconds": 2 },
        // One that does not answer for a minute is started again, and ends its open run.
        "livenessProbe": { "httpGet": health, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6 },
        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "512Mi" } },
        "securityContext": restricted(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": parts.volumes().of_runner(),
    });
    set(&mut runner, Some(&inputs.entry().container.resources));
    set(&mut runner, session.spec.runner.as_ref().and_then(|runner| runner.resources.as_ref()));
    runner
}

/// The Secrets whose keys are variables of the runner.
fn secrets(session: &AgenticSession, config: &Config) -> Vec<Value> {
    let mut secrets = vec![json!({ "secretRef": { "name": INTEGRATIONS, "optional": true } })];
    if config.platform.vertex.is_none() {
        let mut keys = json!({ "secretRef": { "name": KEYS } });
        if session.spec.runner_type() == Ok(RunnerType::Replay) {
            keys["secretRef"]["optional"] = json!(true);
        }
        secrets.push(keys);
    }
    secrets
}

fn set(container: &mut Value, resources: Option<&Resources>) {
    if let Some(resources) = resources {
        resources::over(container, resources);
    }
}

pub(super) fn restricted() -> Value {
    json!({
        "allowPrivilegeEscalation": false,
        "readOnlyRootFilesystem": true,
        "capabilities": { "drop": ["ALL"] },
    })
}
