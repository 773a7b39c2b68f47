//! Whatever is asked: no panic, no answer of the 500s, nothing outside the workspace, and answers of a bounded size.

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::rig::{Rig, names};

#[derive(Debug, Clone)]
struct Asked {
    method: &'static str,
    uri: String,
    body: Vec<u8>,
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(vec!["a", "b", "file", "dir", "in", "out", "circle", "..", ".", "", ".git", "c.md"])
            .prop_map(str::to_owned),
        1 => "\\PC{0,6}",
        1 => "[\u{0}-\u{2f}]{0,3}",
        1 => (250_usize..260).prop_map(|length| "n".repeat(length)),
    ]
}

fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        20 => prop::collection::vec(name(), 0..5).prop_map(|names| names.join("/")),
        1 => (1_usize..2000).prop_map(|length| "d/".repeat(length)),
    ]
}

fn url() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,30}",
        "(https|http|ssh|file|ext|git)?(://|:|::)[a-z@:/.\\-]{0,30}",
        Just("https://token@host/x.git".to_owned()),
        Just("--upload-pack=x".to_owned()),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => path().prop_map(Value::from),
        2 => url().prop_map(Value::from),
        2 => prop::sample::select(vec![json!("base64"), json!("AAAA"), json!(null), json!(7), json!([]), json!({"a": [1]})]),
        1 => (0_usize..300_000).prop_map(|length| Value::from("x".repeat(length))),
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::sample::select(vec!["path", "content", "encoding", "remoteUrl", "branch", "other"]);
    let members = prop::collection::vec((key.prop_map(str::to_owned), value()), 0..5);
    prop_oneof![
        8 => members.prop_map(|members| Value::Object(members.into_iter().collect()).to_string().into_bytes()),
        8 => (path(), value()).prop_map(|(path, content)| json!({"path": path, "content": content}).to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..100),
        1 => Just(Vec::new()),
    ]
}

fn asked() -> impl Strategy<Value = Asked> {
    let route = prop::sample::select(vec![
        ("GET", "list"),
        ("GET", "file"),
        ("POST", "write"),
        ("DELETE", "delete"),
        ("GET", "git-status"),
        ("POST", "git-configure-remote"),
        ("GET", "git-list-branches"),
        ("GET", "workflow-metadata"),
    ]);
    let encoded = |path: String| path.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let query = prop_oneof![
        8 => path().prop_map(move |path| format!("path={}", encoded(path))),
        1 => "[a-z0-9%&=/.+_~-]{0,40}",
        1 => Just("session=s&path=a&path=b".to_owned()),
    ];
    (route, query, body()).prop_map(|((method, route), query, body)| Asked {
        method,
        uri: format!("/content/{route}?{query}"),
        body,
    })
}

/// A workspace as an agent may leave it.
fn workspace() -> Rig {
    let rig = Rig::new();
    rig.put("a/file", "x");
    rig.put("dir/b/file", "y");
    rig.put("in", "-> dir/b");
    rig.put("out", "-> ../outside");
    rig.put("dir/out", "-> ../../outside/secret");
    rig.put("circle", "-> circle");
    rig.put("b/.git", "gitdir: /nowhere");
    rig.put("workflows/w/.claude/commands/c.md", "---\nname: x\n");
    rig.put("workflows/w/.claude/agents/bad.md", "\0---");
    rig.put("workflows/w/.ambient/ambient.json", "[");
    rig
}

#[test]
fn any_requests_are_answered_without_a_fault_of_ours() {
    let rig = workspace();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(asked in asked())| {
        let (status, body) = runtime.block_on(rig.send(asked.method, &asked.uri, asked.body.clone()));
        prop_assert!(status.as_u16() < 500, "{status} {}", String::from_utf8_lossy(&body));
        prop_assert!(body.len() < 1 << 20, "{} bytes", body.len());
        if !status.is_success() {
            let answer: Value = serde_json::from_slice(&body).unwrap();
            prop_assert!(answer["detail"].is_string() || answer["detail"].is_array(), "{answer}");
        }
        prop_assert_eq!(names(&rig.outside()), ["secret"]);
    });
    assert_eq!(std::fs::read_to_string(rig.outside().join("secret")).unwrap(), "secret");
}
