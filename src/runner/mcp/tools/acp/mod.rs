//! `acp`: the agent works with the sessions of its project, through the platform's backend, as the runner itself.

mod answer;
mod arguments;
mod client;
mod offer;
mod reference;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::unknown;
use crate::{
    agui::{Id, Tool},
    bridge::tools::{Called, ToolServer},
    host::BoxFuture,
    runner::backend::Platform,
    security::Redactor,
};
use client::Client;

/// How many sessions a page has, as the backend allows.
const PAGE: usize = 100;
/// How many pages are looked through for one listing.
const MAX_PAGES: usize = 20;
/// How long a session may take to stop before it is started again.
const STOPS_WITHIN: Duration = Duration::from_secs(45);
/// How often it is looked at meanwhile: the backend tells nobody.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The longest time of a call, however many requests it takes.
const CALL_WITHIN: Duration = Duration::from_secs(150);

/// The tool server `acp`.
pub struct AcpTools {
    client: Client,
    redactor: Arc<Redactor>,
    /// The session that this agent works in.
    own: String,
    stops_within: Duration,
}

impl AcpTools {
    /// Tools for the agent of the session `own`. What they tell is redacted.
    #[must_use]
    pub fn new(platform: Arc<Platform>, redactor: Arc<Redactor>, own: &str) -> Self {
        Self { client: Client(platform), redactor, own: own.to_owned(), stops_within: STOPS_WITHIN }
    }

    async fn execute(&self, tool: &str, arguments: &Value) -> Result<Value, String> {
        match tool {
            "acp_list_sessions" => self.list(arguments).await,
            "acp_get_session" => self.get(arguments).await,
            "acp_create_session" => self.create(arguments).await,
            "acp_stop_session" => self.stop(arguments).await,
            "acp_send_message" => self.send(arguments).await,
            "acp_get_session_status" => self.status(arguments).await,
            "acp_restart_session" => self.restart(arguments).await,
            "acp_list_workflows" => self.workflows().await,
            "acp_get_api_reference" => {
                Ok(json!({ "success": true, "reference": reference::reference(&self.client.0) }))
            }
            other => Err(unknown("acp", other)),
        }
    }

    fn url(&self, steps: &[&str]) -> Url {
        self.client.0.sessions_url(steps)
    }

    /// The backend's pages are looked through, since it does not know phases.
    async fn list(&self, arguments: &Value) -> Result<Value, String> {
        let listing = arguments::listing(arguments)?;
        let wanted = listing.offset + listing.limit;
        let (mut found, mut more) = (Vec::new(), true);
        for page in 0..MAX_PAGES {
            let answer = self.client.get(self.page_url(page, listing.search.as_deref())).await?;
            found.extend(answer::matching(&answer, &listing));
            more = answer["hasMore"].as_bool().unwrap_or(false);
            if !more || found.len() > wanted {
                break;
            }
        }
        let has_more = more || found.len() > wanted;
        let sessions: Vec<Value> = found.into_iter().skip(listing.offset).take(listing.limit).collect();
        Ok(json!({ "success": true, "count": sessions.len(), "hasMore": has_more, "sessions": sessions }))
    }

    fn page_url(&self, page: usize, search: Option<&str>) -> Url {
        let mut url = self.url(&[]);
        let mut query = url.query_pairs_mut();
        query.append_pair("limit", &PAGE.to_string()).append_pair("offset", &(page * PAGE).to_string());
        if let Some(search) = search {
            query.append_pair("search", search);
        }
        drop(query);
        url
    }

    async fn get(&self, arguments: &Value) -> Result<Value, String> {
        let name = arguments::session_name(arguments)?;
        let session = self.client.get(self.url(&[&name])).await?;
        Ok(json!({ "success": true, "session": session }))
    }

    async fn create(&self, arguments: &Value) -> Result<Value, String> {
        let body = arguments::new_session(arguments)?;
        let answer = self.client.post(self.url(&[]), Some(&body)).await?;
        let asked = body["sessionName"].as_str().unwrap_or_default();
        let name = answer::created_name(&answer, asked);
        let message = format!("Session '{name}' is created. Use this name for it.");
        Ok(json!({ "success": true, "name": name, "message": message, "session": answer }))
    }

