//! Requests of the CLI: permissions, hooks, calls of our tools.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Value, json};
use tokio::task::{AbortHandle, JoinSet};

use super::Actor;
use crate::bridge::{
    claude::{
        control, mcp,
        policy::{self, Hook},
        translate,
        wire::text,
    },
    tools::{CALLS_AT_ONCE, Called},
};

/// A tool call that has been executed.
pub(super) struct Answered {
    /// The request that asked for it.
    request: String,
    /// The call's JSON-RPC id.
    rpc: Value,
    outcome: Result<Called, String>,
}

/// Tool calls that run in this process.
#[derive(Default)]
pub(super) struct Calls {
    running: JoinSet<Answered>,
    /// By the request that asked for it, with the JSON-RPC id that the agent may cancel it by.
    by_request: HashMap<String, (Value, AbortHandle)>,
}

impl Calls {
    /// The next answer; never, while no call runs.
    pub(super) async fn next(&mut self) -> Answered {
        loop {
            match self.running.join_next().await {
                Some(Ok(answered)) => {
                    self.by_request.remove(&answered.request);
                    return answered;
                }
                // It was given up, or it panicked: then the agent's own limit ends the call.
                Some(Err(_)) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Gives up the call of a request.
    pub(super) fn abort(&mut self, request: &str) {
        if let Some((_, handle)) = self.by_request.remove(request) {
            handle.abort();
        }
    }

    fn abort_rpc(&mut self, id: &Value) {
        let request = self.by_request.iter().find(|(_, (rpc, _))| rpc == id).map(|(request, _)| request.clone());
        if let Some(request) = request {
            self.abort(&request);
        }
    }
}

impl Actor {
    /// Tells the agent, and the readers of the turn, what a call did. Events of a call that outlived its turn have no run to
    /// be in; they are left out.
    pub(super) fn answered(&mut self, Answered { request, rpc, outcome }: Answered) {
        let answer = mcp::call_reply(rpc, outcome.as_ref().map(|called| &*called.text).map_err(String::as_str));
        if let Ok(called) = outcome {
            if self.turn.is_some() {
                self.events.extend(called.events);
            }
            if called.restart {
                self.setup.wear_out();
            }
        }
        self.write(control::answer(&request, &answer));
    }

    pub(super) fn asked(&mut self, id: &str, request: &Value) {
        let line = match text(request, "subtype").unwrap_or_default() {
            "can_use_tool" => control::answer(id, &policy::permission(self.setup.spec.permission_mode, request)),
            "hook_callback" => control::answer(id, &self.hook(request)),
            "mcp_message" => match self.mcp(id, request) {
                Some(answer) => control::answer(id, &answer),
                None => return,
            },
            // A question of an MCP server, which nobody is there to answer.
            "elicitation" => control::answer(id, &json!({ "action": "cancel" })),
            other => control::refusal(id, &format!("{other} is not supported by this client")),
        };
        self.write(line);
    }

    fn hook(&mut self, request: &Value) -> Value {
        let hook = policy::hook(request);
        let answer = policy::hook_answer(&hook);
        match hook {
            Hook::Defer(call) => self.session.defer(call),
            Hook::Observe(about) if self.turn.is_some() => {
                self.events.push(translate::custom("ambient:hook", about));
            }
            Hook::Observe(_) | Hook::Pass | Hook::Refuse(_) => {}
        }
        answer
    }

    /// The answer to an MCP message, unless a tool has to run first.
    fn mcp(&mut self, request_id: &str, request: &Value) -> Option<Value> {
        let server = text(request, "server_name").unwrap_or_default();
        let message = &request["message"];
        match mcp::receive(&self.setup.config().tool_servers, &self.setup.frontend_tools(), server, message) {
            mcp::Message::Answer(answer) => {
                if message["method"] == "tools/list" {
                    self.setup.listed(server);
                }
                return Some(answer);
            }
            mcp::Message::Cancelled { id } => {
                self.calls.abort_rpc(&id);
                return Some(json!({ "mcp_response": { "jsonrpc": "2.0", "result": {} } }));
            }
            mcp::Message::Call { id, server, tool, arguments } => {
                if self.calls.by_request.len() >= CALLS_AT_ONCE {
                    let busy = format!("{CALLS_AT_ONCE} calls run already. Wait for their results.");
                    return Some(mcp::call_reply(id, Err(&busy)));
                }
                let (request, rpc, setup) = (request_id.to_owned(), id.clone(), Arc::clone(&self.setup));
                let handle = self.calls.running.spawn(async move {
                    let outcome = server.call(&setup.spec.thread_id, &tool, arguments).await;
                    Answered { request, rpc, outcome }
                });
                self.calls.by_request.insert(request_id.to_owned(), (id, handle));
            }
        }
        None
    }
}
