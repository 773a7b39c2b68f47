//! An image of the session's own for the agent: the agent CLI and what starts it are put beside what the image has. Pure.

use serde_json::{Value, json};

use super::{evidence::INJECT, pod::restricted, volumes};
use crate::{api::AgenticSession, operator::config::Config};

/// Where the tools are in the agent's container.
const TOOLS: &str = "/opt/ambient/bin";

/// Copies the tools out of the operator's image.
const COPY: &str = "cp \"$(command -v ambient)\" \"$(command -v claude)\" /tools/";

/// What the image has itself comes first. Exit code 3 says that a person has to act.
const START: &str = "\
command -v git >/dev/null || { echo 'The image of spec.agent.image has no git: add it, or leave the field out.' \
>/dev/termination-log; exit 3; }
PATH=\"$PATH:/opt/ambient/bin\" exec ambient agent";

/// The image of the session's own.
pub(super) fn image(session: &AgenticSession) -> Option<&str> {
    session.spec.agent.as_ref()?.image.as_deref()
}

/// The init container that brings the tools; none for the operator's own image, which has them.
pub(super) fn inject(session: &AgenticSession, config: &Config) -> Option<Value> {
    image(session)?;
    Some(json!({
        "name": INJECT,
        "image": config.agent_image,
        "imagePullPolicy": config.pull_policy,
        "command": ["/bin/sh", "-c", COPY],
        "resources": { "requests": { "cpu": "50m", "memory": "64Mi" }, "limits": { "memory": "512Mi" } },
        "securityContext": restricted(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [volumes::mount("agent-tools", "/tools")],
    }))
}

/// Makes the agent's container one of the session's image.
pub(super) fn adapt(agent: &mut Value, session: &AgenticSession) {
    let Some(image) = image(session) else { return };
    agent["image"] = json!(image);
    agent["command"] = json!(["/bin/sh", "-c", START]);
    if let Some(members) = agent.as_object_mut() {
        members.remove("args");
    }
    agent["workingDir"] = json!(super::env::WORKSPACE);
    if let Some(env) = agent["env"].as_array_mut() {
        // The image may know another home, which nobody can write to.
        env.push(json!({ "name": "HOME", "value": "/home/ambient" }));
    }
}

/// Where the agent's container sees the tools.
pub(super) fn mount(session: &AgenticSession) -> Option<Value> {
    image(session).map(|_| volumes::read_only("agent-tools", TOOLS))
}

/// The volume of the tools.
pub(super) fn volume(session: &AgenticSession) -> Option<Value> {
    image(session).map(|_| json!({ "name": "agent-tools", "emptyDir": { "sizeLimit": "2Gi" } }))
}
