//! Rules of `Run`.

use std::collections::BTreeSet;

use super::{Findings, Violation, text};
use crate::api::{
    Run, RunSpec,
    limits::json_len,
    path::FieldPath,
    rules,
    run::{Answer, AnswerStatus, Input, InputMessage, MessageRole},
};

/// Every rule that a run breaks.
#[must_use]
pub fn run(run: &Run) -> Vec<Violation> {
    let mut findings = Findings::default();
    findings.object(run.metadata.name.as_deref(), json_len(&run.spec));
    let spec = FieldPath::of(&["spec"]);
    input(&run.spec, &spec, &mut findings);
    references(&run.spec, &spec, &mut findings);
    ids(&run.spec, &spec, &mut findings);
    findings.0
}

fn input(run: &RunSpec, spec: &FieldPath, findings: &mut Findings) {
    match run.input() {
        None => findings.add(Violation::new(spec.clone(), rules::ONE_INPUT.message)),
        Some(Input::Prompt(prompt)) => {
            findings.check(!prompt.trim().is_empty(), || {
                Violation::new(spec.key("prompt"), "the prompt is empty").help("say what the agent is to do")
            });
        }
        Some(Input::Messages(list)) => messages(list, &spec.key("messages"), findings),
        Some(Input::Answers(list)) => answers(list, &spec.key("resume"), findings),
    }
}

fn messages(list: &[InputMessage], at: &FieldPath, findings: &mut Findings) {
    findings.check(!list.is_empty(), || Violation::new(at.clone(), "expected at least one message"));
    for (position, message) in list.iter().enumerate() {
        let is_tool = message.role == MessageRole::Tool;
        findings.check(is_tool == message.tool_call_id.is_some(), || {
            Violation::new(at.index(position), rules::TOOL_MESSAGE.message)
        });
    }
}

fn answers(list: &[Answer], at: &FieldPath, findings: &mut Findings) {
    findings.check(!list.is_empty(), || Violation::new(at.clone(), "expected at least one answer"));
    let mut seen = BTreeSet::new();
    for (position, answer) in list.iter().enumerate() {
        let at = at.index(position);
        findings.check(seen.insert(&answer.interrupt_id), || {
            Violation::new(at.key("interruptId"), "this question is answered twice").found(&answer.interrupt_id)
        });
        let declined = answer.status == AnswerStatus::Cancelled;
        findings.check(!(declined && answer.payload.is_some()), || {
            Violation::new(at.key("payload"), "an answer with status cancelled has no payload")
                .help("leave the payload out, or answer with status resolved")
        });
    }
}

fn references(run: &RunSpec, spec: &FieldPath, findings: &mut Findings) {
    let session = &run.session_ref.name;
    findings.check(text::is_object_name(session), || {
        Violation::new(spec.key("sessionRef").key("name"), text::OBJECT_NAME).found(session)
    });
    let parent = run.parent_run.as_deref();
    findings.check(parent.is_none_or(text::is_object_name), || {
        Violation::new(spec.key("parentRun"), text::OBJECT_NAME).found(parent.unwrap_or_default())
    });
}

fn ids(run: &RunSpec, spec: &FieldPath, findings: &mut Findings) {
    for (name, id) in [("runId", &run.run_id), ("threadId", &run.thread_id)] {
        let Some(id) = id else { continue };
        findings
            .check(text::is_protocol_id(id), || Violation::new(spec.key(name), rules::PROTOCOL_ID.message).found(id));
    }
}
