//! The pod as data: what the session's fields and the platform's objects make of it.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret};
use serde_json::{Value, json};

use super::{
    claim, copies,
    inputs::{Copied, Inputs, Shared, Template},
    objects,
    tests::{config, inputs, is_typed, made, pod_with, ready, session, view},
};
use crate::operator::{
    config::{Config, Platform, Vertex},
    registry::{Container, Entry, Sandbox, Selected},
};

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|member| member["name"] == name).unwrap_or(&Value::Null)
}

fn runner(pod: &Value) -> &Value {
    named(&pod["spec"]["containers"], "ambient-code-runner")
}

fn agent(pod: &Value) -> &Value {
    named(&pod["spec"]["initContainers"], "agent")
}

fn at_path<'a>(container: &'a Value, path: &str) -> &'a Value {
    let mounts = container["volumeMounts"].as_array().unwrap();
    mounts.iter().find(|mount| mount["mountPath"] == path).unwrap_or(&Value::Null)
}

fn with_template(text: &str) -> Inputs {
    let map = json!({"metadata": {"name": "ambient-pod-template"}, "data": {"pod.yaml": text}});
    let map: ConfigMap = serde_json::from_value(map).unwrap();
    Inputs { template: Template::Given(Arc::new(map)), ..inputs() }
}

fn vertex() -> Config {
    let vertex = Vertex { region: "r".into(), project: "p".into(), credentials: "/app/vertex/key.json".into() };
    Config { platform: Platform { vertex: Some(vertex), ..Platform::default() }, ..config() }
}

fn shared(shared: Shared) -> Copied {
    let secret = json!({
        "metadata": {"name": shared.secret(), "namespace": "ambient-system", "resourceVersion": "7"},
        "type": "Opaque", "data": {"key.json": "eA=="},
    });
    let secret: Secret = serde_json::from_value(secret).unwrap();
    Copied { shared, original: Some(Arc::new(secret)), copy: None }
}

#[test]
fn a_session_says_where_it_runs_and_what_it_uses() {
    let session = session(&json!({
        "runner": {
            "type": "claude-agent-sdk", "runtimeClassName": "gvisor", "nodeSelector": {"disk": "ssd"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}], "resources": {"limits": {"memory": "1Gi", "cpu": 2}},
        },
        "agent": {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "4Gi"}}},
        "workspace": {"size": "3Gi"},
    }));
    let pod = made(&session, &inputs(), &config());
    is_typed::<Pod>(&pod);
    let spec = &pod["spec"];
    assert_eq!(spec["runtimeClassName"], "gvisor");
    assert_eq!(spec["nodeSelector"], json!({"disk": "ssd"}));
    let taints: Vec<&str> =
        spec["tolerations"].as_array().unwrap().iter().filter_map(|one| one["key"].as_str()).collect();
    assert_eq!(taints, ["gpu", "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]);
    let limits = json!({"requests": {"cpu": "50m"}, "limits": {"memory": "1Gi", "cpu": "2"}});
    assert_eq!(runner(&pod)["resources"], json!({"requests": {}, "limits": limits["limits"]}));
    assert_eq!(agent(&pod)["resources"]["requests"]["memory"], "1Gi");
    assert_eq!(agent(&pod)["resources"]["limits"]["memory"], "4Gi");
    assert_eq!(named(&spec["volumes"], "workspace")["emptyDir"]["sizeLimit"], "3Gi");
}

#[test]
fn a_pod_leaves_a_lost_node_within_a_minute_unless_the_session_says_otherwise() {
    let ours = |spec: &Value| {
        let pod = made(&session(spec), &inputs(), &config());
        let tolerations = pod["spec"]["tolerations"].as_array().unwrap().clone();
        tolerations
            .into_iter()
            .filter(|one| one["tolerationSeconds"].as_u64().is_some_and(|seconds| seconds <= 30))
            .count()
    };
    assert_eq!(ours(&json!({})), 2);
    let own = json!([{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 600}]);
    assert_eq!(ours(&json!({"runner": {"tolerations": own}})), 1);
    assert_eq!(ours(&json!({"runner": {"tolerations": [{"operator": "Exists"}]}})), 0);
}

#[test]
fn an_image_of_the_sessions_own_gets_the_agents_tools_beside_its_own() {
    let image = "registry.example/dev@sha256:0000000000000000000000000000000000000000000000000000000000000000";
    let pod = made(&session(&json!({"agent": {"image": image}})), &inputs(), &config());
    is_typed::<Pod>(&pod);
    let names: Vec<&str> =
        pod["spec"]["initContainers"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["init-hydrate", "inject-tools", "agent"]);
    assert_eq!(agent(&pod)["image"], image);
    assert!(agent(&pod).get("args").is_none());
    assert_eq!(at_path(agent(&pod), "/opt/ambient/bin")["readOnly"], true);
    assert_eq!(at_path(named(&pod["spec"]["initContainers"], "inject-tools"), "/tools")["name"], "agent-tools");
    let plain = made(&session(&json!({})), &inputs(), &config());
    assert!(named(&plain["spec"]["initContainers"], "inject-tools").is_null());
}

#[test]
fn a_workspace_that_is_kept_is_one_volume_and_the_log_on_it_is_out_of_the_agents_reach() {
    let workspace = json!({"persistence": "PersistentVolume", "size": "20Gi", "storageClassName": "fast"});
    let session = session(&json!({"workspace": workspace}));
    let claim = claim::claim(&session, &inputs()).unwrap();
    is_typed::<PersistentVolumeClaim>(&claim);
    assert_eq!(claim["metadata"]["name"], "s1-workspace");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "20Gi");
    let pod = made(&session, &inputs(), &config());
    is_typed::<Pod>(&pod);
    assert_eq!(named(&pod["spec"]["volumes"], "workspace")["persistentVolumeClaim"]["claimName"], "s1-workspace");
    assert_eq!(
        at_path(runner(&pod), "/var/lib/ambient"),
        &json!({"name": "workspace", "mountPath": "/var/lib/ambient", "subPath": "data"})
    );
    assert_eq!(at_path(agent(&pod), "/app/.claude")["subPath"], "agent-state");
    assert_eq!(at_path(agent(&pod), "/workspace/workflows")["subPath"], "workspace/workflows");
    let paths: Vec<&str> = agent(&pod)["volumeMounts"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|mount| mount["name"] == "workspace")
        .map(|mount| mount["subPath"].as_str().unwrap())
        .collect();
    assert!(paths.iter().all(|path| *path != "data" && !path.is_empty()), "{paths:?}");
}

