//! `GET /content/workflow-metadata`.

use serde_json::json;

use crate::rig::Rig;

const URI: &str = "/content/workflow-metadata?session=s1";

#[tokio::test]
async fn without_a_workflow_there_is_only_the_default() {
    let rig = Rig::new();
    let nothing = json!({ "commands": [], "agents": [], "config": { "artifactsDir": "artifacts" } });
    assert_eq!(rig.get(URI).await, (200, nothing.clone()));
    rig.put("workflows/default/.claude/commands/a.md", "x");
    assert_eq!(rig.get(URI).await, (200, nothing));
}

#[tokio::test]
async fn commands_agents_and_configuration_are_told() {
    let rig = Rig::new();
    let at = "workflows/w";
    rig.put(
        &format!("{at}/.claude/commands/b.plan.md"),
        "---\ndisplayName: \"Plan\"\ndescription: makes a plan\nicon: map\norder: 2\n---\n",
    );
    rig.put(&format!("{at}/.claude/commands/a.md"), "no front matter");
    rig.put(&format!("{at}/.claude/commands/ignored.txt"), "---\nname: x\n---");
    rig.put(
        &format!("{at}/.claude/agents/dev.md"),
        "---\nname: Developer\ndescription: writes\ntools: [Read, Write]\n---\n",
    );
    let config = json!({
        "name": "W", "description": "d", "systemPrompt": "p", "artifactsDir": "out/x",
        "rubric": { "activationPrompt": "r", "schema": {} }, "unknown": 1,
    });
    rig.put(&format!("{at}/.ambient/ambient.json"), &config.to_string());
    let expected = json!({
        "commands": [
            { "id": "b.plan", "name": "Plan", "description": "makes a plan", "slashCommand": "/b.plan", "icon": "map", "order": 2 },
            { "id": "a", "name": "a", "description": "", "slashCommand": "/a", "icon": "", "order": 9_007_199_254_740_991_i64 },
        ],
        "agents": [{ "id": "dev", "name": "Developer", "description": "writes", "tools": ["Read", "Write"] }],
        "config": {
            "name": "W", "description": "d", "systemPrompt": "p", "artifactsDir": "out/x",
            "rubric": { "activationPrompt": "r", "schema": {} },
        },
    });
    assert_eq!(rig.get(URI).await, (200, expected));
}

#[tokio::test]
async fn bug_06_a_link_of_a_workflow_that_leads_out_tells_nothing() {
    let rig = Rig::new();
    std::fs::write(rig.outside().join("out.md"), "---\nname: secret\n---\n").unwrap();
    std::fs::write(rig.outside().join("ambient.json"), r#"{"name":"secret"}"#).unwrap();
    rig.put("workflows/w/.claude/agents", "-> ../../../../outside");
    rig.put("workflows/w/.claude/commands/c.md", "-> ../../../../../outside/out.md");
    rig.put("workflows/w/.ambient", "-> ../../../outside");
    let (status, answer) = rig.get(URI).await;
    assert_eq!(status, 200);
    assert!(!answer.to_string().contains("secret"), "{answer}");
}

#[tokio::test]
async fn garbage_is_passed_over() {
    let rig = Rig::new();
    rig.put("workflows/w/.claude/commands/bad.md", "---\n\u{0}:::\n- - -\norder: many\n");
    rig.put("workflows/w/.claude/commands/dir.md/x", "a directory");
    rig.put("workflows/w/.claude/agents", "a file");
    for config in ["", "[1]", "{\"artifactsDir\": 7, \"name\": []}"] {
        rig.put("workflows/w/.ambient/ambient.json", config);
        let (status, answer) = rig.get(URI).await;
        assert_eq!((status, &answer["config"]["artifactsDir"]), (200, &json!("artifacts")));
        assert_eq!((answer["commands"].as_array().unwrap().len(), &answer["agents"]), (1, &json!([])), "{answer}");
    }
}
