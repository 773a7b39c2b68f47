//! The platform's own lists, mounted from `ConfigMap`s that its backend reads as well: the runners, and the names of models.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, de::DeserializeOwned};

use crate::api::session::{Quantity, Resources, RunnerType};

/// How long what was read is believed. The kubelet takes a minute to bring a change into the files.
const FRESH: Duration = Duration::from_secs(10);

/// What is said of a runner beside what the session says. Members that describe it to people are left alone, and those of the
/// original's own way to keep state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    /// The value of `RUNNER_TYPE`.
    pub(super) id: String,
    /// Its container.
    pub(super) container: Container,
    /// Its pod.
    pub(super) sandbox: Sandbox,
}

/// The container of a runner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Container {
    /// Its image; absent: the operator's.
    pub(super) image: Option<String>,
    /// Its port; absent: the operator's.
    pub(super) port: Option<u16>,
    /// Variables, where nothing else sets them.
    pub(super) env: BTreeMap<String, String>,
    /// Resources, where the session does not set them.
    pub(super) resources: Resources,
}

/// The pod of a runner.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Sandbox {
    /// The workspace's size, where the session does not set it.
    pub(super) workspace_size: Option<Quantity>,
    /// In seconds.
    pub(super) termination_grace_period: Option<u32>,
}

/// What the registry says about a session's runner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selected {
    /// The entry; nothing in it where there is none.
    pub(super) entry: Entry,
    /// Why the built-in settings are used though there is a registry; for people.
    pub(super) note: Option<String>,
}

/// The list of models.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Models {
    models: Vec<Model>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Model {
    id: String,
    vertex_id: String,
    available: bool,
}

/// Both lists as they were read last.
#[derive(Debug, Default)]
struct Lists {
    runners: Option<Result<Vec<Entry>, String>>,
    models: Models,
}

/// The lists, read again when they are no longer fresh.
#[derive(Debug, Default)]
pub(super) struct Registry {
    runners: PathBuf,
    models: PathBuf,
    last: Mutex<Option<(Instant, Arc<Lists>)>>,
}

impl Registry {
    /// The lists of two files, which need not be there.
    pub(super) fn new(runners: &Path, models: &Path) -> Self {
        Self { runners: runners.to_owned(), models: models.to_owned(), last: Mutex::default() }
    }

    /// What is said of a runner.
    pub(super) fn runner(&self, id: &str) -> Selected {
        select(self.lists().runners.as_ref(), id)
    }

    /// What Vertex AI calls a model.
    pub(super) fn vertex_model(&self, id: &str) -> Option<String> {
        vertex_id(&self.lists().models, id)
    }

    fn lists(&self) -> Arc<Lists> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, lists)) = last.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
            return Arc::clone(lists);
        }
        let models = read(&self.models).unwrap_or_else(|| Ok(Models::default()));
        if let Err(error) = &models {
            tracing::warn!(%error, "the list of models is left alone");
        }
        let lists = Arc::new(Lists { runners: read(&self.runners), models: models.unwrap_or_default() });
        *last = Some((Instant::now(), Arc::clone(&lists)));
        lists
    }
}

/// Nothing when there is no such file.
fn read<T: DeserializeOwned>(path: &Path) -> Option<Result<T, String>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => return Some(Err(format!("{}: {error}", path.display()))),
    };
    Some(serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display())))
}

fn select(runners: Option<&Result<Vec<Entry>, String>>, id: &str) -> Selected {
    let without = |note| Selected { entry: Entry::default(), note };
    match runners {
        None if id.parse::<RunnerType>().is_ok() => without(None),
        None => without(Some(format!("There is no runner {id:?}; the built-in settings are used."))),
        Some(Err(error)) => {
            without(Some(format!("The runner registry cannot be read, so the built-in settings are used: {error}")))
        }
        Some(Ok(runners)) => match runners.iter().find(|entry| entry.id == id) {
            Some(entry) => Selected { entry: entry.clone(), note: None },
            None if id == RunnerType::Replay.as_str() => without(None),
            None => {
                without(Some(format!("The runner registry has no runner {id:?}, so the built-in settings are used.")))
            }
        },
    }
}

fn vertex_id(models: &Models, id: &str) -> Option<String> {
    let model = models.models.iter().find(|model| model.id == id && model.available)?;
    (!model.vertex_id.is_empty()).then(|| model.vertex_id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn runners() -> Result<Vec<Entry>, String> {
        let text = json!([{
            "id": "claude-agent-sdk", "displayName": "Claude", "provider": "anthropic",
            "container": {"image": "quay.io/a@sha256:1", "port": 9001, "env": {"A": "1"}, "resources": {"limits": {"cpu": "2"}}},
            "sandbox": {"stateDir": ".claude", "persistence": "s3", "workspaceSize": "5Gi", "terminationGracePeriod": 90},
            "auth": {"requiredSecretKeys": ["ANTHROPIC_API_KEY"]},
        }]);
        serde_json::from_value(text).map_err(|error| error.to_string())
    }

    #[test]
    fn an_entry_of_the_originals_registry_is_read() {
        let selected = select(Some(&runners()), "claude-agent-sdk");
        assert_eq!((selected.entry.container.port, selected.note), (Some(9001), None));
        assert_eq!(selected.entry.sandbox.termination_grace_period, Some(90));
        assert_eq!(selected.entry.sandbox.workspace_size.unwrap().to_string(), "5Gi");
    }

    #[test]
    fn an_unknown_runner_gets_the_built_in_settings_and_people_are_told() {
        for (registry, id) in [(Some(runners()), "other"), (Some(Err("bad".to_owned())), "other"), (None, "other")] {
            let selected = select(registry.as_ref(), id);
            assert_eq!(selected.entry, Entry::default());
            assert!(selected.note.unwrap().contains("built-in"));
        }
        assert_eq!(select(None, "claude-agent-sdk"), Selected::default());
        assert_eq!(select(Some(&runners()), "replay"), Selected::default());
    }

    #[test]
    fn a_model_has_its_vertex_name_only_while_it_is_available() {
        let models = json!({"version": 1, "models": [
            {"id": "a", "vertexId": "a@1", "available": true}, {"id": "b", "vertexId": "b@1", "available": false},
        ]});
        let models: Models = serde_json::from_value(models).unwrap();
        assert_eq!(vertex_id(&models, "a").as_deref(), Some("a@1"));
        assert_eq!((vertex_id(&models, "b"), vertex_id(&models, "c")), (None, None));
    }

    #[test]
    fn lists_are_read_from_files_that_need_not_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("models.json");
        assert_eq!(Registry::new(&folder.path().join("none"), &path).vertex_model("a"), None);
        std::fs::write(&path, r#"{"models": [{"id": "a", "vertexId": "a@1", "available": true}]}"#).unwrap();
        let registry = Registry::new(&folder.path().join("none"), &path);
        assert_eq!(registry.vertex_model("a").as_deref(), Some("a@1"));
        assert_eq!(registry.runner("claude-agent-sdk"), Selected::default());
    }
}
