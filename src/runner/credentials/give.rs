//! How a credential reaches a program: variables and files of that program's alone. Pure.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    credential::Credential,
    kind::Kind,
    person::Person,
    wire::{File, Place},
};
use crate::security::Secret;

/// The application that a person has given access to: with it a server fetches new Google tokens itself.
#[derive(Debug, Default)]
pub struct OauthClient {
    /// `GOOGLE_OAUTH_CLIENT_ID`.
    pub id: String,
    /// `GOOGLE_OAUTH_CLIENT_SECRET`.
    pub secret: Secret,
}

/// What a program gets.
#[derive(Default)]
pub(super) struct Given {
    pub(super) variables: Vec<(String, String)>,
    pub(super) files: Vec<File>,
}

/// What the program of a credential's kind gets.
pub(super) fn program(credential: &Credential, client: &OauthClient) -> Given {
    let token = credential.token.expose();
    let email = credential.person.email.as_deref();
    match credential.kind {
        Kind::Github | Kind::Gitlab | Kind::Coderabbit => variables([(credential.kind.given_as(), Some(token))]),
        Kind::Jira => variables([
            ("JIRA_URL", Some(credential.host.as_str())),
            ("JIRA_API_TOKEN", Some(token)),
            ("JIRA_EMAIL", email),
            ("JIRA_USERNAME", email),
        ]),
        Kind::Google => {
            let given = variables([("USER_GOOGLE_EMAIL", email)]);
            Given { files: vec![google(credential, client)], ..given }
        }
        Kind::Kubeconfig => {
            let content = credential.token.expose().to_owned();
            Given {
                files: vec![File { variable: "KUBECONFIG".to_owned(), content, place: Place::Memory }],
                ..variables([])
            }
        }
    }
}

/// What git gets to make commits with: settings below all others, in a file, since hooks start other gits.
pub(super) fn git(person: &Person) -> Given {
    let content = person.git_config();
    let place = Place::File { name: format!("git-{}", digest(&content)) };
    Given { files: vec![File { variable: "GIT_CONFIG_SYSTEM".to_owned(), content, place }], ..Given::default() }
}

/// Each person has a folder of their own: the server takes any account that it finds in it.
fn google(credential: &Credential, client: &OauthClient) -> File {
    let account = credential.person.email.as_deref().unwrap_or("credentials");
    // The library that reads it compares with the time of UTC without a zone.
    let expiry = credential.expires.map(|end| end.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    let content = json!({
        "token": credential.token.expose().trim(),
        "refresh_token": credential.refresh.as_ref().map_or("", |token| token.expose().trim()),
        "token_uri": "https://oauth2.googleapis.com/token",
        "client_id": client.id,
        "client_secret": client.secret.expose(),
        "scopes": credential.scopes,
        "expiry": expiry.unwrap_or_default(),
    });
    let place =
        Place::Folder { folder: format!("google-{}", digest(account)), name: format!("{}.json", quoted(account)) };
    File { variable: "GOOGLE_MCP_CREDENTIALS_DIR".to_owned(), content: content.to_string(), place }
}

/// As the server names an account's file: Python's `quote` with `@._-` left as they are.
fn quoted(account: &str) -> String {
    let step = |byte: u8| match byte {
        b'@' | b'.' | b'_' | b'-' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    account.bytes().map(step).collect()
}

fn variables<const N: usize>(known: [(&str, Option<&str>); N]) -> Given {
    let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.trim().to_owned())));
    Given { variables: known.collect(), files: Vec::new() }
}

fn digest(text: &str) -> String {
    use std::fmt::Write as _;
    let digest: [u8; 32] = Sha256::digest(text).into();
    digest.iter().take(8).fold(String::new(), |mut all, byte| {
        // Writing to a string cannot fail.
        let _ = write!(all, "{byte:02x}");
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(kind: Kind, email: &str) -> Credential {
        let person = Person::told(None, Some(email));
        let known = Credential::new(kind, Secret::from("a-token "), "https://jira.example".to_owned());
        Credential { person, expires: "2026-11-23T10:00:00Z".parse().ok(), ..known }
    }

    fn given(kind: Kind) -> Given {
        program(&credential(kind, "ann@example.org"), &OauthClient::default())
    }

    #[test]
    fn jiras_server_gets_its_four_variables() {
        let told: Vec<_> = given(Kind::Jira).variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let expected = [
            "JIRA_URL=https://jira.example",
            "JIRA_API_TOKEN=a-token",
            "JIRA_EMAIL=ann@example.org",
            "JIRA_USERNAME=ann@example.org",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn each_google_account_has_a_folder_of_its_own() {
        let file = |email: &str| program(&credential(Kind::Google, email), &OauthClient::default()).files.remove(0);
        let (ann, bob) = (file("ann@example.org"), file("bob@example.org"));
        let Place::Folder { folder, name } = &ann.place else { panic!("{ann:?}") };
        assert_eq!(name, "ann@example.org.json");
        assert!(!matches!(&bob.place, Place::Folder { folder: other, .. } if other == folder), "{bob:?}");
        let content: serde_json::Value = serde_json::from_str(&ann.content).unwrap();
        assert_eq!((&content["token"], &content["expiry"]), (&json!("a-token"), &json!("2026-11-23T10:00:00")));
    }

    #[test]
    fn an_accounts_file_has_the_name_that_its_server_looks_for() {
        assert_eq!(quoted("ann.b_c-d@example.org"), "ann.b_c-d@example.org");
        assert_eq!(quoted("ann+x@example.org"), "ann%2Bx@example.org");
        assert_eq!(quoted("jörg@m.de"), "j%C3%B6rg@m.de");
    }

    #[test]
    fn a_kubeconfig_is_in_no_folder_at_all() {
        let file = given(Kind::Kubeconfig).files.remove(0);
        assert!(matches!(file.place, Place::Memory) && file.variable == "KUBECONFIG");
    }
}
