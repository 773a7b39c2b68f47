//! The runner of one session, with the fake CLI: kwok's pods lead to this machine, so it is that of every pod.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::{Arguments, Result};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running runner; killed when dropped.
pub(crate) struct Runner {
    child: Child,
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
        let mut child = Command::new(&arguments.ambient)
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
            .env("ANTHROPIC_API_KEY", "sk-ant-api03-not-a-key-but-as-long-as-one-0123456789")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().ok_or("no stderr")?;
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(std::result::Result::ok) {
                let address = line.split_once("listening address=").map(|(_, rest)| rest);
                if let Some(port) = address.and_then(|rest| rest.split_whitespace().next()?.rsplit(':').next()) {
                    let _ = tell.send(port.to_owned());
                }
            }
        });
        let port = told.recv_timeout(PATIENCE);
        let port = port.inspect_err(|_| drop(child.kill())).map_err(|_| "the runner does not say where it listens")?;
        Ok(Self { child, port })
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // Killed twice is killed.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
