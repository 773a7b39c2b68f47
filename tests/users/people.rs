//! People who talk to a session.

use ambient::agui::Event;
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{
    backend::Backend,
    rig::{Runner, SOON, Session, Stream, client},
};

/// A person, with a token for the backend.
#[derive(Clone, Copy)]
pub(crate) struct Person(pub(crate) &'static str);

pub(crate) const ALICE: Person = Person("alice");
pub(crate) const BOB: Person = Person("bob");

impl Person {
    /// What the platform adds to this person's requests.
    pub(crate) fn headers(self, request: RequestBuilder) -> RequestBuilder {
        let Self(name) = self;
        request
            .header("X-Current-User-Id", name)
            .header("X-Current-User-Name", format!("{name} of the tests"))
            .header("X-Caller-Token", format!("Bearer caller-{name}-0123456789"))
    }

    pub(crate) async fn post(self, runner: &Runner, path: &str, body: &Value) -> reqwest::Response {
        self.headers(client().post(format!("{}{path}", runner.url)).json(body)).send().await.unwrap()
    }

    pub(crate) async fn begin(self, runner: &Runner, thread: &str, run: &str, prompt: &str) -> Stream {
        let response = self.post(runner, "/run", &input(thread, run, prompt)).await;
        assert_eq!(response.status(), 200, "{run}");
        Stream::of(response)
    }

    pub(crate) async fn run(self, runner: &Runner, thread: &str, run: &str, prompt: &str) -> Vec<Event> {
        self.begin(runner, thread, run, prompt).await.rest().await
    }
}

pub(crate) fn input(thread: &str, run: &str, prompt: &str) -> Value {
    json!({
        "threadId": thread, "runId": run,
        "messages": [{"id": format!("{run}-message"), "role": "user", "content": prompt}],
    })
}

/// A session with this backend.
pub(crate) fn session(backend: &Backend) -> Session {
    let session = Session::new();
    let bot = session.path("bot-token");
    std::fs::write(&bot, "bot-token-0123456789\n").unwrap();
    session
        .env("BACKEND_API_URL", &backend.url)
        .env("PROJECT_NAME", "team")
        .env("AMBIENT_BOT_TOKEN_FILE", &bot.display().to_string())
}

/// What the agent's shell gets from git for a host, written into a file of the workspace: the stream is redacted.
pub(crate) fn fill(host: &str, file: &str) -> String {
    format!("sh printf 'protocol=https\\nhost={host}\\n\\n' | git credential fill > {file}")
}

/// The same without git in between: what git calls.
pub(crate) fn helper(host: &str, file: &str) -> String {
    format!("sh printf 'protocol=https\\nhost={host}\\n\\n' | eval \"${{GIT_CONFIG_VALUE_0#!}} get\" > {file}")
}

/// What is in a file of the workspace.
pub(crate) fn left(session: &Session, file: &str) -> String {
    std::fs::read_to_string(session.path("ws").join(file)).unwrap()
}

/// The password in it.
pub(crate) fn password(session: &Session, file: &str) -> String {
    let text = left(session, file);
    let line = text.lines().find_map(|line| line.strip_prefix("password="));
    line.unwrap_or_else(|| panic!("no password in {text:?}")).to_owned()
}

/// Waits until a file of the workspace is there.
pub(crate) async fn appears(session: &Session, file: &str) {
    let path = session.path("ws").join(file);
    let there = async {
        while !path.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, there).await.expect("the file appears");
}
