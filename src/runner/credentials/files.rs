//! Credentials of the session itself: mounted files, and the runner's environment.

use std::path::Path;

use super::{
    backend::host_of,
    kind::{Credential, Kind},
};
use crate::security::Secret;

/// The credential in `folder`: the token alone in the file `github` or `gitlab`, and the instance's address in `gitlab-url`.
/// Read at each use, since mounted Secrets change.
pub(super) async fn read(folder: &Path, kind: Kind) -> Option<Credential> {
    let token = text(&folder.join(kind.path())).await?;
    let address = text(&folder.join(format!("{}-url", kind.path()))).await;
    Some(of(kind, Secret::from(token), address.as_deref()))
}

/// A credential that nobody says the end of.
pub(super) fn of(kind: Kind, token: Secret, address: Option<&str>) -> Credential {
    let host = address.and_then(host_of).unwrap_or_else(|| kind.host().to_owned());
    Credential { kind, token, host, expires: None }
}

async fn text(path: &Path) -> Option<String> {
    let text = tokio::fs::read_to_string(path).await.ok()?;
    let text = text.trim();
    (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
}
