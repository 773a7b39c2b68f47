//! Names of what belongs to a session. The platform relies on them; those that would be too long are shortened with a
//! hash, never refused late.

use sha2::{Digest, Sha256};

/// The most characters of an object's name (a DNS subdomain).
pub const MAX_OBJECT_NAME: usize = 253;

/// The most characters of a label's value, and of a Service's name (a DNS label).
pub const MAX_LABEL: usize = 63;

/// The most characters of a branch's last part: its loose ref is a file, and git puts `.lock` behind the name.
const MAX_BRANCH_PART: usize = 200;

/// How many bytes of the hash a shortened name ends with, and how many hex digits they have.
const HASH_BYTES: usize = 4;
const HASH_DIGITS: usize = 2 * HASH_BYTES;

/// The label of everything that belongs to a session; its value is [`session_label`].
pub const SESSION_LABEL: &str = "agentic-session";

/// The label that every runner pod has, with [`APP`] as its value.
pub const APP_LABEL: &str = "app";

/// The value of [`APP_LABEL`].
pub const APP: &str = "ambient-code-runner";

/// The session's pod.
#[must_use]
pub fn pod(session: &str) -> String {
    object("", session, "-runner")
}

/// The session's Service.
#[must_use]
pub fn service(session: &str) -> String {
    let name = format!("session-{session}");
    if name.contains('.') { hashed(&name.replace('.', "-"), &name, MAX_LABEL) } else { fit(&name, MAX_LABEL) }
}

/// The session's `ServiceAccount`.
#[must_use]
pub fn service_account(session: &str) -> String {
    object("ambient-session-", session, "")
}

/// The Secret with the token of the session's runner.
#[must_use]
pub fn token_secret(session: &str) -> String {
    object("ambient-runner-token-", session, "")
}

/// The `ConfigMap` with the session's files.
#[must_use]
pub fn files(session: &str) -> String {
    object("ambient-files-", session, "")
}

/// The `PersistentVolumeClaim` of the session's workspace.
#[must_use]
pub fn workspace(session: &str) -> String {
    object("", session, "-workspace")
}

/// The session's own copy of a Secret of the platform.
#[must_use]
pub fn copy(secret: &str, session: &str) -> String {
    object(&format!("{secret}-"), session, "")
}

/// The Run that a session's `initialPrompt` becomes.
#[must_use]
pub fn initial_run(session: &str) -> String {
    object("", session, "-initial")
}

/// A Run that `initialPrompt` becomes once more; `request` tells one such request from another.
#[must_use]
pub fn prompt_run(session: &str, request: &str) -> String {
    object("", session, &format!("-again-{}", hash(request)))
}

/// The Run of a turn that somebody gave to the runner directly.
#[must_use]
pub fn adopted_run(session: &str, run_id: &str) -> String {
    object("", session, &format!("-{}", hash(run_id)))
}

/// The Run that a client asks for by an AG-UI run id: the same id is the same Run.
#[must_use]
pub fn requested_run(session: &str, run_id: &str) -> String {
    object("", session, &format!("-{}{}", hash(run_id), hash(&format!("{session}/{run_id}"))))
}

/// The value of the label [`SESSION_LABEL`].
#[must_use]
pub fn session_label(session: &str) -> String {
    fit(session, MAX_LABEL)
}

/// The branch that the agent works on.
#[must_use]
pub fn working_branch(session: &str) -> String {
    // git refuses a ref whose part ends with `.lock`, a Kubernetes name may.
    let last = if session.rsplit('.').next() == Some("lock") {
        hashed(session, session, MAX_BRANCH_PART)
    } else {
        fit(session, MAX_BRANCH_PART)
    };
    format!("ambient/{last}")
}

/// `prefix`, `name` and `suffix`, where `name` gives way when they are too long for an object's name.
fn object(prefix: &str, name: &str, suffix: &str) -> String {
    let room = MAX_OBJECT_NAME - prefix.len() - suffix.len();
    format!("{prefix}{}{suffix}", fit(name, room))
}

/// The name itself if it has at most `max` characters, else its beginning with a hash of the whole.
fn fit(name: &str, max: usize) -> String {
    if name.len() <= max { name.to_owned() } else { hashed(name, name, max) }
}

/// The beginning of `shown` with a hash of `whole`, together at most `max` characters.
fn hashed(shown: &str, whole: &str, max: usize) -> String {
    let room = shown.floor_char_boundary(max.saturating_sub(HASH_DIGITS + 1));
    let start = shown[..room].trim_end_matches(['-', '.']);
    format!("{start}-{}", hash(whole))
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let start = digest.iter().take(HASH_BYTES);
    let number = start.fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    format!("{number:08x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_those_the_platform_relies_on() {
        assert_eq!(pod("s1"), "s1-runner");
        assert_eq!(service("s1"), "session-s1");
        assert_eq!(service_account("s1"), "ambient-session-s1");
        assert_eq!(token_secret("s1"), "ambient-runner-token-s1");
        assert_eq!(initial_run("s1"), "s1-initial");
        assert_eq!(session_label("s1"), "s1");
        assert_eq!(working_branch("s1"), "ambient/s1");
    }

    #[test]
    fn a_session_of_the_platform_keeps_its_whole_service_name() {
        let session = "session-0f8fad5b-d9cb-469f-a165-70867728950e";
        assert_eq!(service(session), format!("session-{session}"));
    }

    #[test]
    fn long_names_fit_and_stay_different() {
        let (one, two) = (format!("{}x", "a".repeat(252)), format!("{}y", "a".repeat(252)));
        for name in [pod, service_account, token_secret, initial_run] {
            assert!(name(&one).len() <= MAX_OBJECT_NAME);
            assert_ne!(name(&one), name(&two));
        }
        for name in [service, session_label] {
            assert!(name(&one).len() <= MAX_LABEL);
            assert_ne!(name(&one), name(&two));
        }
        assert!(pod(&one).ends_with("-runner"));
    }

    #[test]
    fn a_service_name_has_no_dots() {
        assert_ne!(service("a.b"), service("a-b"));
        assert!(!service("a.b").contains('.'));
    }

    #[test]
    fn a_branch_never_ends_as_git_forbids() {
        assert_ne!(working_branch("x.lock"), "ambient/x.lock");
        assert!(working_branch(&"a".repeat(253)).len() < 220);
    }

    #[test]
    fn a_cut_never_ends_with_a_separator_before_the_hash() {
        let name = format!("{}.{}", "a".repeat(53), "b".repeat(100));
        assert!(!session_label(&name).contains(".-"));
    }
}
