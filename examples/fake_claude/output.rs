//! What goes to stdout. Lines are collected and written in big pieces; a delta's line is a copy of a prepared one.

use std::{
    env,
    io::{self, Write},
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::background::Background;

/// Lines are written when this much has come together.
const PIECE_BYTES: usize = 64 * 1024;
const VERSION: &str = "2.1.330";
const MODEL: &str = "fake-model";

/// The lines of one process.
pub(crate) struct Output {
    /// The session's id.
    pub(crate) session: String,
    /// What goes on beside the turns.
    pub(crate) background: Background,
    partial: bool,
    states: bool,
    lines: u64,
    messages: u64,
    pending: Vec<u8>,
}

/// A delta's line, cut where what differs goes.
pub(crate) struct Template {
    head: Vec<u8>,
    middle: Vec<u8>,
    tail: Vec<u8>,
}

impl Output {
    /// `--include-partial-messages` and `CLAUDE_CODE_SDK_READS_SESSION_STATE=1` do what they do with the real CLI.
    pub(crate) fn new(session: String, arguments: &[String]) -> Self {
        Self {
            session,
            background: Background::default(),
            partial: arguments.iter().any(|argument| argument == "--include-partial-messages"),
            states: env::var("CLAUDE_CODE_SDK_READS_SESSION_STATE").is_ok_and(|value| value == "1"),
            lines: 0,
            messages: 0,
            pending: Vec::with_capacity(2 * PIECE_BYTES),
        }
    }

    /// Answers a control request.
    pub(crate) fn answer(&mut self, id: &str, subtype: &str) {
        let body = match subtype {
            "initialize" => json!({
                "commands": [], "agents": [], "models": [], "account": {}, "output_style": "default", "pid": process::id(),
                "claude_code_version": VERSION, "current_permission_mode": "default", "session_state": "idle",
                "capabilities": ["interrupt_receipt_v1"],
            }),
            "interrupt" => json!({"still_queued": []}),
            _ => json!({}),
        };
        let response = json!({"subtype": "success", "request_id": id, "response": body});
        self.line(&json!({"type": "control_response", "response": response}));
        self.flush();
    }

    /// The first lines of a turn.
    pub(crate) fn turn_starts(&mut self) {
        self.state("running");
        let cwd = env::current_dir().unwrap_or_default();
        self.system(json!({
            "subtype": "init", "cwd": cwd, "model": MODEL, "tools": ["Bash"], "mcp_servers": [], "slash_commands": [],
            "permissionMode": "default", "apiKeySource": "none", "claude_code_version": VERSION, "capabilities": [],
        }));
    }

    /// The turn's result.
    pub(crate) fn result(&mut self, fields: &Value) {
        let usage = json!({
            "input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0,
        });
        let mut result = json!({
            "type": "result", "subtype": "success", "is_error": false, "duration_ms": 1, "duration_api_ms": 1, "num_turns": 1,
            "total_cost_usd": 0.001, "usage": usage, "modelUsage": {}, "permission_denials": [],
            "terminal_reason": "completed", "stop_reason": "end_turn",
        });
        merge(&mut result, fields);
        self.stamped(result);
        self.state("idle");
        self.flush();
    }

    /// A message of the type `system`.
    pub(crate) fn system(&mut self, mut message: Value) {
        message["type"] = "system".into();
        self.stamped(message);
    }

    /// A new message of the model; returns its id.
    pub(crate) fn message_starts(&mut self) -> String {
        self.messages += 1;
        let id = format!("msg_fake_{}_{}", process::id(), self.messages);
        self.event(&id, &json!({"type": "message_start", "message": message(&id, &Value::Array(Vec::new()))}));
        id
    }

    /// An event of the model's stream.
    pub(crate) fn event(&mut self, message_id: &str, event: &Value) {
        if self.partial {
            self.stamped(json!({"type": "stream_event", "event": event, "parent_tool_use_id": null, "api_message_id": message_id}));
        }
    }

    /// A whole block of the model.
    pub(crate) fn assistant(&mut self, message_id: &str, block: &Value, aborted: bool) {
        let mut line =
            json!({"type": "assistant", "message": message(message_id, &json!([block])), "parent_tool_use_id": null});
        if aborted {
            line["aborted"] = true.into();
        }
        self.stamped(line);
    }

    /// A message of the role `user`.
    pub(crate) fn user(&mut self, block: &Value) {
        self.stamped(
            json!({"type": "user", "message": {"role": "user", "content": [block]}, "parent_tool_use_id": null}),
        );
    }

    /// Prepares the lines of a block's deltas.
    pub(crate) fn template(&self, message_id: &str, index: usize, kind: &str, field: &str) -> Template {
        let head = format!(
            r#"{{"type":"stream_event","event":{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}","{field}":""#
        );
        let middle = format!(
            r#""}}}},"session_id":"{}","parent_tool_use_id":null,"uuid":"00000000-0000-4000-8000-"#,
            self.session
        );
        let tail = format!("\",\"api_message_id\":\"{message_id}\"}}\n");
        Template { head: head.into_bytes(), middle: middle.into_bytes(), tail: tail.into_bytes() }
    }

    /// A delta. `text` needs no escapes in JSON.
    pub(crate) fn delta(&mut self, template: &Template, text: &[u8]) {
        if !self.partial {
            return;
        }
        self.lines += 1;
        self.pending.extend_from_slice(&template.head);
        self.pending.extend_from_slice(text);
        self.pending.extend_from_slice(&template.middle);
        self.pending.extend_from_slice(&hexadecimal(self.lines));
        self.pending.extend_from_slice(&template.tail);
        self.spill();
    }

    /// A line as it is.
    pub(crate) fn line(&mut self, value: &Value) {
        serde_json::to_writer(&mut self.pending, value).unwrap_or_default();
        self.pending.push(b'\n');
        self.spill();
    }

    /// A line that is no JSON.
    pub(crate) fn raw(&mut self, line: &str) {
        self.pending.extend_from_slice(line.as_bytes());
        self.pending.push(b'\n');
    }

    /// Writes what has come together. Nobody reads any more: the process ends.
    pub(crate) fn flush(&mut self) {
        let mut stdout = io::stdout().lock();
        if stdout.write_all(&self.pending).and_then(|()| stdout.flush()).is_err() {
            process::exit(1);
        }
        self.pending.clear();
    }

    fn state(&mut self, state: &str) {
        if self.states {
            self.system(json!({"subtype": "session_state_changed", "state": state, "sdk_host_only": true}));
        }
    }

    fn stamped(&mut self, mut message: Value) {
        self.lines += 1;
        message["session_id"] = self.session.as_str().into();
        message["uuid"] = format!("00000000-0000-4000-8000-{:012x}", self.lines).into();
        self.line(&message);
    }

    fn spill(&mut self) {
        if self.pending.len() >= PIECE_BYTES {
            self.flush();
        }
    }
}

/// An id for a session that was given none.
pub(crate) fn new_session() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{:08x}-0000-4000-8000-{:012x}", process::id(), now & 0xffff_ffff_ffff)
}

fn message(id: &str, content: &Value) -> Value {
    json!({
        "id": id, "type": "message", "role": "assistant", "model": MODEL, "content": content, "stop_reason": null,
        "stop_sequence": null, "usage": {"input_tokens": 10, "output_tokens": 1},
    })
}

fn merge(into: &mut Value, fields: &Value) {
    for (name, value) in fields.as_object().into_iter().flatten() {
        into[name] = value.clone();
    }
}

fn hexadecimal(mut number: u64) -> [u8; 12] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [b'0'; 12];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::from(number.to_le_bytes()[0] & 15)];
        number >>= 4;
    }
    digits
}
