//! What the agent is told of the backend's answers. Pure.

use serde_json::{Map, Value, json};

use super::arguments::Listing;
use crate::security::{is_credential_name, sanitise::truncate};

/// The longest answer to the agent, in bytes.
const MAX_TEXT: usize = 64 * 1024;
/// The longest piece of one message, in bytes.
const MAX_MESSAGE: usize = 500;
/// The most workflows that are told.
const MAX_WORKFLOWS: usize = 200;

/// Whether nothing of a session in this phase goes on.
pub(super) fn is_over(phase: &str) -> bool {
    matches!(phase, "Stopped" | "Completed" | "Failed")
}

/// A session's phase.
pub(super) fn phase(session: &Value) -> &str {
    session["status"]["phase"].as_str().or_else(|| session["phase"].as_str()).unwrap_or("Unknown")
}

/// The sessions of a page that are asked for, in short.
pub(super) fn matching<'a>(page: &'a Value, listing: &'a Listing) -> impl Iterator<Item = Value> + 'a {
    let sessions = page["items"].as_array().or_else(|| page["sessions"].as_array());
    sessions.into_iter().flatten().filter(|session| is_asked_for(phase(session), listing)).map(summary)
}

fn is_asked_for(found: &str, listing: &Listing) -> bool {
    match &listing.phase {
        Some(phase) => phase == found,
        None => listing.include_completed || !is_over(found),
    }
}

fn summary(session: &Value) -> Value {
    let (about, status) = (&session["metadata"], &session["status"]);
    json!({
        "name": about["name"].as_str().or_else(|| session["name"].as_str()),
        "displayName": session["spec"]["displayName"],
        "phase": phase(session),
        "agentStatus": status["agentStatus"],
        "createdAt": about["creationTimestamp"],
    })
}

/// A session's status, without its messages.
pub(super) fn status(name: &str, session: &Value) -> Value {
    let status = &session["status"];
    json!({
        "success": true,
        "name": name,
        "displayName": session["spec"]["displayName"],
        "phase": phase(session),
        "agentStatus": status["agentStatus"],
        "startTime": status["startTime"],
        "lastActivityTime": status["lastActivityTime"],
    })
}

/// The workflows of the platform.
pub(super) fn workflows(answer: &Value) -> Vec<Value> {
    let listed = answer["workflows"].as_array().or_else(|| answer.as_array());
    let one = |workflow: &Value| {
        let members = ["id", "name", "description", "gitUrl", "branch", "path"];
        Value::Object(members.iter().map(|name| ((*name).to_owned(), workflow[*name].clone())).collect())
    };
    listed.into_iter().flatten().take(MAX_WORKFLOWS).map(one).collect()
}

/// The texts of a conversation's AG-UI events, in order: a snapshot is the conversation until then.
pub(super) fn messages(events: &[Value]) -> Vec<Value> {
    let mut said: Vec<(String, String, String)> = Vec::new();
    for event in events {
        match event["type"].as_str().unwrap_or_default() {
            "TEXT_MESSAGE_START" | "TEXT_MESSAGE_CONTENT" | "TEXT_MESSAGE_CHUNK" => add(&mut said, event),
            "MESSAGES_SNAPSHOT" => said = snapshot(&event["messages"]),
            _ => {}
        }
    }
    let texts = said.into_iter().filter(|(_, _, text)| !text.trim().is_empty());
    texts.map(|(_, role, text)| json!({ "role": role, "text": text })).collect()
}

fn add(said: &mut Vec<(String, String, String)>, event: &Value) {
    let id = event["messageId"].as_str().unwrap_or_default();
    if said.last().is_none_or(|(last, _, _)| last != id) && !said.iter().any(|(known, _, _)| known == id) {
        let role = event["role"].as_str().unwrap_or("assistant");
        said.push((id.to_owned(), role.to_owned(), String::new()));
    }
    let Some((_, _, text)) = said.iter_mut().rev().find(|(known, _, _)| known == id) else {
        return;
    };
    let room = MAX_MESSAGE.saturating_sub(text.len());
    text.push_str(truncate(event["delta"].as_str().unwrap_or_default(), room));
}

fn snapshot(messages: &Value) -> Vec<(String, String, String)> {
    let spoken = |message: &&Value| matches!(message["role"].as_str(), Some("user" | "assistant"));
    let one = |message: &Value| {
        let text = |member: &str| message[member].as_str().unwrap_or_default().to_owned();
        (text("id"), text("role"), truncate(&text("content"), MAX_MESSAGE).to_owned())
    };
    messages.as_array().into_iter().flatten().filter(spoken).map(one).collect()
}

/// The name that a session really got: a backend may choose another one than was asked for.
pub(super) fn created_name<'a>(answer: &'a Value, asked: &'a str) -> &'a str {
    answer["name"].as_str().or_else(|| answer["metadata"]["name"].as_str()).unwrap_or(asked)
}

/// Takes out the values of members whose names say that they are secrets: of other people's sessions no value is known.
pub(super) fn without_secrets(value: &mut Value) {
    match value {
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| without_secret(name, value)),
        Value::Array(items) => items.iter_mut().for_each(without_secrets),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn without_secret(name: &str, value: &mut Value) {
    match value {
        Value::String(text) if is_credential_name(name) => *text = format!("[redacted:{name}]"),
        other => without_secrets(other),
    }
}

/// The text that the agent gets.
pub(super) fn text(answer: &Value) -> String {
    let text = answer.to_string();
    if text.len() <= MAX_TEXT {
        return text;
    }
    format!("{}… (cut: it has {} bytes in all)", truncate(&text, MAX_TEXT), text.len())
}

/// What a backend says in an error, if it says something.
pub(super) fn complaint(body: &[u8]) -> Option<String> {
    let body: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let said = ["error", "message", "detail"].iter().find_map(|member| body.get(*member)?.as_str())?;
    Some(truncate(said, MAX_MESSAGE).to_owned())
}
