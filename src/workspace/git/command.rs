//! The command line and the environment of every git process that runs beside us, as plain data.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    credentials::Credential,
    url::{RepoUrl, UrlPolicy},
};

/// What git may know of our environment: where programs are, and how the network is reached.
const INHERITED: [&str; 17] = [
    "PATH",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "USER",
];

/// Below this many bytes a second, for as long as the limit says, a transfer counts as dead.
const LOW_SPEED_BYTES: u32 = 1000;

/// The environment that git processes share: an allow-list of ours and nothing else.
#[derive(Clone)]
pub struct GitEnv {
    inherited: Vec<(OsString, OsString)>,
}

impl GitEnv {
    /// Takes the allowed variables out of ours.
    #[must_use]
    pub fn from_process() -> Self {
        Self::from_vars(std::env::vars_os())
    }

    /// Takes the allowed variables out of the given ones.
    pub fn from_vars(vars: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let allowed = |name: &OsStr| INHERITED.iter().any(|known| name == OsStr::new(known));
        let inherited = vars.into_iter().filter(|(name, _)| allowed(name)).collect();
        Self { inherited }
    }
}

impl std::fmt::Debug for GitEnv {
    /// Names only: a proxy's URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.inherited.iter().map(|(name, _)| name)).finish()
    }
}

/// One git process to run.
pub(super) struct GitCommand {
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) cwd: PathBuf,
    pub(super) deadline: Duration,
}

/// What shapes every command of one hydration.
#[derive(Debug, Clone)]
pub(crate) struct GitSettings {
    pub(crate) env: GitEnv,
    pub(crate) urls: UrlPolicy,
    /// A private directory: git's HOME, so that no configuration of ours applies.
    pub(crate) home: PathBuf,
    pub(crate) askpass: PathBuf,
    pub(crate) low_speed: Duration,
}

impl GitSettings {
    /// A command in `cwd`, with no credential and no transport.
    pub(super) fn local<I, S>(&self, cwd: &Path, deadline: Duration, args: I) -> GitCommand
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        GitCommand {
            args: self.options().into_iter().chain(args.into_iter().map(Into::into)).collect(),
            env: self.environment(""),
            cwd: cwd.to_owned(),
            deadline,
        }
    }

    /// A command that talks to a remote, with the credential for it.
    pub(super) fn network<I, S>(
        &self,
        cwd: &Path,
        deadline: Duration,
        (url, credential): (&RepoUrl, Option<&Credential>),
        args: I,
    ) -> GitCommand
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        let mut command = self.local(cwd, deadline, args);
        command.env = self.environment(&self.urls.protocols());
        if let Some(credential) = credential {
            command.env.extend(self.answers(url, credential));
        }
        command
    }

    fn options(&self) -> Vec<OsString> {
        let low_speed_time = format!("http.lowSpeedTime={}", self.low_speed.as_secs().max(1));
        let low_speed_limit = format!("http.lowSpeedLimit={LOW_SPEED_BYTES}");
        [
            "core.hooksPath=/dev/null",
            "core.fsmonitor=false",
            "core.attributesFile=/dev/null",
            "credential.helper=",
            "protocol.ext.allow=never",
            "submodule.recurse=false",
            "safe.directory=*",
            "advice.detachedHead=false",
            // A process in the background would outlive the command.
            "gc.auto=0",
            "maintenance.auto=false",
            &low_speed_limit,
            &low_speed_time,
        ]
        .iter()
        .flat_map(|option| [OsString::from("-c"), OsString::from(option)])
        .collect()
    }

    fn environment(&self, protocols: &str) -> Vec<(OsString, OsString)> {
        let fixed: [(&str, &OsStr); 10] = [
            ("HOME", self.home.as_os_str()),
            // Messages are parsed, so they must be English.
            ("LC_ALL", OsStr::new("C")),
            ("GIT_CONFIG_NOSYSTEM", OsStr::new("1")),
            ("GIT_CONFIG_GLOBAL", OsStr::new("/dev/null")),
            ("GIT_ATTR_NOSYSTEM", OsStr::new("1")),
            ("GIT_TERMINAL_PROMPT", OsStr::new("0")),
            ("GIT_ALLOW_PROTOCOL", OsStr::new(protocols)),
            ("GIT_SSH_COMMAND", OsStr::new("ssh -o BatchMode=yes -o ConnectTimeout=20")),
            ("GIT_OPTIONAL_LOCKS", OsStr::new("0")),
            ("GIT_PAGER", OsStr::new("cat")),
        ];
        let fixed = fixed.map(|(name, value)| (OsString::from(name), value.to_owned()));
        self.inherited().chain(fixed).collect()
    }

    fn inherited(&self) -> impl Iterator<Item = (OsString, OsString)> {
        self.env.inherited.iter().cloned()
    }

    /// What the askpass program answers with, see `askpass.sh`.
    fn answers(&self, url: &RepoUrl, credential: &Credential) -> Vec<(OsString, OsString)> {
        let scheme = url.as_str().split("://").next().unwrap_or("https");
        let origin = format!("{scheme}://{}", url.authority());
        let askpass = ("GIT_ASKPASS", self.askpass.as_os_str());
        let answers = [
            ("AMBIENT_GIT_ORIGIN", OsStr::new(&origin)),
            ("AMBIENT_GIT_SCHEME", OsStr::new(scheme)),
            ("AMBIENT_GIT_AUTHORITY", OsStr::new(url.authority())),
            ("AMBIENT_GIT_USERNAME", OsStr::new(&credential.username)),
            ("AMBIENT_GIT_PASSWORD", OsStr::new(credential.secret.expose())),
            askpass,
        ];
        answers.map(|(name, value)| (OsString::from(name), value.to_owned())).into()
    }
}
