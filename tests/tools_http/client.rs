//! A client that speaks MCP by hand.

use ambient::bridge::ToolsEndpoint;
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

/// Talks to an endpoint, in one version of the protocol.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) endpoint: ToolsEndpoint,
    version: &'static str,
}

impl Client {
    /// What Gemini CLI 0.61 speaks.
    pub(crate) fn new(endpoint: &ToolsEndpoint) -> Self {
        Self { endpoint: endpoint.clone(), version: "2025-06-18" }
    }

    pub(crate) fn speaking(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    pub(crate) fn with_secret(&self, bearer: &str) -> Self {
        let endpoint = ToolsEndpoint { bearer: bearer.to_owned(), ..self.endpoint.clone() };
        Self { endpoint, ..self.clone() }
    }

    /// A request with the headers of the protocol, without the secret.
    pub(crate) fn bare(&self) -> RequestBuilder {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client
            .post(&self.endpoint.url)
            .header("accept", "application/json, text/event-stream")
            .header("content-type", "application/json")
    }

    pub(crate) fn request(&self) -> RequestBuilder {
        self.bare().bearer_auth(&self.endpoint.bearer).header("mcp-protocol-version", self.version)
    }

    pub(crate) async fn send(&self, message: &Value) -> Response {
        self.request().body(message.to_string()).send().await.unwrap()
    }

    /// A request of JSON-RPC; its result, or its error.
    pub(crate) async fn ask(&self, method: &str, params: Value) -> Value {
        let response = self.send(&json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })).await;
        assert_eq!(response.status(), 200, "{method}");
        assert_eq!(
            response.headers()["content-type"],
            "application/json",
            "no stream whose events have to be understood"
        );
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["id"], 7);
        answer.get("result").or_else(|| answer.get("error")).unwrap().clone()
    }

    pub(crate) async fn initialise(&self) -> Value {
        let about = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": self.version, "capabilities": {}, "clientInfo": about });
        let result = self.ask("initialize", params).await;
        let told = self.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        assert_eq!(told.status(), 202);
        result
    }

    pub(crate) async fn tools(&self) -> Vec<String> {
        let listed = self.ask("tools/list", json!({})).await;
        let tools = listed["tools"].as_array().unwrap();
        assert!(tools.iter().all(|tool| tool["inputSchema"]["type"] == "object"), "{tools:?}");
        tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }
}
