//! From a Run object to what the engine is asked. Pure.

use serde_json::Value;

use super::job::session_name;
use crate::{
    agui::{Content, Id, Message, MessageCommon, ResumeItem, ResumeStatus, RunAgentInput},
    api::{
        AgenticSession, Run,
        run::{Answer, AnswerStatus, Input, InputMessage, MessageRole},
    },
    runner::{RunOptions, RunRequest},
};

/// The AG-UI id of a Run: its own, or its UID.
pub(super) fn run_id(run: &Run) -> Id {
    let own = run.spec.run_id.as_deref().or(run.metadata.uid.as_deref());
    Id::from(own.unwrap_or_default())
}

/// The conversation that a Run continues.
pub(super) fn thread_id(session: &AgenticSession, run: &Run) -> Id {
    Id::from(run.spec.thread_id.as_deref().unwrap_or(session_name(session)))
}

/// What the engine is asked. `remaining` is what the session's own deadline leaves, in seconds.
pub(super) fn request(session: &AgenticSession, run: &Run, remaining: Option<u64>) -> RunRequest {
    let run_id = run_id(run);
    let (messages, resume) = spoken(run, &run_id);
    let input = RunAgentInput {
        thread_id: thread_id(session, run),
        run_id,
        protocol_version: None,
        parent_run_id: None,
        state: None,
        messages,
        tools: Vec::new(),
        context: Vec::new(),
        forwarded_props: None,
        resume,
    };
    let own = run.spec.timeout.and_then(|seconds| u64::try_from(seconds).ok());
    let options = RunOptions {
        timeout_seconds: own.into_iter().chain(remaining).min(),
        model: run.spec.model.clone(),
        output_schema: run.spec.output_schema.clone(),
        ..RunOptions::default()
    };
    RunRequest { options, ..RunRequest::plain(input) }
}

fn spoken(run: &Run, run_id: &Id) -> (Vec<Message>, Vec<ResumeItem>) {
    let id = |number: usize| Id::from(format!("{run_id}-{number}"));
    match run.spec.input() {
        Some(Input::Prompt(text)) => (vec![user(id(0), text)], Vec::new()),
        Some(Input::Messages(messages)) => {
            let messages = messages.iter().enumerate().map(|(number, message)| said(message, id(number)));
            (messages.collect(), Vec::new())
        }
        Some(Input::Answers(answers)) => (Vec::new(), answers.iter().map(resume).collect()),
        None => (Vec::new(), Vec::new()),
    }
}

fn user(id: Id, text: &str) -> Message {
    Message::User { id, content: Content::Text(text.to_owned()), common: MessageCommon::default() }
}

fn said(message: &InputMessage, default_id: Id) -> Message {
    let id = message.id.as_deref().map_or(default_id, Id::from);
    match message.role {
        MessageRole::User => user(id, &message.content),
        MessageRole::Tool => Message::Tool {
            id,
            tool_call_id: Id::from(message.tool_call_id.as_deref().unwrap_or_default()),
            content: Content::Text(message.content.clone()),
            error: None,
            encrypted_value: None,
            metadata: None,
            subagent_run_id: None,
        },
    }
}

fn resume(answer: &Answer) -> ResumeItem {
    let status = match answer.status {
        AnswerStatus::Resolved => ResumeStatus::Resolved,
        AnswerStatus::Cancelled => ResumeStatus::Cancelled,
    };
    let payload = answer.payload.clone().filter(|payload| *payload != Value::Null);
    ResumeItem { interrupt_id: Id::from(answer.interrupt_id.as_str()), status, payload, metadata: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_defaults_to_the_uid() {
        let mut run = Run::new("r", crate::api::RunSpec::default());
        run.metadata.uid = Some("uid-1".into());
        assert_eq!(run_id(&run).as_str(), "uid-1");
        run.spec.run_id = Some("mine".into());
        assert_eq!(run_id(&run).as_str(), "mine");
    }
}
