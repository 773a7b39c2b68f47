//! The tools as MCP requests meet them.

use std::sync::Arc;

use axum::http::request::Parts;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
};
use serde_json::Value;

use super::grants::{Caller, Grants};
use crate::bridge::tools::{Called, ToolServer, described, server_of};

/// The server's name.
const NAME: &str = "ambient";

/// All tools, for whoever calls.
#[derive(Clone)]
pub(super) struct Tools {
    servers: Arc<[Arc<dyn ToolServer>]>,
    grants: Arc<Grants>,
}

impl Tools {
    pub(super) fn new(servers: Vec<Arc<dyn ToolServer>>, grants: Arc<Grants>) -> Self {
        Self { servers: servers.into(), grants }
    }

    async fn execute(&self, caller: &Caller, tool: &str, arguments: Value) -> Result<String, String> {
        let server = server_of(&self.servers, tool).ok_or_else(|| format!("there is no tool {tool}"))?;
        let Called { text, events, restart } = server.call(&caller.0, tool, arguments).await?;
        self.grants.tell(caller, events).await;
        if restart {
            self.grants.wear_out(caller);
        }
        Ok(text)
    }
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let about = Implementation::new(NAME, env!("CARGO_PKG_VERSION"));
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build()).with_server_info(about)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tools = self.servers.iter().flat_map(|server| server.tools());
        let tools: Result<Vec<Tool>, _> = tools.map(|tool| serde_json::from_value(described(&tool))).collect();
        let tools = tools.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(ListToolsResult::with_all_items(tools))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = context.extensions.get::<Parts>().and_then(|parts| parts.extensions.get::<Caller>()).cloned();
        let caller = caller.ok_or_else(|| ErrorData::internal_error("nobody is known to call", None))?;
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        let outcome = self.execute(&caller, &request.name, arguments).await;
        let result = match outcome {
            Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
            Err(reason) => CallToolResult::error(vec![ContentBlock::text(reason)]),
        };
        Ok(result.into())
    }
}
