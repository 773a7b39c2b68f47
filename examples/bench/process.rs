//! What the kernel says of a process.

use std::{
    collections::BTreeMap,
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::{
    process::Pid,
    thread::{CpuSet, sched_getaffinity, sched_setaffinity},
};

use crate::Result;

/// Longest wait for a process to come to rest.
const RESTLESS: Duration = Duration::from_secs(30);

/// CPU time of a process's threads, user and kernel, in nanoseconds: finer than the ticks of `/proc/PID/stat`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cpu(BTreeMap<String, u64>);

impl Cpu {
    /// What the threads that live now have used.
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let task = task?;
            // A thread may end in between.
            let Ok(text) = fs::read_to_string(task.path().join("schedstat")) else {
                continue;
            };
            threads.insert(task.file_name().to_string_lossy().into_owned(), used(&text)?);
        }
        Ok(Self(threads))
    }

    /// What the calling thread has used.
    pub(crate) fn of_this_thread() -> Result<Self> {
        let text = fs::read_to_string("/proc/thread-self/schedstat")?;
        Ok(Self(BTreeMap::from([(String::new(), used(&text)?)])))
    }

    /// What was used since `before`.
    pub(crate) fn since(&self, before: &Self) -> Duration {
        let used =
            self.0.iter().map(|(thread, used)| used.saturating_sub(before.0.get(thread).copied().unwrap_or_default()));
        Duration::from_nanos(used.sum())
    }
}

/// The first number of a thread's `schedstat`.
fn used(schedstat: &str) -> Result<u64> {
    Ok(schedstat.split(' ').next().unwrap_or_default().parse()?)
}

/// Resident memory in MB (10^6 bytes).
pub(crate) fn resident(pid: u32) -> Result<f64> {
    megabytes(pid, "VmRSS:")
}

/// The most resident memory since [`forget_peak`], in MB.
pub(crate) fn peak(pid: u32) -> Result<f64> {
    megabytes(pid, "VmHWM:")
}

/// Makes the peak what is resident now.
pub(crate) fn forget_peak(pid: u32) -> Result<()> {
    Ok(fs::write(format!("/proc/{pid}/clear_refs"), "5")?)
}

fn megabytes(pid: u32, field: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib: u32 = line.and_then(|line| line.split_whitespace().next()).ok_or("no such field")?.parse()?;
    Ok(f64::from(kib) * 1024.0 / 1e6)
}

/// Keeps the main thread of a process and the calling thread on one CPU for as long as it lives: they take turns anyhow, and
/// waking another idle virtual CPU costs more than a small answer.
pub(crate) struct OnOneCpu(CpuSet);

impl OnOneCpu {
    pub(crate) fn with(pid: u32) -> Result<Self> {
        let before = sched_getaffinity(None)?;
        let cpu = (0..CpuSet::MAX_CPU).find(|cpu| before.is_set(*cpu)).ok_or("no CPU")?;
        let mut one = CpuSet::new();
        one.set(cpu);
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or("no pid")?;
        sched_setaffinity(Some(pid), &one)?;
        sched_setaffinity(None, &one)?;
        Ok(Self(before))
    }
}

impl Drop for OnOneCpu {
    fn drop(&mut self) {
        // Failing that, the rest is measured on one CPU, which the figures show.
        sched_setaffinity(None, &self.0).ok();
    }
}

/// How many processes wanted to run in the last minute.
pub(crate) fn load() -> Option<String> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next().map(str::to_owned)
}

/// The children of a process.
pub(crate) fn children(pid: u32) -> Result<Vec<u32>> {
    let mut all = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let list = fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        all.extend(list.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    Ok(all)
}

/// Waits until the process has a child and neither has used more than `noise` of CPU for `quiet`: nothing tells a client
/// that the agent is warm.
pub(crate) fn at_rest(pid: u32, quiet: Duration, noise: Duration) -> Result<()> {
    let deadline = Instant::now() + RESTLESS;
    while Instant::now() < deadline {
        let family = [&[pid][..], &children(pid)?].concat();
        let before = family.iter().map(|pid| Cpu::of(*pid)).collect::<Result<Vec<_>>>()?;
        sleep(quiet);
        let rests = |(pid, before): (&u32, &Cpu)| Cpu::of(*pid).is_ok_and(|now| now.since(before) <= noise);
        if family.len() > 1 && family.iter().zip(&before).all(rests) {
            return Ok(());
        }
    }
    Err("the runner and its agent did not come to rest".into())
}
