//! A plain client of the Messages API.

#![allow(clippy::unwrap_used, reason = "a client that cannot work fails its test")]

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::model::Model;

/// Longest wait for anything that is expected to come.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A conversation of one prompt.
pub(crate) fn prompt(text: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": text}]})
}

/// A conversation in which a tool was called and has answered.
pub(crate) fn tool_answered(text: &str, tool: &str, result: &str, is_error: bool) -> Value {
    let call = json!({"type": "tool_use", "id": "toolu_1", "name": tool, "input": {}});
    let answer = json!({"type": "tool_result", "tool_use_id": "toolu_1", "content": result, "is_error": is_error});
    json!({"model": "m", "messages": [
        {"role": "user", "content": text}, {"role": "assistant", "content": [call]}, {"role": "user", "content": [answer]},
    ]})
}

/// Sends a request and gives the response as it is.
pub(crate) async fn send(model: &Model, body: &Value) -> Response {
    let request = Client::new().post(format!("{}/v1/messages", model.url)).header("x-api-key", "sk-test");
    tokio::time::timeout(SOON, request.body(body.to_string()).send()).await.unwrap().unwrap()
}

/// Sends a request and gives the message.
pub(crate) async fn ask(model: &Model, body: &Value) -> Value {
    let response = send(model, body).await;
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// Sends a request and gives the text of the message's first block.
pub(crate) async fn text(model: &Model, body: &Value) -> String {
    ask(model, body).await["content"][0]["text"].as_str().unwrap().to_owned()
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As a response ends.
    Whole,
    /// The connection was lost.
    Lost,
    /// Nothing came for so long.
    Silence,
}

/// Sends a request for a stream and gives its events and how it ended. What comes after the first bytes may keep it
/// waiting for `patience`.
pub(crate) async fn stream(model: &Model, body: Value, patience: Duration) -> (Vec<Value>, End) {
    let (bytes, end) = stream_bytes(model, body, patience).await;
    let text = String::from_utf8(bytes).unwrap();
    let data = text.split("\n\n").filter_map(|event| event.split_once("data: "));
    (data.map(|(_, data)| serde_json::from_str(data).unwrap()).collect(), end)
}

async fn stream_bytes(model: &Model, mut body: Value, patience: Duration) -> (Vec<u8>, End) {
    body["stream"] = true.into();
    let mut pieces = send(model, &body).await.bytes_stream();
    let mut bytes = Vec::new();
    loop {
        match tokio::time::timeout(if bytes.is_empty() { SOON } else { patience }, pieces.next()).await {
            Ok(Some(Ok(piece))) => bytes.extend_from_slice(&piece),
            Ok(Some(Err(_))) => return (bytes, End::Lost),
            Ok(None) => return (bytes, End::Whole),
            Err(_) => return (bytes, End::Silence),
        }
    }
}

/// The types of events, repetitions left out.
pub(crate) fn kinds(events: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    kinds.dedup();
    kinds
}

/// What the deltas of a block add up to, in one of their fields.
pub(crate) fn said(events: &[Value], index: usize, field: &str) -> String {
    deltas(events).filter(|event| event["index"] == index).filter_map(|event| event["delta"][field].as_str()).collect()
}

/// The deltas among the events.
pub(crate) fn deltas(events: &[Value]) -> impl Iterator<Item = &Value> {
    events.iter().filter(|event| event["type"] == "content_block_delta")
}
