//! Redaction of a run's input, and of interrupts.

use crate::{
    agui::{ContextItem, Interrupt, ResumeItem, RunAgentInput, Tool},
    security::Redactor,
};

use super::members::{Redact, each};

impl Redact for RunAgentInput {
    #[rustfmt::skip]
    fn redact(&mut self, redactor: &Redactor) {
        let Self {
            thread_id, run_id, protocol_version, parent_run_id, state, messages, tools, context, forwarded_props, resume,
        } = self;
        each(redactor, [thread_id, run_id, protocol_version, parent_run_id, state]);
        each(redactor, [messages, tools, context, forwarded_props, resume]);
    }
}

impl Redact for Tool {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { name, description, parameters, metadata } = self;
        each(redactor, [name, description, parameters, metadata]);
    }
}

impl Redact for ContextItem {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { description, value } = self;
        each(redactor, [description, value]);
    }
}

impl Redact for ResumeItem {
    fn redact(&mut self, redactor: &Redactor) {
        let Self { interrupt_id, status: _, payload, metadata } = self;
        each(redactor, [interrupt_id, payload, metadata]);
    }
}

impl Redact for Interrupt {
    #[rustfmt::skip]
    fn redact(&mut self, redactor: &Redactor) {
        let Self { id, reason, message, tool_call_id, response_schema, expires_at, metadata, subagent_run_id } = self;
        each(redactor, [id, reason, message, tool_call_id, response_schema, expires_at, metadata, subagent_run_id]);
    }
}
