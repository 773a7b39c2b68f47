//! What an error means to an HTTP client.

use serde_json::Value;

use crate::{
    agui::{InputError, Location},
    runner::{
        content::{ContentError, json::Fault},
        http::HttpError,
    },
    workspace::git::agent_side::AgentGitError,
};

impl From<ContentError> for HttpError {
    fn from(error: ContentError) -> Self {
        use ContentError as E;
        let said = error.to_string();
        match error {
            E::LeadsOut
            | E::Path(_)
            | E::Place(_)
            | E::IsDirectory(_)
            | E::Base64
            | E::Encoding(_)
            | E::Incomplete(_) => Self::BadRequest(said),
            E::Url(_) | E::UrlWithSecret | E::Branch(_) | E::NoDirectory(_) | E::NoRepository(_) => {
                Self::BadRequest(said)
            }
            E::NoFile | E::NotFound { .. } => Self::NotFound(said),
            E::Denied(_) => Self::Forbidden(said),
            E::TooLarge { .. } => Self::TooLarge(said),
            E::Full => Self::Full(said),
            E::Body(fault) => Self::Input(vec![described(&fault)]),
            E::Missing(member) => Self::Input(vec![input("missing", &["body", member], said)]),
            E::Git(AgentGitError::Failed { .. }) => Self::Refused(said),
            E::Git(AgentGitError::Deadline { .. } | AgentGitError::Host(_))
            | E::Workspace { .. }
            | E::Io(_)
            | E::Stopping => Self::Failed(said),
        }
    }
}

fn described(fault: &Fault) -> InputError {
    match fault {
        Fault::Syntax { .. } => input("json_invalid", &["body"], format!("JSON decode error: {fault}")),
        Fault::NoString(member) => input("string_type", &["body", member], fault.to_string()),
        Fault::TooLong(member) => input("string_too_long", &["body", member], fault.to_string()),
    }
}

fn input(kind: &'static str, path: &[&str], msg: String) -> InputError {
    let loc = path.iter().map(|part| Location::Member((*part).to_owned())).collect();
    InputError { kind, loc, msg, input: Value::Null }
}
