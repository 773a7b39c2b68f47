//! Names of branches, by the rules of `git check-ref-format`.

/// Why a text is no branch name. The user must act.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is not a valid branch name: {reason}")]
pub struct BranchError {
    name: String,
    reason: &'static str,
}

/// Checks a branch's name.
pub fn check(name: &str) -> Result<(), BranchError> {
    let error = |reason| {
        let name = name.to_owned();
        Err(BranchError { name, reason })
    };
    match fault(name) {
        Some(reason) => error(reason),
        None => Ok(()),
    }
}

fn fault(name: &str) -> Option<&'static str> {
    let forbidden = |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
    let part_is_bad = |part: &str| part.is_empty() || part.starts_with('.') || part.strip_suffix(".lock").is_some();
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > 200 {
        Some("it is longer than 200 bytes")
    } else if name.starts_with('-') {
        Some("it starts with -")
    } else if name == "@" || name == "HEAD" || name.contains("@{") {
        Some("it has a special meaning to git")
    } else if name.contains("..") || name.ends_with('.') {
        Some("it has .. or ends with a dot")
    } else if name.chars().any(forbidden) {
        Some("it has a space, a control character or one of ~^:?*[\\")
    } else if name.split('/').any(part_is_bad) {
        Some("one of its parts is empty, starts with a dot or ends with .lock")
    } else {
        None
    }
}

/// The branch that a session works on: `ambient/<session>`.
#[must_use]
pub fn working_branch(session: &str) -> String {
    match session.strip_suffix(".lock") {
        // A Kubernetes name may end so, a branch may not.
        Some(stem) => format!("ambient/{stem}-lock"),
        None => format!("ambient/{session}"),
    }
}
