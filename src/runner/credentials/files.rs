//! Credentials of the session itself: mounted files, and the runner's environment.

use std::{collections::BTreeMap, path::Path};

use super::{
    backend::{host_of, is_web},
    credential::{Credential, is_kubeconfig},
    kind::Kind,
    person::Person,
};
use crate::security::Secret;

/// The credential in `folder`: the token alone in the file `github`, `gitlab`, `jira` or `coderabbit`, the instance's address in
/// `gitlab-url` or `jira-url`, the account's in `jira-email`, and a whole `kubeconfig`. Read at each use, since mounted Secrets
/// change.
pub(super) async fn read(folder: &Path, kind: Kind) -> Option<Credential> {
    let token = match kind {
        Kind::Google => return None,
        Kind::Kubeconfig => {
            let text = tokio::fs::read_to_string(folder.join(kind.path())).await.ok()?;
            Some(text).filter(|text| is_kubeconfig(text))?
        }
        Kind::Github | Kind::Gitlab | Kind::Jira | Kind::Coderabbit => text(&folder.join(kind.path())).await?,
    };
    let address = text(&folder.join(format!("{}-url", kind.path()))).await;
    let email = text(&folder.join(format!("{}-email", kind.path()))).await;
    of(kind, Secret::from(token), address.as_deref(), email.as_deref())
}

/// The credential in the runner's own variables, by name.
pub(super) fn own(variables: &BTreeMap<&'static str, Secret>, kind: Kind) -> Option<Credential> {
    let value = |name: &str| variables.get(name).map(Secret::expose);
    let token = variables.get(kind.variable())?.clone();
    match kind {
        Kind::Github | Kind::Gitlab | Kind::Coderabbit => of(kind, token, None, None),
        Kind::Jira => of(kind, token, value("JIRA_URL"), value("JIRA_EMAIL")),
        // Their variables name files, which are for whoever can read them.
        Kind::Google | Kind::Kubeconfig => None,
    }
}

/// The variables that `own` looks at.
pub const OWN: [&str; 6] =
    ["GITHUB_TOKEN", "GITLAB_TOKEN", "CODERABBIT_API_KEY", "JIRA_URL", "JIRA_API_TOKEN", "JIRA_EMAIL"];

/// A credential that nobody says the end of; nothing: it lacks an address that it needs.
pub(super) fn of(kind: Kind, token: Secret, address: Option<&str>, email: Option<&str>) -> Option<Credential> {
    let host = match kind {
        Kind::Jira => address.filter(|url| is_web(url))?.to_owned(),
        Kind::Github | Kind::Gitlab | Kind::Google | Kind::Coderabbit | Kind::Kubeconfig => {
            address.and_then(host_of).unwrap_or_else(|| kind.host().to_owned())
        }
    };
    Some(Credential { person: Person::told(None, email), ..Credential::new(kind, token, host) })
}

async fn text(path: &Path) -> Option<String> {
    let text = tokio::fs::read_to_string(path).await.ok()?;
    let text = text.trim();
    (!text.is_empty() && !text.contains(char::is_control)).then(|| text.to_owned())
}
