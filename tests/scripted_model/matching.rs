//! Which rule answers, and what the model remembers of what it was asked.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    client::{SOON, ask, prompt, send, text, tool_answered},
    model::Model,
};

#[tokio::test]
async fn the_first_rule_that_matches_answers() {
    let model = Model::start(
        "rules: [{when: {prompt: bye}, reply: [{text: one}]}, {when: {prompt: hello}, reply: [{text: two}]},
                 {when: {prompt: hello}, reply: [{text: three}]}]",
    );
    assert_eq!(text(&model, &prompt("oh, hello")).await, "two");
    assert_eq!(model.conversations()[0].rule, "rule 2");
}

#[tokio::test]
async fn a_rule_for_a_prompt_does_not_answer_the_result_of_a_tool() {
    let model = Model::start("rules: [{when: {prompt: fix}, reply: [{tool: Bash}]}]");
    assert_eq!(ask(&model, &prompt("fix it")).await["content"][0]["name"], "Bash");
    assert_eq!(text(&model, &tool_answered("fix it", "Bash", "ok", false)).await, "The tool answered: ok");
}

#[tokio::test]
async fn the_result_of_a_tool_chooses_the_answer_and_gives_it_words() {
    let model = Model::start(
        r"rules:
          - {when: {tool: Read}, reply: [{text: read}]}
          - {when: {tool: Bash, is_error: true}, reply: [{text: 'failed: ${tool_result}'}]}
          - {when: {tool_result: {matches: 'got (?<count>\d+)'}}, reply: [{tool: Edit, input: {path: 'f${count}', deep: ['${count}', 1]}}]}",
    );
    let answer = ask(&model, &tool_answered("go", "Bash", "it got 42.", false)).await;
    assert_eq!(answer["content"][0]["input"], json!({"path": "f42", "deep": ["42", 1]}));
    assert_eq!(answer["stop_reason"], "tool_use");
    assert_eq!(text(&model, &tool_answered("go", "Bash", "got 1", true)).await, "failed: got 1");
    assert_eq!(text(&model, &tool_answered("go", "Read", "got 1", true)).await, "read");
}

#[tokio::test]
async fn a_step_is_the_number_of_answers_since_the_prompt() {
    let model = Model::start(
        "rules: [{when: {step: 1}, reply: [{text: second}]}, {when: {step: any}, reply: [{text: other}]}]",
    );
    assert_eq!(text(&model, &prompt("go")).await, "other");
    assert_eq!(text(&model, &tool_answered("go", "Bash", "ok", false)).await, "second");
}

#[tokio::test]
async fn what_the_client_adds_to_a_prompt_is_not_the_prompt() {
    let model = Model::start("rules: [{when: {prompt: {equals: hello}}, reply: [{text: 'I heard: ${prompt}'}]}]");
    let reminder = "<system-reminder>\nnobody said this\n</system-reminder>";
    let content = json!([{"type": "text", "text": reminder}, {"type": "text", "text": format!("hello {reminder}")}]);
    let body = json!({"model": "m", "system": "be brief", "messages": [
        {"role": "user", "content": content}, {"role": "system", "content": "where you are"},
    ]});
    assert_eq!(text(&model, &body).await, "I heard: hello");
    let asked = model.conversations().remove(0);
    assert_eq!(asked.messages, [json!({"role": "user", "content": [{"type": "text", "text": "hello"}]})]);
    assert!(
        ["be brief", "where you are", "nobody said this"].iter().all(|part| asked.system.contains(part)),
        "{}",
        asked.system
    );
    let written = serde_json::to_string(&asked).unwrap();
    assert!(
        !written.contains("be brief") && !written.contains("where you") && !written.contains("nobody"),
        "{written}"
    );
}

#[tokio::test]
async fn what_was_said_before_can_be_told_again_without_any_memory_in_the_model() {
    let model = Model::start(
        "rules: [{when: {prompt: Which word, conversation: {matches: 'word is (?<word>[a-z]+)'}}, reply: [{text: 'It was ${word}.'}]}]",
    );
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "The word is heron."}, {"role": "assistant", "content": [{"type": "text", "text": "Fine."}]},
        {"role": "user", "content": "Which word was it?"},
    ]});
    assert_eq!(text(&model, &body).await, "It was heron.");
}

#[tokio::test]
async fn a_rule_with_a_limit_answers_so_often_in_each_session() {
    let model =
        Model::start("rules: [{when: {prompt: go}, times: 2, error: 529}, {when: {prompt: go}, reply: [{text: ok}]}]");
    let mut statuses = Vec::new();
    for session in ["a", "b", "a", "a", "b", "b"] {
        let mut body = prompt("go");
        body["metadata"] = json!({"user_id": json!({"session_id": session}).to_string()});
        statuses.push(send(&model, &body).await.status().as_u16());
    }
    assert_eq!(statuses, [529, 529, 529, 200, 529, 200]);
    assert_eq!(model.requests()[0].session, "a");
}

