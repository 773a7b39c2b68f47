//! Deaths that need a process of its own: a runner killed from outside, a memory limit, a container's first process.
//!
//! The other process is this test binary again, in one of the roles at the end of the file.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic, and so may its helpers")]

mod host_support;
#[path = "support/needs.rs"]
mod needs;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use ambient::{
    cli::agent,
    host::{AgentHost, Exit, ProcessSpec, local::LocalHost, socket::SocketHost},
};
use host_support::{Place, alive, dead, eventually, exit, local, socket, within};
use rustix::process::{Pid, Signal, kill_process};

/// A role in a process of its own, killed with its handle.
struct Role(Child);

impl Role {
    fn play(role: &str, dir: &Path) -> Self {
        Self::play_in(Command::new(std::env::current_exe().unwrap()), role, dir)
    }

    fn play_in(mut command: Command, role: &str, dir: &Path) -> Self {
        command.args(["--ignored", "--exact", role, "--nocapture"]).env("ROLE_DIR", dir);
        Self(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    async fn end(&mut self) -> ExitStatus {
        eventually(|| self.0.try_wait().unwrap()).await
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn terminate(pid: u32) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::TERM).unwrap();
}

#[tokio::test]
async fn a_runner_that_is_killed_takes_its_agents_with_it_and_the_supervisor_serves_the_next() {
    let place = socket().await;
    let mut runner = Role::play("role_runner", place.dir.path());
    let agent = place.number_in("agent").await;
    assert!(alive(agent));
    runner.kill();
    dead(agent).await;
    assert_eq!(exit(&place.run("exit 2").await).await.code, Some(2));
}

#[tokio::test]
async fn what_a_killed_runner_left_on_a_laptop_is_ended_by_the_next() {
    let place = local();
    let mut runner = Role::play("role_laptop", place.dir.path());
    eventually(|| (place.path("agents").exists() && notes(&place) == 1).then_some(())).await;
    let agent = place.number_in("agent").await;
    let far = place.number_in("far").await;

    // While the runner lives its agents are its own.
    LocalHost::with_registry(&place.path("agents")).await.unwrap();
    assert!(alive(agent) && alive(far));

    runner.kill();
    assert!(alive(agent), "else there is nothing to show");
    LocalHost::with_registry(&place.path("agents")).await.unwrap();
    assert!(!alive(agent));
    dead(far).await;
    assert_eq!(notes(&place), 0);
}

#[tokio::test]
async fn commands_of_an_agent_that_died_after_its_runner_are_ended_too() {
    let place = local();
    let mut runner = Role::play("role_laptop", place.dir.path());
    eventually(|| (place.path("agents").exists() && notes(&place) == 1).then_some(())).await;
    let agent = place.number_in("agent").await;
    let far = place.number_in("far").await;
    runner.kill();
    kill_process(Pid::from_raw(agent.cast_signed()).unwrap(), Signal::KILL).unwrap();
    dead(agent).await;
    assert!(alive(far), "else there is nothing to show");
    LocalHost::with_registry(&place.path("agents")).await.unwrap();
    dead(far).await;
}

#[tokio::test]
async fn a_process_is_noted_only_while_it_runs() {
    let place = local();
    let host = LocalHost::with_registry(&place.path("agents")).await.unwrap();
    let process = host.start(place.script("read x; exit 0")).await.unwrap();
    assert_eq!(notes(&place), 1);
    drop(process.stdin);
    within(process.control.wait()).await.unwrap();
    assert_eq!(notes(&place), 0);
    drop(host.start(place.script("sleep 600")).await.unwrap());
    eventually(|| (notes(&place) == 0).then_some(())).await;
}

fn notes(place: &Place) -> usize {
    fs::read_dir(place.path("agents")).unwrap().count()
}

#[tokio::test]
async fn ambient_agent_ends_with_success_at_sigterm() {
    let place = local();
    let mut supervisor = Role::play("role_agent", place.dir.path());
    let host = SocketHost::new(place.path("agent.sock"));
    let process = within(host.start(place.script("exec sleep 600"))).await.unwrap();
    terminate(supervisor.0.id());
    assert_eq!(exit(&process).await.signal, Some(15));
    assert!(supervisor.end().await.success());
    assert!(!place.path("agent.sock").exists());
}

#[tokio::test]
async fn as_first_process_of_a_container_it_reaps_orphans_and_starts_agents() {
    let place = local();
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !unshare.args(["--", "true"]).status().is_ok_and(|status| status.success()) {
        return needs::missing("pid namespaces: `unshare --map-root-user --pid --mount-proc` must work");
    }
    let mut unshare = Command::new("unshare");
    unshare.args(["--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]);
    unshare.arg(std::env::current_exe().unwrap());
    let mut container = Role::play_in(unshare, "role_agent", place.dir.path());
    let host = SocketHost::new(place.path("agent.sock"));

    // Two orphans in sessions of their own: one ends soon, one never.
    let marker = format!("600.{}", std::process::id());
    let script = format!("(setsid true &); (setsid sleep {marker} &); echo 1 > ready; read x; exit 3");
    let process = within(host.start(place.script(&script))).await.unwrap();
    place.number_in("ready").await;
    let stray = eventually(|| find(&marker)).await;
    let init = eventually(|| children(container.0.id()).first().copied()).await;
    eventually(|| (children(init).contains(&stray)).then_some(())).await;
    eventually(|| children(init).iter().all(|&child| alive(child)).then_some(())).await;
    assert!(alive(stray));

    drop(process.stdin);
    assert_eq!(within(process.control.wait()).await.unwrap().code, Some(3));
    kill_process(Pid::from_raw(stray.cast_signed()).unwrap(), Signal::KILL).unwrap();
    eventually(|| children(init).is_empty().then_some(())).await;

    // It starts the next agent as well, and ends as a container should.
    let next = within(host.start(place.script("exit 4"))).await.unwrap();
    assert_eq!(exit(&next).await.code, Some(4));
    terminate(init);
    assert!(container.end().await.success());
}

/// Children of a process, zombies too.
fn children(pid: u32) -> Vec<u32> {
    let parent = pid.to_string();
    let is_child = |stat: &str| stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)) == Some(&parent);
    processes()
        .filter(|(_, path)| fs::read_to_string(path.join("stat")).is_ok_and(|stat| is_child(&stat)))
        .map(|(pid, _)| pid)
        .collect()
}

/// The `sleep` with this argument.
fn find(argument: &str) -> Option<u32> {
    let wanted = format!("sleep\0{argument}\0");
    let mut all = processes();
    all.find(|(_, path)| fs::read_to_string(path.join("cmdline")).is_ok_and(|line| line == wanted)).map(|(pid, _)| pid)
}

fn processes() -> impl Iterator<Item = (u32, PathBuf)> {
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        Some((path.file_name()?.to_str()?.parse().ok()?, path))
    })
}

