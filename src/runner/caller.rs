//! Who is behind a run. It belongs to the run: nothing of it is ever the process's.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::security::{Secret, sanitise};

/// Who is behind a run, as the platform in front of the runner says it. The platform is believed: whoever has the session's
/// token may name any user.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Caller {
    /// The user's id; absent: the session's own user. Made harmless, and still different for different users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// The user's name, for people to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// What the user's credentials are fetched with, as an `Authorization` header. In memory only: a run that waits for a
    /// runner's restart goes on without it.
    #[serde(skip)]
    pub token: Option<Secret>,
}

/// The same person; with which token does not matter.
impl PartialEq for Caller {
    fn eq(&self, other: &Self) -> bool {
        (&self.user_id, &self.user_name) == (&other.user_id, &other.user_name)
    }
}

impl Caller {
    /// A caller from what the platform sends of it; empty values are absent.
    #[must_use]
    pub fn new(user_id: &str, user_name: &str, token: &str) -> Self {
        let present = |text: String| (!text.is_empty()).then_some(text);
        let token = present(token.trim().to_owned());
        Self {
            user_id: present(harmless(user_id.trim())),
            user_name: present(sanitise::display_name(user_name).into_owned()),
            token: token.map(Secret::from),
        }
    }

    /// Whose credentials these are. Callers without an id are told apart by their tokens.
    pub(crate) fn identity(&self) -> Identity {
        match (&self.user_id, &self.token) {
            (Some(user), _) => Identity::User(user.clone()),
            (None, Some(token)) => Identity::Token(Sha256::digest(token.expose()).into()),
            (None, None) => Identity::Session,
        }
    }
}

/// Whose credentials are meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// A user's, by id.
    User(String),
    /// Those of whoever has this token, by its digest.
    Token([u8; 32]),
    /// The session's own.
    Session,
}

/// Two ids that become the same text when they are made harmless stay two: such a text is followed by a digest of the id.
fn harmless(id: &str) -> String {
    let clean = sanitise::user_id(id);
    if clean == id {
        return clean.into_owned();
    }
    let digest: [u8; 32] = Sha256::digest(id).into();
    let tag = format!("{:016x}", digest.iter().take(8).fold(0_u64, |all, byte| all << 8 | u64::from(*byte)));
    format!("{}~{tag}", sanitise::truncate(&clean, sanitise::MAX_USER_ID - tag.len() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_harmless_stay_as_they_are() {
        for id in ["alice", "a.b@example.com", "system:serviceaccount:ns:name"] {
            assert_eq!(Caller::new(id, "", "").user_id.as_deref(), Some(id));
        }
        assert_eq!(Caller::new(" ", "", ""), Caller::default());
    }

    #[test]
    fn ids_that_become_alike_stay_two_users() {
        let users: Vec<_> = ["jörg", "jrg", "j rg", "j\nrg"].map(|id| Caller::new(id, "", "").user_id.unwrap()).into();
        let different: std::collections::BTreeSet<_> = users.iter().collect();
        assert_eq!(different.len(), users.len(), "{users:?}");
        assert!(users.iter().all(|user| user.is_ascii() && !user.contains(char::is_whitespace)), "{users:?}");
        assert!(Caller::new(&"é".repeat(1000), "", "").user_id.unwrap().len() <= sanitise::MAX_USER_ID);
    }

    #[test]
    fn a_token_is_neither_shown_nor_serialised() {
        let caller = Caller::new("alice", "Alice", "Bearer hunter2-hunter2");
        let shown = format!("{caller:?} {}", serde_json::to_string(&caller).unwrap());
        assert!(shown.contains("alice") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn callers_without_an_id_are_told_apart_by_their_tokens() {
        let of = |token| Caller::new("", "", token).identity();
        assert_ne!(of("one"), of("two"));
        assert_eq!(of("one"), of("one"));
        assert_eq!(of(""), Identity::Session);
        assert_eq!(Caller::new("a", "", "one").identity(), Caller::new("a", "", "two").identity());
    }
}
