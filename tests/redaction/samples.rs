//! Secrets for tests. None is real; they are put together here so that no scanner takes one for a leak.

use std::sync::{Arc, OnceLock};

use ambient::security::{Credential, Redactor};

/// Random characters, always the same.
pub(crate) fn noise(alphabet: &str, length: usize, seed: u64) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % alphabet.len() as u64).unwrap()
    };
    (0..length).map(|_| alphabet[next()]).collect()
}

pub(crate) const ALNUM: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

/// Letters and digits.
pub(crate) fn alnum(length: usize) -> String {
    noise(ALNUM, length, 7)
}

/// The credentials that the redactor under test knows.
pub(crate) fn known() -> Vec<(&'static str, String)> {
    vec![
        ("ANTHROPIC_API_KEY", format!("sk-ant-api03-{}", noise(ALNUM, 60, 1))),
        ("DB_PASSWORD", "p4ss/w\"o\\rd<&>wörd ~x".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", format!("{}+/{}", noise(ALNUM, 18, 2), noise(ALNUM, 20, 3))),
        ("SHORT_TOKEN", noise(ALNUM, 8, 4)),
        ("LONGER_TOKEN", format!("{}{}", noise(ALNUM, 8, 4), noise(ALNUM, 12, 5))),
        ("PERIODIC_SECRET", "abcdabcdabcdabce".to_owned()),
        ("NOTES_KEY", format!("first line {}\nsecond \"line\"\t{}\n", noise(HEX, 8, 8), noise(HEX, 8, 9))),
    ]
}

/// A redactor that knows [`known`].
pub(crate) fn redactor() -> Arc<Redactor> {
    static SHARED: OnceLock<Arc<Redactor>> = OnceLock::new();
    let credentials = || known().into_iter().map(|(name, value)| Credential::new(name, value.as_str()));
    Arc::clone(SHARED.get_or_init(|| Arc::new(Redactor::new(credentials()))))
}

/// A private key in PEM, of no key.
pub(crate) fn pem() -> String {
    let lines: Vec<String> = (0..6).map(|n| noise(&format!("{ALNUM}+/"), 64, 20 + n)).collect();
    format!("-----{} RSA {}-----\n{}\n-----END RSA PRIVATE KEY-----", "BEGIN", "PRIVATE KEY", lines.join("\n"))
}

/// A secret of each well-known shape, with the name that replaces it: the text, and the part of it that must vanish.
pub(crate) fn shapes() -> Vec<(&'static str, String, String)> {
    let whole = |label, text: String| (label, text.clone(), text);
    let part = |label, before: &str, secret: String, after: &str| (label, format!("{before}{secret}{after}"), secret);
    let jwt = format!("eyJ{}.eyJ{}.{}", alnum(30), alnum(50), alnum(43));
    vec![
        whole("anthropic-key", format!("sk-ant-oat01-{}", alnum(80))),
        whole("openai-key", format!("sk-proj-{}", alnum(60))),
        whole("api-key", format!("sk-{}", alnum(48))),
        whole("langfuse-key", format!("sk-lf-{}", "0a1b2c3d-1234-4321-abcd-0123456789ab")),
        whole("huggingface-token", format!("hf_{}", alnum(34))),
        whole("github-token", format!("ghp_{}", alnum(36))),
        whole("github-token", format!("ghs_123456_{jwt}")),
        whole("github-token", format!("github_pat_{}_{}", alnum(22), alnum(59))),
        whole("gitlab-token", format!("glpat-{}", alnum(20))),
        whole("gitlab-token", format!("glpat-{}.01.{}", alnum(27), alnum(9))),
        whole("npm-token", format!("npm_{}", alnum(36))),
        whole("pypi-token", format!("pypi-AgEIcHlwaS5vcmc{}", alnum(60))),
        whole("aws-access-key", format!("AKIA{}", noise(UPPER, 16, 3))),
        part("aws-secret-key", "aws_secret_access_key = ", alnum(40), ""),
        whole("google-key", format!("AIza{}", alnum(35))),
        whole("slack-token", format!("xoxb-1234567890-{}", alnum(24))),
        whole("stripe-key", format!("sk_live_{}", alnum(24))),
        whole("jwt", jwt),
        part("bearer-token", "Authorization: Bearer ", alnum(32), "\r\n"),
        part("basic-auth", "authorization: Basic ", format!("{}==", alnum(22)), "\""),
        part("url-password", "https://x-access-token:", alnum(20), "@git.example/team/web.git"),
        part("url-password", "postgres://app:", "s3cr3t!".to_owned(), "@db:5432/app"),
        whole("private-key", pem()),
        whole("private-key", pem().replace('\n', "\\n")),
        whole("private-key", pem().replace('\n', "\\\\r\\\\n")),
    ]
}

/// A redactor that knows no credential.
pub(crate) fn shapes_only() -> Arc<Redactor> {
    Arc::new(Redactor::new([]))
}
