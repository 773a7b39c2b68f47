//! The same over the S3 protocol, with a server that others have written: versitygw, of `hack/cluster/tools.sh versitygw`.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{Bucket, tests};

#[path = "../../../tests/support/needs.rs"]
mod needs;

/// A server over a directory; it ends with this.
struct Server {
    process: Child,
    dir: TempDir,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// None: it is not installed, which is said; in CI that is an error.
    fn start() -> Option<Self> {
        let program = program()?;
        let dir = tempfile::tempdir().unwrap();
        for folder in ["data/events", "meta"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(program)
            .args(["--port", &format!("127.0.0.1:{port}"), "--quiet", "posix", "--sidecar"])
            .args([dir.path().join("meta"), dir.path().join("data")])
            .envs([("ROOT_ACCESS_KEY_ID", "tester"), ("ROOT_SECRET_ACCESS_KEY", "tester-secret")])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Some(Self { process, dir, port })
    }

    fn bucket(&self) -> Bucket {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let variables = [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "tester"),
            ("AWS_SECRET_ACCESS_KEY", "tester-secret"),
        ];
        Bucket::of("s3://events/of/tests", variables.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
    }
}

fn program() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/cluster/versitygw");
    if path.is_file() {
        return Some(path);
    }
    needs::missing(&format!("{} (run `hack/cluster/tools.sh versitygw`)", path.display()));
    None
}

fn files(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).unwrap().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

#[tokio::test]
async fn over_s3_events_come_back_into_an_empty_buffer_one_operator_writes_and_what_is_forgotten_is_gone() {
    let Some(server) = Server::start() else { return };
    let bucket = server.bucket();
    tests::round_trip(&bucket).await;
    assert_eq!(files(&server.dir.path().join("data/events")), 0);
    tests::fence(&bucket).await;
}
