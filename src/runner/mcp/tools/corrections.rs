//! `corrections`: the agent notes that a person corrected it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{noted, text, tool, unknown};
use crate::{
    agui::{Id, Tool},
    bridge::tools::{Called, ToolServer},
    host::BoxFuture,
    runner::feedback::{FeedbackKind, FeedbackSink},
};

/// The kinds of corrections.
const KINDS: [&str; 4] = ["incomplete", "incorrect", "out_of_scope", "style"];

const DESCRIPTION: &str =
    "Note that the user corrected your work: call it once for each correction, before you act on it.";

/// The tool server `corrections`.
pub struct Corrections {
    sink: Arc<dyn FeedbackSink>,
}

impl Corrections {
    /// Corrections go into the running run's events and to this sink.
    #[must_use]
    pub fn new(sink: Arc<dyn FeedbackSink>) -> Self {
        Self { sink }
    }

    fn log(&self, thread: &Id, arguments: &Value) -> Result<Called, String> {
        let kind = text(arguments, "correction_type")?;
        if !KINDS.contains(&kind.as_str()) {
            return Err(format!("correction_type: expected one of {}", KINDS.join(", ")));
        }
        let payload = json!({
            "correctionType": kind,
            "agentAction": text(arguments, "agent_action")?,
            "userCorrection": text(arguments, "user_correction")?,
        });
        Ok(noted(&*self.sink, FeedbackKind::Correction, thread, payload, "The correction is noted."))
    }
}

impl ToolServer for Corrections {
    fn name(&self) -> &'static str {
        "corrections"
    }

    fn tools(&self) -> Vec<Tool> {
        let properties = json!({
            "correction_type": { "type": "string", "enum": KINDS },
            "agent_action": { "type": "string", "description": "What you did or said." },
            "user_correction": { "type": "string", "description": "What the user wants instead." },
        });
        vec![tool("log_correction", DESCRIPTION, &properties, &["correction_type", "agent_action", "user_correction"])]
    }

    fn call<'a>(&'a self, thread: &'a Id, tool: &'a str, arguments: Value) -> BoxFuture<'a, Result<Called, String>> {
        Box::pin(async move {
            match tool {
                "log_correction" => self.log(thread, &arguments),
                other => Err(unknown("corrections", other)),
            }
        })
    }
}
