//! The official AG-UI client as a test: `tests/agui/check.mjs` over recorded streams.
#![allow(dead_code, reason = "not every test uses every way to call the checker")]
#![allow(clippy::expect_used, clippy::panic, reason = "a checker that does not work fails its test")]

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::needs;

/// The longest that the checker may say nothing: it checks hundreds of streams a second.
const SILENCE: Duration = Duration::from_mins(2);

/// The checker of this process: loading its packages takes longer than most checks.
static CHECKER: Mutex<Option<Checker>> = Mutex::new(None);

/// The checker, when the packages it needs are installed.
pub(crate) struct OfficialClient {
    modules: PathBuf,
}

impl OfficialClient {
    /// Finds the packages in `AMBIENT_AGUI_MODULES` or `target/tools/agui`. Without them the test is skipped, and says so;
    /// in CI it fails.
    pub(crate) fn find() -> Option<Self> {
        let installed = |path: &Path| path.join("node_modules").is_dir();
        let modules = needs::tool("AMBIENT_AGUI_MODULES", "target/tools/agui", installed)?;
        Some(Self { modules })
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
        let args: Vec<String> = args.into_iter().map(|arg| arg.as_ref().to_str().expect("UTF-8").to_owned()).collect();
        // What a failed check leaves is whole: its report was read to the end, or the checker is gone.
        let mut checker = CHECKER.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = checker.take().unwrap_or_else(|| Checker::start(&self.modules));
        let report = running.call(&args);
        *checker = Some(running);
        drop(checker);
        let failures: Vec<&str> = report.iter().map(String::as_str).filter(|line| !line.starts_with("ok ")).collect();
        assert_eq!(failures.last(), Some(&"PASS"), "{}", failures[..failures.len().min(20)].join("\n"));
    }
}

/// `check.mjs --serve`. It ends with this process, whose end closes its stdin.
struct Checker {
    _child: Child,
    calls: ChildStdin,
    report: mpsc::Receiver<String>,
}

impl Checker {
    fn start(modules: &Path) -> Self {
        let mut child = Command::new("node")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/agui/check.mjs"))
            .arg("--serve")
            .env("AMBIENT_AGUI_MODULES", modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (tell, report) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(line)));
        Self { calls: child.stdin.take().expect("a pipe"), _child: child, report }
    }

    /// The report on a call; its last line is the verdict.
    fn call(&mut self, args: &[String]) -> Vec<String> {
        writeln!(self.calls, "{}", json!(args)).expect("the checker reads its calls");
        let mut report: Vec<String> = Vec::new();
        while !matches!(report.last().map(String::as_str), Some("PASS" | "FAIL")) {
            let line = self.report.recv_timeout(SILENCE);
            report.push(line.unwrap_or_else(|error| panic!("the checker is silent ({error}) after {report:#?}")));
        }
        report
    }
}
