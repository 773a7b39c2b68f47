//! Turns without an agent: a bridge that is a function, a runner's engine around it, and what its log holds.

#![allow(dead_code, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a rig that does not work fails its test")]

use std::{path::Path, sync::Arc, time::Duration};

use ambient::{
    agui::Id,
    bridge::{
        Bridge, BridgeError, Ending, EventSink, Features, Instructions, McpServers, PermissionMode, Secrets,
        SessionSpec, SystemPrompt, Turn, TurnEnd,
    },
    eventlog::Store,
    host::BoxFuture,
    runner::{
        Engine, Live, SessionTemplate, Settings,
        probe::{NoRepositories, WorkspaceProbe},
    },
    security::Redactor,
};
use serde_json::json;
use tokio::sync::mpsc;

/// A session without anything special, which works in a directory.
pub(crate) fn session(cwd: &Path) -> SessionSpec {
    SessionSpec {
        thread_id: "thread".into(),
        cwd: cwd.to_owned(),
        add_dirs: Vec::new(),
        model: None,
        system_prompt: SystemPrompt::Replace("You are a test.".into()),
        permission_mode: PermissionMode::AcceptEdits,
        allowed_tools: None,
        disallowed_tools: Vec::new(),
        max_turns: None,
        output_schema: None,
        frontend_tools: Vec::new(),
        env: Secrets::default(),
        mcp_servers: McpServers::default(),
        instructions: Instructions::default(),
        tools_endpoint: None,
        user: None,
    }
}

/// The end of a turn that tells nothing more.
pub(crate) fn ended(ending: Ending) -> TurnEnd {
    TurnEnd {
        ending,
        result: None,
        structured_output: None,
        usage: Vec::new(),
        turns: 1,
        cost_usd: None,
        agent_session_id: None,
    }
}

/// A bridge whose turns are calls of a function.
pub(crate) struct Acted<F>(pub(crate) F);

impl<F> Bridge for Acted<F>
where
    F: Fn(Turn, EventSink) -> BoxFuture<'static, TurnEnd> + Send + Sync,
{
    fn name(&self) -> &'static str {
        "acted"
    }

    fn features(&self) -> Features {
        Features::default()
    }

    fn warm(&self, _: SessionSpec) -> BoxFuture<'_, Result<(), BridgeError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn turn(&self, turn: Turn, events: EventSink) -> BoxFuture<'_, TurnEnd> {
        self.0(turn, events)
    }

    fn follow_ups(&self, _: mpsc::Sender<Id>) {}

    fn shutdown(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// A runner's engine over a store.
pub(crate) async fn engine(store: Store, bridge: impl Bridge + 'static) -> Arc<Engine> {
    engine_with(store, bridge, NoRepositories).await
}

/// A runner's engine that looks at the workspace after each turn.
pub(crate) async fn engine_with(
    store: Store,
    bridge: impl Bridge + 'static,
    probe: impl WorkspaceProbe + 'static,
) -> Arc<Engine> {
    let settings = Settings {
        live: Live { session: SessionTemplate(session(Path::new("/"))), workspace_state: json!({ "path": "/" }) },
        queue_limit: 4,
        turn_limit: 16,
        thread_limit: 100,
        run_timeout: Duration::from_mins(1),
        notes: vec!["The workspace is ready.".to_owned()],
        tools: Vec::new(),
        probe: Arc::new(probe),
        callers: Arc::default(),
    };
    Engine::open(store, Arc::new(bridge), Arc::new(Redactor::new([])), settings).await.unwrap()
}
