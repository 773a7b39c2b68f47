//! The rules of the CRDs, evaluated: they refuse what the validation in Rust refuses, with the same words.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/cel_cases.rs"]
mod cel_cases;

use std::sync::LazyLock;

use ambient::api::{crds, rules, validate::text};
use cel_cases::{cases, run, session};
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
fn every_case_is_judged_as_the_table_says() {
    for case in cases() {
        let found = messages(case.kind, &case.object, case.old.as_ref());
        assert_eq!(found, Vec::from_iter(case.refused), "{}, changed from {:?}", case.object, case.old);
    }
}
