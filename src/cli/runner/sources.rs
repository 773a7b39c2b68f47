//! From the runner's settings to the service that changes its repositories and its workflow.

use std::{sync::Arc, time::Duration};

use super::{
    Args, Config,
    workspace::{self, AgentTools},
};
use crate::{
    bridge::SystemPrompt,
    host::AgentHost,
    runner::{
        Engine,
        content::{Content, Limits},
        sources::{Bounds, Described, NewWorkflow, Parts, RequestTokens, Sources, TokenRules},
    },
    workspace::{
        Current, Hydrated,
        git::{
            credentials::Credentials,
            url::{self, UrlPolicy},
        },
        workflow::{WorkflowSource, adopt},
    },
};

/// What the service is made of.
pub(super) fn parts(
    args: &Args,
    config: &Config,
    engine: &Arc<Engine>,
    host: Arc<dyn AgentHost>,
    current: Arc<Current>,
    tools: AgentTools,
) -> Parts {
    let own = Credentials::from_vars(|name| std::env::var(name).ok());
    let own = own.unwrap_or_else(|error| {
        tracing::error!(%error, "clones at run time have no tokens of the runner's");
        Credentials::default()
    });
    let owner = config.session.agent.as_ref().and_then(|agent| agent.system_prompt.clone());
    Parts {
        engine: Arc::clone(engine),
        host,
        current,
        data_dir: args.data_dir.clone(),
        urls: policy(args),
        tokens: TokenRules { own, github_hosts: args.github_hosts.clone(), gitlab_hosts: args.gitlab_hosts.clone() },
        bounds: Bounds { deadline: Duration::from_secs(args.clone_timeout.max(1)), ..Bounds::default() },
        describe: Box::new(move |hydrated| {
            let prompt = workspace::prompt(hydrated, owner.clone(), &tools);
            Described {
                system_prompt: SystemPrompt::Append(prompt),
                instructions: workspace::instructions(hydrated),
                state: workspace::state(hydrated),
            }
        }),
    }
}

/// The files of the workspace, which follow the workflow that is active.
pub(super) fn content(args: &Args, host: Arc<dyn AgentHost>, current: Arc<Current>) -> Content {
    let active = move || Some(current.get().workflow.as_ref()?.directory.clone());
    Content::new(args.workspace.clone(), host, policy(args), Limits::default()).following(Box::new(active))
}

fn policy(args: &Args) -> UrlPolicy {
    UrlPolicy { http: args.clone_http, file: false }
}

/// Follows the workflow of the settings when the init container has put it there.
pub(super) fn adopt_workflow(args: &Args, hydrated: &mut Hydrated) {
    let Ok(parsed) = url::parse(&args.workflow_git_url, policy(args)) else {
        return;
    };
    let source = WorkflowSource {
        git_url: parsed.url.to_string(),
        branch: args.workflow_branch.clone(),
        path: args.workflow_path.clone(),
    };
    hydrated.workflow = adopt(&hydrated.layout, parsed.url.repository(), source);
    hydrated.arrange();
}

/// Clones the workflow of the settings when it is not there and nobody has chosen another one since. Until then, and when that
/// fails, the session goes on without.
pub(super) fn follow_workflow(sources: &Arc<Sources>, engine: &Arc<Engine>, args: &Args) {
    if args.workflow_git_url.is_empty() || sources.has_workflow() {
        return;
    }
    let new = NewWorkflow {
        git_url: args.workflow_git_url.clone(),
        branch: args.workflow_branch.clone(),
        path: args.workflow_path.clone(),
    };
    let (sources, engine) = (Arc::clone(sources), Arc::clone(engine));
    tokio::spawn(async move {
        if let Err(error) = sources.switch(new, RequestTokens::default()).await {
            tracing::error!(%error, "the session starts without its workflow");
            engine.note(format!("The session starts without its workflow. {error}"));
        }
    });
}