    async fn stop(&self, arguments: &Value) -> Result<Value, String> {
        let name = arguments::session_name(arguments)?;
        self.client.post(self.url(&[&name, "stop"]), None).await?;
        Ok(json!({ "success": true, "message": format!("Session '{name}' is being stopped.") }))
    }

    async fn send(&self, arguments: &Value) -> Result<Value, String> {
        let name = arguments::session_name(arguments)?;
        let run_id = Id::random();
        let body = arguments::message(arguments, &run_id)?;
        let answer = self.client.post(self.url(&[&name, "agui", "run"]), Some(&body)).await?;
        let run_id = answer["runId"].as_str().unwrap_or(&run_id);
        let thread = answer["threadId"].as_str().or_else(|| body["threadId"].as_str());
        let run = json!({ "runId": run_id, "threadId": thread });
        Ok(json!({ "success": true, "message": format!("Session '{name}' has the message."), "run": run }))
    }

    /// Without its messages when those cannot be had: the status is worth more.
    async fn status(&self, arguments: &Value) -> Result<Value, String> {
        let name = arguments::session_name(arguments)?;
        let most = arguments::max_messages(arguments)?;
        let session = self.client.get(self.url(&[&name])).await?;
        let mut status = answer::status(&name, &session);
        match self.client.get(self.url(&[&name, "export"])).await {
            Ok(export) => {
                let messages = answer::messages(export["aguiEvents"].as_array().map_or(&[][..], Vec::as_slice));
                status["totalMessages"] = json!(messages.len());
                status["recentMessages"] = messages.into_iter().rev().take(most).rev().collect();
            }
            Err(failure) => status["messagesUnavailable"] = json!(failure.to_string()),
        }
        Ok(status)
    }

    async fn restart(&self, arguments: &Value) -> Result<Value, String> {
        let name = arguments::session_name(arguments)?;
        if name == self.own {
            return Err("session_name: it is your own session, which would end before it could be started again; use restart_session".to_owned());
        }
        if !self.is_over(&name).await? {
            self.client.post(self.url(&[&name, "stop"]), None).await?;
            self.stopped(&name).await?;
        }
        self.client.post(self.url(&[&name, "start"]), None).await?;
        Ok(json!({ "success": true, "message": format!("Session '{name}' is being started again.") }))
    }

    /// Waits until it has stopped: a start that comes before is lost.
    async fn stopped(&self, name: &str) -> Result<(), String> {
        let end = Instant::now() + self.stops_within;
        while !self.is_over(name).await? {
            if Instant::now() >= end {
                let seconds = self.stops_within.as_secs();
                return Err(format!(
                    "session '{name}' has not stopped within {seconds} s, and is not started again. Look with acp_get_session_status, and call acp_restart_session when it has stopped"
                ));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    async fn is_over(&self, name: &str) -> Result<bool, String> {
        let session = self.client.get(self.url(&[name])).await?;
        Ok(answer::is_over(answer::phase(&session)))
    }

    async fn workflows(&self) -> Result<Value, String> {
        let answer = self.client.get(self.client.0.url(&["workflows", "ootb"])).await?;
        let workflows = answer::workflows(&answer);
        Ok(json!({ "success": true, "count": workflows.len(), "workflows": workflows }))
    }
}

impl ToolServer for AcpTools {
    fn name(&self) -> &'static str {
        "acp"
    }

    fn tools(&self) -> Vec<Tool> {
        offer::tools()
    }

    fn call<'a>(&'a self, _: &'a Id, tool: &'a str, arguments: Value) -> BoxFuture<'a, Result<Called, String>> {
        Box::pin(async move {
            let late = |_| {
                Err(format!(
                    "it took longer than {} s and was given up; look at what it has done before you try again",
                    CALL_WITHIN.as_secs()
                ))
            };
            match tokio::time::timeout(CALL_WITHIN, self.execute(tool, &arguments)).await.unwrap_or_else(late) {
                Ok(mut answer) => {
                    answer::without_secrets(&mut answer);
                    self.redactor.redact_json(&mut answer);
                    Ok(Called::from(answer::text(&answer)))
                }
                Err(reason) => Err(self.redactor.redact_str(&reason).into_owned()),
            }
        })
    }
}
