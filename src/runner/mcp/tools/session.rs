//! `session`: what an agent may do about its own session.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{tool, unknown};
use crate::{
    agui::{Id, Tool},
    bridge::tools::{Called, ToolServer},
    host::BoxFuture,
};

/// Fetching a session's credentials again, before they expire.
pub trait RefreshCredentials: Send + Sync {
    /// Refreshes the credentials that the runs of a thread use. What it says is told to the agent: names and times, never
    /// values; an error is a sentence that tells what to do.
    fn refresh<'a>(&'a self, thread: &'a Id) -> BoxFuture<'a, Result<String, String>>;
}

/// The tool server `session`.
#[derive(Default)]
pub struct SessionTools {
    credentials: Option<Arc<dyn RefreshCredentials>>,
}

impl SessionTools {
    /// Without somebody who refreshes credentials, that tool is not offered.
    #[must_use]
    pub fn new(credentials: Option<Arc<dyn RefreshCredentials>>) -> Self {
        Self { credentials }
    }
}

const REFRESH: &str = "Fetch the credentials of this session again, for instance after a tool or git was refused.";

const RESTART: &str = "Start the agent anew with the same conversation, for instance to connect MCP servers again. It happens when this turn is over.";

impl ToolServer for SessionTools {
    fn name(&self) -> &'static str {
        "session"
    }

    fn tools(&self) -> Vec<Tool> {
        let refresh = self.credentials.as_ref().map(|_| tool("refresh_credentials", REFRESH, &json!({}), &[]));
        refresh.into_iter().chain([tool("restart_session", RESTART, &json!({}), &[])]).collect()
    }

    fn call<'a>(&'a self, thread: &'a Id, tool: &'a str, _: Value) -> BoxFuture<'a, Result<Called, String>> {
        Box::pin(async move {
            match (tool, &self.credentials) {
                ("refresh_credentials", Some(credentials)) => credentials.refresh(thread).await.map(Called::from),
                ("restart_session", _) => Ok(Called {
                    text: "The next turn has a new process with the same conversation. This one goes on.".to_owned(),
                    restart: true,
                    ..Called::default()
                }),
                (other, _) => Err(unknown("session", other)),
            }
        })
    }
}
