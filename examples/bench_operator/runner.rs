//! The runner of one session, with the fake CLI: kwok's pods lead to this machine, so it is that of every pod.

use std::{process::Command, sync::mpsc, time::Duration};

use crate::{Arguments, Result, program::Program};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running runner; killed when dropped.
pub(crate) struct Runner {
    _program: Program,
    /// Where it listens, at the loopback.
    pub(crate) port: String,
}

impl Runner {
    /// Starts one in a fresh directory.
    pub(crate) fn start(arguments: &Arguments, session: &str, token: &str) -> Result<Self> {
        let folder = std::path::absolute(arguments.results.join("runner"))?;
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(folder.join("workspace"))?;
        let mut command = Command::new(&arguments.ambient);
        command
            .arg("runner")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &folder)
            .env("SESSION_ID", session)
            .env("AGUI_TOKEN", token)
            .env("AGUI_HOST", "127.0.0.1")
            .env("AGUI_PORT", "0")
            .env("WORKSPACE_PATH", folder.join("workspace"))
            .env("AMBIENT_DATA_DIR", folder.join("data"))
            .env("AMBIENT_AGENT_COMMAND", std::path::absolute(&arguments.fake_claude)?)
            .env("ANTHROPIC_API_KEY", "sk-ant-api03-not-a-key-but-as-long-as-one-0123456789");
        let (tell, told) = mpsc::channel();
        let program = Program::start(&mut command, move |line| {
            let address = line.split_once("listening address=").map(|(_, rest)| rest);
            if let Some(port) = address.and_then(|rest| rest.split_whitespace().next()?.rsplit(':').next()) {
                let _ = tell.send(port.to_owned());
            }
        })?;
        let port = told.recv_timeout(PATIENCE).map_err(|_| "the runner does not say where it listens")?;
        Ok(Self { _program: program, port })
    }
}
