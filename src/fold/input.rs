//! What a Run tells the agent, as the input of AG-UI. Pure.

use serde_json::Value;

use crate::{
    agui::{Content, Id, Message, MessageCommon, ResumeItem, ResumeStatus, RunAgentInput},
    api::run::{Answer, AnswerStatus, Input, InputMessage, MessageRole, RunSpec},
};

/// The AG-UI input of a Run. Messages without an id get one that is derived from the run's.
#[must_use]
pub fn input(thread_id: Id, run_id: Id, spec: &RunSpec) -> RunAgentInput {
    let (messages, resume) = spoken(spec, &run_id);
    RunAgentInput {
        thread_id,
        run_id,
        protocol_version: None,
        parent_run_id: None,
        state: None,
        messages,
        tools: Vec::new(),
        context: Vec::new(),
        forwarded_props: None,
        resume,
    }
}

fn spoken(spec: &RunSpec, run_id: &Id) -> (Vec<Message>, Vec<ResumeItem>) {
    let id = |number: usize| Id::from(format!("{run_id}-{number}"));
    match spec.input() {
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
