//! What the tests of the hosts share.
#![allow(dead_code, unreachable_pub, unused_macros, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a helper of tests may panic")]

use std::{
    ffi::OsString,
    future::Future,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    time::Duration,
};

use ambient::host::{
    AgentHost, AgentProcess, Exit, ProcessSpec, local::LocalHost, socket::SocketHost, supervisor::Supervisor,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// No wait of a test is longer.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// Tests of a sentence that holds on every host: a function from a place.
macro_rules! on_every_host {
    ($($name:ident),* $(,)?) => {
        mod local {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::host_support::local()).await;
            })*
        }
        mod socket {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(super::host_support::socket().await).await;
            })*
        }
    };
}

/// A host, and what it needs to live.
pub struct Place {
    pub host: Box<dyn AgentHost>,
    pub dir: TempDir,
    pub supervisor: Option<Running>,
}

pub fn local() -> Place {
    Place { host: Box::new(LocalHost::new()), dir: tempfile::tempdir().unwrap(), supervisor: None }
}

pub async fn socket() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let supervisor = Running::on(&dir.path().join(".sock")).await;
    Place { host: Box::new(supervisor.host()), dir, supervisor: Some(supervisor) }
}

/// A supervisor as a task of the test. Dropping it is its sudden death.
pub struct Running {
    pub socket: PathBuf,
    pub stop: CancellationToken,
    pub task: JoinSet<std::io::Result<()>>,
}

impl Running {
    pub async fn on(socket: &Path) -> Self {
        let supervisor = Supervisor::bind(socket).await.unwrap();
        let stop = CancellationToken::new();
        let mut task = JoinSet::new();
        task.spawn(supervisor.serve(stop.clone()));
        Self { socket: socket.to_owned(), stop, task }
    }

    pub fn host(&self) -> SocketHost {
        SocketHost::new(&self.socket)
    }
}

impl Place {
    /// A shell script in the place's folder.
    pub fn script(&self, script: &str) -> ProcessSpec {
        ProcessSpec {
            program: "sh".into(),
            args: vec!["-c".into(), script.into()],
            env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
            cwd: self.dir.path().to_owned(),
        }
    }

    pub async fn run(&self, script: &str) -> AgentProcess {
        self.start(self.script(script)).await
    }

    pub async fn start(&self, spec: ProcessSpec) -> AgentProcess {
        within(self.host.start(spec)).await.unwrap()
    }

    /// A file that a script writes in one go.
    pub async fn number_in(&self, file: &str) -> u32 {
        let path = self.dir.path().join(file);
        let read = || std::fs::read_to_string(&path).ok()?.trim().parse().ok();
        eventually(read).await
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }
}

/// Waits for what has no event.
pub async fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "it never came");
        sleep(Duration::from_millis(5)).await;
    }
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(DEADLINE, future).await.expect("in time")
}

pub async fn exit(process: &AgentProcess) -> Exit {
    within(process.control.wait()).await.unwrap()
}

pub async fn text(reader: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut text = String::new();
    within(reader.read_to_string(&mut text)).await.unwrap();
    text
}

pub async fn line(process: &mut AgentProcess) -> String {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        line.push(within(process.stdout.read_u8()).await.unwrap());
    }
    String::from_utf8(line).unwrap().trim().to_owned()
}

pub async fn write(process: &mut AgentProcess, bytes: &[u8]) {
    within(process.stdin.write_all(bytes)).await.unwrap();
}

/// Whether a process runs; a zombie does not.
pub fn alive(pid: u32) -> bool {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat);
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
}

pub async fn dead(pid: u32) {
    eventually(|| (!alive(pid)).then_some(())).await;
}

/// A name that is not UTF-8.
pub fn odd(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}
