//! The `CustomResourceDefinition`s: the generated files are fresh, and the schemas are what the API server and people need.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use ambient::{api::crds, cli};
use serde_json::{Value, json};

/// Set to rewrite `crds/*.yaml`.
const WRITE: &str = "AMBIENT_WRITE_CRDS";

fn definitions() -> Vec<Value> {
    crds::all().iter().map(|crd| serde_json::to_value(crd).unwrap()).collect()
}

fn schema(definition: &Value) -> &Value {
    &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
}

/// Every part of a schema with its path.
fn parts(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    let mut waiting = vec![(String::new(), schema)];
    while let Some((path, part)) = waiting.pop() {
        let members = part["properties"].as_object().into_iter().flatten();
        waiting.extend(members.map(|(name, member)| (format!("{path}.{name}"), member)));
        let inner = ["items", "additionalProperties"].into_iter().filter_map(|name| part.get(name));
        waiting.extend(inner.filter(|inner| inner.is_object()).map(|inner| (format!("{path}[]"), inner)));
        found.push((path, part));
    }
    found
}

/// The path, the file's text as it should be.
fn files() -> Vec<(PathBuf, String)> {
    let header = "# Generated from src/api by `make crds`. Do not edit.\n";
    let file = |crd: &_| {
        let yaml = crds::yaml(crd).unwrap();
        let name = serde_json::to_value(crd).unwrap()["metadata"]["name"].as_str().unwrap().to_owned();
        let (plural, group) = name.split_once('.').unwrap();
        (PathBuf::from(format!("crds/{plural}.{group}.yaml")), format!("{header}{yaml}"))
    };
    crds::all().iter().map(file).collect()
}

#[test]
fn the_generated_files_are_fresh() {
    for (path, expected) in files() {
        if std::env::var_os(WRITE).is_some() {
            std::fs::create_dir_all("crds").unwrap();
            std::fs::write(&path, &expected).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == expected, "{} is stale: run `make crds` and commit what it writes", path.display());
    }
}

#[test]
fn the_crds_command_prints_every_definition() {
    let mut out = Vec::new();
    cli::crds::run(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(text.split("---\n").count(), files().len());
    for (_, yaml) in files() {
        assert!(text.contains(yaml.split_once('\n').unwrap().1));
    }
}

#[test]
fn a_generated_file_reads_back_as_its_definition() {
    for (definition, (path, yaml)) in definitions().into_iter().zip(files()) {
        let read: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(sorted(&read), sorted(&definition), "{}", path.display());
    }
}

/// The same value with its numbers as floating point: YAML does not tell 1 from 1.0.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(list) => list.iter().map(sorted).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect(),
        other => other.clone(),
    }
}

#[test]
fn names_are_those_of_the_original_with_short_names_and_a_category() {
    let names = |definition: &Value| definition["spec"]["names"].clone();
    let expected = [
        ("agenticsessions", "agenticsession", "AgenticSession", "as"),
        ("runs", "run", "Run", "arun"),
        ("projectsettings", "projectsetting", "ProjectSettings", "ps"),
    ];
    for (definition, (plural, singular, kind, short)) in definitions().iter().zip(expected) {
        let expected = json!({
            "plural": plural, "singular": singular, "kind": kind, "shortNames": [short], "categories": ["ambient"],
        });
        assert_eq!(names(definition), expected);
        assert_eq!(definition["spec"]["group"], "vteam.ambient-code");
        assert!(definition["spec"]["versions"][0]["subresources"]["status"].is_object());
    }
}

#[test]
fn every_field_is_documented() {
    for definition in definitions() {
        for (path, part) in parts(schema(&definition)).iter().filter(|(path, _)| !path.ends_with("[]")) {
            let text = part["description"].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{path} has no description");
            assert!(!text.contains('\n'), "{path}: kubectl explain breaks lines itself");
        }
    }
}

#[test]
fn schemas_are_structural_and_say_absent_instead_of_null() {
    for definition in definitions() {
        for (path, part) in parts(schema(&definition)) {
            let is_open =
                part["x-kubernetes-preserve-unknown-fields"] == true || part["x-kubernetes-int-or-string"] == true;
            assert!(part["type"].is_string() || is_open, "{path} has no type");
            assert!(part.get("nullable").is_none(), "{path} is nullable");
            let format = part["format"].as_str().unwrap_or("int64");
            assert!(["int32", "int64", "double", "date-time"].contains(&format), "{path}: {format}");
        }
    }
}

#[test]
fn the_manifest_reader_knows_every_keyword_of_a_spec() {
    let known = [
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        // Of amounts; api/validate/place.rs.
        "pattern",
        "properties",
        "required",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];
    for definition in definitions() {
        for (path, part) in parts(&schema(&definition)["properties"]["spec"]) {
            let unknown: Vec<_> =
                part.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str())).collect();
            assert!(unknown.is_empty(), "spec{path}: {unknown:?} is not checked on a laptop");
        }
    }
}

#[test]
fn conditions_merge_by_their_type() {
    for definition in definitions() {
        let conditions = &schema(&definition)["properties"]["status"]["properties"]["conditions"];
        if conditions.is_object() {
            assert_eq!(conditions["x-kubernetes-list-type"], "map");
            assert_eq!(conditions["x-kubernetes-list-map-keys"], json!(["type"]));
        }
    }
}

#[test]
fn defaults_are_those_of_the_original() {
    let definitions = definitions();
    let session = &schema(&definitions[0])["properties"];
    let spec = &session["spec"]["properties"];
    assert_eq!(session["spec"]["default"], json!({}));
    assert_eq!(spec["timeout"]["default"], 300);
    let llm = &spec["llmSettings"]["properties"];
    assert_eq!(llm["model"]["default"], "claude-sonnet-4-6");
    assert_eq!(llm["temperature"]["default"], 0.7);
    assert_eq!(llm["maxTokens"]["default"], 4000);
    assert_eq!(spec["repos"]["items"]["properties"]["autoPush"]["default"], false);
    assert!(spec["repos"]["items"]["properties"]["branch"].get("default").is_none());
    assert_eq!(spec["activeWorkflow"]["properties"]["branch"]["default"], "main");
    assert_eq!(session["status"]["properties"]["phase"]["default"], "Pending");
    let settings = &schema(&definitions[2])["properties"]["spec"]["properties"];
    assert_eq!(settings["inactivityTimeoutSeconds"]["default"], 86_400);
}

#[test]
fn a_status_has_no_default_but_its_phase() {
    for definition in definitions() {
        let status = &schema(&definition)["properties"]["status"];
        let with_default = parts(status).into_iter().filter(|(_, part)| part.get("default").is_some());
        let paths: Vec<String> = with_default.map(|(path, _)| path).collect();
        assert!(paths.iter().all(|path| path == ".phase"), "{paths:?}");
    }
}

#[test]
fn printer_columns_show_fields_that_exist() {
    for definition in definitions() {
        for column in definition["spec"]["versions"][0]["additionalPrinterColumns"].as_array().unwrap() {
            let path = column["jsonPath"].as_str().unwrap();
            if path.starts_with(".metadata") {
                continue;
            }
            let plain = path.split('[').next().unwrap();
            let found = parts(schema(&definition)).into_iter().find(|(known, _)| known == plain);
            assert!(found.is_some(), "{path} is not a field");
        }
    }
}