#[test]
fn a_trusted_bundle_is_mounted_and_believed_in_every_container() {
    let inputs = Inputs { bundle: true, ..inputs() };
    let pod = made(&session(&json!({})), &inputs, &config());
    is_typed::<Pod>(&pod);
    let file = "/etc/pki/tls/certs/ca-bundle.crt";
    for container in [runner(&pod), agent(&pod), named(&pod["spec"]["initContainers"], "init-hydrate")] {
        assert_eq!(at_path(container, file)["subPath"], "ca-bundle.crt");
        for name in ["SSL_CERT_FILE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS"] {
            assert_eq!(named(&container["env"], name)["value"], file, "{name}");
        }
        assert_eq!(named(&container["env"], "SSL_CERT_DIR")["value"], "/etc/ssl/certs");
    }
}

#[test]
fn vertex_ai_needs_no_keys_and_its_credentials_are_the_sessions_own_copy() {
    let inputs = Inputs { copied: vec![shared(Shared::Vertex)], vertex_model: Some("m@1".into()), ..Inputs::default() };
    let session = session(&json!({"environmentVariables": {"USE_VERTEX": "0"}}));
    let pod = made(&session, &inputs, &vertex());
    is_typed::<Pod>(&pod);
    let env = &runner(&pod)["env"];
    for (name, value) in [
        ("USE_VERTEX", "1"),
        ("CLAUDE_CODE_USE_VERTEX", "1"),
        ("CLOUD_ML_REGION", "r"),
        ("ANTHROPIC_VERTEX_PROJECT_ID", "p"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/app/vertex/key.json"),
        ("LLM_MODEL_VERTEX_ID", "m@1"),
    ] {
        assert_eq!(named(env, name)["value"], value, "{name}");
    }
    assert!(!runner(&pod)["envFrom"].to_string().contains("ambient-runner-secrets"));
    assert_eq!(named(&pod["spec"]["volumes"], "vertex")["secret"]["secretName"], "ambient-vertex-s1");
    assert_eq!(at_path(agent(&pod), "/app/vertex")["readOnly"], true);
    let plain = made(&session, &super::tests::inputs(), &config());
    assert_eq!(named(&runner(&plain)["env"], "USE_VERTEX")["value"], "0");
}

#[test]
fn what_traces_need_comes_from_the_sessions_copies_and_is_no_plain_value() {
    let inputs = Inputs { copied: vec![shared(Shared::Langfuse), shared(Shared::Mlflow)], ..inputs() };
    let pod = made(&session(&json!({})), &inputs, &config());
    let key = &named(&runner(&pod)["env"], "LANGFUSE_SECRET_KEY")["valueFrom"]["secretKeyRef"];
    assert_eq!(
        key,
        &json!({"name": "ambient-admin-langfuse-secret-s1", "key": "LANGFUSE_SECRET_KEY", "optional": true})
    );
    let uri = &named(&runner(&pod)["env"], "MLFLOW_TRACKING_URI")["valueFrom"]["secretKeyRef"]["name"];
    assert_eq!(uri, "ambient-admin-mlflow-observability-secret-s1");
}

#[test]
fn weakness_16_a_copy_has_a_name_of_its_own_and_changes_with_its_original() {
    let session = session(&json!({}));
    let mut copied = shared(Shared::Vertex);
    let copy = copies::copy(&session, &copied).unwrap();
    is_typed::<Secret>(&copy);
    assert_eq!(copy["metadata"]["name"], "ambient-vertex-s1");
    assert_eq!(copy["metadata"]["ownerReferences"][0]["uid"], "session-uid");
    assert_eq!(copy["metadata"]["annotations"]["vteam.ambient-code/copied-from"], "ambient-system/ambient-vertex");
    assert_eq!(copy["data"]["key.json"], "eA==");
    let mut rotated = (*copied.original.unwrap()).clone();
    rotated.metadata.resource_version = Some("8".into());
    copied.original = Some(Arc::new(rotated));
    assert_ne!(copies::copy(&session, &copied).unwrap(), copy);
}

#[test]
fn weakness_24_a_runners_port_is_the_registrys_everywhere() {
    let container = Container { port: Some(9001), image: Some("quay.io/r@sha256:1".into()), ..Container::default() };
    let entry = Entry {
        container,
        sandbox: Sandbox { termination_grace_period: Some(90), ..Sandbox::default() },
        ..Entry::default()
    };
    let mut view = view(session(&json!({})), None);
    view.inputs.runner = Selected { entry, note: None };
    let config = config();
    let settings = view.settings(&config);
    let pod = made(&view.session, &view.inputs, &settings);
    assert_eq!(runner(&pod)["ports"][0]["containerPort"], 9001);
    assert_eq!(named(&runner(&pod)["env"], "AGUI_PORT")["value"], "9001");
    assert_eq!(runner(&pod)["readinessProbe"]["httpGet"]["port"], "agui");
    assert_eq!(runner(&pod)["image"], "quay.io/r@sha256:1");
    assert_eq!(pod["spec"]["terminationGracePeriodSeconds"], 90);
    assert_eq!(objects::service(&view.session, &settings)["spec"]["ports"][0]["port"], 9001);
    assert_eq!(objects::policy("team", &config)["spec"]["ingress"][0]["ports"][0]["port"], "agui");
    // A pod that is there keeps its port, whatever the registry says by now.
    let mut there = pod_with(&ready());
    there.metadata.labels = serde_json::from_value(pod["metadata"]["labels"].clone()).unwrap();
    view.pod = Some(Arc::new(there));
    view.inputs.runner = Selected::default();
    assert_eq!(view.settings(&config).port, 9001);
}

#[test]
fn a_template_adds_to_the_pod() {
    let inputs = with_template("
metadata: {labels: {team: a}, annotations: {note: b}}
spec:
  nodeSelector: {zone: x}
  priorityClassName: low
  tolerations: [{key: spot, operator: Exists}]
  imagePullSecrets: [{name: pull}]
  volumes: [{name: x-cache, persistentVolumeClaim: {claimName: maven}}]
  containers: [{name: ambient-code-runner, resources: {limits: {memory: 1Gi}}}]
  initContainers: [{name: agent, env: [{name: MAVEN_OPTS, value: -Xmx1g}], volumeMounts: [{name: x-cache, mountPath: /home/ambient/.m2}]}]
");
    let pod = made(&session(&json!({"runner": {"nodeSelector": {"disk": "ssd"}}})), &inputs, &config());
    is_typed::<Pod>(&pod);
    assert_eq!(pod["metadata"]["labels"]["team"], "a");
    assert_eq!(pod["metadata"]["labels"]["app"], "ambient-code-runner");
    assert_eq!(pod["spec"]["nodeSelector"], json!({"disk": "ssd", "zone": "x"}));
    assert_eq!(pod["spec"]["tolerations"].as_array().unwrap().len(), 3);
    assert_eq!(runner(&pod)["resources"]["limits"]["memory"], "1Gi");
    assert_eq!(named(&agent(&pod)["env"], "MAVEN_OPTS")["value"], "-Xmx1g");
    assert_eq!(at_path(agent(&pod), "/home/ambient/.m2")["name"], "x-cache");
    assert_eq!(named(&pod["spec"]["volumes"], "x-cache")["persistentVolumeClaim"]["claimName"], "maven");
}

#[test]
fn a_template_that_would_loosen_the_pods_walls_is_refused_by_name() {
    for (text, word) in [
        ("spec: {hostNetwork: true}", "hostNetwork"),
        ("spec: {hostPID: true}", "hostPID"),
        ("spec: {serviceAccountName: admin}", "serviceAccountName"),
        ("spec: {automountServiceAccountToken: true}", "automountServiceAccountToken"),
        ("spec: {securityContext: {runAsUser: 0}}", "securityContext"),
        ("spec: {dnsPolicy: None}", "dnsPolicy"),
        ("spec: {hostAliases: []}", "hostAliases"),
        ("spec: {volumes: [{name: x-a, hostPath: {path: /}}]}", "hostPath"),
        ("spec: {volumes: [{name: x-a, secret: {secretName: a}}]}", "secret"),
        ("spec: {volumes: [{name: data, emptyDir: {}}]}", "x-"),
        ("spec: {volumes: [{name: x-a, persistentVolumeClaim: {claimName: s2-workspace}}]}", "session"),
        ("spec: {containers: [{name: ambient-code-runner, securityContext: {privileged: true}}]}", "securityContext"),
        ("spec: {containers: [{name: ambient-code-runner, image: evil}]}", "image"),
        ("spec: {containers: [{name: ambient-code-runner, env: [{name: AGUI_TOKEN, value: a}]}]}", "AGUI_TOKEN"),
        ("spec: {containers: [{name: ambient-code-runner, env: [{name: LD_PRELOAD, value: a}]}]}", "LD_PRELOAD"),
        ("spec: {containers: [{name: another}]}", "another"),
        ("spec: {initContainers: [{name: agent, volumeMounts: [{name: data, mountPath: /mnt/a}]}]}", "data"),
        ("spec: {initContainers: [{name: agent, volumeMounts: [{name: x-a, mountPath: /usr/bin}]}]}", "/usr/bin"),
        ("spec: {initContainers: [{name: agent, volumeMounts: [{name: x-a, mountPath: /mnt/../usr}]}]}", "/mnt/../usr"),
        ("metadata: {labels: {app: other}}", "labels.app"),
        ("metadata: {annotations: {container.apparmor.security.beta.kubernetes.io/agent: unconfined}}", "apparmor"),
        ("metadata: {namespace: other}", "namespace"),
    ] {
        let inputs = with_template(text);
        let mut view = view(session(&json!({})), None);
        view.inputs = inputs;
        let need = super::needs::missing(&view, &config()).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(need.reason, "PodTemplateRefused");
        assert!(need.message.contains(word), "{text}: {}", need.message);
    }
}

#[test]
fn a_template_and_a_session_never_undo_each_others_sandbox() {
    let runs = json!({"runner": {"runtimeClassName": "gvisor"}});
    let mut view = view(session(&runs), None);
    view.inputs = with_template("spec: {runtimeClassName: runc}");
    assert_eq!(super::needs::missing(&view, &config()).unwrap().reason, "PodTemplateRefused");
    view.inputs = with_template("spec: {runtimeClassName: gvisor}");
    assert_eq!(super::needs::missing(&view, &config()), None);
}

#[test]
fn weakness_09_a_token_for_the_backend_is_the_kubelets_and_always_fresh() {
    let pod = made(&session(&json!({})), &inputs(), &config());
    let token = &named(&pod["spec"]["volumes"], "bot-token")["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token["expirationSeconds"], 3600);
    let secret = objects::token(&session(&json!({})), "t");
    assert_eq!(secret["data"].as_object().unwrap().keys().collect::<Vec<_>>(), ["agui-token"]);
}

#[test]
fn weakness_13_annotations_that_users_write_choose_no_account_and_no_secret() {
    let plain = session(&json!({}));
    let mut theirs = plain.clone();
    let wanted = [("ambient-code.io/runner-sa", "admin"), ("ambient-code.io/runner-token-secret", "other")];
    theirs.metadata.annotations = Some(wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(made(&plain, &inputs(), &config()), made(&theirs, &inputs(), &config()));
    assert_eq!(objects::token(&plain, "t"), objects::token(&theirs, "t"));
    assert_eq!(objects::account(&plain), objects::account(&theirs));
}

#[test]
fn weakness_14_a_session_s_account_is_given_nothing() {
    let pod = made(&session(&json!({})), &inputs(), &config());
    assert_eq!(pod["spec"]["automountServiceAccountToken"], false);
    assert_eq!(objects::account(&session(&json!({})))["automountServiceAccountToken"], false);
    let role = include_str!("../../../manifests/operator/role.yaml");
    // The one Role that it makes is that of the project's CronJobs.
    assert!(!role.contains("escalate"), "a Role can give no more than the operator may do itself");
}

#[test]
fn weakness_25_a_repository_without_a_branch_has_none() {
    let pod = made(&session(&json!({"repos": [{"url": "https://git.example/a.git"}]})), &inputs(), &config());
    for container in [runner(&pod), named(&pod["spec"]["initContainers"], "init-hydrate")] {
        let repos = named(&container["env"], "REPOS_JSON")["value"].as_str().unwrap().to_owned();
        assert!(!repos.contains("branch"), "{repos}");
    }
}
