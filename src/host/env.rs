//! Which of its own variables a runner hands on to an agent: an allow-list, so that no key, token or switch of the
//! platform or of an outer agent reaches the inner one by accident.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
};

/// The agent's environment: what of `parent` may be handed on, then `extra` as it is; `extra` wins. Sorted by name.
///
/// What an agent needs beyond the list (its keys, `CLAUDE_CONFIG_DIR`, a session's own variables) comes in `extra`. A proxy's
/// URL may hold a password: give it to the redaction.
pub fn base_env(
    parent: impl IntoIterator<Item = (OsString, OsString)>,
    extra: impl IntoIterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let inherited = parent.into_iter().filter(|(name, _)| may_inherit(name));
    let env: BTreeMap<_, _> = inherited.chain(extra).collect();
    env.into_iter().collect()
}

/// Whether an agent may see the runner's variable of this name.
#[must_use]
pub fn may_inherit(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| ALLOWED.contains(&name) || name.starts_with("LC_"))
}

/// Not among them, on purpose: `XDG_RUNTIME_DIR`, `SSH_AUTH_SOCK` and `DBUS_SESSION_BUS_ADDRESS` (other people's sockets),
/// `GIT_DIR` and its kind (another repository), `GIT_CONFIG_*` and `GIT_ASKPASS` (credentials), `LD_*` and `NODE_OPTIONS`
/// (code in every program), `KUBERNETES_*` (the platform's network).
const ALLOWED: &[&str] = &[
    // Who and where.
    "HOME",
    "LOGNAME",
    "PATH",
    "SHELL",
    "TEMP",
    "TERM",
    "TMP",
    "TMPDIR",
    "USER",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    // Language and time; LC_* as well.
    "LANG",
    "LANGUAGE",
    "TZ",
    // The way out: certificate authorities and proxies, which programs read in both cases.
    "ALL_PROXY",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    // Who commits.
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_NAME",
    // Where tool chains live; without these the programs on PATH do not find their parts.
    "CARGO_HOME",
    "GOPATH",
    "GOROOT",
    "JAVA_HOME",
    "NVM_DIR",
    "PYENV_ROOT",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "VIRTUAL_ENV",
];

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use proptest::prelude::*;

    use super::*;

    fn pair(name: &str, value: &str) -> (OsString, OsString) {
        (name.into(), value.into())
    }

    fn from(parent: &[(&str, &str)], extra: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        let pairs = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| pair(name, value)).collect::<Vec<_>>();
        base_env(pairs(parent), pairs(extra))
    }

    #[test]
    fn what_programs_need_is_handed_on() {
        let parent = [("PATH", "/bin"), ("LC_CTYPE", "C.UTF-8"), ("https_proxy", "http://p"), ("TZ", "UTC")];
        let expected =
            [pair("LC_CTYPE", "C.UTF-8"), pair("PATH", "/bin"), pair("TZ", "UTC"), pair("https_proxy", "http://p")];
        assert_eq!(from(&parent, &[]), expected);
    }

    #[test]
    fn keys_tokens_and_switches_of_the_runner_stay() {
        for name in [
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_BASE_URL",
            "CLAUDECODE",
            "CLAUDE_CODE_ENTRYPOINT",
            "CLAUDE_CONFIG_DIR",
            "AGUI_TOKEN",
            "BOT_TOKEN",
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "LANGFUSE_SECRET_KEY",
            "AMBIENT_AGENT_SOCKET",
            "KUBERNETES_SERVICE_HOST",
            "SSH_AUTH_SOCK",
            "GIT_CONFIG_VALUE_0",
            "GIT_ASKPASS",
            "GIT_DIR",
            "LD_PRELOAD",
            "NODE_OPTIONS",
            "path",
            "",
        ] {
            assert_eq!(from(&[(name, "x")], &[]), [], "{name}");
        }
    }

    #[test]
    fn what_is_given_wins_and_is_not_filtered() {
        let env = from(&[("HOME", "/root"), ("USER", "a")], &[("HOME", "/workspace"), ("ANTHROPIC_API_KEY", "k")]);
        assert_eq!(env, [pair("ANTHROPIC_API_KEY", "k"), pair("HOME", "/workspace"), pair("USER", "a")]);
    }

    #[test]
    fn a_name_that_is_no_text_stays() {
        assert!(!may_inherit(&OsString::from_vec(b"LC_\xff".to_vec())));
    }

    proptest! {
        #[test]
        fn nothing_is_handed_on_but_the_listed(name in "[A-Z_]{1,20}") {
            let listed = ALLOWED.contains(&name.as_str()) || name.starts_with("LC_");
            prop_assert_eq!(from(&[(&name, "v")], &[]).len(), usize::from(listed));
        }
    }
}
