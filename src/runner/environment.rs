//! The variables of one run: they are given to the run's agent and to nobody else's, and never replace the platform's.

use std::{collections::BTreeMap, ffi::OsStr, fmt};

use serde::{Deserialize, Serialize};

use crate::{bridge::Secrets, host};

/// Variables of one run. Their values may be secrets, so only names are shown. They are serialised for the journal of runs
/// that wait, and nowhere else.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Environment(pub BTreeMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// How the names begin that belong to the platform, the agent CLI, its provider, or the way programs are loaded.
const RESERVED_PREFIXES: [&str; 7] =
    ["AMBIENT_", "ANTHROPIC_", "CLAUDE", "GIT_CONFIG", "LD_", "DISABLE_", "NODE_OPTIONS"];

/// More names that the platform sets.
const RESERVED: [&str; 6] = [
    "CLOUD_ML_REGION",
    "GCE_METADATA_HOST",
    "GIT_TERMINAL_PROMPT",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "IS_SANDBOX",
    "PWD",
];

impl Environment {
    /// The session's variables with those of the run that the platform does not set.
    pub(crate) fn over(&self, mut session: Secrets) -> Secrets {
        let own: Vec<_> = self.0.iter().filter(|(name, _)| !is_reserved(name, &session)).collect();
        session.0.extend(own.into_iter().map(|(name, value)| (name.clone(), value.clone())));
        session
    }

    /// What of the run is left out, because the platform sets it; none: nothing.
    pub(crate) fn left_out(&self, session: &Secrets) -> Option<String> {
        let names: Vec<&str> = self.0.keys().map(String::as_str).filter(|name| is_reserved(name, session)).collect();
        (!names.is_empty()).then(|| {
            format!("The platform sets these variables, so the run's own values are left out: {}.", names.join(", "))
        })
    }
}

fn is_reserved(name: &str, session: &Secrets) -> bool {
    session.0.contains_key(name)
        || host::env::may_inherit(OsStr::new(name))
        || RESERVED.contains(&name)
        || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), "run".to_owned())).collect()
    }

    #[test]
    fn a_run_adds_variables_and_replaces_none() {
        let session = Secrets([("OURS".to_owned(), "session".to_owned())].into());
        let run =
            Environment(variables(&["MINE", "OURS", "PATH", "ANTHROPIC_API_KEY", "AMBIENT_X", "GIT_CONFIG_COUNT"]));
        let both = run.over(session.clone());
        let expected = [("MINE", "run"), ("OURS", "session")];
        assert_eq!(both.0, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
        let note = run.left_out(&session).unwrap();
        assert!(note.contains("AMBIENT_X, ANTHROPIC_API_KEY, GIT_CONFIG_COUNT, OURS, PATH"), "{note}");
        assert_eq!(Environment(variables(&["MINE"])).left_out(&session), None);
    }

    #[test]
    fn values_are_not_shown() {
        let shown = format!("{:?}", Environment([("NAME".to_owned(), "hunter2".to_owned())].into()));
        assert_eq!(shown, "{\"NAME\"}");
    }
}
