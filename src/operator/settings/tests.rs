//! Decisions about settings, without a cluster.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::{
    core::v1::{LimitRange, ServiceAccount},
    rbac::v1::{Role, RoleBinding},
};
use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    objects,
    plan::{Step, steps},
    status::{Done, status},
};
use crate::api::{ProjectSettings, settings::GroupAccess};

fn settings(access: &Value) -> ProjectSettings {
    let object = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "ProjectSettings",
        "metadata": {"name": "projectsettings", "namespace": "team", "uid": "settings-uid", "generation": 3},
        "spec": {"groupAccess": access},
    });
    serde_json::from_value(object).unwrap()
}

fn access(group: &str, role: &str) -> GroupAccess {
    serde_json::from_value(json!({"groupName": group, "role": role})).unwrap()
}

fn typed(object: &Value) -> Arc<RoleBinding> {
    Arc::new(serde_json::from_value(object.clone()).unwrap())
}

/// What is there after the steps.
fn after(steps: Vec<Step>) -> Vec<Arc<RoleBinding>> {
    let there = steps.into_iter().filter_map(|step| match step {
        Step::Create(object) | Step::Keep(object, _) => Some(typed(&object)),
        Step::Delete(_) => None,
    });
    there.collect()
}

fn is_typed<K: Serialize + DeserializeOwned>(object: &Value) {
    let typed: K = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(&serde_json::to_value(typed).unwrap(), object);
}

#[test]
fn what_is_built_has_only_members_that_its_kind_knows() {
    let settings = settings(&json!([]));
    is_typed::<RoleBinding>(&objects::binding(&settings, &access("team-a", "edit")));
    is_typed::<RoleBinding>(&objects::trigger_binding(&settings));
    is_typed::<Role>(&objects::role(&settings));
    is_typed::<ServiceAccount>(&objects::account(&settings));
    is_typed::<LimitRange>(&objects::limits(&settings));
}

#[test]
fn a_binding_is_called_as_in_the_original_unless_that_is_no_name() {
    assert_eq!(objects::binding_name(&access("team-a", "edit")), "team-a-edit");
    assert_eq!(objects::binding_name(&access("system:authenticated", "view")), "system:authenticated-view");
    let slashed = objects::binding_name(&access("org/team", "admin"));
    assert!(slashed.starts_with("org-team-") && slashed.ends_with("-admin"), "{slashed}");
    assert_ne!(slashed, objects::binding_name(&access("org%team", "admin")));
    let long = |last: char| objects::binding_name(&access(&format!("{}{last}", "é".repeat(200)), "view"));
    assert!(long('a').len() <= 253 && long('a') != long('b'));
}

/// Item 17: what is asked for no more is taken away, and what is somebody else's is left alone.
#[test]
fn weakness_17_a_group_that_is_listed_no_more_loses_its_role_and_other_bindings_stay() {
    let two = settings(&json!([{"groupName": "a", "role": "edit"}, {"groupName": "b", "role": "view"}]));
    let mut there = after(steps(&two, &[]));
    assert_eq!(there.len(), 2);
    let foreign = json!({
        "metadata": {"name": "people", "labels": {"ambient-code.io/managed": "true"}},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "ambient-project-view"},
        "subjects": [{"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}],
    });
    there.push(typed(&foreign));
    there.push(typed(&objects::trigger_binding(&two)));
    let one = settings(&json!([{"groupName": "a", "role": "edit"}]));
    let steps = steps(&one, &there);
    let gone = steps.iter().filter_map(|step| match step {
        Step::Delete(binding) => binding.metadata.name.clone(),
        Step::Create(_) | Step::Keep(..) => None,
    });
    assert_eq!(gone.collect::<Vec<_>>(), ["b-view"]);
    assert!(matches!(&steps[1..], [Step::Keep(..)]), "{steps:?}");
}

#[test]
fn a_binding_of_the_original_is_revoked_too_and_one_with_another_role_is_made_anew() {
    let none = settings(&json!([]));
    let mut original = objects::binding(&none, &access("a", "edit"));
    original["metadata"].as_object_mut().unwrap().remove("ownerReferences");
    assert!(matches!(&steps(&none, &[typed(&original)])[..], [Step::Delete(_)]));
    let mut changed = objects::binding(&none, &access("a", "edit"));
    changed["roleRef"]["name"] = json!("ambient-project-admin");
    let wanted = settings(&json!([{"groupName": "a", "role": "edit"}]));
    let steps = steps(&wanted, &[typed(&changed)]);
    assert!(matches!(&steps[..], [Step::Delete(_), Step::Create(_)]), "{steps:?}");
}

/// Item 20: what is as it is to be is not written.
#[test]
fn weakness_20_a_status_that_says_the_same_is_not_written() {
    let mut settings = settings(&json!([]));
    let done = Done { bindings: 1, trigger: true, limits: true, refused: vec![] };
    let now = Timestamp::from_second(1).unwrap();
    settings.status = status(&settings, &done, now);
    assert_eq!(settings.status.as_ref().unwrap().group_bindings_created, Some(1));
    assert_eq!(status(&settings, &done, Timestamp::from_second(9).unwrap()), None);
    let refused = Done { refused: vec!["no.".into()], ..done };
    let said = status(&settings, &refused, now).unwrap();
    assert_eq!((said.conditions[0].status.as_str(), said.conditions[0].message.as_str()), ("False", "no."));
}

proptest! {
    /// From any list to any other: afterwards there is exactly what the last one asks for.
    #[test]
    fn access_is_what_the_settings_say(lists in prop::collection::vec(prop::collection::vec((0..4_u8, 0..3_usize), 0..6), 1..4)) {
        let mut there = Vec::new();
        for list in lists {
            let entry = |(group, role): &(u8, usize)| {
                let role = ["admin", "edit", "view"][*role];
                json!({"groupName": format!("g/{group}"), "role": role})
            };
            let settings = settings(&json!(list.iter().map(entry).collect::<Vec<_>>()));
            there = after(steps(&settings, &there));
            let mut names: Vec<_> = there.iter().map(|binding| binding.metadata.name.clone().unwrap()).collect();
            names.sort();
            let mut wanted: Vec<_> = settings.spec.group_access.iter().map(objects::binding_name).collect();
            wanted.sort();
            wanted.dedup();
            prop_assert_eq!(names, wanted);
        }
    }
}
