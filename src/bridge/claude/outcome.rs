//! How a turn ended: from the CLI's result, or from the way its process ended. Pure.

use serde_json::{Map, Value, json};

use super::{
    policy::OpenCall,
    progress::Progress,
    wire::{list, text},
};
use crate::{
    agui::{Id, Interrupt},
    bridge::{Ending, FailureKind, TurnEnd},
    host::Exit,
};

/// Why the bridge ended a turn itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// It was asked to.
    Interrupted,
    /// Going on has no sense.
    Failed(FailureKind, String),
}

impl From<Verdict> for Ending {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Interrupted => Self::Interrupted,
            Verdict::Failed(kind, message) => Self::Failed { kind, message },
        }
    }
}

/// What a process left behind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Death {
    /// How it ended, when the host could tell.
    pub(crate) exit: Option<Exit>,
    /// The last lines of its stderr.
    pub(crate) stderr: String,
    /// What it said about a failed start.
    pub(crate) result: Option<Value>,
}

/// The end of a turn that the CLI gave a result for.
pub(crate) fn of_result(
    progress: Progress,
    open: &[OpenCall],
    verdict: Option<Verdict>,
    session: Option<String>,
) -> TurnEnd {
    let result = progress.result.as_ref().unwrap_or(&Value::Null);
    let ending = ending(&progress, result, open, verdict);
    let said = text(result, "result").filter(|said| !said.is_empty() && result["is_error"] != true).map(str::to_owned);
    let structured_output = result.get("structured_output").filter(|output| !output.is_null()).cloned();
    TurnEnd { result: said, structured_output, ..unfinished(progress, ending, session) }
}

/// The end of a turn without a result.
pub(crate) fn unfinished(progress: Progress, ending: Ending, session: Option<String>) -> TurnEnd {
    TurnEnd {
        ending,
        result: None,
        structured_output: None,
        usage: progress.usage.into_values().collect(),
        turns: progress.turns,
        cost_usd: progress.cost_usd,
        agent_session_id: session,
    }
}

fn ending(progress: &Progress, result: &Value, open: &[OpenCall], verdict: Option<Verdict>) -> Ending {
    let failed = result["is_error"] == true;
    match verdict {
        // It came to its end before it could be stopped.
        Some(Verdict::Interrupted) if !failed && !result.is_null() => {}
        Some(verdict) => return verdict.into(),
        None => {}
    }
    if failed {
        let message = error_text(result);
        return Ending::Failed { kind: failure(progress, result), message };
    }
    waiting(open)
}

/// A turn that ends with a question is one that asks, whatever frontend tools it called beside it: their calls are
/// answered with the question's, and those without an answer are declined.
fn waiting(open: &[OpenCall]) -> Ending {
    let interrupts: Vec<Interrupt> =
        open.iter().filter_map(|call| Some(interrupt(call, call.question.as_ref()?))).collect();
    match (interrupts.is_empty(), open.is_empty()) {
        (false, _) => Ending::Asked(interrupts),
        (true, false) => Ending::PendingTools(open.iter().map(|call| Id::from(call.id.as_str())).collect()),
        (true, true) => Ending::Completed,
    }
}

/// A question of the agent. Its answer is `{"answers": {<question>: <text>}}`, or a text where there is one question.
fn interrupt(call: &OpenCall, question: &Value) -> Interrupt {
    let questions = list(question, "questions");
    let texts: Vec<&str> = questions.iter().filter_map(|one| text(one, "question")).collect();
    Interrupt {
        id: Id::from(call.id.as_str()),
        reason: "input_required".to_owned(),
        message: Some(texts.join("\n")),
        tool_call_id: Some(Id::from(call.id.as_str())),
        response_schema: Some(response_schema(questions)),
        expires_at: None,
        metadata: Some(Map::from_iter([("questions".to_owned(), json!(questions))])),
        subagent_run_id: None,
    }
}

fn response_schema(questions: &[Value]) -> Map<String, Value> {
    let mut answers = Map::new();
    for question in questions {
        let options: Vec<&str> = list(question, "options").iter().filter_map(|option| text(option, "label")).collect();
        // The options are suggestions: a person may always answer in words.
        let about = json!({ "type": "string", "title": question["header"], "examples": options });
        answers.insert(text(question, "question").unwrap_or_default().to_owned(), about);
    }
    let required: Vec<&String> = answers.keys().collect();
    let answers = json!({ "type": "object", "required": required, "properties": answers });
    let schema = json!({ "type": "object", "required": ["answers"], "properties": { "answers": answers } });
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn failure(progress: &Progress, result: &Value) -> FailureKind {
    let status = result["api_error_status"].as_u64();
    let error = progress.provider_error.as_deref();
    match (text(result, "subtype"), status, error) {
        (Some("error_max_turns"), ..) => FailureKind::MaxTurns,
        (Some("error_max_budget_usd"), ..) => FailureKind::BudgetExceeded,
        (_, Some(401 | 403), _) | (_, _, Some("authentication_failed")) => FailureKind::AuthFailed,
        (_, Some(402 | 429), _) | (_, _, Some("rate_limit" | "billing_error")) => {
            FailureKind::ProviderLimit { resume_at: progress.resets_at }
        }
        // The provider understood, and refused what it was asked.
        (_, Some(400..=499), _) => FailureKind::AgentError,
        (_, Some(_), _) | (_, _, Some("server_error" | "overloaded")) => FailureKind::ProviderError,
        _ if result["terminal_reason"] == "api_error" => FailureKind::ProviderError,
        _ => FailureKind::AgentError,
    }
}

fn error_text(result: &Value) -> String {
    if let Some(said) = text(result, "result").filter(|said| !said.is_empty()) {
        return said.to_owned();
    }
    let errors: Vec<&str> = list(result, "errors").iter().filter_map(Value::as_str).collect();
    match (errors.is_empty(), text(result, "subtype")) {
        (false, _) => errors.join("\n"),
        (true, Some("error_max_turns")) => "the agent reached its limit of model calls (maxTurns)".to_owned(),
        (true, subtype) => format!("the agent ended its turn with {}", subtype.unwrap_or("an error")),
    }
}

/// A process that died in the middle of a turn.
pub(crate) fn crashed(death: &Death) -> Ending {
    let out_of_memory = death.exit.is_some_and(|exit| exit.oom_kills > 0);
    let message = format!("the agent's process {}{}", how(death.exit, out_of_memory), last_words(death));
    Ending::Failed { kind: FailureKind::AgentCrashed { out_of_memory }, message }
}

/// A process that ended before it was ready.
pub(crate) fn not_started(death: &Death) -> (FailureKind, String) {
    let said = death.result.as_ref().map(error_text);
    let kind = match death.result.as_ref() {
        Some(result) if result["api_error_status"] == 401 => FailureKind::AuthFailed,
        _ => FailureKind::SetupFailed,
    };
    let why = said.map(|said| format!(": {said}")).unwrap_or_default();
    (kind, format!("the agent did not start: it {}{why}{}", how(death.exit, false), last_words(death)))
}

fn how(exit: Option<Exit>, out_of_memory: bool) -> String {
    match exit {
        _ if out_of_memory => "was ended by the kernel because it needed too much memory".to_owned(),
        Some(Exit { signal: Some(signal), .. }) => format!("was ended by signal {signal}"),
        Some(Exit { code: Some(code), .. }) => format!("ended with exit code {code}"),
        _ => "is gone".to_owned(),
    }
}

fn last_words(death: &Death) -> String {
    match death.stderr.trim() {
        "" => String::new(),
        words => format!("; its last words on stderr: {words}"),
    }
}
