//! No secret of the runner's environment reaches a stream, the log or stderr.

use crate::rig::{Session, outcome};

const KEY: &str = "sk-ant-api03-Zm9vYmFyYmF6cXV4LTEyMzQ1Njc4OTA-abcdefgh";
const OPAQUE: &str = "h7Gq2LwNvXr9TzBm4KpC";
const TOKEN: &str = "ghp_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789";

#[tokio::test]
async fn bug_05_what_an_agent_says_of_the_keys_is_redacted_everywhere() {
    let session = Session::new().env("ANTHROPIC_API_KEY", KEY).env("DEPLOY_TOKEN", OPAQUE).env("LOG_LEVEL", "trace");
    let runner = session.start();
    let prompts = [
        "env ANTHROPIC_API_KEY".to_owned(),
        format!("echo {OPAQUE}"),
        format!("thinking 1; echo {TOKEN} and more"),
        format!("stderr {TOKEN}; error {OPAQUE} is wrong"),
        format!("stderr {OPAQUE}; die"),
    ];
    let mut streams = String::new();
    for (number, prompt) in prompts.iter().enumerate() {
        let events = runner.run(&format!("r{number}"), prompt).await;
        outcome(&events);
        streams.push_str(&serde_json::to_string(&events).unwrap());
    }
    runner.terminate();
    let (_, _, stderr) = runner.end();
    assert!(streams.contains("[redacted"), "the agent did say them");
    for (place, text) in [("stream", &streams), ("log", &session.log_text()), ("stderr", &stderr)] {
        for secret in [KEY, OPAQUE, TOKEN] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret} in {place}");
        }
    }
}
