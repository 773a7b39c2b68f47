//! Lines that we write to the CLI.

use serde_json::{Value, json};

/// A line for stdin, with its line end.
pub(crate) fn line(value: &Value) -> Vec<u8> {
    let mut line = value.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// A request of ours.
pub(crate) fn request(id: &str, body: &Value) -> Vec<u8> {
    line(&json!({ "type": "control_request", "request_id": id, "request": body }))
}

/// The answer to a request of the CLI.
pub(crate) fn answer(request_id: &str, response: &Value) -> Vec<u8> {
    let response = json!({ "subtype": "success", "request_id": request_id, "response": response });
    line(&json!({ "type": "control_response", "response": response }))
}

/// The refusal of a request of the CLI.
pub(crate) fn refusal(request_id: &str, error: &str) -> Vec<u8> {
    let response = json!({ "subtype": "error", "request_id": request_id, "error": error });
    line(&json!({ "type": "control_response", "response": response }))
}

/// A message to the agent. The CLI names `uuid` in the result of the turn that the message began.
pub(crate) fn user(content: &Value, uuid: &str, composed: bool) -> Vec<u8> {
    line(&json!({
        "type": "user",
        "message": { "role": "user", "content": content },
        "parent_tool_use_id": null,
        "session_id": "default",
        "uuid": uuid,
        "client_composed": composed,
    }))
}
