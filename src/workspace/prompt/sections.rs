//! The parts that depend on the workflow and on the agent's tools.

use serde_json::json;

use super::{WorkspaceContext, fenced, fill, join};

/// The MCP servers that people have connected.
pub(super) fn mcp(context: &WorkspaceContext) -> String {
    if context.mcp_servers.is_empty() {
        return String::new();
    }
    let names = context.mcp_servers.iter().map(|name| json!(name).to_string());
    fill(include_str!("../prompts/mcp.md"), &[("block", &fenced("json", &join(names)))])
}

/// The platform's own tools, as far as the agent has them.
pub(super) fn tools(context: &WorkspaceContext) -> String {
    let parts = [
        (context.tools.session, include_str!("../prompts/refresh.md")),
        (context.tools.corrections, include_str!("../prompts/corrections.md")),
    ];
    parts.into_iter().filter_map(|(has, part)| has.then_some(part)).collect()
}

/// The workflow: where it is, and what its repository says of it.
pub(super) fn workflow(context: &WorkspaceContext) -> String {
    let Some(workflow) = &context.workflow else {
        return String::new();
    };
    let about = &workflow.about;
    let line = json!({
        "name": about.name,
        "description": about.description,
        "directory": workflow.directory.to_string_lossy(),
        "url": workflow.source.git_url,
        "branch": workflow.source.branch,
    });
    let tool = if context.tools.rubric { " Then call the tool `evaluate_rubric` with your own judgement." } else { "" };
    let parts = [
        (include_str!("../prompts/workflow_instructions.md"), &about.system_prompt),
        (include_str!("../prompts/startup.md"), &about.startup_prompt),
        (include_str!("../prompts/rubric.md"), &about.rubric),
    ];
    let told = parts.into_iter().filter(|(_, text)| !text.trim().is_empty());
    let told = told.map(|(part, text)| fill(part, &[("block", &fenced("text", text.trim())), ("tool", tool)]));
    let below: String = told.collect();
    fill(include_str!("../prompts/workflow.md"), &[("block", &fenced("json", &line.to_string()))]) + &below
}
