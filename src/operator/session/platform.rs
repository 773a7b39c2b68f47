//! What the operator's settings and the platform's objects add to the environment of containers. Pure.

use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    inputs::{Inputs, Shared},
    volumes::CA_FILE,
};
use crate::{
    api::{AgenticSession, names},
    operator::config::Config,
};

/// Where the system's own certificate authorities are in images of Debian and Alpine; they are believed as well.
const SYSTEM_CAS: &str = "/etc/ssl/certs";

/// What the session cannot set otherwise.
const FIXED: [&str; 2] = ["USE_VERTEX", "CLAUDE_CODE_USE_VERTEX"];

/// What a trace needs, by the keys of the Secret that has it.
const LANGFUSE: [&str; 4] = ["LANGFUSE_ENABLED", "LANGFUSE_HOST", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"];
const MLFLOW: [&str; 6] = [
    "MLFLOW_TRACING_ENABLED",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_WORKSPACE",
    "OBSERVABILITY_BACKENDS",
];

/// The runner's variables with those of the platform.
pub(super) fn runner(env: Vec<Value>, session: &AgenticSession, inputs: &Inputs, config: &Config) -> Vec<Value> {
    let mut more = provider(inputs, config);
    for (shared, keys) in [(Shared::Langfuse, LANGFUSE.as_slice()), (Shared::Mlflow, MLFLOW.as_slice())] {
        if inputs.has(shared) {
            let name = names::copy(shared.secret(), &session.name_any());
            more.extend(keys.iter().map(|key| of_secret(&name, key)));
        }
    }
    more.extend(inputs.entry().container.env.iter().map(|(name, value)| plain(name, value)));
    merged(trusting(env, inputs), more)
}

/// Variables for which certificates are believed: of git, of OpenSSL and rustls, of node, and of Python's requests.
pub(super) fn trusting(env: Vec<Value>, inputs: &Inputs) -> Vec<Value> {
    if !inputs.bundle {
        return env;
    }
    let files = ["SSL_CERT_FILE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"];
    let folders = ["SSL_CERT_DIR", "GIT_SSL_CAPATH"];
    let files = files.into_iter().map(|name| plain(name, CA_FILE));
    merged(env, files.chain(folders.into_iter().map(|name| plain(name, SYSTEM_CAS))).collect())
}

/// Who answers for models.
fn provider(inputs: &Inputs, config: &Config) -> Vec<Value> {
    let Some(vertex) = &config.platform.vertex else {
        return FIXED.map(|name| plain(name, "0")).to_vec();
    };
    let mut env = FIXED.map(|name| plain(name, "1")).to_vec();
    env.push(plain("CLOUD_ML_REGION", &vertex.region));
    env.push(plain("ANTHROPIC_VERTEX_PROJECT_ID", &vertex.project));
    env.push(plain("GOOGLE_APPLICATION_CREDENTIALS", &vertex.credentials));
    // Nobody waits for the metadata of a machine that is none of Google's, and the agent gets no account of the node.
    env.push(plain("GCE_METADATA_HOST", "metadata.invalid"));
    env.push(plain("GCE_METADATA_TIMEOUT", "1"));
    env.extend(inputs.vertex_model.as_ref().map(|model| plain("LLM_MODEL_VERTEX_ID", model)));
    env
}

fn plain(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

/// The key may be missing.
fn of_secret(secret: &str, key: &str) -> Value {
    json!({ "name": key, "valueFrom": { "secretKeyRef": { "name": secret, "key": key, "optional": true } } })
}

/// What is there stays, but for what is fixed.
fn merged(mut env: Vec<Value>, more: Vec<Value>) -> Vec<Value> {
    for variable in more {
        let known = env.iter().position(|known| known["name"] == variable["name"]);
        match known {
            Some(at) if FIXED.iter().any(|name| variable["name"] == *name) => env[at] = variable,
            Some(_) => {}
            None => env.push(variable),
        }
    }
    env
}
