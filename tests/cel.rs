//! The rules of the CRDs, evaluated: they refuse what the validation in Rust refuses, with the same words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;

use ambient::api::{crds, rules, validate::text};
use kube_cel::CompiledSchema;
use proptest::prelude::*;
use serde_json::{Value, json};

/// The schemas by kind. Generated once, since a property asks hundreds of times.
static SCHEMAS: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
    let schema = |crd: &_| serde_json::to_value(crds::schema(crd).unwrap()).unwrap();
    crds::all().iter().map(|crd| (crd.spec.names.kind.clone(), schema(crd))).collect()
});

fn schema(kind: &str) -> &'static Value {
    &SCHEMAS.iter().find(|(name, _)| name == kind).unwrap().1
}

thread_local! {
    static COMPILED: Vec<(&'static str, CompiledSchema)> =
        SCHEMAS.iter().map(|(name, schema)| (name.as_str(), kube_cel::compile_schema(schema))).collect();
}

/// What the API server would say about an object of a kind, or about its change.
fn messages(kind: &str, object: &Value, old: Option<&Value>) -> Vec<String> {
    COMPILED.with(|schemas| {
        let schema = &schemas.iter().find(|(name, _)| *name == kind).unwrap().1;
        let errors = kube_cel::validate_compiled(schema, object, old).err();
        errors.iter().flat_map(kube_cel::ValidationErrors::as_slice).map(|error| error.message.clone()).collect()
    })
}

#[expect(clippy::needless_pass_by_value, reason = "every caller makes the value for this call")]
fn session(spec: Value) -> Value {
    json!({"metadata": {"name": "s"}, "spec": spec})
}

fn run(mut spec: Value) -> Value {
    spec["sessionRef"] = json!({"name": "s"});
    json!({"metadata": {"name": "r"}, "spec": spec})
}

#[test]
fn every_rule_compiles_and_names_only_what_the_api_server_gives_it() {
    for kind in ["AgenticSession", "Run", "ProjectSettings"] {
        let mut waiting = vec![schema(kind)];
        while let Some(part) = waiting.pop() {
            waiting.extend(part["properties"].as_object().into_iter().flat_map(|members| members.values()));
            waiting.extend(["items", "additionalProperties"].into_iter().filter_map(|name| part.get(name)));
            for rule in part["x-kubernetes-validations"].as_array().into_iter().flatten() {
                let rule = rule["rule"].as_str().unwrap();
                kube_cel::cel::Program::compile(rule).unwrap();
                let scope = kube_cel::ScopeContext::CrdValidation;
                let warnings = kube_cel::check_rule_scope(rule, scope);
                let foreign = warnings.iter().filter(|warning| !warning.message.contains("'given'"));
                assert_eq!(foreign.count(), 0, "{rule}: {warnings:?}");
            }
        }
    }
}

/// Texts near the edge of what a rule takes.
fn text_like(pattern: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![pattern, "[a-zA-Z0-9@:/._-]{0,24}", "\\PC{0,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn repository_urls_are_judged_alike(url in text_like("(https?|ssh|ftp)://[a-z.@:]{0,6}/?[a-z/. ]{0,8}")) {
        let found = messages("AgenticSession", &session(json!({"repos": [{"url": url}]})), None);
        let expected = if text::is_repo_url(&url, false) { vec![] } else { vec![rules::REPO_URL.message] };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn short_ssh_urls_are_judged_alike(url in "[a-z._-]{0,3}@[a-z.]{0,3}:[a-z/ ]{0,4}") {
        let found = messages("AgenticSession", &session(json!({"repos": [{"url": url}]})), None);
        prop_assert_eq!(found.is_empty(), text::is_repo_url(&url, false));
    }

    #[test]
    fn repository_names_are_judged_alike(name in text_like("[a-zA-Z0-9._ -]{1,6}")) {
        let repo = json!({"url": "https://h/p", "name": name});
        let found = messages("AgenticSession", &session(json!({"repos": [repo]})), None);
        prop_assert_eq!(found.is_empty(), text::is_repo_name(&name));
    }

    #[test]
    fn file_paths_are_judged_alike(path in text_like("[a/.]{0,6}")) {
        let files = json!([{"path": path, "content": ""}]);
        let found = messages("AgenticSession", &session(json!({"files": files})), None);
        prop_assert_eq!(found.is_empty(), text::is_file_path(&path), "{:?}", found);
    }

    #[test]
    fn ids_are_judged_alike(id in text_like("[a-zA-Z0-9._: -]{1,6}")) {
        let found = messages("Run", &run(json!({"prompt": "p", "runId": id, "threadId": id})), None);
        prop_assert_eq!(found.is_empty(), text::is_protocol_id(&id));
    }
}

#[test]
fn a_run_has_exactly_one_input() {
    let message = json!([{"role": "user", "content": "c"}]);
    let answer = json!([{"interruptId": "q", "payload": "yes"}]);
    for good in [json!({"prompt": "p"}), json!({"messages": message}), json!({"resume": answer})] {
        assert!(messages("Run", &run(good), None).is_empty());
    }
    for bad in [json!({}), json!({"prompt": "p", "resume": answer}), json!({"prompt": "p", "messages": message})] {
        assert_eq!(messages("Run", &run(bad), None), [rules::ONE_INPUT.message]);
    }
}

#[test]
fn a_tool_message_answers_a_call() {
    for bad in [json!({"role": "tool", "content": ""}), json!({"role": "user", "content": "", "toolCallId": "c"})] {
        assert_eq!(messages("Run", &run(json!({"messages": [bad]})), None), [rules::TOOL_MESSAGE.message]);
    }
}

#[test]
fn a_replay_has_a_source() {
    let good = json!({"runner": {"type": "replay", "replay": {"path": "x"}}});
    assert!(messages("AgenticSession", &session(good), None).is_empty());
    for bad in [json!({"type": "replay"}), json!({"replay": {"path": "x"}})] {
        let found = messages("AgenticSession", &session(json!({"runner": bad})), None);
        assert_eq!(found, [rules::REPLAY_SOURCE.message]);
    }
}

#[test]
fn the_settings_object_has_its_name() {
    let settings = |name: &str| json!({"metadata": {"name": name}, "spec": {"groupAccess": []}});
    assert!(messages("ProjectSettings", &settings("projectsettings"), None).is_empty());
    assert_eq!(messages("ProjectSettings", &settings("mine"), None), [rules::SETTINGS_NAME.message]);
}

#[test]
fn no_field_of_a_run_but_the_desired_state_can_be_changed_added_or_removed() {
    let fields = json!({
        "runId": "r1", "threadId": "t1", "model": "m", "parentRun": "p", "timeout": 5, "outputSchema": {"type": "object"},
    });
    let with = |extra: &Value| {
        let mut spec = json!({"prompt": "p"});
        spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        run(spec)
    };
    for (name, value) in fields.as_object().unwrap() {
        let (absent, present) = (with(&json!({})), with(&json!({name: value})));
        let other = if value.is_number() { json!(6) } else { json!("other") };
        let other = if value.is_object() { json!({"type": "array"}) } else { other };
        for (old, new) in [(&absent, &present), (&present, &absent), (&present, &with(&json!({name: other})))] {
            let found = messages("Run", new, Some(old));
            assert!(
                found.iter().any(|message| message.starts_with(&format!("{name} cannot be changed"))),
                "{name}: {found:?}"
            );
        }
    }
}

#[test]
fn the_input_and_the_session_of_a_run_cannot_be_changed() {
    let old = run(json!({"prompt": "p"}));
    let found = messages("Run", &run(json!({"prompt": "q"})), Some(&old));
    assert_eq!(found, ["prompt cannot be changed: a Run is immutable but for desiredState; create a new Run"]);
    let mut other = old.clone();
    other["spec"]["sessionRef"]["name"] = json!("other");
    assert!(messages("Run", &other, Some(&old))[0].starts_with("sessionRef cannot be changed"));
}

#[test]
fn a_run_can_be_cancelled_and_stays_so() {
    let running = run(json!({"prompt": "p", "desiredState": "Running"}));
    let cancelled = run(json!({"prompt": "p", "desiredState": "Cancelled"}));
    assert!(messages("Run", &cancelled, Some(&running)).is_empty());
    assert!(messages("Run", &cancelled, Some(&cancelled)).is_empty());
    assert_eq!(messages("Run", &running, Some(&cancelled)), [rules::NO_WAY_BACK.message]);
}
