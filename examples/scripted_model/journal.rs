//! What was asked, for tests to look at and for `--record`. The vendor's prompt text is left out: of the system prompt
//! only its length is kept, of tools only their names.

use serde::Serialize;
use serde_json::Value;

use super::conversation::Request;

/// One request that the model received.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Received {
    /// The HTTP method.
    pub(crate) method: String,
    /// The path and the query.
    pub(crate) path: String,
    /// The rule that answered; empty where no rule is asked.
    pub(crate) rule: String,
    /// The model's name.
    pub(crate) model: String,
    /// The session that asked.
    pub(crate) session: String,
    /// Whether the client asked for itself.
    pub(crate) side: bool,
    /// The last text that a person wrote.
    pub(crate) prompt: String,
    /// What persons, the model and tools said; reminders and messages of the role `system` are left out.
    pub(crate) messages: Vec<Value>,
    /// The names of the tools on offer.
    pub(crate) tools: Vec<String>,
    /// The length of all instructions to the model, in characters.
    pub(crate) system_chars: usize,
    /// Upper bound of the answer, in tokens.
    pub(crate) max_tokens: u64,
    /// Whether the answer was streamed.
    pub(crate) stream: bool,
    /// The client's key. Never written to a file.
    #[serde(skip)]
    pub(crate) api_key: Option<String>,
    /// All instructions to the model: the system prompt, messages of the role `system`, reminders. Never written to a file.
    #[serde(skip)]
    pub(crate) system: String,
}

impl Received {
    /// What is kept of a request to `/v1/messages`.
    pub(crate) fn new(path: &str, request: &Request, rule: &str, api_key: Option<&str>) -> Self {
        let system = request.instructions();
        Self {
            method: "POST".to_owned(),
            path: path.to_owned(),
            rule: rule.to_owned(),
            model: request.model.clone(),
            session: request.session(),
            side: request.is_side(),
            prompt: request.conversation().prompt,
            messages: request.dialogue(),
            tools: request.tool_names().into_iter().map(str::to_owned).collect(),
            system_chars: system.chars().count(),
            max_tokens: request.max_tokens,
            stream: request.stream,
            api_key: api_key.map(str::to_owned),
            system,
        }
    }

    /// One line for the log.
    pub(crate) fn line(&self) -> String {
        if self.model.is_empty() {
            return format!("{} {}", self.method, self.path);
        }
        let prompt: String =
            self.prompt.chars().take(60).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let side = if self.side { " side" } else { "" };
        format!(
            "{} {} {}{side} messages={} tools={} {prompt:?} -> {}",
            self.method,
            self.path,
            self.model,
            self.messages.len(),
            self.tools.len(),
            self.rule
        )
    }
}
