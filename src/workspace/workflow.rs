//! A workflow: a folder with instructions for the agent, taken from a repository.

mod own;

use std::{io::Read, path::PathBuf};

use serde::{Deserialize, Serialize};

pub use own::commands;
pub(super) use own::disarm;

use super::{Layout, beneath::Root, layout::WORKFLOWS, paths::RelativePath};

/// Where a workflow says what it is, below its folder.
const MANIFEST: &str = ".ambient/ambient.json";
/// The most that is read of it, in bytes.
const MAX_MANIFEST: u64 = 256 * 1024;
/// The most of one text of it that the agent is told, in bytes.
const MAX_TEXT: usize = 64 * 1024;

/// Where a workflow comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowSource {
    /// The clone URL, without password or token.
    pub git_url: String,
    /// The branch or tag.
    pub branch: String,
    /// The folder in the repository; empty: its root.
    pub path: String,
}

/// The workflow that the agent follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveWorkflow {
    /// Where it comes from.
    pub source: WorkflowSource,
    /// Its folder in the workspace; the agent starts there.
    pub directory: PathBuf,
    /// What it says of itself.
    pub about: About,
}

/// What a workflow's `ambient.json` says, as far as the agent is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct About {
    /// Its title.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What the agent is to do.
    pub system_prompt: String,
    /// What the agent is to begin the conversation with.
    pub startup_prompt: String,
    /// How results are judged.
    pub rubric: String,
}

/// A workflow that somebody else has put into `workflows/`; nothing when it is not there. Only the folder of the workflow may
/// have been put there, or the whole repository.
#[must_use]
pub fn adopt(layout: &Layout, name: &str, source: WorkflowSource) -> Option<ActiveWorkflow> {
    super::plan::check_name(name).ok()?;
    let area = layout.root().join(WORKFLOWS).join(name);
    let below: Option<PathBuf> = source.path.parse::<RelativePath>().ok().map(|path| area.join(path));
    let directory = below.filter(|below| below.is_dir()).unwrap_or(area);
    if let Err(error) = disarm(&directory) {
        tracing::warn!(%error, "the workflow's settings stay, so its commands and skills are not loaded");
    }
    let about = About::read(&Root::open(&directory).ok()?).unwrap_or_else(|error| {
        tracing::warn!(%error, "the workflow has no description");
        About::default()
    });
    Some(ActiveWorkflow { source, directory, about })
}

impl About {
    /// Reads a workflow's own description. A folder without one has none; one that cannot be read is a sentence.
    pub(super) fn read(folder: &Root) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{MANIFEST} cannot be used: {error}");
        let path: RelativePath = MANIFEST.parse().map_err(|error| failed(&error))?;
        match folder.stat(&path) {
            Ok(None) => return Ok(Self::default()),
            Ok(Some(_)) => {}
            Err(error) => return Err(failed(&error)),
        }
        let file = folder.read(&path).map_err(|error| failed(&error))?;
        let mut text = Vec::new();
        file.take(MAX_MANIFEST + 1).read_to_end(&mut text).map_err(|error| failed(&error))?;
        if text.len() as u64 > MAX_MANIFEST {
            return Err(failed(&format!("it is larger than {MAX_MANIFEST} bytes")));
        }
        Self::parse(&text).map_err(|error| failed(&error))
    }

    /// The members that are known; a member of another type than expected is left out.
    pub(super) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        let value: serde_json::Value = serde_json::from_slice(text)?;
        let text = |name: &str| value[name].as_str().map(bounded).unwrap_or_default();
        let rubric = match &value["rubric"] {
            serde_json::Value::Null => String::new(),
            serde_json::Value::String(text) => bounded(text),
            other => bounded(&serde_json::to_string_pretty(other).unwrap_or_default()),
        };
        Ok(Self {
            name: text("name"),
            description: text("description"),
            system_prompt: text("systemPrompt"),
            startup_prompt: text("startupPrompt"),
            rubric,
        })
    }
}

fn bounded(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_has_what_is_known_and_survives_what_is_not() {
        let text = br#"{"name":"n","systemPrompt":"s","startupPrompt":7,"rubric":{"schema":{}},"more":[]}"#;
        let about = About::parse(text).unwrap();
        assert_eq!((about.name.as_str(), about.system_prompt.as_str(), about.startup_prompt.as_str()), ("n", "s", ""));
        assert!(about.rubric.contains("schema"));
        assert!(About::parse(b"[1]").is_ok_and(|about| about == About::default()));
        assert!(About::parse(b"{").is_err());
    }

    #[test]
    fn a_link_in_the_place_of_the_description_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let root = Root::open(directory.path()).unwrap();
        assert_eq!(About::read(&root), Ok(About::default()));
        std::fs::create_dir(directory.path().join(".ambient")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join(MANIFEST)).unwrap();
        assert!(About::read(&root).is_err());
    }
}
