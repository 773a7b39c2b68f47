//! What a session got at run time, remembered where the agent cannot write, so that the next runner of the pod has it too.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::workspace::{Hydrated, HydratedRepo, layout::WORKFLOWS, workflow::ActiveWorkflow, write_private};

/// The file's name in the data directory.
const FILE: &str = "sources.json";

/// Raised when an older version could misread the file.
const VERSION: u32 = 1;

/// What was added, and the workflow that was chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    version: u32,
    /// Added repositories.
    pub(super) repos: Vec<HydratedRepo>,
    /// The choice of a workflow, or of none; absent: nobody chose one at run time.
    pub(super) workflow: Option<Choice>,
}

/// Somebody's choice at run time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Choice {
    /// No workflow.
    None,
    /// This one.
    Active(Box<ActiveWorkflow>),
}

impl Record {
    /// Reads the record; a missing one means that nothing was added. The error is a sentence.
    pub(super) fn load(data_dir: &Path) -> Result<Self, String> {
        let path = data_dir.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unusable(&path, &error)),
        };
        let record: Self = serde_json::from_slice(&text).map_err(|error| unusable(&path, &error))?;
        if record.version > VERSION {
            return Err(unusable(&path, &format!("a newer version ({}) wrote it", record.version)));
        }
        Ok(record)
    }

    /// Replaces the record in one step.
    pub(super) fn save(&self, data_dir: &Path) -> Result<(), String> {
        let path = data_dir.join(FILE);
        let record = Self { version: VERSION, ..self.clone() };
        let text = serde_json::to_vec_pretty(&record).map_err(|error| unusable(&path, &error))?;
        write_private(&path, &text, 0o600).map_err(|error| unusable(&path, &error))
    }

    /// Puts what is still there into a workspace that was set up from the session's settings.
    pub(super) fn apply(self, hydrated: &mut Hydrated) {
        for repo in self.repos {
            let path = hydrated.layout.repo(&repo.name);
            match hydrated.repos.iter_mut().find(|known| known.name == repo.name) {
                // One of the session's settings whose branch was switched.
                Some(known) if known.url == repo.url => {
                    (known.branch, known.base, known.base_commit) = (repo.branch, repo.base, repo.base_commit);
                }
                None if path.is_dir() => hydrated.repos.push(HydratedRepo { path, fresh: false, ..repo }),
                Some(_) | None => {}
            }
        }
        let workflows = hydrated.layout.root().join(WORKFLOWS);
        let there =
            |workflow: &ActiveWorkflow| workflow.directory.starts_with(&workflows) && workflow.directory.is_dir();
        match self.workflow {
            Some(Choice::None) => hydrated.workflow = None,
            Some(Choice::Active(workflow)) if there(&workflow) => hydrated.workflow = Some(*workflow),
            Some(Choice::Active(_)) | None => {}
        }
        hydrated.arrange();
    }
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> String {
    format!(
        "{}: {error}; repair or remove the file (what was added at run time is then added again by hand)",
        path.display()
    )
}
