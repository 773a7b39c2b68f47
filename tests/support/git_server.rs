//! A git server over HTTP on the loopback address: real `git http-backend` behind axum, with optional basic auth.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::{
    fmt::Write as _,
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header},
};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::bare::Bare;

/// How the server treats a request for one repository.
#[derive(Clone, Default)]
pub(crate) enum Behaviour {
    /// Serve it to everybody.
    #[default]
    Public,
    /// Ask for this user name and password.
    Private { user: String, password: String },
    /// Accept the connection and never answer.
    Hang,
    /// Answer with this status.
    Status(u16),
    /// Send the client to another server, with the same path.
    Redirect(String),
    /// Answer with this status the first time, then serve it.
    FailOnce(u16),
}

/// What the server saw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    /// Paths with query, in order.
    pub(crate) requests: Vec<String>,
    /// `Authorization` headers, in order.
    pub(crate) authorizations: Vec<String>,
    /// Command lines of all processes of this machine at the moment of each authorized request.
    pub(crate) command_lines: Vec<String>,
}

/// A running server; it ends with the test's runtime.
pub(crate) struct GitServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    root: tempfile::TempDir,
    behaviours: Mutex<Vec<(String, Behaviour)>>,
    seen: Mutex<Seen>,
}

impl GitServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            root: tempfile::tempdir().unwrap(),
            behaviours: Mutex::default(),
            seen: Mutex::default(),
        });
        let app = Router::new().fallback(serve).with_state(Arc::clone(&shared));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, shared }
    }

    /// A bare repository `<name>.git` whose branch `main` has one commit with these files.
    pub(crate) fn repository(&self, name: &str, files: &[(&str, &str)]) -> Bare {
        Bare::create(&self.shared.root.path().join(format!("{name}.git")), files)
    }

    pub(crate) fn treat(&self, name: &str, behaviour: Behaviour) {
        let mut all = self.shared.behaviours.lock().unwrap();
        all.insert(0, (format!("/{name}.git/"), behaviour));
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}.git", self.address)
    }

    pub(crate) fn seen(&self) -> Seen {
        self.shared.seen.lock().unwrap().clone()
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    note(&shared, &parts.uri, &parts.headers);
    match behaviour(&shared, &path) {
        Behaviour::Public | Behaviour::FailOnce(_) => {}
        Behaviour::Private { user, password } => {
            if !authorized(&parts.headers, &user, &password) {
                return challenge();
            }
        }
        Behaviour::Hang => std::future::pending().await,
        Behaviour::Status(status) => return answer(status),
        Behaviour::Redirect(to) => return redirect(&format!("{to}{}", parts.uri)),
    }
    if let Some(status) = fail_once(&shared, &path) {
        return answer(status);
    }
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    backend(shared.root.path(), &parts.method, &parts.uri, &parts.headers, body).await
}

fn note(shared: &Shared, uri: &Uri, headers: &HeaderMap) {
    let mut seen = shared.seen.lock().unwrap();
    seen.requests.push(uri.to_string());
    if let Some(header) = headers.get(header::AUTHORIZATION) {
        seen.authorizations.push(header.to_str().unwrap().to_owned());
        seen.command_lines.extend(command_lines());
    }
}

fn command_lines() -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let read = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read(entry.ok()?.path().join("cmdline")).ok();
    processes.filter_map(read).map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

fn behaviour(shared: &Shared, path: &str) -> Behaviour {
    let all = shared.behaviours.lock().unwrap();
    let found = all.iter().find(|(prefix, _)| path.starts_with(prefix));
    found.map(|(_, behaviour)| behaviour.clone()).unwrap_or_default()
}

fn fail_once(shared: &Shared, path: &str) -> Option<u16> {
    let mut all = shared.behaviours.lock().unwrap();
    let (_, behaviour) = all.iter_mut().find(|(prefix, _)| path.starts_with(prefix))?;
    match std::mem::take(behaviour) {
        Behaviour::FailOnce(status) => Some(status),
        other => {
            *behaviour = other;
            None
        }
    }
}

fn authorized(headers: &HeaderMap, user: &str, password: &str) -> bool {
    let expected = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
    headers.get(header::AUTHORIZATION).is_some_and(|header| header.as_bytes() == expected.as_bytes())
}

fn challenge() -> Response<Body> {
    let mut response = answer(401);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, "Basic realm=\"git\"".parse().unwrap());
    response
}

fn redirect(to: &str) -> Response<Body> {
    let mut response = answer(302);
    response.headers_mut().insert(header::LOCATION, to.parse().unwrap());
    response
}

fn answer(status: u16) -> Response<Body> {
    Response::builder().status(status).body(Body::empty()).unwrap()
}

async fn backend(root: &Path, method: &Method, uri: &Uri, headers: &HeaderMap, body: Bytes) -> Response<Body> {
    let header = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
    let mut child = tokio::process::Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "2")
        .env("GIT_CONFIG_KEY_0", "http.receivepack")
        .env("GIT_CONFIG_VALUE_0", "true")
        .env("GIT_CONFIG_KEY_1", "safe.directory")
        .env("GIT_CONFIG_VALUE_1", "*")
        .env("REQUEST_METHOD", method.as_str())
        .env("PATH_INFO", uri.path())
        .env("QUERY_STRING", uri.query().unwrap_or(""))
        .env("CONTENT_TYPE", header("content-type"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::spawn(async move { stdin.write_all(&body).await });
    let output = child.wait_with_output().await.unwrap();
    from_cgi(&output.stdout)
}

fn from_cgi(output: &[u8]) -> Response<Body> {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let mut response = Response::builder().status(StatusCode::OK);
    for line in std::str::from_utf8(&output[..end]).unwrap().lines() {
        let (name, value) = line.split_once(':').unwrap();
        response = match name {
            "Status" => response.status(value.trim()[..3].parse::<u16>().unwrap()),
            _ => response.header(name, value.trim()),
        };
    }
    response.body(Body::from(output[end + 4..].to_vec())).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for digit in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * digit)) & 63;
            write!(text, "{}", char::from(DIGITS[index as usize])).unwrap();
        }
    }
    let padding = (4 - text.len() % 4) % 4;
    text + &"=".repeat(padding)
}
