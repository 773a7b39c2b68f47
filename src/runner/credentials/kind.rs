//! The kinds of credentials, and why there is none.

/// A kind of credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// github.com.
    Github,
    /// A GitLab instance.
    Gitlab,
    /// A Jira instance.
    Jira,
    /// Google Workspace.
    Google,
    /// `CodeRabbit`, the reviewer.
    Coderabbit,
    /// A Kubernetes cluster.
    Kubeconfig,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 6] =
        [Self::Github, Self::Gitlab, Self::Jira, Self::Google, Self::Coderabbit, Self::Kubeconfig];

    /// Its name in the backend's paths, of its mounted file, and of `ambient credential exec`.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Jira => "jira",
            Self::Google => "google",
            Self::Coderabbit => "coderabbit",
            Self::Kubeconfig => "kubeconfig",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.path() == path)
    }

    /// Its name for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Github => "GitHub",
            Self::Gitlab => "GitLab",
            Self::Jira => "Jira",
            Self::Google => "Google",
            Self::Coderabbit => "CodeRabbit",
            Self::Kubeconfig => "Kubernetes",
        }
    }

    /// The variable that holds it in the original platform: what its replacement in texts is called.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Github => "GITHUB_TOKEN",
            Self::Gitlab => "GITLAB_TOKEN",
            Self::Jira => "JIRA_API_TOKEN",
            Self::Google => "GOOGLE_ACCESS_TOKEN",
            Self::Coderabbit => "CODERABBIT_API_KEY",
            Self::Kubeconfig => "KUBECONFIG",
        }
    }

    /// The variable by which a program finds it. Where it is set already, the program is left alone.
    #[must_use]
    pub fn given_as(self) -> &'static str {
        match self {
            Self::Github => "GH_TOKEN",
            Self::Google => "USER_GOOGLE_EMAIL",
            Self::Gitlab | Self::Jira | Self::Coderabbit | Self::Kubeconfig => self.variable(),
        }
    }

    /// Whether a program of this kind is of no use without it. Others say themselves what they cannot do.
    #[must_use]
    pub fn is_needed(self) -> bool {
        match self {
            Self::Jira | Self::Google => true,
            Self::Github | Self::Gitlab | Self::Coderabbit | Self::Kubeconfig => false,
        }
    }

    /// The host it is for, unless it says another; empty: it is for none, or must say it.
    #[must_use]
    pub fn host(self) -> &'static str {
        match self {
            Self::Github => "github.com",
            Self::Gitlab => "gitlab.com",
            Self::Jira | Self::Google | Self::Coderabbit | Self::Kubeconfig => "",
        }
    }

    /// The user name that goes with its token when git asks for it; absent: it is not for git.
    #[must_use]
    pub fn git_user(self) -> Option<&'static str> {
        match self {
            Self::Github => Some("x-access-token"),
            Self::Gitlab => Some("oauth2"),
            Self::Jira | Self::Google | Self::Coderabbit | Self::Kubeconfig => None,
        }
    }

    /// The kind that a host's credential may be of.
    #[must_use]
    pub fn of_host(host: &str) -> Self {
        if host.eq_ignore_ascii_case(Self::Github.host()) { Self::Github } else { Self::Gitlab }
    }
}

/// Why there is no credential. The messages go to the agent: they hold nothing of what a server has answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The person must act.
    #[error("there is no {} credential for {who}: connect {} in the platform's integrations", .kind.label(), .kind.label())]
    Absent {
        /// What is missing.
        kind: Kind,
        /// Who has none.
        who: String,
    },
    /// The person must act.
    #[error("the backend refuses the {} credential for {who} (HTTP {status}): sign in again, or ask an administrator", .kind.label())]
    Refused {
        /// What was asked for.
        kind: Kind,
        /// For whom.
        who: String,
        /// What it answered.
        status: u16,
    },
    /// Try again.
    #[error("the {} credential cannot be fetched: {reason}; try again in a moment", .kind.label())]
    Failed {
        /// What was asked for.
        kind: Kind,
        /// What went wrong.
        reason: String,
    },
}
