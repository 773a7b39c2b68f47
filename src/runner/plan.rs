//! What a run's input asks of the agent, given what the thread's last run left open. Pure.

use serde_json::Value;

use crate::{
    agui::{Content, ContentPart, Id, Interrupt, Message, ResumeItem, ResumeStatus, RunAgentInput},
    bridge::{Answer, TurnInput},
};

/// What the last run of a thread left open.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct OpenQuestions {
    /// Questions to a person.
    pub(crate) interrupts: Vec<Interrupt>,
    /// Frontend tool calls whose results the client owes.
    pub(crate) tools: Vec<Id>,
}

impl OpenQuestions {
    /// Whether a person must answer before anything else can run.
    pub(crate) fn waits_for_person(&self) -> bool {
        !self.interrupts.is_empty()
    }
}

/// What a run does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Plan {
    /// Nothing was asked: the run starts and finishes.
    Nothing,
    /// The agent takes a turn.
    Turn(TurnInput),
}

/// The ids of interrupts that an input leaves without an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the run before asks and waits: answer every open interrupt in `resume` (status resolved or cancelled); without an answer: {}",
    .0.iter().map(Id::as_str).collect::<Vec<_>>().join(", ")
)]
pub struct Uncovered(pub Vec<Id>);

/// Decides what a run does.
///
/// Only what is new counts: the messages after the last one that the agent wrote. An open question is answered by
/// `resume`, by a tool message, or, when it is the only one, by plain text, as the original platform's clients do.
pub(crate) fn plan(input: &RunAgentInput, open: &OpenQuestions) -> Result<Plan, Uncovered> {
    let fresh = fresh_messages(&input.messages);
    let prompt = prompt_of(fresh);
    if open.waits_for_person() {
        return answer_interrupts(input, fresh, prompt, &open.interrupts).map(Plan::Turn);
    }
    if !open.tools.is_empty() {
        return Ok(Plan::Turn(answer_tools(fresh, prompt, &open.tools)));
    }
    Ok(if prompt.is_empty() { Plan::Nothing } else { Plan::Turn(TurnInput::Prompt(prompt)) })
}

/// The messages after the agent's last one.
fn fresh_messages(messages: &[Message]) -> &[Message] {
    let known = messages.iter().rposition(|m| matches!(m, Message::Assistant { .. }));
    &messages[known.map_or(0, |at| at + 1)..]
}

fn prompt_of(messages: &[Message]) -> Vec<ContentPart> {
    messages.iter().flat_map(user_parts).collect()
}

fn user_parts(message: &Message) -> Vec<ContentPart> {
    match message {
        Message::User { content: Content::Text(text), .. } if text.is_empty() => Vec::new(),
        Message::User { content: Content::Text(text), .. } => vec![ContentPart::from(text.as_str())],
        Message::User { content: Content::Parts(parts), .. } => parts.clone(),
        Message::Developer { .. }
        | Message::System { .. }
        | Message::Assistant { .. }
        | Message::Tool { .. }
        | Message::Activity { .. }
        | Message::Reasoning { .. } => Vec::new(),
    }
}

fn tool_answer(messages: &[Message], call: &Id) -> Option<Answer> {
    messages.iter().rev().find_map(|message| match message {
        Message::Tool { tool_call_id, content, .. } if tool_call_id == call => {
            Some(Answer { tool_call_id: call.clone(), payload: Some(Value::String(content.text())) })
        }
        _ => None,
    })
}

/// Results for pending frontend tools; a client that goes on without one has declined it.
fn answer_tools(fresh: &[Message], then: Vec<ContentPart>, tools: &[Id]) -> TurnInput {
    let answers = tools.iter().map(|call| tool_answer(fresh, call).unwrap_or_else(|| declined(call))).collect();
    TurnInput::Answers { answers, then }
}

fn declined(call: &Id) -> Answer {
    Answer { tool_call_id: call.clone(), payload: None }
}

fn answer_interrupts(
    input: &RunAgentInput,
    fresh: &[Message],
    prompt: Vec<ContentPart>,
    interrupts: &[Interrupt],
) -> Result<TurnInput, Uncovered> {
    let found: Vec<Option<Answer>> = interrupts.iter().map(|open| answer_of(input, fresh, open)).collect();
    let beside = results_beside(fresh, interrupts);
    if let ([None], [only], false) = (found.as_slice(), interrupts, prompt.is_empty()) {
        let text = Content::Parts(prompt).text();
        let answer = Answer { tool_call_id: call_of(only).clone(), payload: Some(Value::String(text)) };
        return Ok(TurnInput::Answers { answers: [vec![answer], beside].concat(), then: Vec::new() });
    }
    let missing: Vec<Id> =
        interrupts.iter().zip(&found).filter(|(_, answer)| answer.is_none()).map(|(open, _)| open.id.clone()).collect();
    if missing.is_empty() {
        Ok(TurnInput::Answers { answers: found.into_iter().flatten().chain(beside).collect(), then: prompt })
    } else {
        Err(Uncovered(missing))
    }
}

/// Results of frontend tools that the agent called beside its questions.
fn results_beside(fresh: &[Message], interrupts: &[Interrupt]) -> Vec<Answer> {
    let is_asked = |call: &Id| interrupts.iter().any(|open| call_of(open) == call);
    let result = |message: &Message| match message {
        Message::Tool { tool_call_id, .. } if !is_asked(tool_call_id) => tool_answer(fresh, tool_call_id),
        _ => None,
    };
    fresh.iter().filter_map(result).collect()
}

