//! Rings that a test starts, hurts and removes by itself.

#[path = "../support/cluster/ledger.rs"]
mod ledger;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A script of `hack/cluster`.
pub(crate) fn script(name: &str) -> Command {
    Command::new(root().join("hack/cluster").join(name))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Runs what has to fail; gives its exit code and what it said.
pub(crate) fn failure(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn success(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether there is something to start; without it a test says that it is skipped.
pub(crate) fn tools_are_built() -> bool {
    let built = root().join("target/tools/cluster/.stamp-rings").exists();
    assert!(built || std::env::var_os("CI").is_none(), "needs `make cluster-tools`");
    if !built {
        eprintln!("skipped: needs `make cluster-tools`");
    }
    built
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !holds() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A ring takes most of a small machine for some seconds.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A ring of one test, removed at its end.
pub(crate) struct OwnRing {
    kind: &'static str,
    name: String,
    _turn: MutexGuard<'static, ()>,
}

impl OwnRing {
    pub(crate) fn new(kind: &'static str, name: &str) -> Self {
        ledger::record(kind);
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        Self { kind, name: format!("{name}-{}", std::process::id()), _turn: turn }
    }

    pub(crate) fn state(&self) -> PathBuf {
        root().join("target/cluster").join(&self.name)
    }

    /// Starts what does not run. The ring ends with the test's process, if not before.
    pub(crate) fn up(&self) {
        self.up_for(std::process::id());
    }

    pub(crate) fn up_for(&self, owner: u32) {
        success(script("up.sh").args([self.kind, &self.name]).env("RING_OWNER", owner.to_string()));
    }

    pub(crate) fn down(&self) {
        success(script("down.sh").arg(&self.name));
    }

    pub(crate) fn kubectl(&self, arguments: &[&str]) -> String {
        success(script("kubectl").env("RING", &self.name).args(arguments))
    }

    /// The components but for what watches the owner.
    pub(crate) fn components(&self) -> Vec<String> {
        let pids = fs::read_dir(self.state().join("pids")).unwrap();
        let names = pids.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name != "owner").collect();
        names.sort();
        names
    }

    fn pid(&self, component: &str) -> String {
        fs::read_to_string(self.state().join("pids").join(component)).unwrap().trim().to_owned()
    }

    pub(crate) fn kill(&self, component: &str) {
        success(Command::new("kill").args(["-KILL", &self.pid(component)]));
        until("it has ended", || !self.is_running(component));
    }

    pub(crate) fn is_running(&self, component: &str) -> bool {
        self.processes().contains(&self.pid(component))
    }

    /// The numbers of the ring's processes: those whose command line or environment names its state.
    pub(crate) fn processes(&self) -> Vec<String> {
        let state = self.state();
        let mark = state.to_str().unwrap().as_bytes();
        let names_it = |file: PathBuf| {
            let bytes = fs::read(file).unwrap_or_default();
            bytes.windows(mark.len()).any(|part| part == mark)
        };
        let processes = fs::read_dir("/proc").unwrap().flatten().filter(|entry| names_it(entry.path().join("environ")));
        let ours = std::process::id().to_string();
        processes.map(|entry| entry.file_name().into_string().unwrap()).filter(|pid| *pid != ours).collect()
    }
}

impl Drop for OwnRing {
    fn drop(&mut self) {
        drop(script("down.sh").arg(&self.name).output());
        drop(fs::remove_dir_all(self.state()));
        drop(fs::remove_file(self.state().with_extension("lock")));
    }
}
