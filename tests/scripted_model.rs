//! The scripted model: which rule answers, how it streams, and how it fails.

#[path = "support/model.rs"]
mod model;

use model::Model;
use serde_json::{Value, json};

#[tokio::test]
async fn the_first_rule_that_matches_answers() {
    let model = Model::start(
        "rules: [{when: {prompt: hello}, reply: [{text: one}]}, {when: {prompt: hello}, reply: [{text: two}]}]",
    );
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
    let response = reqwest::Client::new()
        .post(format!("{}/v1/messages", model.url))
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    let message: Value = response.json().await.unwrap();
    assert_eq!(message["content"], json!([{"type": "text", "text": "one"}]));
    assert_eq!(model.conversations()[0].rule, "rule 1");
}
