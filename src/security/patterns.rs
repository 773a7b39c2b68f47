//! The shapes of well-known secrets.
//!
//! A shape is here if its issuer marks it (a fixed prefix) or its syntax gives it away, so that ordinary code and prose
//! stay as they are. What has no such shape (an AWS secret key, a database password) is found by its exact value.

use super::{
    charset::Charset,
    tail::{Run, Tail},
};

/// A shape of secrets.
pub(super) struct TokenPattern {
    /// What the replacement calls it.
    pub(super) label: &'static str,
    /// What it starts with.
    pub(super) prefix: &'static str,
    /// How many bytes of the prefix stay readable.
    pub(super) keep: usize,
    /// Whether the prefix must start a word.
    pub(super) at_boundary: bool,
    /// What follows the prefix.
    pub(super) tail: Tail,
}

/// A run of at least `min` characters of `set` after `prefix`.
const fn token(label: &'static str, prefix: &'static str, set: Charset, min: u32) -> TokenPattern {
    let tail = Tail::Run(Run { set, min, digit: false, dotted: false });
    TokenPattern { label, prefix, keep: 0, at_boundary: true, tail }
}

/// The same with a digit among its first `min` characters.
const fn mixed(label: &'static str, prefix: &'static str, set: Charset, min: u32) -> TokenPattern {
    let tail = Tail::Run(Run { set, min, digit: true, dotted: false });
    TokenPattern { label, prefix, keep: 0, at_boundary: true, tail }
}

/// A token of several parts joined by dots; its first part has at least `min` characters.
const fn dotted(label: &'static str, prefix: &'static str, set: Charset, min: u32) -> TokenPattern {
    let tail = Tail::Run(Run { set, min, digit: false, dotted: true });
    TokenPattern { label, prefix, keep: 0, at_boundary: true, tail }
}

/// What follows a prefix that says what it is and stays readable.
const fn named(label: &'static str, prefix: &'static str, set: Charset, min: u32) -> TokenPattern {
    let tail = Tail::Run(Run { set, min, digit: true, dotted: false });
    TokenPattern { label, prefix, keep: prefix.len(), at_boundary: false, tail }
}

const fn special(
    label: &'static str,
    prefix: &'static str,
    keep: usize,
    at_boundary: bool,
    tail: Tail,
) -> TokenPattern {
    TokenPattern { label, prefix, keep, at_boundary, tail }
}

const ALNUM: Charset = Charset::ALNUM;
const BASE64: Charset = Charset::BASE64;
const BEARER: Charset = Charset::BEARER;
const HEX: Charset = Charset::HEX;
const TOKEN: Charset = Charset::TOKEN;
const UPPER: Charset = Charset::UPPER_DIGIT;
const WORD: Charset = Charset::WORD;

