//! Objects that the API server must take.

use ambient::api::validate::MAX_OBJECT_BYTES;
use serde_json::{Map, Value, json};

#[expect(clippy::needless_pass_by_value, reason = "every caller makes the value for this call")]
fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "vteam.ambient-code/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

/// Every document of `examples/*.yaml`.
pub(crate) fn examples() -> Vec<Value> {
    let mut files: Vec<_> = std::fs::read_dir("examples").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let read = |path: &std::path::PathBuf| -> Vec<Value> {
        let text = std::fs::read_to_string(path).unwrap();
        serde_saphyr::from_multiple(&text).unwrap()
    };
    files.iter().flat_map(read).collect()
}

/// Objects with every field of the original's kinds.
pub(crate) fn of_the_original() -> Vec<Value> {
    let mut session = object("AgenticSession", "original", session_spec());
    session["status"] = session_status();
    let mcp = session_spec()["mcpServers"].clone();
    let settings = json!({
        "groupAccess": [
            {"groupName": "a", "role": "admin"}, {"groupName": "b", "role": "edit"}, {"groupName": "c", "role": "view"},
        ],
        "runnerSecretsName": "ambient-runner-secrets",
        "repositories": [
            {"url": "https://github.com/a/b", "branch": "main", "provider": "github"},
            {"url": "https://gitlab.com/a/b", "provider": "gitlab"},
        ],
        "inactivityTimeoutSeconds": 0,
        "mcpServers": mcp,
    });
    let mut settings = object("ProjectSettings", "projectsettings", settings);
    settings["status"] =
        json!({"groupBindingsCreated": 3, "scheduledSessionRBACReady": true, "limitRangeReady": false});
    let minimal = json!({
        "displayName": "d", "initialPrompt": "p", "llmSettings": {"model": "m"}, "userContext": {"userId": "u"},
        "repos": [{"url": "https://github.com/a/b", "branch": "main"}],
        "environmentVariables": {"RUNNER_TYPE": "claude-agent-sdk", "RUNNER_STATE_DIR": ".claude"},
    });
    vec![session, settings, object("AgenticSession", "minimal", minimal), object("AgenticSession", "empty", json!({}))]
}

fn session_spec() -> Value {
    json!({
        "repos": [
            {"url": "https://github.com/a/b.git", "branch": "main", "autoPush": true},
            {"url": "git@gitlab.com:a/c.git", "branch": "main", "autoPush": false},
        ],
        "initialPrompt": "p",
        "displayName": "d",
        "userContext": {"userId": "u", "displayName": "U", "groups": ["g"]},
        "llmSettings": {"model": "claude-sonnet-4-6", "temperature": 0.7, "maxTokens": 4000},
        "timeout": 300,
        "inactivityTimeout": 0,
        "stopOnRunFinished": true,
        "environmentVariables": {"RUNNER_TYPE": "claude-agent-sdk"},
        "mcpServers": {"custom": {"x": {"command": "c", "args": ["a"], "env": {"K": "v"}}}, "disabled": ["y"]},
        "activeWorkflow": {"gitUrl": "https://github.com/a/w.git", "branch": "main", "path": "workflows/x"},
    })
}

fn session_status() -> Value {
    let at = "2026-08-17T12:00:00Z";
    json!({
        "phase": "Stopped",
        "observedGeneration": 1,
        "startTime": at,
        "completionTime": at,
        "lastActivityTime": at,
        "stoppedReason": "inactivity",
        "reconciledRepos": [{
            "url": "https://github.com/a/b.git", "name": "b", "branch": "main", "branches": ["main"],
            "currentActiveBranch": "main", "defaultBranch": "main", "status": "Ready", "clonedAt": at,
        }],
        "reconciledWorkflow": {
            "gitUrl": "https://github.com/a/w.git", "branch": "main", "path": "workflows/x", "status": "Active", "appliedAt": at,
        },
        "sdkSessionId": "id",
        "sdkRestartCount": 2,
        "conditions": [{
            "type": "Ready", "status": "False", "reason": "Stopped", "message": "m", "lastTransitionTime": at,
            "observedGeneration": 1,
        }],
    })
}

/// What was stored, without the top members that only the server's defaults added.
pub(crate) fn without_defaults(given: &Value, stored: &Value) -> Value {
    let given = given["spec"].as_object().unwrap();
    let mut kept = stored.as_object().unwrap().clone();
    kept.retain(|name, _| given.contains_key(name));
    // Inside of what was given, the original has the same defaults; only `minimal` leaves them out.
    Value::Object(
        kept.into_iter().map(|(name, value)| (name.clone(), like(&given[&name], value))).collect::<Map<_, _>>(),
    )
}

fn like(given: &Value, stored: Value) -> Value {
    match (given, stored) {
        (Value::Object(given), Value::Object(stored)) => {
            let kept = stored.into_iter().filter(|(name, _)| given.contains_key(name));
            Value::Object(kept.map(|(name, value)| (name.clone(), like(&given[&name], value))).collect())
        }
        (Value::Array(given), Value::Array(stored)) if given.len() == stored.len() => {
            Value::Array(given.iter().zip(stored).map(|(given, stored)| like(given, stored)).collect())
        }
        (_, stored) => stored,
    }
}

/// Objects as large as may be, with as much as the rules have to look at.
pub(crate) fn largest() -> Vec<Value> {
    let repo = |n: usize| json!({"url": format!("https://h/{n:03}{}", "u".repeat(2035)), "name": format!("{n:0100}")});
    let file = |n: usize| json!({"path": format!("{n:03}{}", "/a".repeat(510)), "content": ""});
    let session = object(
        "AgenticSession",
        "largest",
        json!({
            "repos": (0..100).map(repo).collect::<Vec<_>>(),
            "files": (0..64).map(file).collect::<Vec<_>>(),
            "initialPrompt": "",
        }),
    );
    let prompt = object(
        "Run",
        "prompt",
        json!({"sessionRef": {"name": "s"}, "prompt": "p".repeat(512 * 1024), "outputSchema": {"x": ""}}),
    );
    let message = |n: usize| json!({"role": "tool", "content": format!("{n}"), "toolCallId": "c"});
    let messages = (0..64).map(message).collect::<Vec<_>>();
    let messages = json!({"sessionRef": {"name": "s"}, "messages": messages, "outputSchema": {"x": ""}});
    vec![
        filled(session, "/spec/initialPrompt"),
        filled(prompt, "/spec/outputSchema/x"),
        filled(object("Run", "messages", messages), "/spec/outputSchema/x"),
    ]
}

/// Fills a text of an object until the object is as large as may be.
fn filled(mut object: Value, text: &str) -> Value {
    let missing = MAX_OBJECT_BYTES - serde_json::to_vec(&object).unwrap().len();
    *object.pointer_mut(text).unwrap() = Value::String("x".repeat(missing));
    object
}