#[tokio::test]
async fn the_model_the_tools_on_offer_and_the_key_can_choose_the_answer() {
    let model = Model::start(
        "rules:
          - {when: {api_key: bad}, error: 401}
          - {when: {model: small}, reply: [{text: small}]}
          - {when: {offers_tool: Bash}, reply: [{text: tools}]}",
    );
    let mut body = prompt("go");
    body["tools"] = json!([{"name": "Read"}, {"name": "Bash"}]);
    assert_eq!(text(&model, &body).await, "tools");
    body["model"] = "a-small-one".into();
    assert_eq!(text(&model, &body).await, "small");
    assert_eq!(model.requests()[1].tools, ["Read", "Bash"]);
    let request = reqwest::Client::new().post(format!("{}/v1/messages", model.url)).bearer_auth("bad-key");
    assert_eq!(request.body(body.to_string()).send().await.unwrap().status(), 401);
    assert_eq!(model.requests()[2].api_key.as_deref(), Some("bad-key"));
}

#[tokio::test]
async fn requests_that_a_client_makes_for_itself_are_answered_apart() {
    let model = Model::start("rules: [{when: {}, reply: [{text: mine}]}]");
    let mut body = prompt("a title for this, please");
    body["output_config"] = json!({"format": {"type": "json_schema"}});
    let title: Value = serde_json::from_str(&text(&model, &body).await).unwrap();
    assert!(title["title"].is_string());
    assert_eq!((model.requests().len(), model.conversations().len()), (1, 0));
}

#[tokio::test]
async fn a_test_can_wait_for_a_request() {
    let model = Arc::new(Model::start("rules: []"));
    let waiting = Arc::clone(&model);
    let waiter = tokio::task::spawn_blocking(move || waiting.wait_for(SOON, |asked| asked.prompt == "go"));
    ask(&model, &prompt("stay")).await;
    ask(&model, &prompt("go")).await;
    assert_eq!(waiter.await.unwrap().path, "/v1/messages");
}

#[tokio::test]
async fn the_other_endpoints_that_clients_use_answer() {
    let model = Model::start("rules: []");
    let client = reqwest::Client::new();
    let url = |path: &str| format!("{}{path}", model.url);
    let counted: Value =
        client.post(url("/v1/messages/count_tokens?beta=true")).body("{}").send().await.unwrap().json().await.unwrap();
    assert!(counted["input_tokens"].is_u64());
    let models: Value = client.get(url("/v1/models")).send().await.unwrap().json().await.unwrap();
    assert!(models["data"][0]["id"].is_string());
    assert_eq!(client.head(url("/")).send().await.unwrap().status(), 200);
    assert_eq!(client.get(url("/v1/files")).send().await.unwrap().status(), 404);
    let asked: Vec<_> = model.requests().into_iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect();
    assert_eq!(asked, ["POST /v1/messages/count_tokens?beta=true", "GET /v1/models", "HEAD /", "GET /v1/files"]);
}

#[test]
fn a_script_that_is_wrong_is_refused_with_the_place() {
    let refused = |script: &str| Model::try_start(script).err().expect("refused");
    assert!(refused("rules: [{when: {promt: x}}]").contains("promt"));
    assert!(refused("rules: [{name: odd, when: {prompt: {matches: '('}}}]").starts_with("odd: "));
    assert!(refused("rules: [{}, {reply: [{text: a, tool: b}]}]").starts_with("rule 2: "));
}

#[test]
fn a_request_that_never_comes_fails_the_test_with_what_came() {
    let model = Model::start("rules: []");
    let waited =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| model.wait_for(Duration::from_millis(20), |_| true)));
    let message = *waited.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("no such request within 20ms"), "{message}");
}

#[tokio::test]
async fn the_script_of_the_example_repairs_what_the_manifest_of_the_example_holds() {
    let manifest = include_str!("../../examples/fix-bug.yaml");
    let model = Model::example("fix-bug.yaml");
    let edit = ask(&model, &tool_answered("repair it", "Read", manifest, false)).await["content"][1]["input"].clone();
    let (old, new) = (edit["old_string"].as_str().unwrap(), edit["new_string"].as_str().unwrap());
    assert_eq!((manifest.matches(old).count(), manifest.matches(new).count()), (1, 0));
}

#[test]
fn every_example_script_is_valid() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/scripts");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let scripts: Vec<_> = paths.filter(|path| path.extension().is_some_and(|kind| kind == "yaml")).collect();
    assert!(scripts.len() >= 3, "{scripts:?}");
    for script in scripts {
        let read = Model::try_start(&std::fs::read_to_string(&script).unwrap()).map(drop);
        assert_eq!(read, Ok(()), "{}", script.display());
    }
}