#[tokio::test]
async fn a_child_killed_for_its_memory_is_reported_with_the_evidence() {
    let place = local();
    let Some(limit) = Limit::new(96 << 20) else {
        return needs::missing("a memory cgroup: the tests' own must be writable, with the memory controller");
    };
    let mut shell = Command::new("sh");
    shell.args(["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\""]).arg(&limit.0);
    shell.arg(std::env::current_exe().unwrap());
    let mut role = Role::play_in(shell, "role_hog", place.dir.path());
    assert!(role.end().await.success());
    let exits: Vec<Exit> = serde_json::from_slice(&fs::read(place.path("exits")).unwrap()).unwrap();
    for exit in exits {
        assert_eq!((exit.code, exit.signal, exit.oom_kills), (None, Some(9), 1), "{exit:?}");
        assert!(exit.peak_memory.is_some_and(|bytes| (30 << 20..100 << 20).contains(&bytes)), "{exit:?}");
    }
}

/// A cgroup with a memory limit below the one of this process, removed at the end.
struct Limit(PathBuf);

impl Limit {
    fn new(bytes: u64) -> Option<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let path = |wanted: &str| {
            let mut lines = groups.lines().map(|line| line.splitn(3, ':').skip(1).collect::<Vec<_>>());
            lines.find(|fields| fields[0] == wanted).map(|fields| fields[1].trim_start_matches('/').to_owned())
        };
        let v1 = path("memory").map(|path| (Path::new("/sys/fs/cgroup/memory").join(path), "memory.limit_in_bytes"));
        let v2 = path("").map(|path| (Path::new("/sys/fs/cgroup").join(path), "memory.max"));
        let root = v2.as_ref().map(|(_, file)| (PathBuf::from("/sys/fs/cgroup"), *file));
        [v1, v2, root].into_iter().flatten().find_map(|(parent, file)| {
            let group = Self(parent.join(format!("ambient-test-{}", std::process::id())));
            fs::create_dir(&group.0).ok()?;
            fs::write(group.0.join(file), bytes.to_string()).ok()?;
            // Without it the rest would go to the disk; absent where swap is not counted.
            let _ = fs::write(group.0.join("memory.swap.max"), "0");
            Some(group)
        })
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        // Busy until the last of its processes has gone.
        let removed = || fs::remove_dir(&self.0).is_ok();
        let _ = (0..200).any(|_| {
            removed() || {
                std::thread::sleep(std::time::Duration::from_millis(5));
                false
            }
        });
    }
}

fn role_dir() -> PathBuf {
    std::env::var_os("ROLE_DIR").expect("played by another test").into()
}

/// An agent with a descendant in a session of its own.
const AGENT: &str = "setsid sh -c 'echo $$ > far; exec sleep 600' & echo $$ > agent; wait";

async fn hold(host: &dyn AgentHost) {
    let spec = ProcessSpec { cwd: role_dir(), ..local().script(AGENT) };
    let _process = host.start(spec).await.unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
#[ignore = "a role"]
async fn role_runner() {
    hold(&SocketHost::new(role_dir().join(".sock"))).await;
}

#[tokio::test]
#[ignore = "a role"]
async fn role_laptop() {
    hold(&LocalHost::with_registry(&role_dir().join("agents")).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a role"]
async fn role_agent() {
    agent::run(agent::Args { socket: role_dir().join("agent.sock") }).await.unwrap();
}

#[tokio::test]
#[ignore = "a role"]
async fn role_hog() {
    let mut exits = Vec::new();
    for place in [local(), socket().await] {
        let process = place.run("x=$(head -c 400000000 /dev/zero | tr '\\0' x); echo ${#x}").await;
        exits.push(exit(&process).await);
    }
    fs::write(role_dir().join("exits"), serde_json::to_vec(&exits).unwrap()).unwrap();
}
