//! The platform's backend, as far as it has credentials.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::get,
    serve::Listener as _,
};
use serde_json::{Value, json};

use crate::issued::Issued;

/// How it answers.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    /// Each caller's own credential, `seconds` before its end.
    Well { seconds: i64 },
    /// Only after this time.
    Slow(Duration),
    /// Never.
    Silent,
    /// With this body.
    Says(u16, String),
    /// With another address.
    Redirects(String),
}

/// A backend on a port of its own.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) url: String,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    mood: Mutex<Mood>,
    asked: Mutex<Vec<Asked>>,
    count: AtomicUsize,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) authorization: String,
    pub(crate) user: String,
}

impl Backend {
    pub(crate) async fn start(mood: Mood) -> Self {
        let (shared, routes) = routes(mood);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, shared }
    }

    /// The same behind a certificate, for `localhost`.
    pub(crate) async fn start_tls(mood: Mood, certificate: &Issued) -> Self {
        let (shared, routes) = routes(mood);
        let listener = certificate.listen().await;
        let url = format!("https://localhost:{}/api", listener.local_addr().unwrap().port());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, shared }
    }

    pub(crate) fn feels(&self, mood: Mood) {
        *self.shared.mood.lock().unwrap() = mood;
    }

    /// What was asked until now.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }
}

fn routes(mood: Mood) -> (Arc<Shared>, Router) {
    let shared = Shared { mood: Mutex::new(mood), asked: Mutex::default(), count: AtomicUsize::new(0) };
    let shared = Arc::new(shared);
    let routes = Router::new()
        .route("/api/projects/{project}/agentic-sessions/{session}/credentials/{kind}", get(answer))
        .route("/elsewhere", get(elsewhere))
        .with_state(Arc::clone(&shared));
    (shared, routes)
}

/// Where it redirects to.
async fn elsewhere() -> &'static str {
    r#"{"token": "token-of-elsewhere"}"#
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    Path((project, session, kind)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let (authorization, user) = (text("authorization"), text("x-runner-current-user"));
    let path = format!("{project}/{session}/{kind}");
    shared.asked.lock().unwrap().push(Asked { path, authorization: authorization.clone(), user: user.clone() });
    let mood = shared.mood.lock().unwrap().clone();
    match mood {
        Mood::Well { seconds } => credential(&shared, &authorization, &user, &kind, seconds),
        Mood::Slow(time) => {
            tokio::time::sleep(time).await;
            credential(&shared, &authorization, &user, &kind, 3600)
        }
        Mood::Silent => std::future::pending().await,
        Mood::Says(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Mood::Redirects(to) => Redirect::temporary(&to).into_response(),
    }
}

/// The token tells whose it is and how many there were before it. `Bearer expired…` is refused.
fn credential(shared: &Shared, authorization: &str, user: &str, kind: &str, seconds: i64) -> Response {
    let holder = match authorization.strip_prefix("Bearer ").unwrap_or_default().split_once('-') {
        Some(("caller", name)) => name.split('-').next().unwrap_or_default().to_owned(),
        Some(("bot", _)) if user.is_empty() => "session".to_owned(),
        Some(("bot", _)) => user.to_owned(),
        _ => return StatusCode::UNAUTHORIZED.into_response(),
    };
    let number = shared.count.fetch_add(1, Ordering::SeqCst);
    let expires = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    let token = format!("{kind}-secret-of-{holder}-{number}");
    axum::Json(body(kind, &holder, &token, &expires.to_string())).into_response()
}

/// In the members that the platform's backend has for each kind.
fn body(kind: &str, holder: &str, token: &str, expires: &str) -> Value {
    let email = format!("{holder}@example.org");
    match kind {
        "github" => {
            json!({"token": token, "expiresAt": expires, "userName": format!("{holder} of GitHub"), "email": email,
                           "provider": "github"})
        }
        "gitlab" => json!({"token": token, "expiresAt": expires, "instanceUrl": "https://gitlab.example.com"}),
        "jira" => json!({"url": "https://jira.example.com", "email": email, "apiToken": token}),
        "google" => json!({"accessToken": token, "refreshToken": format!("again-{token}"), "email": email,
                           "scopes": ["drive"], "expiresAt": expires}),
        "coderabbit" => json!({"apiKey": token}),
        "kubeconfig" => json!({"token": kubeconfig(token)}),
        other => panic!("no backend has {other}"),
    }
}

fn kubeconfig(token: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: 'https://cluster.example.com'}}}}]
users:
- name: u
  user: {{token: {token}}}
contexts: []
"
    )
}
