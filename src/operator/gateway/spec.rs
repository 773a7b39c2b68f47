//! From the input of an AG-UI client to the spec of a Run. Pure.

use crate::{
    agui::{Content, Message, ResumeStatus, RunAgentInput, RunExtras},
    api::{
        RunSpec,
        run::{Answer, AnswerStatus, InputMessage, MessageRole, SessionRef},
    },
};

/// The spec, or what a Run has no place for.
pub(super) fn of(session: &str, input: &RunAgentInput, extras: &RunExtras) -> Result<RunSpec, String> {
    homeless(input, extras)?;
    let resume: Vec<Answer> = input.resume.iter().map(answer).collect();
    let messages = if resume.is_empty() { new_messages(&input.messages)? } else { Vec::new() };
    if resume.is_empty() && messages.is_empty() {
        return Err("messages: expected one of a user or a tool at the end".to_owned());
    }
    let thread = &*input.thread_id;
    Ok(RunSpec {
        session_ref: SessionRef { name: session.to_owned() },
        run_id: Some(input.run_id.to_string()),
        thread_id: (thread != session).then(|| thread.to_owned()),
        resume: (!resume.is_empty()).then_some(resume),
        messages: (!messages.is_empty()).then_some(messages),
        model: extras.ambient.model.clone().or_else(|| model(input)),
        timeout: extras.ambient.timeout_seconds.and_then(|seconds| i64::try_from(seconds).ok()),
        output_schema: extras.ambient.output_schema.clone(),
        ..RunSpec::default()
    })
}

/// Nothing that a client asks for is left out silently.
fn homeless(input: &RunAgentInput, extras: &RunExtras) -> Result<(), String> {
    let is_empty =
        |value: &serde_json::Value| value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    let only_model =
        |value: &serde_json::Value| value.as_object().is_some_and(|props| props.keys().all(|key| key == "model"));
    let left = [
        ("tools", !input.tools.is_empty()),
        ("context", !input.context.is_empty()),
        // What the platform itself has said as the state comes back with every run.
        ("state", input.state.as_ref().is_some_and(|state| !is_empty(state) && !is_ours(state))),
        ("forwardedProps", input.forwarded_props.as_ref().is_some_and(|props| !is_empty(props) && !only_model(props))),
        ("environment", !extras.environment.is_empty()),
    ];
    match left.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((name, _)) => {
            Err(format!("{name}: a Run has no place for it; post it to the session's own runner instead"))
        }
    }
}

fn is_ours(state: &serde_json::Value) -> bool {
    state.as_object().is_some_and(|members| members.keys().all(|key| key == "ambient"))
}

fn model(input: &RunAgentInput) -> Option<String> {
    Some(input.forwarded_props.as_ref()?.get("model")?.as_str()?.to_owned())
}

/// Clients send the whole conversation; what is new stands behind the last answer.
fn new_messages(all: &[Message]) -> Result<Vec<InputMessage>, String> {
    let is_new = |message: &&Message| matches!(message, Message::User { .. } | Message::Tool { .. });
    let count = all.iter().rev().take_while(is_new).count();
    all[all.len() - count..].iter().map(said).collect()
}

fn said(message: &Message) -> Result<InputMessage, String> {
    let (id, role, content, call) = match message {
        Message::User { id, content, .. } => (id, MessageRole::User, content, None),
        Message::Tool { id, content, tool_call_id, .. } => (id, MessageRole::Tool, content, Some(tool_call_id)),
        _ => return Err("messages: expected one of a user or a tool".to_owned()),
    };
    let is_text = match content {
        Content::Text(_) => true,
        Content::Parts(parts) => parts.iter().all(|part| part.text().is_some()),
    };
    if !is_text {
        return Err("messages: a Run holds text only; post images to the session's own runner".to_owned());
    }
    Ok(InputMessage {
        id: Some(id.to_string()),
        role,
        content: content.text(),
        tool_call_id: call.map(ToString::to_string),
    })
}

fn answer(item: &crate::agui::ResumeItem) -> Answer {
    Answer {
        interrupt_id: item.interrupt_id.to_string(),
        status: match item.status {
            ResumeStatus::Resolved => AnswerStatus::Resolved,
            ResumeStatus::Cancelled => AnswerStatus::Cancelled,
        },
        payload: item.payload.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agui::parse_run;
    use serde_json::{Value, json};

    fn spec(body: &Value) -> Result<RunSpec, String> {
        let (input, extras) = parse_run(body.to_string().as_bytes()).unwrap();
        of("s1", &input, &extras)
    }

    #[test]
    fn only_what_is_new_of_a_conversation_goes_into_the_run() {
        let body = json!({"threadId": "s1", "runId": "r2", "state": {}, "tools": [], "context": [], "forwardedProps": {"model": "m"},
        "messages": [
            {"id": "1", "role": "user", "content": "old"},
            {"id": "2", "role": "assistant", "content": "yes"},
            {"id": "3", "role": "user", "content": "new"},
        ]});
        let spec = spec(&body).unwrap();
        let messages = spec.messages.unwrap();
        assert_eq!(messages.len(), 1);
        assert_eq!((messages[0].id.as_deref(), &*messages[0].content), (Some("3"), "new"));
        assert_eq!((spec.run_id.as_deref(), spec.thread_id, spec.model.as_deref()), (Some("r2"), None, Some("m")));
    }

    #[test]
    fn answers_go_without_messages() {
        let body = json!({"threadId": "t", "runId": "r2", "messages": [{"id": "1", "role": "user", "content": "old"}],
            "resume": [{"interruptId": "q", "status": "resolved", "payload": "blue"}]});
        let spec = spec(&body).unwrap();
        assert_eq!((spec.messages, spec.thread_id.as_deref()), (None, Some("t")));
        assert_eq!(spec.resume.unwrap()[0].payload, Some(json!("blue")));
    }

    #[test]
    fn what_a_run_has_no_place_for_is_refused_and_named() {
        let user = json!([{"id": "1", "role": "user", "content": "x"}]);
        for (member, value) in [
            ("tools", json!([{"name": "t", "description": "d"}])),
            ("context", json!([{"description": "d", "value": "v"}])),
            ("state", json!({"a": 1})),
            ("forwardedProps", json!({"a": 1})),
        ] {
            let body = json!({"threadId": "s1", "runId": "r", "messages": user, member: value});
            assert!(spec(&body).unwrap_err().starts_with(member), "{member}");
        }
        let none =
            json!({"threadId": "s1", "runId": "r", "messages": [{"id": "1", "role": "assistant", "content": "x"}]});
        assert!(spec(&none).unwrap_err().starts_with("messages"));
    }
}
