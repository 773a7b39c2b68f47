//! The HTTP server.

use std::{
    convert::Infallible,
    io::Write,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, Uri, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    conversation::Request,
    fault,
    journal::Received,
    matching::{Answer, Asked, Rules},
    reply::{self, Step},
    script::{ErrorDetails, ErrorReply, Script},
};

/// Rules that answer when the script has none.
const DEFAULTS: &str = include_str!("defaults.yaml");

/// Takes every request that was received, as it is answered.
pub(crate) type Recorder = Arc<dyn Fn(&Received) + Send + Sync>;

/// A model that can be served.
#[derive(Clone)]
pub(crate) struct Model {
    rules: Arc<Mutex<Rules>>,
    recorder: Recorder,
}

impl Model {
    /// Reads a script. The error says where the script is wrong.
    pub(crate) fn new(script: &str, recorder: Recorder) -> Result<Self, String> {
        let mut rules: Script = serde_saphyr::from_str(script).map_err(|error| error.to_string())?;
        let defaults: Script = serde_saphyr::from_str(DEFAULTS).map_err(|error| format!("defaults: {error}"))?;
        rules.rules.extend(defaults.rules);
        Ok(Self { rules: Arc::new(Mutex::new(Rules::new(rules)?)), recorder })
    }

    /// The routes of the API.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/v1/messages", post(messages))
            .route("/v1/messages/count_tokens", post(count_tokens))
            .route("/v1/models", get(models))
            .route("/", get(root))
            .route("/api/hello", get(root))
            .fallback(unknown)
            .layer(DefaultBodyLimit::disable())
            .with_state(self)
    }

    fn answer(&self, request: &Request, api_key: Option<&str>) -> Option<Answer> {
        let asked = Asked { request, conversation: &request.conversation(), api_key };
        self.rules.lock().unwrap_or_else(PoisonError::into_inner).answer(&asked)
    }

    fn other(&self, method: &Method, uri: &Uri) {
        let received = Received { method: method.to_string(), path: uri.to_string(), ..Received::default() };
        (self.recorder)(&received);
    }
}

async fn messages(State(model): State<Model>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let request: Request = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return invalid(&error.to_string()),
    };
    let api_key = api_key(&headers);
    let answer = model.answer(&request, api_key);
    let name = answer.as_ref().map_or("no rule", |answer| answer.name.as_str());
    (model.recorder)(&Received::new(&uri.to_string(), &request, name, api_key));
    match answer {
        Some(answer) => respond(&answer, &request, body.len()).await,
        None => invalid("the script has no rule for this request"),
    }
}

async fn respond(answer: &Answer, request: &Request, input_bytes: usize) -> Response {
    if answer.rule.silent {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(Duration::from_millis(answer.rule.wait_ms)).await;
    if let Some(error) = &answer.rule.error {
        return fault::response(error);
    }
    let message = reply::message(answer, &request.model, input_bytes);
    if !request.stream {
        return Json(reply::whole(&message)).into_response();
    }
    let headers = [(header::CONTENT_TYPE, "text/event-stream; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, Body::from_stream(played(reply::steps(&message, answer)))).into_response()
}

/// The steps as a body. An error in it makes the server close the connection.
fn played(steps: Vec<Step>) -> impl stream::Stream<Item = Result<Bytes, std::io::Error>> {
    stream::unfold((steps.into_iter(), Instant::now()), |(mut steps, mut due)| async move {
        loop {
            match steps.next()? {
                Step::Write(bytes) => return Some((Ok(Bytes::from(bytes)), (steps, due))),
                Step::Pause(pause) => {
                    due += pause;
                    tokio::time::sleep_until(due).await;
                }
                Step::Flush => tokio::task::yield_now().await,
                Step::Cut => {
                    tokio::task::yield_now().await;
                    let cut = std::io::Error::new(std::io::ErrorKind::ConnectionAborted, "cut by the script");
                    return Some((Err(cut), (Vec::new().into_iter(), due)));
                }
                Step::Hang => std::future::pending().await,
            }
        }
    })
}

async fn count_tokens(State(model): State<Model>, method: Method, uri: Uri, body: Bytes) -> Json<Value> {
    model.other(&method, &uri);
    Json(json!({"input_tokens": body.len() / 4 + 1}))
}

async fn models(State(model): State<Model>, method: Method, uri: Uri) -> Json<Value> {
    model.other(&method, &uri);
    let listed = json!({"type": "model", "id": "scripted-model", "display_name": "Scripted model", "created_at": "2026-01-01T00:00:00Z"});
    Json(json!({"data": [listed], "has_more": false, "first_id": "scripted-model", "last_id": "scripted-model"}))
}

async fn root(State(model): State<Model>, method: Method, uri: Uri) -> Result<&'static str, Infallible> {
    model.other(&method, &uri);
    Ok("scripted model\n")
}

async fn unknown(State(model): State<Model>, method: Method, uri: Uri) -> Response {
    model.other(&method, &uri);
    fault::response(&ErrorReply::Detailed(ErrorDetails {
        status: 404,
        message: Some(format!("the scripted model has no {method} {}", uri.path())),
        ..ErrorDetails::default()
    }))
}

fn invalid(why: &str) -> Response {
    fault::response(&ErrorReply::Detailed(ErrorDetails {
        status: 400,
        message: Some(why.to_owned()),
        ..ErrorDetails::default()
    }))
}

fn api_key(headers: &HeaderMap) -> Option<&str> {
    let bearer = || headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ");
    headers.get("x-api-key").and_then(|key| key.to_str().ok()).or_else(bearer)
}

/// A recorder that writes a line for each request to stderr and, when given a file, a JSON line to it.
pub(crate) fn logging(file: Option<std::fs::File>) -> Recorder {
    let file = file.map(Mutex::new);
    Arc::new(move |received| {
        let mut stderr = std::io::stderr().lock();
        writeln!(stderr, "{}", received.line()).unwrap_or_default();
        if let Some(file) = &file {
            let mut line = serde_json::to_vec(received).unwrap_or_default();
            line.push(b'\n');
            file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line).unwrap_or_default();
        }
    })
}
