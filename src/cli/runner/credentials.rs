//! Where the credentials of a session come from, and where its agents ask for them.

use std::{
    collections::BTreeMap,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Args;
use crate::{
    bridge::AgentChannels,
    runner::{
        callers::Callers,
        credentials::{Backend, Credentials, OWN, OauthClient, Sources, channel::Channels},
    },
    security::{Redactor, Secret},
};

/// The longest path of a socket that every system takes, in bytes.
const MAX_SOCKET_PATH: usize = 100;
/// This program in the agent's container, where it is on the PATH.
const HELPER: &str = "ambient";

/// The service; nothing when there is nowhere to fetch credentials from.
pub(super) fn service(args: &Args, callers: &Arc<Callers>, redactor: &Arc<Redactor>) -> Option<Arc<Credentials>> {
    let sources = sources(args);
    (!sources.is_empty()).then(|| Arc::new(Credentials::new(sources, Arc::clone(callers), Arc::clone(redactor))))
}

fn sources(args: &Args) -> Sources {
    let variable = |name: &str| std::env::var(name).ok().and_then(present);
    let own: BTreeMap<_, _> = OWN.into_iter().filter_map(|name| Some((name, Secret::from(variable(name)?)))).collect();
    let folder = args.credentials_dir.is_dir().then(|| args.credentials_dir.clone());
    let google = OauthClient {
        id: variable("GOOGLE_OAUTH_CLIENT_ID").unwrap_or_default(),
        secret: Secret::from(variable("GOOGLE_OAUTH_CLIENT_SECRET").unwrap_or_default()),
    };
    Sources { backend: backend(args), folder, own, google }
}

/// A backend that cannot be used is said, and the session goes on without it, as the original's does.
fn backend(args: &Args) -> Option<Backend> {
    let url = present(args.backend_api_url.clone())?;
    let project = present(args.project.clone()).or_else(|| present(std::env::var("AGENTIC_SESSION_NAMESPACE").ok()?));
    let Some(project) = project else {
        tracing::error!("BACKEND_API_URL is set and PROJECT_NAME is not: no credentials are fetched");
        return None;
    };
    let bot = std::env::var("BOT_TOKEN").ok().and_then(present).map(Secret::from);
    let made = Backend::new(&url, &project, &args.session_id, args.bot_token_file.clone(), bot);
    made.inspect_err(|error| tracing::error!(%error, "no credentials are fetched")).ok()
}

/// The agents' way to the service. One that cannot be made is said; the agents then have no credentials.
pub(super) fn channels(args: &Args, service: Option<&Arc<Credentials>>) -> Option<Arc<dyn AgentChannels>> {
    let service = Arc::clone(service?);
    let socket = socket(args);
    let bound = socket.parent().map_or(Ok(()), private_folder);
    let bound = bound.and_then(|()| Channels::bind(&socket, &helper(args), service));
    let failed = |error: &std::io::Error| {
        tracing::error!(%error, socket = %socket.display(), "agents cannot ask for credentials");
    };
    bound.inspect_err(failed).ok().map(|channels| Arc::new(channels) as Arc<dyn AgentChannels>)
}

/// Beside the agent host's socket, in the folder that both containers have; else in the data directory.
fn socket(args: &Args) -> PathBuf {
    if let Some(shared) = args.agent_socket.as_deref().and_then(Path::parent) {
        return shared.join("credentials.sock");
    }
    let socket = args.data_dir.join("run/credentials.sock");
    let socket = std::path::absolute(&socket).unwrap_or(socket);
    if socket.as_os_str().len() < MAX_SOCKET_PATH {
        return socket;
    }
    let name = format!("ambient-{}-{}", std::process::id(), uuid::Uuid::new_v4().simple());
    std::env::temp_dir().join(name).join("c.sock")
}

/// For this user alone, unless it is there already: then it is shared on purpose.
fn private_folder(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn helper(args: &Args) -> String {
    let own = || std::env::current_exe().ok()?.into_os_string().into_string().ok();
    match args.agent_socket {
        Some(_) => HELPER.to_owned(),
        None => own().unwrap_or_else(|| HELPER.to_owned()),
    }
}

fn present(text: String) -> Option<String> {
    (!text.trim().is_empty()).then_some(text)
}
