//! What the rules of the CRDs accept and refuse. The interpreter of `tests/cel.rs` and a real API server judge the same cases.

use ambient::api::rules;
use serde_json::{Value, json};

/// An object, or its change, and what the API server says.
pub(crate) struct Case {
    pub(crate) kind: &'static str,
    pub(crate) object: Value,
    /// What is changed, if it is a change.
    pub(crate) old: Option<Value>,
    /// The sentence that refuses it.
    pub(crate) refused: Option<String>,
}

pub(crate) fn session(spec: Value) -> Value {
    object("AgenticSession", "s", spec)
}

pub(crate) fn run(mut spec: Value) -> Value {
    spec["sessionRef"] = json!({"name": "s"});
    object("Run", "r", spec)
}

fn settings(name: &str) -> Value {
    object("ProjectSettings", name, json!({"groupAccess": []}))
}

#[expect(clippy::needless_pass_by_value, reason = "every caller makes the value for this call")]
fn object(kind: &str, name: &str, spec: Value) -> Value {
    json!({"apiVersion": "vteam.ambient-code/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

fn accepted(kind: &'static str, object: Value) -> Case {
    Case { kind, object, old: None, refused: None }
}

fn refused(kind: &'static str, object: Value, message: &str) -> Case {
    Case { kind, object, old: None, refused: Some(message.to_owned()) }
}

fn changed(old: &Value, new: &Value, refused: Option<&str>) -> Case {
    Case { kind: "Run", object: new.clone(), old: Some(old.clone()), refused: refused.map(str::to_owned) }
}

/// Every rule, from both sides.
pub(crate) fn cases() -> Vec<Case> {
    [texts(), inputs(), messages(), replays(), names(), changes(), cancellations()].into_iter().flatten().collect()
}

fn texts() -> Vec<Case> {
    let repo = |url: &str, name: &str| session(json!({"repos": [{"url": url, "name": name}]}));
    let file = |path: &str| session(json!({"files": [{"path": path, "content": ""}]}));
    let id = |id: &str| run(json!({"prompt": "p", "runId": id}));
    let mut cases = Vec::new();
    for url in ["https://h/p", "http://h:1/p.git", "ssh://git@h/p", "git@h:a/b.git"] {
        cases.push(accepted("AgenticSession", repo(url, "a")));
    }
    for url in ["ftp://h/p", "https://h", "/srv/git", "git@h:/a", "https://h/a b"] {
        cases.push(refused("AgenticSession", repo(url, "a"), rules::REPO_URL.message));
    }
    for name in ["-a", ".a", "a/b", "a b"] {
        cases.push(refused("AgenticSession", repo("https://h/p", name), rules::REPO_NAME.message));
    }
    cases.push(accepted("AgenticSession", file("a/b.c")));
    for path in ["/a", "a/../b", "./a", "a//b", "a/"] {
        cases.push(refused("AgenticSession", file(path), rules::FILE_PATH.message));
    }
    cases.push(accepted("Run", id("a.b:c-D_1")));
    for bad in ["-a", "a b", ":a"] {
        cases.push(refused("Run", id(bad), rules::PROTOCOL_ID.message));
    }
    cases
}

/// A run has exactly one input.
fn inputs() -> Vec<Case> {
    let message = json!([{"role": "user", "content": "c"}]);
    let answer = json!([{"interruptId": "q", "payload": "yes"}]);
    let good = [json!({"prompt": "p"}), json!({"messages": message}), json!({"resume": answer})];
    let bad = [json!({}), json!({"prompt": "p", "resume": answer}), json!({"prompt": "p", "messages": message})];
    let good = good.into_iter().map(|spec| accepted("Run", run(spec)));
    good.chain(bad.into_iter().map(|spec| refused("Run", run(spec), rules::ONE_INPUT.message))).collect()
}

/// A tool message answers a call, and only a tool message does.
fn messages() -> Vec<Case> {
    let good = json!({"role": "tool", "content": "", "toolCallId": "c"});
    let bad = [json!({"role": "tool", "content": ""}), json!({"role": "user", "content": "", "toolCallId": "c"})];
    let bad = bad.map(|message| refused("Run", run(json!({"messages": [message]})), rules::TOOL_MESSAGE.message));
    bad.into_iter().chain([accepted("Run", run(json!({"messages": [good]})))]).collect()
}

/// A replay has a source, and nothing else has one.
fn replays() -> Vec<Case> {
    let good = json!({"type": "replay", "replay": {"path": "x"}});
    let bad = [json!({"type": "replay"}), json!({"replay": {"path": "x"}})];
    let bad =
        bad.map(|runner| refused("AgenticSession", session(json!({"runner": runner})), rules::REPLAY_SOURCE.message));
    bad.into_iter().chain([accepted("AgenticSession", session(json!({"runner": good})))]).collect()
}

/// The settings object has its name.
fn names() -> Vec<Case> {
    let good = accepted("ProjectSettings", settings("projectsettings"));
    vec![good, refused("ProjectSettings", settings("mine"), rules::SETTINGS_NAME.message)]
}

/// No field of a run but the desired state can be changed, added or removed.
fn changes() -> Vec<Case> {
    let message =
        |field: &str| format!("{field} cannot be changed: a Run is immutable but for desiredState; create a new Run");
    let mut cases = Vec::new();
    for (name, value, other) in [
        ("runId", json!("r1"), json!("other")),
        ("threadId", json!("t1"), json!("other")),
        ("model", json!("m"), json!("other")),
        ("parentRun", json!("p"), json!("other")),
        ("timeout", json!(5), json!(6)),
        ("outputSchema", json!({"type": "object"}), json!({"type": "array"})),
    ] {
        let (absent, present) = (run(json!({"prompt": "p"})), run(json!({"prompt": "p", name: value})));
        let different = run(json!({"prompt": "p", name: other}));
        for (old, new) in [(&absent, &present), (&present, &absent), (&present, &different)] {
            cases.push(changed(old, new, Some(&message(name))));
        }
    }
    let old = run(json!({"prompt": "p"}));
    cases.push(changed(&old, &run(json!({"prompt": "q"})), Some(&message("prompt"))));
    let mut other = old.clone();
    other["spec"]["sessionRef"]["name"] = json!("other");
    cases.push(changed(&old, &other, Some(&message("sessionRef"))));
    cases
}

/// A run can be cancelled and stays so.
fn cancellations() -> Vec<Case> {
    let running = run(json!({"prompt": "p", "desiredState": "Running"}));
    let cancelled = run(json!({"prompt": "p", "desiredState": "Cancelled"}));
    vec![
        changed(&running, &cancelled, None),
        changed(&cancelled, &cancelled, None),
        changed(&cancelled, &running, Some(rules::NO_WAY_BACK.message)),
    ]
}
