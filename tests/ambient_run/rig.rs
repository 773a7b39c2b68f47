//! A folder with manifests, and the command in it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::fake_claude::fake_claude;

pub(crate) struct Folder {
    dir: TempDir,
    env: Vec<(&'static str, String)>,
}

/// How a command ended.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), env: Vec::new() }
    }

    /// A folder with a session `s` that is asked `prompt` first.
    pub(crate) fn asking(prompt: &str) -> Self {
        let folder = Self::new();
        folder.write("s.yaml", &session(prompt));
        folder
    }

    /// Another agent, and where it finds its model.
    pub(crate) fn agent(mut self, command: &Path, model: &str) -> Self {
        let command = command.display().to_string();
        self.env = vec![("AMBIENT_AGENT_COMMAND", command), ("ANTHROPIC_BASE_URL", model.to_owned())];
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ambient"));
        command
            .args(args)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", self.dir.path())
            .env("AMBIENT_AGENT_COMMAND", fake_claude())
            .env("ANTHROPIC_API_KEY", "test-key-of-no-value")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn ambient(&self, args: &[&str]) -> Said {
        self.command(args).output().unwrap().into()
    }

    /// Every record of the session's event log.
    pub(crate) fn log(&self) -> Vec<Value> {
        let threads = self.path(".ambient/s/events/threads");
        let segments = fs::read_dir(threads).unwrap().flat_map(|thread| fs::read_dir(thread.unwrap().path()).unwrap());
        let named = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem.len() == 20);
        let paths = segments.map(|entry| entry.unwrap().path());
        let paths = paths.filter(|path| named(path) && path.extension().is_some_and(|ending| ending == "jsonl"));
        let texts: Vec<String> = paths.map(|path| fs::read_to_string(path).unwrap()).collect();
        texts.iter().flat_map(|text| text.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The status of a Run of session `s`, as its file has it.
    pub(crate) fn run(&self, name: &str) -> Value {
        serde_saphyr::from_str(&self.read(&format!(".ambient/s/runs/{name}.yaml"))).unwrap()
    }
}

pub(crate) fn session(prompt: &str) -> String {
    format!(
        "apiVersion: vteam.ambient-code/v1alpha1\nkind: AgenticSession\nmetadata:\n  name: s\nspec:\n  initialPrompt: {}\n",
        serde_json::to_string(prompt).unwrap()
    )
}

pub(crate) fn run(name: &str, fields: &str) -> String {
    format!(
        "---\napiVersion: vteam.ambient-code/v1alpha1\nkind: Run\nmetadata:\n  name: {name}\nspec:\n  sessionRef:\n    name: s\n{fields}"
    )
}
