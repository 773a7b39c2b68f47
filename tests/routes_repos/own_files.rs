//! What the real CLI takes from the folders that it works in: of repositories their instructions, of the workflow that somebody
//! has chosen also its commands, skills and agents, and of nobody settings.

use serde_json::json;

use crate::{
    claude::claude,
    git_server::GitServer,
    model::{Model, Received},
    post,
    rig::{Runner, Session, Stream, input, text},
    session,
};

const SCRIPT: &str = "
rules:
  - when: {prompt: ask me, step: 0}
    reply:
      - tool: AskUserQuestion
        input: {questions: [{question: 'Which color?', header: Color, multiSelect: false, options: [{label: Red, description: r}, {label: Blue, description: b}]}]}
  - {when: {step: any}, reply: [{text: 'I heard: ${prompt}'}]}
";

/// The CLI's own configuration, as a repository brings it: it runs a command, and starts a server.
fn settings(session: &Session) -> (String, String) {
    let run = |what: &str| format!("touch {}", session.path(what).display());
    let hook = json!([{ "hooks": [{ "type": "command", "command": run("hook") }] }]);
    let hooks = json!({ "UserPromptSubmit": hook, "SessionStart": hook, "PreToolUse": hook, "Stop": hook });
    let settings = json!({ "hooks": hooks, "env": { "BROUGHT": "along" }, "permissions": { "allow": ["Bash"] } });
    let server = json!({ "mcpServers": { "brought": { "command": "sh", "args": ["-c", run("server")] } } });
    (settings.to_string(), server.to_string())
}

/// A folder with all that the CLI reads, under these names.
fn whole(server: &GitServer, session: &Session, name: &str, word: &str) {
    let (settings, servers) = settings(session);
    let hook = session.path("hook").display().to_string();
    let command = format!(
        "---\ndescription: Repairs\nallowed-tools: Bash(touch:*)\n---\nRepair the $ARGUMENTS with the {word}. !`touch {hook}`\n"
    );
    let skill = format!("---\nname: tidy-{word}\ndescription: Tidies like a {word}\n---\nTidy up.\n");
    let agent = format!("---\nname: looks-{word}\ndescription: Looks like a {word}\n---\nLook.\n");
    server.repository(
        name,
        &[
            ("CLAUDE.md", &format!("The word of {name} is {word}.")),
            (&format!(".claude/commands/mend-{word}.md"), &command),
            (&format!(".claude/skills/tidy-{word}/SKILL.md"), &skill),
            (&format!(".claude/agents/looks-{word}.md"), &agent),
            (".claude/settings.json", &settings),
            (".claude/settings.local.json", &settings),
            (".mcp.json", &servers),
        ],
    );
}

/// A session of the real CLI, a git server with a repository and two workflows, and a model.
async fn rig() -> Option<(Session, GitServer, Model, Runner)> {
    let (cli, model, server) = (claude()?, Model::start(SCRIPT), GitServer::start().await);
    let session = session().env("AMBIENT_AGENT_COMMAND", cli.to_str().unwrap()).env("ANTHROPIC_BASE_URL", &model.url);
    for (name, word) in [("web", "otter"), ("flow", "heron"), ("other", "crane")] {
        whole(&server, &session, name, word);
    }
    let runner = session.start();
    Some((session, server, model, runner))
}

/// What the model was told for a prompt.
fn told(model: &Model, prompt: &str) -> Received {
    model.conversations().into_iter().rev().find(|request| request.prompt.contains(prompt)).unwrap()
}

/// Which of the parts of a folder the agent has: its instructions, its skill, its agent.
fn has(request: &Received, word: &str) -> [bool; 3] {
    let parts = [format!("is {word}."), format!("Tidies like a {word}"), format!("Looks like a {word}")];
    parts.map(|part| request.system.contains(&part))
}

#[tokio::test]
async fn a_workflows_own_files_reach_the_agent_and_go_with_it_and_nobodys_settings_do() {
    let Some((session, server, model, runner)) = rig().await else { return };
    assert_eq!(post(&runner, "/repos/add", &json!({ "url": server.url("web") })).await.0, 200);
    runner.run("r1", "first").await;
    assert_eq!(has(&told(&model, "first"), "otter"), [true, false, false], "a repository's instructions, nothing else");
    assert_eq!(post(&runner, "/workflow", &json!({ "gitUrl": server.url("flow") })).await.0, 200);
    let mended = text(&runner.run("r2", "/mend-heron door").await);
    assert!(mended.contains("I heard: Repair the door with the heron."), "{mended}");
    let request = told(&model, "Repair the door");
    assert_eq!(has(&request, "heron"), [true; 3]);
    assert_eq!(has(&request, "otter"), [true, false, false]);
    assert!(!request.tools.iter().any(|tool| tool.contains("brought")), "{:?}", request.tools);
    for prompt in ["/mend-otter door", "/clear"] {
        let said = text(&runner.run(&format!("r-{}", prompt.len()), prompt).await);
        assert_eq!(said, format!("I heard: {prompt}"), "what is no command of the workflow is said as it stands");
    }
    assert_eq!(post(&runner, "/workflow", &json!({ "gitUrl": server.url("other") })).await.0, 200);
    runner.run("r5", "fifth").await;
    assert_eq!(has(&told(&model, "fifth"), "crane"), [true; 3]);
    let said = text(&runner.run("r6", "/mend-heron door").await);
    assert_eq!(said, "I heard: /mend-heron door", "the command of the one before is gone");
    // In the conversation it has been; a new one knows nothing of it.
    let mut elsewhere = input("r7", "seventh");
    elsewhere["threadId"] = "elsewhere".into();
    Stream::of(runner.post("/", &elsewhere).await).rest().await;
    assert_eq!(has(&told(&model, "seventh"), "crane"), [true; 3]);
    assert_eq!(has(&told(&model, "seventh"), "heron"), [false; 3]);
    for name in ["hook", "server"] {
        assert!(!session.path(name).exists(), "{name} was run");
    }
    for name in ["flow", "other"] {
        assert!(!session.path("ws/workflows").join(name).join(".claude/settings.json").exists());
    }
}

#[tokio::test]
async fn a_workflows_command_may_come_with_context_and_its_agent_still_asks() {
    let Some((_session, server, model, runner)) = rig().await else { return };
    assert_eq!(post(&runner, "/workflow", &json!({ "gitUrl": server.url("flow") })).await.0, 200);
    let mut input = input("r1", "/mend-heron gate");
    input["context"] = json!([{ "description": "page", "value": "the garden" }]);
    Stream::of(runner.post("/", &input).await).rest().await;
    let request = told(&model, "Repair the gate");
    assert!(json!(request.messages).to_string().contains("the garden"), "{:?}", request.messages);
    let events = runner.run("r2", "ask me").await;
    let end = serde_json::to_value(events.last().unwrap()).unwrap();
    assert_eq!(end["outcome"]["type"], "interrupt", "our own hooks go on: {end}");
}
