//! `manifests/`: complete, true to the code, and taken by a real API server.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/cluster/mod.rs"]
mod cluster;

use std::{collections::BTreeSet, ffi::OsStr, fs, path::Path};

use ambient::api::names;
use serde_json::{Value, json};

fn read(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap()
}

#[test]
fn every_kind_is_part_of_the_base() {
    let listed = read("crds/Kustomization");
    let listed: BTreeSet<&str> = listed["resources"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let files: BTreeSet<String> =
        names.filter(|name| Path::new(name).extension() == Some(OsStr::new("yaml"))).collect();
    assert_eq!(listed, files.iter().map(String::as_str).collect());
    assert!(
        read("manifests/operator/kustomization.yaml")["resources"].as_array().unwrap().contains(&json!("../../crds"))
    );
}

#[test]
fn the_session_by_hand_has_the_names_that_the_platform_relies_on() {
    let pod = read("manifests/session/pod.yaml");
    let (service, account) = (read("manifests/session/service.yaml"), read("manifests/session/serviceaccount.yaml"));
    assert_eq!(pod["metadata"]["name"], names::pod("example"));
    assert_eq!(service["metadata"]["name"], names::service("example"));
    assert_eq!(account["metadata"]["name"], names::service_account("example"));
    assert_eq!(pod["spec"]["serviceAccountName"], names::service_account("example"));
    let labels = json!({ names::SESSION_LABEL: names::session_label("example"), names::APP_LABEL: names::APP });
    assert_eq!(pod["metadata"]["labels"], labels);
    assert_eq!(service["spec"]["selector"], labels);
    let env = pod["spec"]["containers"][0]["env"].as_array().unwrap();
    let token = env.iter().find(|variable| variable["name"] == "AGUI_TOKEN").unwrap();
    let secret = json!({ "name": names::token_secret("example"), "key": "agui-token" });
    assert_eq!(token["valueFrom"]["secretKeyRef"], secret);
}

#[test]
fn the_agent_shares_no_volume_that_holds_a_key_or_the_log() {
    let pod = read("manifests/session/pod.yaml");
    let mounts = |container: &Value| -> BTreeSet<String> {
        let mounts = container["volumeMounts"].as_array().unwrap();
        mounts.iter().map(|mount| mount["name"].as_str().unwrap().to_owned()).collect()
    };
    let (agent, runner) = (&pod["spec"]["initContainers"][0], &pod["spec"]["containers"][0]);
    let shared: Vec<String> = mounts(agent).intersection(&mounts(runner)).cloned().collect();
    assert_eq!(shared, ["agent-socket", "agent-state", "workspace"]);
    assert!(agent.get("envFrom").is_none());
    assert!(!agent["env"].to_string().contains("valueFrom"));
    assert_eq!(pod["spec"].get("shareProcessNamespace"), None);
}

#[test]
fn the_manifests_are_of_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    for image in read("manifests/session/kustomization.yaml")["images"].as_array().unwrap() {
        assert_eq!(image["newTag"], version, "{image}");
    }
    let dockerfile = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile")).unwrap();
    assert_eq!(dockerfile.matches(&format!("ARG VERSION={version}\n")).count(), 2);
    let toolchain = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("rust-toolchain.toml")).unwrap();
    let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"');
    assert!(dockerfile.contains(&format!("rust:{channel}-bookworm")), "the image is built with another compiler");
}

#[test]
fn a_real_api_server_takes_the_operators_part_and_a_second_time_nothing_changes() {
    cluster::control_plane(|cluster| async move {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/operator");
        let apply = ["apply", "--server-side", "--force-conflicts", "-o", "json", "-k", folder.to_str().unwrap()];
        let versions = || -> Vec<(String, String)> {
            let objects: Value = serde_json::from_str(&cluster.ring.kubectl(&apply).unwrap()).unwrap();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let objects = objects["items"].as_array().unwrap().iter();
            objects
                .map(|object| (text(&object["metadata"]["name"]), object["metadata"]["generation"].to_string()))
                .collect()
        };
        let first = versions();
        let names: BTreeSet<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
        assert!(
            names.is_superset(&["ambient-system", "ambient-operator", "runs.vteam.ambient-code"].into()),
            "{names:?}"
        );
        assert_eq!(versions(), first);
    });
}

#[test]
fn a_real_api_server_takes_the_session_under_the_restricted_profile() {
    cluster::control_plane(|cluster| async move {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/session");
        let restricted = "pod-security.kubernetes.io/enforce=restricted";
        cluster.ring.kubectl(&["label", "namespace", &cluster.namespace, restricted]).unwrap();
        let apply = ["apply", "--namespace", &cluster.namespace, "--validate=strict", "-k", folder.to_str().unwrap()];
        let said = cluster.ring.kubectl(&apply).unwrap();
        assert!(said.contains("pod/example-runner created"), "{said}");
    });
}
