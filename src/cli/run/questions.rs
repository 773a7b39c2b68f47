//! Putting a run's questions to the person at the terminal.

use std::io::{self, BufRead, Write};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde_json::Value;
use uuid::Uuid;

use crate::api::{
    Run, RunSpec,
    run::{Answer, AnswerStatus, Interrupt, SessionRef},
};

/// Asks every question of a run. The answers become a Run of their own; no line at all (end of input): none.
pub(super) async fn ask(session: &str, run: &Run) -> Option<Run> {
    let interrupts = run.status.as_ref()?.interrupts.clone();
    // Reading a terminal blocks for as long as the person thinks.
    let answers = tokio::task::spawn_blocking(move || read_answers(&interrupts)).await.ok()??;
    Some(answering(session, run, answers, Timestamp::now()))
}

fn read_answers(interrupts: &[Interrupt]) -> Option<Vec<Answer>> {
    let mut input = io::stdin().lock();
    interrupts.iter().map(|interrupt| read_answer(interrupt, &mut input)).collect()
}

fn read_answer(interrupt: &Interrupt, input: &mut impl BufRead) -> Option<Answer> {
    let question = interrupt.message.as_deref().unwrap_or("The agent asks for your answer.");
    anstream::print!("  ? {question}\n  > ");
    io::stdout().flush().ok()?;
    let mut line = String::new();
    let read = input.read_line(&mut line).ok()?;
    (read > 0).then(|| to_answer(&interrupt.id, line.trim()))
}

/// JSON is taken as JSON, so that a form can be filled in; an empty line declines.
fn to_answer(interrupt_id: &str, line: &str) -> Answer {
    let json = || serde_json::from_str(line).ok().filter(|value: &Value| value.is_object() || value.is_array());
    let payload = json().unwrap_or_else(|| Value::String(line.to_owned()));
    let declined = line.is_empty();
    Answer {
        interrupt_id: interrupt_id.to_owned(),
        status: if declined { AnswerStatus::Cancelled } else { AnswerStatus::Resolved },
        payload: (!declined).then_some(payload),
    }
}

fn answering(session: &str, asking: &Run, answers: Vec<Answer>, now: Timestamp) -> Run {
    let uid = Uuid::new_v4().to_string();
    let name = asking.metadata.name.as_deref().unwrap_or(session);
    let metadata = ObjectMeta {
        name: Some(format!("{name}-answer-{}", &uid[..5])),
        uid: Some(uid),
        namespace: asking.metadata.namespace.clone(),
        creation_timestamp: Some(Time(now)),
        ..ObjectMeta::default()
    };
    let spec = RunSpec {
        session_ref: SessionRef { name: session.to_owned() },
        resume: Some(answers),
        thread_id: asking.spec.thread_id.clone(),
        ..RunSpec::default()
    };
    Run { metadata, spec, status: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_is_text_an_object_is_a_form_and_an_empty_line_declines() {
        assert_eq!(to_answer("q", "blue").payload, Some(json!("blue")));
        assert_eq!(to_answer("q", "42").payload, Some(json!("42")));
        assert_eq!(to_answer("q", r#"{"a":1}"#).payload, Some(json!({"a": 1})));
        assert_eq!(to_answer("q", "").status, AnswerStatus::Cancelled);
    }
}
