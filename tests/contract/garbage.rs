//! Generated requests to every route: whatever they say, the runner answers, and never with an error of its own.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};

use crate::target::Subject;

/// How many requests a test run makes; `CONTRACT_REQUESTS` names another number.
const REQUESTS: usize = 5000;

/// What the runner may hold then, in bytes.
const MEMORY: u64 = 200_000_000;

const ROUTES: [(&str, &str); 27] = [
    ("GET", "/health"),
    ("GET", "/capabilities"),
    ("POST", "/"),
    ("POST", "/run"),
    ("POST", "/interrupt"),
    ("POST", "/model"),
    ("POST", "/feedback"),
    ("GET", "/mcp/status"),
    ("GET", "/tasks"),
    ("GET", "/tasks/{}/output"),
    ("POST", "/tasks/{}/stop"),
    ("GET", "/events/{}/wait"),
    ("GET", "/content/list?path={}"),
    ("GET", "/content/file?path={}"),
    ("POST", "/content/write"),
    ("DELETE", "/content/delete"),
    ("GET", "/content/git-status?path={}"),
    ("POST", "/content/git-configure-remote"),
    ("GET", "/content/git-list-branches?path={}"),
    ("GET", "/content/workflow-metadata?session={}"),
    ("POST", "/repos/add"),
    ("POST", "/repos/remove"),
    ("GET", "/repos/status"),
    ("POST", "/workflow"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("PATCH", "/{}"),
];

/// Texts that have been trouble somewhere.
fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "",
        ".",
        "..",
        "../..",
        "/etc/passwd",
        "a/../../b",
        "artifacts",
        "artifacts/a.txt",
        "a\0b",
        "-rf",
        "--",
        "%2e%2e",
        "\u{202e}x",
        "~",
        "$HOME",
        "main",
        "claude",
        "t1",
        "contract",
        "user",
        "{}",
        "aGVsbG8=",
        "base64",
        "META",
        "thumbs_up",
        "https://127.0.0.1:9/x.git",
        "ext::sh -c true",
        "file:///etc",
        "https://u:p@127.0.0.1:9/x.git",
    ]);
    prop_oneof![
        4 => known.prop_map(str::to_owned),
        1 => ".{0,40}",
        1 => (1..3000_usize).prop_map(|length| "x".repeat(length)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            members(inner).prop_map(Value::from),
        ]
    })
}

/// Objects with the names that routes look for.
fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = serde_json::Map<String, Value>> {
    let name = prop::sample::select(vec![
        "path",
        "content",
        "encoding",
        "url",
        "name",
        "branch",
        "gitUrl",
        "remoteUrl",
        "model",
        "type",
        "metaType",
        "payload",
        "threadId",
        "thread_id",
        "runId",
        "messages",
        "id",
        "role",
        "tools",
        "state",
        "context",
        "resume",
        "forwardedProps",
        "environment",
    ]);
    prop::collection::vec((name, value), 0..7)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

#[derive(Debug, Clone)]
struct Request {
    route: (&'static str, &'static str),
    hole: String,
    body: Vec<u8>,
}

fn request() -> impl Strategy<Value = Request> {
    let body = prop_oneof![
        6 => members(value()).prop_map(|members| json!(members).to_string().into_bytes()),
        2 => value().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ];
    (prop::sample::select(ROUTES.to_vec()), text(), body).prop_map(|(route, hole, body)| Request { route, hole, body })
}

#[tokio::test]
async fn every_request_has_an_answer_that_is_no_error_of_the_runner() {
    let subject = Subject::find().await;
    if subject.is_foreign {
        return;
    }
    let asked = std::env::var("CONTRACT_REQUESTS").ok().and_then(|number| number.parse().ok());
    // The same requests each time; `make fuzz` is for others.
    let seed = std::env::var("PROPTEST_RNG_SEED").ok().and_then(|seed| seed.parse::<u64>().ok()).unwrap_or_default();
    let bytes: Vec<u8> = seed.to_le_bytes().into_iter().cycle().take(32).collect();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let client = Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
    let requests = request();
    let mut took: BTreeMap<&str, (u32, Duration)> = BTreeMap::new();
    for number in 0..asked.unwrap_or(REQUESTS) {
        let request = requests.new_tree(&mut runner).unwrap().current();
        let begun = Instant::now();
        let status = answer(&subject, &client, &request).await;
        assert!(acceptable(&request, status), "request {number}: {status} for {request:?}");
        let (count, time) = took.entry(request.route.1).or_default();
        (*count, *time) = (*count + 1, *time + begun.elapsed());
        if asked.is_some() && (number + 1) % 10_000 == 0 {
            eprintln!("{} requests, {} bytes", number + 1, subject.memory());
        }
    }
    for (route, (count, time)) in took {
        println!("{route}: {count} in {time:.1?}");
    }
    assert!(subject.memory() < MEMORY, "the runner holds {} bytes", subject.memory());
}

/// A 500 is the original's answer to a repository that cannot be had, and only there.
fn acceptable(request: &Request, status: u16) -> bool {
    status < 500 || (status == 500 && ["/repos/add", "/workflow"].contains(&request.route.1))
}

async fn answer(subject: &Subject, client: &Client, request: &Request) -> u16 {
    let (method, path) = request.route;
    let hole: String = percent(&request.hole);
    let url = Url::parse(&format!("{}{}", subject.target.url, path.replace("{}", &hole))).unwrap();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let mut built = client.request(method, url).header("content-type", "application/json");
    if let Some(token) = &subject.target.token {
        built = built.header("X-Ambient-Session-Token", token);
    }
    let response = built.body(request.body.clone()).send().await;
    let response = response.unwrap_or_else(|error| panic!("no answer to {request:?}: {error:?}"));
    let status = response.status().as_u16();
    let whole = response.bytes().await;
    whole.unwrap_or_else(|error| panic!("the answer to {request:?} broke off: {error:?}"));
    status
}

fn percent(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        write!(out, "%{byte:02X}").unwrap();
        out
    })
}
