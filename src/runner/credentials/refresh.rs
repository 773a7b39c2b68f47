//! Fetching credentials anew because the agent says that they do not work.

use futures_util::future::join_all;

use super::{
    credential::Credential,
    kind::{Kind, Unavailable},
    service::Credentials,
};
use crate::{agui::Id, host::BoxFuture, runner::mcp::tools::RefreshCredentials};

/// Those of the person whose run is going; git and other programs have the new ones with their next start. All kinds that there
/// can be are fetched at once, within 25 s, or 50 s when one was being fetched already.
impl RefreshCredentials for Credentials {
    fn refresh<'a>(&'a self, thread: &'a Id) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(async move {
            let run = self.callers.running(thread).ok_or("credentials belong to a run, and none is going")?;
            let caller = &run.caller;
            let kinds = Kind::ALL.into_iter().filter(|kind| self.sources.may_have(*kind) || kind.git_user().is_some());
            let renewed = join_all(kinds.map(|kind| async move { told(kind, self.renew(kind, caller).await) })).await;
            let lines: Vec<&str> = renewed.iter().map(|(Ok(line) | Err(line))| line.as_str()).collect();
            let text = lines.join("\n");
            if renewed.iter().any(Result::is_ok) { Ok(text) } else { Err(text) }
        })
    }
}

/// What became of one kind, without its value.
fn told(kind: Kind, renewed: Result<Credential, Unavailable>) -> Result<String, String> {
    match renewed {
        Ok(Credential { host, expires, .. }) => {
            let place = if host.is_empty() { host } else { format!(" for {host}") };
            let end = expires.map(|end| format!(", good until {end}")).unwrap_or_default();
            let servers = if kind.is_needed() { "; restart_session connects its MCP server with it" } else { "" };
            Ok(format!("{}: a new credential{place}{end}{servers}", kind.label()))
        }
        Err(why) => Err(format!("{}: {why}", kind.label())),
    }
}
