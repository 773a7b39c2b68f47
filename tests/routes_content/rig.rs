//! The family's router around a workspace in a temporary directory, without a server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ambient::{
    host::local::LocalHost,
    runner::{
        content::{Content, Limits},
        http::content::router,
    },
    workspace::git::url::UrlPolicy,
};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{Method, Request, StatusCode},
};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;

/// Nothing here takes longer, but on a machine that does much else.
pub(crate) const SOON: Duration = Duration::from_mins(2);

/// A workspace `ws`, and something beside it that nobody may reach.
pub(crate) struct Rig {
    directory: TempDir,
    router: Router,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::with(Limits { git: SOON, fetch: SOON, ..Limits::default() })
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let directory = TempDir::new().unwrap();
        std::fs::create_dir(directory.path().join("ws")).unwrap();
        std::fs::create_dir(directory.path().join("outside")).unwrap();
        std::fs::write(directory.path().join("outside/secret"), "secret").unwrap();
        let urls = UrlPolicy { http: true, file: true };
        let content = Content::new(directory.path().join("ws"), Arc::new(LocalHost::new()), urls, limits);
        Self { router: router(Arc::new(content)), directory }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("ws")
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.directory.path().join("outside")
    }

    /// Puts a file into the workspace; `-> x` makes a link to x.
    pub(crate) fn put(&self, path: &str, content: &str) -> PathBuf {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match content.strip_prefix("-> ") {
            Some(target) => std::os::unix::fs::symlink(target, &path).unwrap(),
            None => std::fs::write(&path, content).unwrap(),
        }
        path
    }

    pub(crate) fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub(crate) async fn send(&self, method: &str, uri: &str, body: impl Into<Body>) -> (StatusCode, Bytes) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = Request::builder().method(method).uri(uri).body(body.into()).unwrap();
        let answer = async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let status = response.status();
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
            (status, body)
        };
        tokio::time::timeout(SOON, answer).await.expect("an answer in time")
    }

    pub(crate) async fn json(&self, method: &str, uri: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, body) = self.send(method, uri, body).await;
        (status.as_u16(), serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn get(&self, uri: &str) -> (u16, Value) {
        self.json("GET", uri, &Value::Null).await
    }

    pub(crate) async fn post(&self, route: &str, body: &Value) -> (u16, Value) {
        self.json("POST", &format!("/content/{route}"), body).await
    }

    pub(crate) async fn write(&self, body: &Value) -> (u16, Value) {
        self.post("write", body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.json("DELETE", "/content/delete", &serde_json::json!({ "path": path })).await
    }

    /// Every file and directory below the workspace.
    pub(crate) fn all_names(&self) -> Vec<String> {
        names(&self.root())
    }
}

/// Every name below a directory, however deep; links are not followed.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        names.push(entry.file_name().to_string_lossy().into_owned());
        if entry.file_type().unwrap().is_dir() {
            names.extend(self::names(&entry.path()));
        }
    }
    names
}

/// The text of an error.
pub(crate) fn detail(answer: &Value) -> &str {
    answer["detail"].as_str().unwrap_or_else(|| panic!("no text: {answer}"))
}
