//! The real CLI after a change: it has the repository and the workflow, and remembers the conversation.

use serde_json::json;

use crate::{
    claude::{TALKS, claude},
    model::Model,
    post, server, session,
};

#[tokio::test]
async fn the_next_turn_of_the_real_cli_has_the_new_repository_and_remembers_the_conversation() {
    let Some(cli) = claude() else { return };
    let (server, model) = (server().await, Model::start(TALKS));
    let about = r#"{"name": "Triage", "systemPrompt": "Read every issue twice."}"#;
    server.repository("flow", &[(".ambient/ambient.json", about)]);
    let session = session().env("AMBIENT_AGENT_COMMAND", cli.to_str().unwrap()).env("ANTHROPIC_BASE_URL", &model.url);
    let runner = session.start();
    runner.run("r1", "the word is heron").await;
    assert_eq!(post(&runner, "/repos/add", &json!({ "url": server.url("web") })).await.0, 200);
    runner.run("r2", "which word?").await;
    assert_eq!(post(&runner, "/workflow", &json!({ "gitUrl": server.url("flow") })).await.0, 200);
    runner.run("r3", "and again?").await;
    let asked = model.conversations();
    let of = |prompt: &str| asked.iter().find(|request| request.prompt.contains(prompt)).unwrap();
    let path = session.path("ws/repos/web").display().to_string();
    assert!(!of("heron").system.contains(&path));
    for request in &asked {
        // Whether the agent has a tool and whether it is told of it go together, also after a change.
        for tool in ["log_correction", "refresh_credentials", "evaluate_rubric"] {
            let has = request.tools.iter().any(|known| known.ends_with(tool));
            assert_eq!(request.system.contains(tool), has, "{tool}: {:?}", request.tools);
        }
    }
    for prompt in ["which word?", "and again?"] {
        let request = of(prompt);
        assert!(request.system.contains(&path), "{prompt}: {}", request.system);
        assert!(format!("{:?}", request.messages).contains("heron"), "{prompt}: it remembers");
    }
    assert!(of("and again?").system.contains("Read every issue twice."));
    assert!(!of("which word?").system.contains("Read every issue twice."));
}
