//! The volumes of a session's pod, and where its containers see them. Pure.
//!
//! A workspace that is kept is one volume with three folders: the workspace, the agent's state, and the runner's data. The
//! agent's container sees the first two of them and never the volume itself.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    claim,
    env::{DATA, FILES, SOCKET_DIR, STATE, WORKSPACE},
    inputs::{BUNDLE, BUNDLE_KEY, Inputs, Shared},
    tools,
};
use crate::{
    api::{AgenticSession, names},
    operator::config::Config,
};

/// Where the trusted certificate authorities are in every container; the original's.
pub(super) const CA_FILE: &str = "/etc/pki/tls/certs/ca-bundle.crt";
/// Where the credentials for Vertex AI are; the original's.
const VERTEX: &str = "/app/vertex";

/// What decides about volumes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Volumes<'a> {
    pub(super) session: &'a AgenticSession,
    pub(super) inputs: &'a Inputs,
    pub(super) config: &'a Config,
}

impl Volumes<'_> {
    /// What sets up the workspace sees.
    pub(super) fn of_hydrate(&self) -> Vec<Value> {
        let mut mounts = vec![self.workspace(), self.state(), self.data(), mount("runner-tmp", "/tmp")];
        if !self.session.spec.files.is_empty() {
            mounts.push(read_only("files", FILES));
        }
        mounts.extend(self.bundle());
        mounts
    }

    /// What the agent sees.
    pub(super) fn of_agent(&self) -> Vec<Value> {
        let mut workflows = self.kept("workspace", "workspace", &format!("{WORKSPACE}/workflows"));
        let above = workflows["subPath"].as_str().map_or_else(String::new, |path| format!("{path}/"));
        workflows["subPath"] = json!(format!("{above}workflows"));
        workflows["readOnly"] = json!(true);
        let mut mounts = vec![
            self.workspace(),
            workflows,
            self.state(),
            mount("agent-socket", SOCKET_DIR),
            mount("agent-home", "/home/ambient"),
            mount("agent-tmp", "/tmp"),
        ];
        mounts.extend(self.bundle());
        // The CLI reads them itself: what holds for keys in its environment holds for this file.
        mounts.extend(self.vertex());
        mounts.extend(tools::mount(self.session));
        mounts
    }

    /// What the runner sees.
    pub(super) fn of_runner(&self) -> Vec<Value> {
        let mut state = self.state();
        state["readOnly"] = json!(true);
        let mut mounts =
            vec![self.workspace(), state, mount("agent-socket", SOCKET_DIR), self.data(), mount("runner-tmp", "/tmp")];
        if self.config.backend_namespace.is_some() {
            mounts.push(read_only("bot-token", "/var/run/secrets/ambient"));
        }
        mounts.extend(self.bundle());
        mounts.extend(self.vertex());
        mounts
    }

    /// The volumes.
    pub(super) fn all(&self) -> Vec<Value> {
        let mut volumes = self.places();
        let empty = ["agent-home", "agent-tmp", "runner-tmp"];
        volumes.extend(empty.iter().map(|name| json!({ "name": name, "emptyDir": {} })));
        volumes.push(json!({ "name": "agent-socket", "emptyDir": { "sizeLimit": "1Mi" } }));
        if self.config.backend_namespace.is_some() {
            let token = json!({ "serviceAccountToken": { "path": "bot-token", "expirationSeconds": 3600 } });
            volumes.push(json!({ "name": "bot-token", "projected": { "sources": [token] } }));
        }
        let name = self.session.name_any();
        if !self.session.spec.files.is_empty() {
            volumes.push(json!({ "name": "files", "configMap": { "name": names::files(&name) } }));
        }
        if self.inputs.bundle {
            volumes.push(json!({ "name": BUNDLE, "configMap": { "name": BUNDLE } }));
        }
        if self.inputs.has(Shared::Vertex) {
            let secret = names::copy(Shared::Vertex.secret(), &name);
            volumes.push(json!({ "name": "vertex", "secret": { "secretName": secret } }));
        }
        volumes.extend(tools::volume(self.session));
        volumes
    }

    /// What may be kept.
    fn places(&self) -> Vec<Value> {
        if claim::is_kept(self.session) {
            let name = names::workspace(&self.session.name_any());
            return vec![json!({ "name": "workspace", "persistentVolumeClaim": { "claimName": name } })];
        }
        let size = claim::size(self.session, self.inputs);
        vec![
            json!({ "name": "workspace", "emptyDir": { "sizeLimit": size } }),
            json!({ "name": "agent-state", "emptyDir": {} }),
            json!({ "name": "data", "emptyDir": {} }),
        ]
    }

    fn workspace(&self) -> Value {
        self.kept("workspace", "workspace", WORKSPACE)
    }

    fn state(&self) -> Value {
        self.kept("agent-state", "agent-state", STATE)
    }

    fn data(&self) -> Value {
        self.kept("data", "data", DATA)
    }

    /// A volume of its own, or a folder of the one that is kept.
    fn kept(&self, volume: &str, folder: &str, path: &str) -> Value {
        if claim::is_kept(self.session) {
            return json!({ "name": "workspace", "mountPath": path, "subPath": folder });
        }
        mount(volume, path)
    }

    /// One file, so that the others of its folder in the image stay.
    fn bundle(&self) -> Option<Value> {
        self.inputs
            .bundle
            .then(|| json!({ "name": BUNDLE, "mountPath": CA_FILE, "subPath": BUNDLE_KEY, "readOnly": true }))
    }

    fn vertex(&self) -> Option<Value> {
        self.inputs.has(Shared::Vertex).then(|| read_only("vertex", VERTEX))
    }
}

pub(super) fn mount(volume: &str, path: &str) -> Value {
    json!({ "name": volume, "mountPath": path })
}

pub(super) fn read_only(volume: &str, path: &str) -> Value {
    json!({ "name": volume, "mountPath": path, "readOnly": true })
}
