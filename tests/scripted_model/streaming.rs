//! How a message is streamed.

use std::{collections::HashSet, time::Instant};

use serde_json::json;

use crate::{
    client::{End, SOON, ask, deltas, kinds, prompt, said, stream},
    model::Model,
};

#[tokio::test]
async fn a_message_has_its_events_in_the_order_of_the_api() {
    let model = Model::start(
        "rules: [{when: {}, reply: [{thinking: let me see}, {text: one two three}, {tool: Bash, input: {command: ls -l}},
                                    {tool: Read}], usage: {input: 5, output: 7, cache_read: 3, cache_write: 2}}]",
    );
    let (events, end) = stream(&model, prompt("go"), SOON).await;
    let block = ["content_block_start", "content_block_delta", "content_block_stop"];
    let expected =
        [&["message_start"], &block[..], &block, &block, &block, &["message_delta", "message_stop"]].concat();
    assert_eq!((kinds(&events), end), (expected, End::Whole));
    assert_eq!(said(&events, 0, "thinking"), "let me see");
    assert!(!said(&events, 0, "signature").is_empty());
    assert_eq!(said(&events, 1, "text"), "one two three");
    assert_eq!(said(&events, 2, "partial_json"), r#"{"command":"ls -l"}"#);
    assert_eq!(said(&events, 3, "partial_json"), "{}");
    let usage =
        json!({"input_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 1});
    assert_eq!(events[0]["message"]["usage"], usage);
    assert_eq!(events[events.len() - 2]["delta"]["stop_reason"], "tool_use");
    assert_eq!(events[events.len() - 2]["usage"]["output_tokens"], 7);
}

#[tokio::test]
async fn streamed_or_not_the_message_says_the_same() {
    let model =
        Model::start("rules: [{when: {}, reply: [{text: 'a b'}, {tool: T, input: {n: 1}}], stop_reason: max_tokens}]");
    let (events, _) = stream(&model, prompt("go"), SOON).await;
    let message = ask(&model, &prompt("go")).await;
    assert_eq!(message["content"][0]["text"], said(&events, 0, "text"));
    assert_eq!(message["content"][1]["input"].to_string(), said(&events, 1, "partial_json"));
    assert_eq!(message["stop_reason"], events[events.len() - 2]["delta"]["stop_reason"]);
    assert_eq!(message["stop_reason"], "max_tokens");
}

#[tokio::test]
async fn ids_are_never_used_twice() {
    let model = Model::start("rules: [{when: {}, reply: [{tool: A}, {tool: B}]}]");
    let mut ids = HashSet::new();
    for _ in 0..2 {
        let message = ask(&model, &prompt("go")).await;
        ids.extend(
            [&message["id"], &message["content"][0]["id"], &message["content"][1]["id"]].map(ToString::to_string),
        );
    }
    assert_eq!(ids.len(), 6);
}

#[tokio::test]
async fn a_text_is_cut_as_the_script_says_and_nothing_is_lost() {
    for (split, count) in [("words", 3), ("whole", 1), ("1", 13), ("4", 4), ("13", 1), ("99", 1)] {
        let model =
            Model::start(&format!("rules: [{{when: {{}}, reply: [{{text: 'Grüße 👋🏽 doné', split: {split}}}]}}]"));
        let (events, _) = stream(&model, prompt("go"), SOON).await;
        assert_eq!(
            (said(&events, 0, "text").as_str(), deltas(&events).count()),
            ("Grüße 👋🏽 doné", count),
            "split {split}"
        );
    }
}

#[tokio::test]
async fn characters_cut_apart_on_the_wire_arrive_whole() {
    let model = Model::start("rules: [{when: {}, reply: [{text: 'Grüße 👋🏽 done', split: 1}], write_bytes: 1}]");
    let (events, end) = stream(&model, prompt("go"), SOON).await;
    assert_eq!((said(&events, 0, "text").as_str(), end), ("Grüße 👋🏽 done", End::Whole));
}

#[tokio::test]
async fn twenty_thousand_deltas_come_as_fast_as_they_are_read() {
    let model = Model::start(
        r"rules: [{when: {prompt: {matches: 'deltas (?<n>\d+)'}}, reply: [{text: 'abcdefghijk ', repeat: '${n}', split: repeats}]}]",
    );
    let (events, end) = stream(&model, prompt("deltas 20000"), SOON).await;
    assert_eq!((deltas(&events).count(), end), (20_000, End::Whole));
    assert_eq!(said(&events, 0, "text").len(), 240_000);
}

#[tokio::test]
async fn the_script_for_measurements_does_what_its_prompts_say() {
    let model = Model::example("bench.yaml");
    let (events, _) = stream(&model, prompt("line 1000"), SOON).await;
    assert_eq!((deltas(&events).count(), said(&events, 0, "text").len()), (1, 1000));
    let (events, _) = stream(&model, prompt("deltas 30 paced 1000"), SOON).await;
    assert_eq!(deltas(&events).count(), 30);
    let (events, _) = stream(&model, prompt("echo one two"), SOON).await;
    assert_eq!(said(&events, 0, "text"), "one two");
}

#[tokio::test]
async fn a_paced_reply_takes_its_time() {
    let model = Model::start("rules: [{when: {}, reply: [{text: 'x ', repeat: 20, split: repeats, per_second: 100}]}]");
    let start = Instant::now();
    let (events, _) = stream(&model, prompt("go"), SOON).await;
    assert_eq!(deltas(&events).count(), 20);
    assert!(start.elapsed().as_millis() >= 200, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_delta_can_be_four_megabytes_long() {
    let model =
        Model::start("rules: [{when: {}, reply: [{tool: Write, input: {content: '${fill 4194304}'}, split: whole}]}]");
    let (events, _) = stream(&model, prompt("go"), SOON).await;
    assert_eq!(deltas(&events).count(), 1);
    assert_eq!(said(&events, 0, "partial_json").len(), 4_194_304 + r#"{"content":""}"#.len());
    let estimate = &events[events.len() - 2]["usage"]["output_tokens"];
    assert_eq!(*estimate, 10_000, "a client must not believe that its context is full");
}
