//! One `ambient runner` and its client.

use std::{
    ffi::OsStr,
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

use memchr::memmem;
use serde_json::json;

use crate::{
    Result,
    client::Client,
    frames::{Frames, is},
    place::Place,
    process,
};

/// The session, and so the default thread.
pub(crate) const SESSION: &str = "bench";
/// How long a runner may take to start, or to end.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks at something that has no event.
const LOOK: Duration = Duration::from_micros(200);

/// A running runner. Dropping it ends it.
pub(crate) struct Runner {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From its start to its first healthy answer.
    pub(crate) started_in: Duration,
    runs: u32,
}

/// One run, as its client saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// From the request to the agent's first text.
    pub(crate) first_text: Duration,
    /// From the request to the end of the run.
    pub(crate) total: Duration,
    /// How many events came.
    pub(crate) events: u64,
}

impl Runner {
    /// A runner in a fresh directory with the fake CLI.
    pub(crate) fn start(place: &Place) -> Result<Self> {
        let agent = place.fake_claude.clone();
        Self::start_with(place, &agent, [])
    }

    /// A runner with some agent and more environment. It has credentials, so that redaction has something to look for.
    pub(crate) fn start_with<'a>(
        place: &Place,
        agent: &PathBuf,
        env: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> Result<Self> {
        Self::start_in(place, &place.fresh()?, agent, env)
    }

    /// The same in a directory that may hold a workspace already.
    pub(crate) fn start_in<'a>(
        place: &Place,
        folder: &Path,
        agent: &PathBuf,
        env: impl IntoIterator<Item = (&'a str, &'a OsStr)>,
    ) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(&place.ambient);
        command
            .arg("runner")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder)
            .env("SESSION_ID", SESSION)
            .env("AGUI_PORT", address.port().to_string())
            .env("WORKSPACE_PATH", folder.join("workspace"))
            .env("AMBIENT_DATA_DIR", folder.join("data"))
            .env("AMBIENT_AGENT_COMMAND", agent)
            .env("ANTHROPIC_API_KEY", "sk-ant-api03-not-a-key-but-as-long-as-one-0123456789")
            .env("GITHUB_TOKEN", "ghp_notATokenButAsLongAsOne0123456789ab")
            .envs(env)
            .stderr(File::create(folder.join("stderr"))?);
        std::fs::create_dir_all(folder.join("workspace"))?;
        let begun = Instant::now();
        let child = command.spawn()?;
        let mut runner = Self { child, address, started_in: Duration::ZERO, runs: 0 };
        runner.wait_for_health(begun)?;
        runner.started_in = begun.elapsed();
        Ok(runner)
    }

    fn wait_for_health(&mut self, begun: Instant) -> Result<()> {
        while begun.elapsed() < PATIENCE {
            if let Ok(mut client) = Client::connect(self.address) {
                return client.get("/health");
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the runner ended at its start: {status}").into());
            }
            sleep(LOOK);
        }
        Err("the runner does not answer".into())
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn client(&self) -> Result<Client> {
        Client::connect(self.address)
    }

    /// Waits until runner and agent have nothing to do.
    pub(crate) fn at_rest(&self) -> Result<()> {
        process::at_rest(self.pid(), Duration::from_millis(200), Duration::from_millis(1))
    }

    /// A run to its end, which must be a good one; `each` sees every event.
    pub(crate) fn run(
        &mut self,
        client: &mut Client,
        prompt: &str,
        mut each: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Seen> {
        self.runs += 1;
        let input = input(&format!("run-{}", self.runs), prompt);
        let mut frames = Frames::default();
        let (mut first_text, mut finished) = (None, false);
        let begun = Instant::now();
        client.post("/", &input)?;
        while let Some(piece) = client.body()? {
            frames.feed(piece, |event| {
                if first_text.is_none() && is_agents_text(event) {
                    first_text = Some(begun.elapsed());
                }
                finished |= is(event, "RUN_FINISHED");
                each(event)
            })?;
        }
        let total = begun.elapsed();
        if !finished {
            return Err(format!("the run \"{prompt}\" did not finish").into());
        }
        let first_text = first_text.ok_or("the agent said nothing")?;
        Ok(Seen { first_text, total, events: frames.count })
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        }
        let deadline = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            sleep(Duration::from_millis(5));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Text that the platform said about set-up is not the agent's.
fn is_agents_text(event: &[u8]) -> bool {
    is(event, "TEXT_MESSAGE_CONTENT") && memmem::find(event, b"-setup-").is_none()
}

/// An AG-UI input with one prompt.
pub(crate) fn input(run_id: &str, prompt: &str) -> String {
    let message = json!({"id": format!("{run_id}-message"), "role": "user", "content": prompt});
    let input = json!({
        "threadId": SESSION, "runId": run_id, "state": {}, "messages": [message], "tools": [], "context": [],
        "forwardedProps": {},
    });
    input.to_string()
}

fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
