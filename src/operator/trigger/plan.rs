//! From a template to a session, and which session is used again. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kube::ResourceExt;
use serde_json::{Map, Value};

use crate::api::{
    AgenticSession, AgenticSessionSpec,
    defaults::RUNNER_TYPE_VARIABLE,
    session::SessionPhase,
    validate::{self, Place},
};

/// The label with the schedule's name.
pub(super) const SCHEDULE: &str = "ambient-code.io/scheduled-session-name";
/// The label of every session that a schedule has made.
const SCHEDULED: &str = "ambient-code.io/scheduled-run";
/// The most characters of a session's name before the time: the original's.
const MAX_PREFIX: usize = 40;
/// Members of a template that are no fields of a session, but of the request that made the template.
const REQUEST_ONLY: [&str; 1] = ["project"];

/// Why a template makes no session. A person must mend the template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It is no JSON object.
    #[error("SESSION_TEMPLATE is to be the spec of an AgenticSession as a JSON object: {0}")]
    Json(String),
    /// A field is not what it is to be.
    #[error("SESSION_TEMPLATE is no spec of an AgenticSession: {0}")]
    Invalid(String),
}

/// A template that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Template {
    pub(super) spec: AgenticSessionSpec,
    /// Paths of what a session has no field for.
    pub(super) left_out: Vec<String>,
}

/// Reads a template. `runnerType`, which is no field of a session, becomes the variable that selects the runner.
pub(super) fn template(text: &str) -> Result<Template, TemplateError> {
    let mut members: Map<String, Value> =
        serde_json::from_str(text).map_err(|error| TemplateError::Json(error.to_string()))?;
    for name in REQUEST_ONLY {
        members.remove(name);
    }
    let runner = members.remove("runnerType");
    let whole = Value::Object(members);
    let mut spec: AgenticSessionSpec = serde_json::from_value(whole.clone()).map_err(|error| invalid(&error))?;
    match runner {
        None | Some(Value::Null) => {}
        Some(Value::String(kind)) if kind.is_empty() => {}
        Some(Value::String(kind)) => {
            spec.environment_variables.entry(RUNNER_TYPE_VARIABLE.to_owned()).or_insert(kind);
        }
        Some(other) => return Err(TemplateError::Invalid(format!("runnerType: expected a text, found {other}"))),
    }
    let read = serde_json::to_value(&spec).map_err(|error| invalid(&error))?;
    let mut left_out = Vec::new();
    missing("", &whole, &read, &mut left_out);
    Ok(Template { spec, left_out })
}

fn invalid(error: &serde_json::Error) -> TemplateError {
    TemplateError::Invalid(error.to_string())
}

