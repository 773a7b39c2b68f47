//! Scenarios, and playing them against a base URL.

use std::{collections::BTreeMap, time::Duration};

use reqwest::{Client, Method, Response};
use serde::Deserialize;
use serde_json::Value;

use crate::shape::mismatch;

/// No answer of a runner takes longer; a run of a real agent may.
const PATIENCE: Duration = Duration::from_mins(3);

/// Whether the original runner answers so, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// It does.
    Same,
    /// It has a bug there.
    Fixed,
    /// It answers otherwise, on purpose.
    Different,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    /// Placeholders without which it is left out, such as `git`.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Method and path, as in `GET /health`.
    request: String,
    body: Option<Value>,
    /// A body that is no JSON.
    text: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Without the session's token.
    #[serde(default)]
    anonymous: bool,
    status: u16,
    /// The JSON answer.
    answer: Option<Value>,
    /// The answer as it is.
    bytes: Option<String>,
    /// Types of events that come in this order in the answered stream, others between them.
    events: Option<Vec<String>>,
}

/// What is played against.
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
    /// What stands for `{name}` in requests and answers.
    pub(crate) values: BTreeMap<String, String>,
}

impl Target {
    /// Plays a scenario; the first thing that is not as it should be.
    pub(crate) async fn play(&self, scenario: &Scenario) -> Result<(), String> {
        let client = Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build();
        let client = client.map_err(|error| error.to_string())?;
        for step in &scenario.steps {
            self.step(&client, step).await.map_err(|wrong| format!("{}: {wrong}", step.request))?;
        }
        Ok(())
    }

    async fn step(&self, client: &Client, step: &Step) -> Result<(), String> {
        let response = self.send(client, step).await.map_err(|error| format!("{error:?}"))?;
        let status = response.status().as_u16();
        let text = read(response).await?;
        if status != step.status {
            return Err(format!("expected {}, found {status}: {}", step.status, start(&text)));
        }
        if let Some(shape) = &step.answer {
            let found: Value =
                serde_json::from_str(&text).map_err(|error| format!("no JSON ({error}): {}", start(&text)))?;
            mismatch(&found, &self.filled(shape), "answer").map_or(Ok(()), Err)?;
        }
        match &step.bytes {
            Some(bytes) if *bytes != text => return Err(format!("expected {bytes:?}, found {}", start(&text))),
            Some(_) | None => {}
        }
        step.events.as_deref().map_or(Ok(()), |wanted| in_order(&text, wanted))
    }

    async fn send(&self, client: &Client, step: &Step) -> Result<Response, reqwest::Error> {
        let (method, path) = step.request.split_once(' ').expect("a request is a method and a path");
        let url = format!("{}{}", self.url, self.fill(path));
        let mut request = client.request(Method::from_bytes(method.as_bytes()).expect("a method"), url);
        if let (Some(token), false) = (&self.token, step.anonymous) {
            request = request.header("X-Ambient-Session-Token", token);
        }
        for (name, value) in &step.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &step.body {
            request = request.json(&self.filled(body));
        }
        if let Some(text) = &step.text {
            request = request.header("content-type", "application/json").body(text.clone());
        }
        request.send().await
    }

    fn fill(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(elements) => elements.iter().map(|element| self.filled(element)).collect(),
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect(),
            other => other.clone(),
        }
    }
}

async fn read(response: Response) -> Result<String, String> {
    let bytes = response.bytes().await.map_err(|error| format!("the answer broke off: {error:?}"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn start(text: &str) -> String {
    text.chars().take(600).collect()
}

fn in_order(stream: &str, wanted: &[String]) -> Result<(), String> {
    let events = stream.lines().filter_map(|line| line.strip_prefix("data:"));
    let kind = |data: &str| Some(serde_json::from_str::<Value>(data).ok()?["type"].as_str()?.to_owned());
    let found: Vec<String> = events.filter_map(kind).collect();
    let mut left = found.iter();
    match wanted.iter().find(|name| !left.any(|found| found == *name)) {
        Some(missing) => Err(format!("{missing} does not come in its place among {found:?}")),
        None => Ok(()),
    }
}
