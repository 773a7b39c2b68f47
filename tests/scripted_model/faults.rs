//! How the model fails when the script wants it to.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    client::{End, SOON, ask, deltas, kinds, prompt, said, send, stream, text},
    model::Model,
};

/// Long enough to say that nothing comes.
const PATIENCE: Duration = Duration::from_millis(150);

#[tokio::test]
async fn an_error_has_the_form_of_the_api() {
    let types = [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ];
    for (status, kind) in types {
        let model = Model::start(&format!("rules: [{{when: {{}}, error: {status}}}]"));
        let response = send(&model, &prompt("go")).await;
        assert_eq!(response.status().as_u16(), status);
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["type"], &body["error"]["type"]), (&"error".into(), &kind.into()));
    }
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_again() {
    let model = Model::start(
        "rules: [{when: {}, error: {status: 429, retry_after: 7, message: slow down, type: own_error,
                                    headers: {anthropic-ratelimit-requests-remaining: '0'}}}]",
    );
    let response = send(&model, &prompt("go")).await;
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.headers()["anthropic-ratelimit-requests-remaining"], "0");
    let body: Value = response.json().await.unwrap();
    assert_eq!((&body["error"]["message"], &body["error"]["type"]), (&"slow down".into(), &"own_error".into()));
}

#[tokio::test]
async fn a_cut_connection_loses_what_comes_after_so_many_deltas() {
    let model = Model::start(
        "rules: [{when: {}, reply: [{text: one two}, {text: three four}], broken: {after_deltas: 3, by: cut}}]",
    );
    let (events, end) = stream(&model, prompt("go"), SOON).await;
    assert_eq!(end, End::Lost);
    assert_eq!((said(&events, 0, "text").as_str(), said(&events, 1, "text").as_str()), ("one two", "three "));
    assert_eq!(kinds(&events).last(), Some(&"content_block_delta"));
}

#[tokio::test]
async fn a_connection_can_be_cut_before_the_message_starts() {
    let model = Model::start("rules: [{when: {}, reply: [{text: one}], broken: {by: cut}}]");
    assert_eq!(stream(&model, prompt("go"), SOON).await, (Vec::new(), End::Lost));
}

#[tokio::test]
async fn an_error_event_can_end_a_stream() {
    for (by, kind) in [("overloaded", "overloaded_error"), ("api_error", "api_error")] {
        let model = Model::start(&format!(
            "rules: [{{when: {{}}, reply: [{{text: one two}}], broken: {{after_deltas: 1, by: {by}}}}}]"
        ));
        let (events, end) = stream(&model, prompt("go"), SOON).await;
        assert_eq!((end, deltas(&events).count()), (End::Whole, 1));
        assert_eq!(events.last().unwrap()["error"]["type"], kind);
    }
}

#[tokio::test]
async fn a_stream_can_stop_without_an_end() {
    let model =
        Model::start("rules: [{when: {}, reply: [{text: one two three}], broken: {after_deltas: 2, by: hang}}]");
    let (events, end) = stream(&model, prompt("go"), PATIENCE).await;
    assert_eq!((said(&events, 0, "text").as_str(), end), ("one two ", End::Silence));
}

#[tokio::test]
async fn a_request_that_is_never_answered_keeps_nobody_else_waiting() {
    let model = Model::start("rules: [{when: {prompt: quiet}, silent: true}, {when: {}, reply: [{text: here}]}]");
    let body = prompt("quiet");
    let unanswered = tokio::time::timeout(PATIENCE, send(&model, &body)).await;
    assert!(unanswered.is_err());
    assert_eq!(text(&model, &prompt("hello")).await, "here");
}

#[tokio::test]
async fn a_model_with_requests_it_never_answers_stops_at_once() {
    let model = Model::start("rules: [{when: {}, silent: true}]");
    let body = prompt("quiet");
    let unanswered = tokio::time::timeout(PATIENCE, send(&model, &body)).await;
    let start = Instant::now();
    drop(model);
    assert!(unanswered.is_err() && start.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn an_answer_can_be_late() {
    let model = Model::start("rules: [{when: {}, wait_ms: 100, reply: [{text: late, wait_ms: 100}]}]");
    let start = Instant::now();
    ask(&model, &prompt("go")).await;
    assert!(start.elapsed().as_millis() >= 100);
    stream(&model, prompt("go"), SOON).await;
    assert!(start.elapsed().as_millis() >= 300, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_request_that_is_no_json_is_refused() {
    let model = Model::start("rules: []");
    let request = reqwest::Client::new().post(format!("{}/v1/messages", model.url)).body("{");
    assert_eq!(request.send().await.unwrap().status(), 400);
}
