//! The routes of a real runner over a real connection.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{fake_claude::fake_claude, rig::SOON};

const MEGABYTE: usize = 1 << 20;

struct Runner {
    child: Child,
    url: String,
    directory: TempDir,
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Runner {
    /// Starts a runner below a shell that runs `setup` first.
    fn start(setup: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let mut child = Command::new("sh")
            .args(["-c", &format!("{setup}\nexec \"$0\" runner"), env!("CARGO_BIN_EXE_ambient")])
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap())
            .env("HOME", directory.path())
            .env("AGUI_PORT", "0")
            .env("AGUI_TOKEN", "the-token")
            .env("AGUI_HOST", "127.0.0.1")
            .env("WORKSPACE_PATH", directory.path().join("ws"))
            .env("AMBIENT_DATA_DIR", directory.path().join("data"))
            .env("AMBIENT_AGENT_COMMAND", fake_claude())
            .env("ANTHROPIC_API_KEY", "test-key-of-no-value")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let told = |line: String| Some(line.split_once("listening address=")?.1.split_whitespace().next()?.to_owned());
        let address = lines.by_ref().find_map(told).expect("the runner says where it listens");
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("http://{address}"), directory }
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let client = reqwest::Client::builder().timeout(SOON).build().unwrap();
        client.request(method, format!("{}{path}", self.url)).header("x-ambient-session-token", "the-token")
    }

    async fn write(&self, body: &Value) -> (u16, Value) {
        let request = self.request(reqwest::Method::POST, "/content/write").body(body.to_string());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn read(&self, path: &str) -> bytes::Bytes {
        let response = self.request(reqwest::Method::GET, &format!("/content/file?path={path}")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/octet-stream");
        response.bytes().await.unwrap()
    }

    /// The most memory that the runner has had so far, in bytes.
    fn peak(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
    }
}

#[tokio::test]
async fn the_routes_need_the_token_and_tell_what_is_in_the_workspace() {
    let runner = Runner::start("");
    let response = reqwest::get(format!("{}/content/list", runner.url)).await.unwrap();
    assert_eq!(response.status(), 401);
    let response = runner.request(reqwest::Method::GET, "/content/list").send().await.unwrap();
    let listing: Value = response.json().await.unwrap();
    let names: Vec<&str> = listing["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"artifacts") && names.contains(&"repos"), "{names:?}");
}

#[tokio::test]
async fn fifty_megabytes_up_and_down_take_no_memory_to_speak_of() {
    let runner = Runner::start("");
    let text = "a line of \"text\" with an ü\n".repeat(50 * MEGABYTE / 28);
    let encoded = "QUJD".repeat(50 * MEGABYTE / 3);
    let bodies =
        |content: &str, encoding: Value| json!({ "path": "artifacts/big", "content": content, "encoding": encoding });
    assert_eq!(runner.write(&bodies(&"x".repeat(MEGABYTE), Value::Null)).await.0, 200);
    assert_eq!(runner.read("artifacts/big").await.len(), MEGABYTE);
    let before = runner.peak();
    assert_eq!(runner.write(&bodies(&text, Value::Null)).await, (200, json!({ "message": "ok" })));
    assert!(runner.read("artifacts/big").await == text.as_bytes());
    assert_eq!(runner.write(&bodies(&encoded, json!("base64"))).await.0, 200);
    assert_eq!(runner.read("artifacts/big").await.len(), 50 * MEGABYTE / 3 * 3);
    let more = runner.peak() - before;
    assert!(more <= 10 * MEGABYTE, "{more} bytes more than before");
}

#[tokio::test]
async fn a_full_disk_is_507_and_leaves_nothing() {
    // No file may have more than 20,000 blocks of 512 bytes; without the signal, writing more fails.
    let runner = Runner::start("trap '' XFSZ; ulimit -f 20000");
    let (status, answer) =
        runner.write(&json!({ "path": "artifacts/big", "content": "x".repeat(40 * MEGABYTE) })).await;
    assert_eq!(status, 507, "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("full"), "{answer}");
    let artifacts = runner.directory.path().join("ws/artifacts");
    assert_eq!(crate::rig::names(&artifacts), Vec::<String>::new());
    assert_eq!(runner.write(&json!({ "path": "artifacts/small", "content": "x" })).await.0, 200);
}