/// All shapes.
#[rustfmt::skip]
pub(super) const PATTERNS: &[TokenPattern] = &[
    // Model providers.
    token("anthropic-key", "sk-ant-", TOKEN, 20),
    token("openai-key", "sk-proj-", TOKEN, 20),
    token("openai-key", "sk-svcacct-", TOKEN, 20),
    token("openai-key", "sk-admin-", TOKEN, 20),
    token("openrouter-key", "sk-or-v1-", ALNUM, 32),
    token("api-key", "sk-", ALNUM, 32),
    token("huggingface-token", "hf_", ALNUM, 30),
    token("groq-key", "gsk_", ALNUM, 40),
    token("xai-key", "xai-", ALNUM, 60),
    token("perplexity-key", "pplx-", ALNUM, 40),
    token("replicate-token", "r8_", ALNUM, 36),
    mixed("langfuse-key", "sk-lf-", TOKEN, 30),
    // Code hosts and registries.
    token("github-token", "ghp_", ALNUM, 30),
    token("github-token", "gho_", ALNUM, 30),
    token("github-token", "ghu_", ALNUM, 30),
    token("github-token", "ghr_", ALNUM, 30),
    dotted("github-token", "ghs_", TOKEN, 30),
    token("github-token", "github_pat_", WORD, 36),
    dotted("gitlab-token", "glpat-", TOKEN, 20),
    dotted("gitlab-token", "glcbt-", TOKEN, 20),
    dotted("gitlab-token", "gldt-", TOKEN, 20),
    dotted("gitlab-token", "glptt-", TOKEN, 20),
    dotted("gitlab-token", "glrt-", TOKEN, 20),
    dotted("gitlab-token", "glagent-", TOKEN, 20),
    dotted("gitlab-token", "gloas-", TOKEN, 20),
    token("npm-token", "npm_", ALNUM, 30),
    token("pypi-token", "pypi-AgE", TOKEN, 30),
    token("rubygems-key", "rubygems_", HEX, 40),
    token("docker-token", "dckr_pat_", TOKEN, 20),
    // Clouds.
    token("aws-access-key", "AKIA", UPPER, 16),
    token("aws-access-key", "ASIA", UPPER, 16),
    named("aws-secret-key", "aws_secret_access_key = ", BASE64, 40),
    named("aws-secret-key", "aws_secret_access_key=", BASE64, 40),
    named("aws-secret-key", "AWS_SECRET_ACCESS_KEY=", BASE64, 40),
    named("aws-secret-key", "\"SecretAccessKey\": \"", BASE64, 40),
    named("aws-secret-key", "\"SecretAccessKey\":\"", BASE64, 40),
    token("google-key", "AIza", TOKEN, 35),
    dotted("google-token", "ya29.", TOKEN, 30),
    token("google-secret", "GOCSPX-", TOKEN, 24),
    token("google-token", "1//0", TOKEN, 40),
    named("azure-key", "AccountKey=", BASE64, 80),
    token("digitalocean-token", "dop_v1_", HEX, 40),
    mixed("vault-token", "hvs.", TOKEN, 24),
    mixed("tailscale-key", "tskey-", TOKEN, 20),
    mixed("databricks-token", "dapi", HEX, 32),
    token("age-key", "AGE-SECRET-KEY-1", UPPER, 50),
    // Services.
    mixed("slack-token", "xoxb-", TOKEN, 16),
    mixed("slack-token", "xoxp-", TOKEN, 16),
    mixed("slack-token", "xoxa-", TOKEN, 16),
    mixed("slack-token", "xoxr-", TOKEN, 16),
    mixed("slack-token", "xoxs-", TOKEN, 16),
    mixed("slack-token", "xoxe-", TOKEN, 16),
    mixed("slack-token", "xapp-", TOKEN, 16),
    named("slack-webhook", "hooks.slack.com/services/", BASE64, 30),
    token("stripe-key", "sk_live_", ALNUM, 16),
    token("stripe-key", "sk_test_", ALNUM, 16),
    token("stripe-key", "rk_live_", ALNUM, 16),
    token("stripe-key", "rk_test_", ALNUM, 16),
    token("webhook-secret", "whsec_", BASE64, 24),
    token("atlassian-token", "ATATT3", TOKEN, 40),
    token("atlassian-token", "ATCTT3", TOKEN, 40),
    token("linear-key", "lin_api_", ALNUM, 30),
    token("notion-token", "ntn_", ALNUM, 40),
    token("shopify-token", "shpat_", HEX, 32),
    // Syntax.
    named("bearer-token", "Bearer ", BEARER, 16),
    named("bearer-token", "bearer ", BEARER, 16),
    named("bearer-token", "Bearer%20", BEARER, 16),
    named("basic-auth", "Basic ", BASE64, 16),
    named("basic-auth", "basic ", BASE64, 16),
    special("jwt", "eyJ", 0, true, Tail::Jwt),
    special("private-key", "-----BEGIN ", 0, false, Tail::Pem),
    special("url-password", "://", 3, false, Tail::UserInfo),
    special("url-password", ":\\/\\/", 5, false, Tail::UserInfo),
];
