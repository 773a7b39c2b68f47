//! What the backend's answers mean. Pure.

use serde_json::Value;

use super::{
    super::{
        credential::{Credential, is_kubeconfig},
        kind::Kind,
        person::Person,
    },
    host_of,
};
use crate::security::Secret;

/// The answer is no credential.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nonsense;

/// The credential in an answer; nothing: the person has none. Members that a kind does not have are not looked at.
pub(super) fn read(kind: Kind, body: &[u8]) -> Result<Option<Credential>, Nonsense> {
    let answer: Value = serde_json::from_slice(body).map_err(|_| Nonsense)?;
    if !answer.is_object() {
        return Err(Nonsense);
    }
    let names: &[&str] = match kind {
        Kind::Github | Kind::Gitlab | Kind::Kubeconfig => &["token"],
        Kind::Jira => &["apiToken", "token"],
        Kind::Google => &["accessToken"],
        Kind::Coderabbit => &["apiKey", "token"],
    };
    let mut token = None;
    for name in names {
        token = token.or(secret(&answer, name)?);
    }
    let Some(token) = token else {
        return Ok(None);
    };
    let credential = Credential::new(kind, checked(kind, token)?, address(kind, &answer)?);
    Ok(Some(Credential {
        expires: text(&answer, "expiresAt").and_then(|text| text.parse().ok()),
        person: Person::told(text(&answer, "userName"), text(&answer, "email")),
        scopes: scopes(&answer),
        ..credential.refreshed_with(refresh(kind, &answer)?)
    }))
}

/// A token is one line; a kubeconfig is one.
fn checked(kind: Kind, token: Secret) -> Result<Secret, Nonsense> {
    let good = match kind {
        Kind::Kubeconfig => is_kubeconfig(token.expose()) && !token.expose().contains('\0'),
        Kind::Github | Kind::Gitlab | Kind::Jira | Kind::Google | Kind::Coderabbit => is_line(token.expose()),
    };
    if good { Ok(token) } else { Err(Nonsense) }
}

/// Where a credential is good.
fn address(kind: Kind, answer: &Value) -> Result<String, Nonsense> {
    match kind {
        Kind::Github | Kind::Gitlab => {
            let host = text(answer, "instanceUrl").and_then(host_of);
            Ok(host.unwrap_or_else(|| kind.host().to_owned()))
        }
        // Only with its address is a token of Jira's worth anything.
        Kind::Jira => text(answer, "url").filter(|url| is_web(url)).map(str::to_owned).ok_or(Nonsense),
        Kind::Google | Kind::Coderabbit | Kind::Kubeconfig => Ok(String::new()),
    }
}

pub(in crate::runner::credentials) fn is_web(url: &str) -> bool {
    let parsed = url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
    is_line(url) && parsed.is_some_and(|url| url.host_str().is_some_and(|host| !host.is_empty()))
}

fn refresh(kind: Kind, answer: &Value) -> Result<Option<Secret>, Nonsense> {
    match kind {
        Kind::Google => match secret(answer, "refreshToken")? {
            Some(token) if !is_line(token.expose()) => Err(Nonsense),
            token => Ok(token),
        },
        Kind::Github | Kind::Gitlab | Kind::Jira | Kind::Coderabbit | Kind::Kubeconfig => Ok(None),
    }
}

fn scopes(answer: &Value) -> Vec<String> {
    let scopes = answer["scopes"].as_array().into_iter().flatten();
    scopes.filter_map(|scope| Some(scope.as_str()?.to_owned())).collect()
}

fn secret(answer: &Value, name: &str) -> Result<Option<Secret>, Nonsense> {
    match &answer[name] {
        Value::Null => Ok(None),
        Value::String(text) if text.trim().is_empty() => Ok(None),
        Value::String(text) => Ok(Some(Secret::from(text.as_str()))),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(Nonsense),
    }
}

fn text<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    answer[name].as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn is_line(text: &str) -> bool {
    !text.trim_end().contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn credential(kind: Kind, answer: &Value) -> Result<Option<Credential>, Nonsense> {
        read(kind, answer.to_string().as_bytes())
    }

    fn good(kind: Kind, answer: &Value) -> Credential {
        credential(kind, answer).unwrap().unwrap()
    }

    #[test]
    fn each_kind_has_its_own_members() {
        let github = good(Kind::Github, &json!({"token": "t", "userName": "Ann", "email": "a@b.org"}));
        assert_eq!((github.host.as_str(), github.person.is_whole()), ("github.com", true));
        let jira = json!({"url": "https://jira.example/x", "email": "a@b.org", "apiToken": "t"});
        let jira = good(Kind::Jira, &jira);
        assert_eq!((jira.host.as_str(), jira.person.email.as_deref()), ("https://jira.example/x", Some("a@b.org")));
        let google = json!({"accessToken": "t", "refreshToken": "r", "email": "a@b.org", "scopes": ["one", "two"],
                            "expiresAt": "2026-11-23T10:00:00Z"});
        let google = good(Kind::Google, &google);
        assert_eq!((google.scopes.len(), google.hidden.len(), google.expires.is_some()), (2, 2, true));
        assert_eq!(good(Kind::Coderabbit, &json!({"apiKey": "k"})).token.expose(), "k");
        let config = "clusters: []\nusers: []\n";
        assert_eq!(good(Kind::Kubeconfig, &json!({"token": config})).token.expose(), config);
    }

    #[test]
    fn an_answer_without_a_token_means_that_there_is_none() {
        for kind in Kind::ALL {
            let empty = json!({"token": "", "apiToken": null, "accessToken": " ", "scopes": null});
            assert!(credential(kind, &empty).unwrap().is_none(), "{kind:?}");
        }
    }

    #[test]
    fn nonsense_is_no_credential() {
        for (kind, answer) in [
            (Kind::Github, json!([1])),
            (Kind::Github, json!({"token": 5})),
            (Kind::Github, json!({"token": "two\nlines"})),
            (Kind::Jira, json!({"apiToken": "t"})),
            (Kind::Jira, json!({"apiToken": "t", "url": "file:///etc/passwd"})),
            (Kind::Jira, json!({"apiToken": "t", "url": "nonsense"})),
            (Kind::Google, json!({"accessToken": "t", "refreshToken": ["r"]})),
            (Kind::Coderabbit, json!({"apiKey": {}})),
            (Kind::Kubeconfig, json!({"token": "<html>"})),
        ] {
            assert_eq!(credential(kind, &answer).err(), Some(Nonsense), "{kind:?} {answer}");
        }
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            "\\PC{0,9}|https://h\n?|a@b".prop_map(Value::from)
        ];
        let names = "token|apiToken|accessToken|refreshToken|apiKey|url|email|userName|scopes|expiresAt|instanceUrl";
        leaf.prop_recursive(3, 16, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(names, inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_answered_no_value_breaks_out_of_its_line(answer in anything()) {
            for kind in Kind::ALL {
                if let Ok(Some(found)) = credential(kind, &answer) {
                    let refresh = found.refresh.as_ref().map_or("", Secret::expose);
                    let kubeconfig = kind == Kind::Kubeconfig;
                    prop_assert!(kubeconfig || !found.token.expose().trim_end().contains(char::is_control));
                    prop_assert!(!refresh.trim_end().contains(char::is_control));
                    prop_assert!(!found.host.contains(char::is_control));
                }
            }
        }
    }
}
