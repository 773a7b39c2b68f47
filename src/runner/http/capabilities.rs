//! `GET /capabilities`: the original's flat shape.

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::Server;
use crate::bridge::Features;

/// What the agent and the platform can do. Only what works is listed.
pub(super) async fn capabilities(State(server): State<Server>) -> Json<Value> {
    let bridge = server.engine.bridge();
    let features = bridge.features();
    Json(json!({
        "framework": bridge.name(),
        "agent_features": agent_features(features),
        "platform_features": ["feedback", "mcp_diagnostics", "repos", "workflows"],
        "file_system": true,
        "mcp": true,
        "tracing": null,
        "session_persistence": features.session_persistence,
        "model": server.engine.live().session.0.model,
        "session_id": server.session_id,
    }))
}

fn agent_features(features: Features) -> Vec<&'static str> {
    let optional = [
        (features.interrupts, "human_in_the_loop"),
        (features.reasoning, "thinking"),
        (features.frontend_tools, "frontend_tools"),
        (features.structured_output, "structured_output"),
    ];
    let always = ["agentic_chat", "backend_tool_rendering", "shared_state"];
    always.into_iter().chain(optional.into_iter().filter_map(|(has, name)| has.then_some(name))).collect()
}
