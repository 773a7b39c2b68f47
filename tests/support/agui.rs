//! The official AG-UI client as a test: `tests/agui/check.mjs` over recorded streams.
#![allow(dead_code, reason = "not every test uses every way to call the checker")]

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// The checker, when the packages it needs are installed.
pub(crate) struct OfficialClient {
    modules: PathBuf,
}

impl OfficialClient {
    /// Finds the packages in `AMBIENT_AGUI_MODULES` or `target/tools/agui`. Without them the test is skipped, and says so;
    /// in CI it fails.
    pub(crate) fn find() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let installed = || root.join("target/tools/agui");
        let modules = std::env::var_os("AMBIENT_AGUI_MODULES").map_or_else(installed, PathBuf::from);
        if modules.join("node_modules").is_dir() {
            return Some(Self { modules });
        }
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "the official AG-UI client is not in {}; run `make tools`", modules.display());
        eprintln!("skipped: needs make tools");
        None
    }

    /// Every stream (`.sse`) and log (`.jsonl`) in a folder must pass. `NAME.expect.json` beside one says what the client
    /// must end with.
    pub(crate) fn check_folder(&self, folder: &Path) {
        self.run([folder]);
    }

    /// Every stream in a folder must pass and end with what `expected` (`{messages, state}`) says.
    pub(crate) fn check_folder_ends_with(&self, folder: &Path, expected: &Path) {
        self.run([OsStr::new("--expect"), expected.as_ref(), folder.as_ref()]);
    }

    /// Every stream in a folder must pass and end with what the client makes of the whole log, a record a line:
    /// `{"seq", "runId", "at", "event"}`.
    pub(crate) fn check_folder_ends_as_log(&self, folder: &Path, log: &Path) {
        self.run([OsStr::new("--log"), log.as_ref(), folder.as_ref()]);
    }

    /// The checker passes good streams and fails bad ones for the right reason.
    pub(crate) fn check_itself(&self) {
        self.run(["--self-test"]);
    }

    fn run(&self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agui/check.mjs");
        let output = Command::new("node")
            .arg(script)
            .args(args)
            .env("AMBIENT_AGUI_MODULES", &self.modules)
            .output()
            .expect("node is installed");
        let report = String::from_utf8_lossy(&output.stdout);
        let failures: Vec<&str> = report.lines().filter(|line| !line.starts_with("ok ")).take(20).collect();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}\n{errors}", failures.join("\n"));
    }
}