fn answer_of(input: &RunAgentInput, fresh: &[Message], open: &Interrupt) -> Option<Answer> {
    let resumed = input.resume.iter().find(|item| item.interrupt_id == open.id);
    resumed.map(|item| resume_answer(item, open)).or_else(|| tool_answer(fresh, call_of(open)))
}

fn resume_answer(item: &ResumeItem, open: &Interrupt) -> Answer {
    let payload = match item.status {
        ResumeStatus::Resolved => Some(item.payload.clone().unwrap_or(Value::Null)),
        ResumeStatus::Cancelled => None,
    };
    Answer { tool_call_id: call_of(open).clone(), payload }
}

/// The call that an interrupt belongs to; an agent without calls is answered under the interrupt's own id.
fn call_of(open: &Interrupt) -> &Id {
    open.tool_call_id.as_ref().unwrap_or(&open.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn input(value: &Value) -> RunAgentInput {
        let mut whole = json!({"threadId": "t", "runId": "r", "messages": []});
        whole.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        serde_json::from_value(whole).unwrap()
    }

    fn question(id: &str) -> Interrupt {
        serde_json::from_value(json!({"id": id, "reason": "input_required", "toolCallId": format!("call-{id}")}))
            .unwrap()
    }

    fn asks(ids: &[&str]) -> OpenQuestions {
        OpenQuestions { interrupts: ids.iter().map(|id| question(id)).collect(), tools: Vec::new() }
    }

    fn text(text: &str) -> Vec<ContentPart> {
        vec![ContentPart::from(text)]
    }

    #[test]
    fn only_messages_after_the_agents_last_one_are_the_prompt() {
        let input = input(&json!({"messages": [
            {"id": "1", "role": "user", "content": "old"},
            {"id": "2", "role": "assistant", "content": "done"},
            {"id": "3", "role": "user", "content": "new"},
        ]}));
        assert_eq!(plan(&input, &OpenQuestions::default()), Ok(Plan::Turn(TurnInput::Prompt(text("new")))));
    }

    #[test]
    fn an_input_without_anything_new_does_nothing() {
        assert_eq!(plan(&input(&json!({})), &OpenQuestions::default()), Ok(Plan::Nothing));
    }

    #[test]
    fn every_open_interrupt_needs_an_answer_and_the_error_names_those_without() {
        let input = input(&json!({"resume": [{"interruptId": "a", "status": "resolved", "payload": "x"}]}));
        assert_eq!(plan(&input, &asks(&["a", "b"])), Err(Uncovered(vec!["b".into()])));
    }

    #[test]
    fn resume_answers_by_interrupt_and_a_cancelled_one_has_no_payload() {
        let input = input(&json!({"resume": [
            {"interruptId": "a", "status": "resolved", "payload": {"answer": 1}},
            {"interruptId": "b", "status": "cancelled", "payload": "ignored"},
            {"interruptId": "unknown", "status": "resolved"},
        ]}));
        let expected = vec![
            Answer { tool_call_id: "call-a".into(), payload: Some(json!({"answer": 1})) },
            Answer { tool_call_id: "call-b".into(), payload: None },
        ];
        let Ok(Plan::Turn(TurnInput::Answers { answers, then })) = plan(&input, &asks(&["a", "b"])) else { panic!() };
        assert_eq!((answers, then), (expected, Vec::new()));
    }

    #[test]
    fn plain_text_answers_the_only_question() {
        let input = input(&json!({"messages": [{"id": "1", "role": "user", "content": "blue"}]}));
        let Ok(Plan::Turn(TurnInput::Answers { answers, .. })) = plan(&input, &asks(&["a"])) else { panic!() };
        assert_eq!(answers, [Answer { tool_call_id: "call-a".into(), payload: Some(json!("blue")) }]);
        assert!(plan(&input, &asks(&["a", "b"])).is_err());
    }

    #[test]
    fn a_frontend_tool_that_was_called_beside_a_question_gets_its_result() {
        let result = json!({"id": "1", "role": "tool", "toolCallId": "t1", "content": "dry"});
        let resumed = json!([{"interruptId": "a", "status": "resolved", "payload": "blue"}]);
        let said = json!({"id": "2", "role": "user", "content": "blue"});
        let expected = vec![
            Answer { tool_call_id: "call-a".into(), payload: Some(json!("blue")) },
            Answer { tool_call_id: "t1".into(), payload: Some(json!("dry")) },
        ];
        for input in [json!({"messages": [result], "resume": resumed}), json!({"messages": [result, said]})] {
            let Ok(Plan::Turn(TurnInput::Answers { answers, .. })) = plan(&self::input(&input), &asks(&["a"])) else {
                panic!("no answers for {input}")
            };
            assert_eq!(answers, expected);
        }
    }

    #[test]
    fn a_frontend_tool_without_a_result_is_declined_and_the_text_goes_on() {
        let open = OpenQuestions { interrupts: Vec::new(), tools: vec!["t1".into(), "t2".into()] };
        let input = input(&json!({"messages": [
            {"id": "1", "role": "tool", "toolCallId": "t2", "content": "sunny"},
            {"id": "2", "role": "user", "content": "and now?"},
        ]}));
        let expected = TurnInput::Answers {
            answers: vec![
                Answer { tool_call_id: "t1".into(), payload: None },
                Answer { tool_call_id: "t2".into(), payload: Some(json!("sunny")) },
            ],
            then: text("and now?"),
        };
        assert_eq!(plan(&input, &open), Ok(Plan::Turn(expected)));
    }
}