/// What was given and not read.
fn missing(at: &str, given: &Value, read: &Value, paths: &mut Vec<String>) {
    match (given, read) {
        (Value::Object(given), Value::Object(read)) => {
            for (name, given) in given {
                let path = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                match read.get(name) {
                    Some(read) => missing(&path, given, read, paths),
                    None if is_nothing(given) => {}
                    None => paths.push(path),
                }
            }
        }
        (Value::Array(given), Value::Array(read)) => {
            for (index, (given, read)) in given.iter().zip(read).enumerate() {
                missing(&format!("{at}[{index}]"), given, read, paths);
            }
        }
        (_, _) => {}
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// The session that a schedule makes now, checked.
pub(super) fn session(
    mut spec: AgenticSessionSpec,
    namespace: &str,
    schedule: &str,
    now: Timestamp,
) -> Result<AgenticSession, TemplateError> {
    let shown = spec.display_name.clone().filter(|name| !name.is_empty());
    let prefix = prefix(shown.as_deref().unwrap_or(schedule));
    spec.display_name = shown.map(|name| format!("{name} ({})", now.strftime("%b %-d, %Y - %H:%M:%S")));
    let mut session = AgenticSession::new(&format!("{prefix}-{}", now.as_second()), spec);
    session.metadata.namespace = Some(namespace.to_owned());
    session.metadata.labels =
        Some(BTreeMap::from([(SCHEDULE.to_owned(), schedule.to_owned()), (SCHEDULED.to_owned(), "true".to_owned())]));
    let violations = validate::session(&session, Place::Cluster);
    if violations.is_empty() {
        return Ok(session);
    }
    let words: Vec<String> = violations.iter().map(ToString::to_string).collect();
    Err(TemplateError::Invalid(words.join("; ")))
}

/// What a session's name begins with: lower case letters, digits and single hyphens of a name for people.
fn prefix(name: &str) -> String {
    let mut prefix = String::new();
    for letter in name.chars() {
        match letter.to_ascii_lowercase() {
            letter @ ('a'..='z' | '0'..='9') => prefix.push(letter),
            _ if prefix.is_empty() || prefix.ends_with('-') => {}
            _ => prefix.push('-'),
        }
    }
    prefix.truncate(MAX_PREFIX);
    let prefix = prefix.trim_end_matches('-');
    if prefix.is_empty() { "run".to_owned() } else { prefix.to_owned() }
}

/// What to do when the schedule's last session is to be used again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reuse {
    /// There is none that could be.
    Create,
    /// It runs: it is told the prompt.
    Tell(String),
    /// It rests: it starts again with the prompt.
    Resume(String),
    /// It runs, and there is nothing to tell it.
    Leave(String),
}

/// Which of the schedule's sessions is used again: the newest, unless it has failed or is on its way somewhere.
pub(super) fn reuse(sessions: &[AgenticSession], prompt: Option<&str>) -> Reuse {
    let newest = sessions.iter().max_by_key(|session| session.creation_timestamp().map(|time| time.0));
    let Some(newest) = newest else {
        return Reuse::Create;
    };
    let name = newest.name_any();
    match newest.status.as_ref().map(|status| status.phase).unwrap_or_default() {
        SessionPhase::Running if prompt.is_none() => Reuse::Leave(name),
        SessionPhase::Running => Reuse::Tell(name),
        SessionPhase::Stopped | SessionPhase::Completed => Reuse::Resume(name),
        SessionPhase::Pending | SessionPhase::Creating | SessionPhase::Stopping | SessionPhase::Failed => Reuse::Create,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    fn made(text: &Value, schedule: &str) -> AgenticSession {
        session(template(&text.to_string()).unwrap().spec, "team", schedule, at()).unwrap()
    }

    #[test]
    fn a_session_is_named_by_its_display_name_and_the_time_and_labelled_by_its_schedule() {
        let session = made(&json!({"displayName": "Daily: Jira — Summary!", "initialPrompt": "go"}), "daily");
        assert_eq!(session.name_any(), "daily-jira-summary-1767225600");
        assert_eq!(session.spec.display_name.as_deref(), Some("Daily: Jira — Summary! (Jan 1, 2026 - 00:00:00)"));
        assert_eq!(session.labels()[SCHEDULE], "daily");
        assert_eq!(session.labels()[SCHEDULED], "true");
        assert_eq!(made(&json!({}), "x".repeat(60).as_str()).name_any().len(), 40 + 11);
        assert_eq!(made(&json!({"displayName": "—"}), "daily").name_any(), "run-1767225600");
    }

    /// Item 26 of the original's weaknesses: what a session has no field for was lost without a word, the runner's type among it.
    #[test]
    fn weakness_26_the_runner_of_a_template_is_kept_and_nothing_of_it_is_lost_without_a_word() {
        let given = json!({
            "runnerType": "gemini-cli", "project": "team", "repos": [{"url": "https://git.example/a.git", "depth": 1}],
            "llmSettings": {"model": "m", "topP": 1}, "parentSessionId": "", "labels": {"a": "b"},
        });
        let read = template(&given.to_string()).unwrap();
        assert_eq!(read.spec.environment_variables["RUNNER_TYPE"], "gemini-cli");
        let mut left_out = read.left_out;
        left_out.sort();
        assert_eq!(left_out, ["labels", "llmSettings.topP", "repos[0].depth"]);
        let own = json!({"runnerType": "gemini-cli", "environmentVariables": {"RUNNER_TYPE": "claude-agent-sdk"}});
        assert_eq!(template(&own.to_string()).unwrap().spec.environment_variables["RUNNER_TYPE"], "claude-agent-sdk");
    }

    #[test]
    fn a_template_with_a_mistake_says_where() {
        assert!(matches!(template("[]"), Err(TemplateError::Json(_))));
        let timeout = template(&json!({"timeout": "soon"}).to_string()).unwrap_err().to_string();
        assert!(timeout.contains("expected i64"), "{timeout}");
        let spec = template(&json!({"repos": [{"url": "ftp://x/y"}]}).to_string()).unwrap().spec;
        let error = session(spec, "team", "daily", at()).unwrap_err().to_string();
        assert!(error.contains("spec.repos[0].url"), "{error}");
    }

    #[test]
    fn the_newest_session_is_used_again_if_it_runs_or_rests() {
        let of = |name: &str, phase: &str, day: u8| -> AgenticSession {
            let created = format!("2026-01-0{day}T00:00:00Z");
            let metadata = json!({"name": name, "creationTimestamp": created});
            let object =
                json!({"apiVersion": "v", "kind": "k", "metadata": metadata, "spec": {}, "status": {"phase": phase}});
            serde_json::from_value(object).unwrap()
        };
        let newest = |phase: &str| vec![of("old", "Running", 1), of("new", phase, 3), of("middle", "Stopped", 2)];
        assert_eq!(reuse(&[], Some("p")), Reuse::Create);
        assert_eq!(reuse(&newest("Running"), Some("p")), Reuse::Tell("new".into()));
        assert_eq!(reuse(&newest("Running"), None), Reuse::Leave("new".into()));
        for phase in ["Stopped", "Completed"] {
            assert_eq!(reuse(&newest(phase), None), Reuse::Resume("new".into()));
        }
        for phase in ["Pending", "Creating", "Stopping", "Failed"] {
            assert_eq!(reuse(&newest(phase), Some("p")), Reuse::Create);
        }
    }
}
