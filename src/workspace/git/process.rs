//! Running one git process beside us: in its own process group, with a deadline, its output bounded.

use std::{io, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    time::timeout,
};

use super::{command::GitCommand, progress};

/// The most that is read from stdout.
const MAX_STDOUT: u64 = 4 << 20;
/// The longest line that is kept; the rest of it is dropped.
const MAX_LINE: usize = 2048;
/// The last lines of stderr that an error message can draw on.
const KEPT_LINES: usize = 30;

/// What a process left behind.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) success: bool,
    pub(super) stdout: String,
    /// The last lines of stderr that are not progress.
    pub(super) stderr: Vec<String>,
}

/// Why there is no output.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProcessError {
    #[error("git could not be started: {0}")]
    Start(io::Error),
    #[error("git did not end within {} s", .0.as_secs())]
    Deadline(Duration),
    #[error("git's output could not be read: {0}")]
    Read(#[from] io::Error),
}

/// Runs git to its end and shows each line of its stderr while it runs.
pub(super) async fn run(command: GitCommand, mut on_line: impl FnMut(&str) + Send) -> Result<Output, ProcessError> {
    let deadline = command.deadline;
    let mut child = spawn(command).map_err(ProcessError::Start)?;
    // Declared after the child, so that it is dropped before: the group is killed while its leader still has its id.
    let group = GroupGuard(child.id().and_then(|id| Pid::from_raw(id.cast_signed())));
    let output = timeout(deadline, collect(&mut child, &mut on_line)).await;
    if matches!(output, Ok(Ok(_))) {
        group.disarm();
    }
    output.map_err(|_| ProcessError::Deadline(deadline))?.map_err(ProcessError::Read)
}

fn spawn(command: GitCommand) -> io::Result<Child> {
    Command::new("git")
        .args(command.args)
        .env_clear()
        .envs(command.env)
        .current_dir(command.cwd)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

async fn collect(child: &mut Child, on_line: &mut (impl FnMut(&str) + Send)) -> io::Result<Output> {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::try_join!(read_all(stdout), read_lines(stderr, on_line))?;
    let status = child.wait().await?;
    Ok(Output { success: status.success(), stdout, stderr })
}

async fn read_all(stdout: Option<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut bytes = Vec::new();
    if let Some(mut stdout) = stdout {
        (&mut stdout).take(MAX_STDOUT).read_to_end(&mut bytes).await?;
        tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await?;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Lines end with a newline, or with a carriage return where git overwrites its progress.
async fn read_lines(
    stderr: Option<impl AsyncRead + Unpin>,
    on_line: &mut (impl FnMut(&str) + Send),
) -> io::Result<Vec<String>> {
    let mut kept = KeptLines::default();
    let Some(mut stderr) = stderr else {
        return Ok(kept.lines.into());
    };
    let mut buffer = [0_u8; 4096];
    loop {
        let read = stderr.read(&mut buffer).await?;
        if read == 0 {
            kept.end_line(on_line);
            return Ok(kept.lines.into());
        }
        kept.push(&buffer[..read], on_line);
    }
}

#[derive(Default)]
struct KeptLines {
    line: Vec<u8>,
    lines: std::collections::VecDeque<String>,
}

impl KeptLines {
    fn push(&mut self, bytes: &[u8], on_line: &mut impl FnMut(&str)) {
        for byte in bytes {
            match byte {
                b'\n' | b'\r' => self.end_line(on_line),
                byte if self.line.len() < MAX_LINE => self.line.push(*byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self, on_line: &mut impl FnMut(&str)) {
        let line = String::from_utf8_lossy(&self.line).trim().to_owned();
        self.line.clear();
        on_line(&line);
        if !line.is_empty() && !progress::is_chatter(&line) {
            self.lines.push_back(line);
        }
        if self.lines.len() > KEPT_LINES {
            self.lines.pop_front();
        }
    }
}

/// Kills what git started (a transport, ssh) together with it.
struct GroupGuard(Option<Pid>);

impl GroupGuard {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for GroupGuard {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may have ended by itself in the meantime.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}
