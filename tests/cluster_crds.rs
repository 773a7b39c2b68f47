//! The kinds on a real API server: it judges what the schemas and rules mean.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/cel_cases.rs"]
mod cel_cases;
#[path = "support/cluster/mod.rs"]
mod cluster;
#[path = "cluster/objects.rs"]
mod objects;

use ambient::api::validate::MAX_OBJECT_BYTES;
use cel_cases::cases;
use cluster::Cluster;
use kube::{
    Api, Error,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, ValidationDirective},
    core::{ApiResource, GroupVersionKind},
};
use serde_json::{Value, json};

/// The objects of a kind in the test's namespace.
fn api(cluster: &Cluster, kind: &str) -> Api<DynamicObject> {
    let plural = match kind {
        "AgenticSession" => "agenticsessions",
        "Run" => "runs",
        _ => "projectsettings",
    };
    let kind = GroupVersionKind::gvk("vteam.ambient-code", "v1alpha1", kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    Api::namespaced_with(cluster.client.clone(), &cluster.namespace, &resource)
}

/// How `kubectl apply --server-side` sends an object; a field that nobody knows is refused.
fn strict() -> PatchParams {
    PatchParams { field_validation: Some(ValidationDirective::Strict), ..PatchParams::apply("test") }
}

async fn send(cluster: &Cluster, object: &Value, parameters: &PatchParams) -> Result<DynamicObject, Error> {
    let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
    api(cluster, kind).patch(name, parameters, &Patch::Apply(object)).await
}

async fn apply(cluster: &Cluster, object: &Value) -> Result<Value, Error> {
    send(cluster, object, &strict()).await.map(|stored| serde_json::to_value(stored).unwrap())
}

/// What the API server says about an object that it refuses as invalid.
fn refusal(error: Error) -> String {
    let Error::Api(status) = error else { panic!("no answer: {error}") };
    assert!(status.code == 422 || status.code == 400, "{status:?}");
    status.message
}

#[test]
fn the_kinds_are_established_and_served() {
    cluster::control_plane(|cluster| async move {
        for name in ["agenticsessions", "runs", "projectsettings"] {
            let crd = format!("crd/{name}.vteam.ambient-code");
            let problems = r#"jsonpath={.status.conditions[?(@.status=="False")].type}"#;
            assert_eq!(cluster.ring.kubectl(&["get", &crd, "-o", problems]).unwrap(), "", "{name}");
        }
        for name in ["as", "arun", "ps", "ambient"] {
            cluster.ring.kubectl(&["get", name, "-n", &cluster.namespace]).unwrap();
        }
    });
}

#[test]
fn explain_reads_well() {
    cluster::control_plane(|cluster| async move {
        let text = cluster.ring.kubectl(&["explain", "agenticsession.spec"]).unwrap();
        for expected in [
            "KIND:       AgenticSession",
            "FIELD: spec <Object>",
            "repos\t<[]Object>",
            "Git repositories that are cloned",
        ] {
            assert!(text.contains(expected), "{expected}:\n{text}");
        }
        assert!(!text.contains("<no description>"), "{text}");
        assert!(!text.contains("<empty>"), "{text}");
        let text = cluster.ring.kubectl(&["explain", "run.status.outcome.reason"]).unwrap();
        assert!(text.contains("DeadlineExceeded"), "{text}");
    });
}

#[test]
fn every_rule_accepts_and_refuses_what_the_table_says() {
    cluster::control_plane(|cluster| async move {
        for case in cases() {
            if let Some(old) = &case.old {
                apply(&cluster, old).await.unwrap();
            }
            let answer = send(&cluster, &case.object, &PatchParams { dry_run: true, ..strict() }).await;
            match (&case.refused, answer) {
                (None, answer) => assert!(answer.is_ok(), "{}: {answer:?}", case.object),
                (Some(expected), answer) => {
                    let message = refusal(answer.err().unwrap_or_else(|| panic!("{} is accepted", case.object)));
                    assert!(message.contains(expected), "{}: {message}", case.object);
                }
            }
            if case.old.is_some() {
                let name = case.object["metadata"]["name"].as_str().unwrap();
                api(&cluster, case.kind).delete(name, &DeleteParams::default()).await.unwrap();
            }
        }
    });
}

#[test]
fn every_example_is_accepted_and_applying_it_again_changes_nothing() {
    cluster::control_plane(|cluster| async move {
        let mut seen = 0;
        for object in objects::examples() {
            let first = send(&cluster, &object, &strict()).await.unwrap();
            let second = send(&cluster, &object, &strict()).await.unwrap();
            assert_eq!(first.metadata.resource_version, second.metadata.resource_version, "{object}");
            seen += 1;
        }
        assert!(seen >= 6, "{seen} objects in examples/");
    });
}

#[test]
fn defaults_appear_and_only_where_they_belong() {
    cluster::control_plane(|cluster| async move {
        let object = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "vteam.ambient-code/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec});
        let session = apply(&cluster, &object("AgenticSession", "empty", json!({}))).await.unwrap();
        assert_eq!(session["spec"], json!({"timeout": 300}));
        let spec = json!({"llmSettings": {}, "repos": [{"url": "https://h/p"}], "activeWorkflow": {}});
        let session = apply(&cluster, &object("AgenticSession", "parts", spec)).await.unwrap();
        let llm = json!({"model": "claude-sonnet-4-6", "temperature": 0.7, "maxTokens": 4000});
        assert_eq!(session["spec"]["llmSettings"], llm);
        assert_eq!(session["spec"]["repos"], json!([{"url": "https://h/p", "autoPush": false}]));
        assert_eq!(session["spec"]["activeWorkflow"], json!({"branch": "main"}));
        let settings = object("ProjectSettings", "projectsettings", json!({"groupAccess": []}));
        let settings = apply(&cluster, &settings).await.unwrap();
        assert_eq!(settings["spec"]["inactivityTimeoutSeconds"], 86_400);
        let without_spec = json!({"apiVersion": "vteam.ambient-code/v1alpha1", "kind": "AgenticSession", "metadata": {"name": "bare"}});
        assert_eq!(apply(&cluster, &without_spec).await.unwrap()["spec"], json!({"timeout": 300}));
    });
}

#[test]
fn status_is_a_subresource() {
    cluster::control_plane(|cluster| async move {
        let mut object = cel_cases::session(json!({}));
        object["status"] = json!({"phase": "Running"});
        let made = apply(&cluster, &object).await.unwrap();
        assert!(made.get("status").is_none(), "a writer of the spec wrote the status: {made}");
        let api = api(&cluster, "AgenticSession");
        let status = Patch::Merge(json!({"spec": {"displayName": "no"}, "status": {"phase": "Running"}}));
        let written = api.patch_status("s", &PatchParams::default(), &status).await.unwrap();
        assert_eq!(written.data["status"]["phase"], "Running");
        assert!(written.data["spec"].get("displayName").is_none(), "a writer of the status wrote the spec");
        assert_eq!(written.metadata.generation, Some(1));
        let wrong = Patch::Merge(json!({"status": {"phase": "Sleeping"}}));
        let message = refusal(api.patch_status("s", &PatchParams::default(), &wrong).await.unwrap_err());
        assert!(message.contains(r#"Unsupported value: "Sleeping""#), "{message}");
    });
}

#[test]
fn columns_show_what_a_person_looks_for() {
    cluster::control_plane(|cluster| async move {
        apply(&cluster, &cel_cases::session(json!({"llmSettings": {}}))).await.unwrap();
        let run = cel_cases::run(json!({"prompt": "p"}));
        apply(&cluster, &run).await.unwrap();
        let status = json!({"status": {
            "phase": "Running", "activeRun": "r", "runs": {"total": 3, "succeeded": 2, "failed": 1},
            "usage": {"costUsd": 0.25},
        }});
        let patch = Patch::Merge(status);
        api(&cluster, "AgenticSession").patch_status("s", &PatchParams::default(), &patch).await.unwrap();
        let lines = |kind: &str| cluster.ring.kubectl(&["get", kind, "-n", &cluster.namespace]).unwrap();
        let sessions = lines("as");
        let words = |text: &str, line: usize| -> Vec<String> {
            text.lines()
                .nth(line)
                .unwrap()
                .split("  ")
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let header = ["NAME", "PHASE", "ACTIVE RUN", "RUNS", "OK", "FAILED", "MODEL", "COST USD", "IDLE", "AGE"];
        assert_eq!(words(&sessions, 0), header);
        assert_eq!(words(&sessions, 1)[..8], ["s", "Running", "r", "3", "2", "1", "claude-sonnet-4-6", "0.25"]);
        assert_eq!(words(&lines("arun"), 1)[..2], ["r", "s"]);
        let wide = cluster.ring.kubectl(&["get", "as", "-o", "wide", "-n", &cluster.namespace]).unwrap();
        assert!(wide.lines().next().unwrap().ends_with("MESSAGE"), "{wide}");
    });
}

#[test]
fn a_typo_is_refused_when_fields_are_validated_strictly() {
    cluster::control_plane(|cluster| async move {
        apply(&cluster, &cel_cases::session(json!({}))).await.unwrap();
        let typo = Patch::Merge(json!({"spec": {"initialPromt": "x"}}));
        let parameters = PatchParams { force: false, field_manager: None, ..strict() };
        let message = refusal(api(&cluster, "AgenticSession").patch("s", &parameters, &typo).await.unwrap_err());
        assert!(message.contains(r#"unknown field "spec.initialPromt""#), "{message}");
        let nested = cel_cases::run(json!({"prompt": "p", "outputSchema": {"type": "object", "anything": 1}}));
        apply(&cluster, &nested).await.unwrap();
    });
}

#[test]
fn objects_of_the_original_are_accepted_unchanged() {
    cluster::control_plane(|cluster| async move {
        for object in objects::of_the_original() {
            let made = apply(&cluster, &object).await.unwrap();
            assert_eq!(objects::without_defaults(&object, &made["spec"]), object["spec"], "{object}");
            let Some(status) = object.get("status") else { continue };
            let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
            let patch = Patch::Merge(json!({"status": status}));
            let parameters = PatchParams { force: false, field_manager: None, ..strict() };
            let written = api(&cluster, kind).patch_status(name, &parameters, &patch).await.unwrap();
            assert_eq!(&written.data["status"], status);
        }
    });
}

#[test]
fn objects_of_the_largest_allowed_size_are_accepted() {
    cluster::control_plane(|cluster| async move {
        for object in objects::largest() {
            assert_eq!(serde_json::to_vec(&object).unwrap().len(), MAX_OBJECT_BYTES);
            apply(&cluster, &object).await.unwrap();
        }
    });
}

#[test]
fn what_is_too_long_is_refused_with_its_path() {
    cluster::control_plane(|cluster| async move {
        let files: Vec<_> = (0..65).map(|n| json!({"path": format!("f{n}"), "content": ""})).collect();
        let message = refusal(apply(&cluster, &cel_cases::session(json!({"files": files}))).await.unwrap_err());
        assert!(message.contains("spec.files: Too many: 65: must have at most 64 items"), "{message}");
    });
}
