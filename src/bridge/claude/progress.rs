//! What the lines of one turn add up to, and when the turn is over.

use std::collections::BTreeMap;

use serde_json::Value;

use super::wire::{list, text};
use crate::agui::Usage;

/// A turn that is under way.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// The id of the message that began it; none when the agent began by itself.
    pub(crate) prompt: Option<String>,
    /// The CLI has said something since the turn began: it has got the message.
    pub(crate) spoke: bool,
    /// A result of this turn has come.
    answered: bool,
    /// The last result.
    pub(crate) result: Option<Value>,
    /// The kind of the last error that the provider gave.
    pub(crate) provider_error: Option<String>,
    /// When the provider's quota is back, in Unix seconds.
    pub(crate) resets_at: Option<i64>,
    pub(crate) usage: BTreeMap<String, Usage>,
    pub(crate) cost_usd: Option<f64>,
    pub(crate) turns: u32,
}

impl Progress {
    /// A turn that this message begins.
    pub(crate) fn new(prompt: Option<String>) -> Self {
        Self { prompt, ..Self::default() }
    }

    /// Notes what matters of a line for how the turn ends.
    pub(crate) fn observe(&mut self, value: &Value) {
        self.spoke |= self.shows_that_it_began(value);
        match text(value, "type") {
            Some("assistant") if value["parent_tool_use_id"].is_null() => {
                self.provider_error = text(value, "error").map(str::to_owned);
            }
            _ => {}
        }
        // On a message of its own, and on the error that it led to.
        if let Some(at) = value["rate_limit_info"]["resetsAt"].as_i64() {
            self.resets_at = Some(at);
        }
    }

    /// Whether a line can only come after the turn's message; the turn before may still have some to say.
    fn shows_that_it_began(&self, value: &Value) -> bool {
        match text(value, "type") {
            Some("command_lifecycle") => text(value, "command_uuid") == self.prompt.as_deref(),
            Some("system") if value["subtype"] == "session_state_changed" => value["state"] == "running",
            Some("system") => value["subtype"] == "init",
            Some("assistant" | "user") => true,
            _ => false,
        }
    }

    /// Takes a result. True when the turn is over: it is the turn's own, and no sub-agent will make the agent go on.
    pub(crate) fn result(&mut self, value: Value, goes_on: bool) -> bool {
        self.answered |= self.is_ours(&value);
        self.add_usage(&value);
        self.turns += value["num_turns"].as_u64().and_then(|turns| u32::try_from(turns).ok()).unwrap_or_default();
        self.result = Some(value);
        self.answered && !goes_on
    }

    /// The CLI has nothing left to do. True when the turn is over by that.
    pub(crate) fn idle(&self) -> bool {
        self.answered
    }

    fn is_ours(&self, result: &Value) -> bool {
        let Some(prompt) = &self.prompt else {
            return true;
        };
        if result.get("user_message_uuids").is_some() || result.get("user_message_uuid").is_some() {
            let named = list(result, "user_message_uuids").iter().any(|uuid| uuid == prompt.as_str());
            return named || text(result, "user_message_uuid") == Some(prompt);
        }
        // Versions that name no messages: all but the agent's own turns are ours.
        result["origin"]["kind"] != "task-notification"
    }

    /// The CLI's totals go on over turns and restarts; what is new is given beside them (since 2.1.330).
    fn add_usage(&mut self, result: &Value) {
        let Some(models) = result.get("model_usage_since_last_result").and_then(Value::as_object) else {
            return;
        };
        let mut cost = self.cost_usd.unwrap_or_default();
        for (model, used) in models {
            let entry = self.usage.entry(model.clone()).or_insert_with(|| of_model(model));
            add(entry, used);
            cost += used["costUSD"].as_f64().unwrap_or_default();
        }
        self.cost_usd = Some(cost);
    }
}

fn of_model(model: &str) -> Usage {
    Usage { provider: Some("anthropic".to_owned()), model: Some(model.to_owned()), ..Usage::default() }
}

/// The Messages API counts cache reads and writes beside the input, AG-UI inside it.
fn add(entry: &mut Usage, used: &Value) {
    let count = |member: &str| used[member].as_u64().unwrap_or_default();
    let (read, written) = (count("cacheReadInputTokens"), count("cacheCreationInputTokens"));
    let (input, output) = (count("inputTokens") + read + written, count("outputTokens"));
    let grow = |total: &mut Option<u64>, by: u64| *total = Some(total.unwrap_or_default() + by);
    grow(&mut entry.input_tokens, input);
    grow(&mut entry.output_tokens, output);
    grow(&mut entry.total_tokens, input + output);
    grow(&mut entry.cached_input_tokens, read);
    grow(&mut entry.cache_write_input_tokens, written);
    if let Some(thinking) = used["thinkingTokens"].as_u64() {
        grow(&mut entry.reasoning_tokens, thinking);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn usage(input: u64, cost: f64) -> Value {
        json!({ "m": { "inputTokens": input, "outputTokens": 7, "cacheReadInputTokens": 5,
                "cacheCreationInputTokens": 3, "costUSD": cost } })
    }

    #[test]
    fn a_result_of_another_message_does_not_end_the_turn() {
        let mut turn = Progress::new(Some("p1".into()));
        assert!(!turn.result(json!({ "origin": { "kind": "task-notification" } }), false));
        assert!(!turn.result(json!({ "user_message_uuids": ["p0"] }), false));
        assert!(!turn.idle());
        assert!(turn.result(json!({ "user_message_uuids": ["p1"] }), false));
    }

    #[test]
    fn a_turn_whose_sub_agents_work_ends_with_the_turn_that_their_report_begins() {
        let mut turn = Progress::new(Some("p1".into()));
        assert!(!turn.result(json!({ "user_message_uuids": ["p1"] }), true));
        assert!(turn.result(json!({ "origin": { "kind": "task-notification" } }), false));
    }

    #[test]
    fn versions_that_name_no_messages_end_with_their_result() {
        assert!(Progress::new(Some("p1".into())).result(json!({}), false));
        assert!(Progress::new(None).result(json!({ "origin": { "kind": "task-notification" } }), false));
    }

    #[test]
    fn usage_is_added_up_per_model_with_the_cache_inside_the_input() {
        let mut turn = Progress::new(None);
        turn.result(json!({ "model_usage_since_last_result": usage(10, 0.5), "num_turns": 2 }), true);
        turn.result(json!({ "model_usage_since_last_result": usage(1, 0.25), "num_turns": 1 }), false);
        let used = &turn.usage["m"];
        assert_eq!((used.input_tokens, used.output_tokens, used.total_tokens), (Some(27), Some(14), Some(41)));
        assert_eq!((used.cached_input_tokens, used.cache_write_input_tokens), (Some(10), Some(6)));
        assert_eq!((turn.cost_usd, turn.turns), (Some(0.75), 3));
    }
}
