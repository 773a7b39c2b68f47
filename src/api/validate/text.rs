//! Predicates on texts: names, URLs, branches, paths. Each says in its doc whose rule it is.

/// What an object's name must be, for people.
pub const OBJECT_NAME: &str =
    "expected a name of lower case letters, digits, `-` and `.` that begins and ends with a letter or digit";

/// What a branch must be, for people.
pub const BRANCH: &str = "expected a branch name that git accepts";

/// What an environment variable's name must be, for people.
pub const VARIABLE: &str =
    "expected a variable name of letters, digits, `_`, `-` and `.` that does not begin with a digit";

/// What an amount must be, for people.
pub const QUANTITY: &str = "expected an amount such as 500m, 2 or 10Gi";

/// The most characters of a value that a message repeats.
const MAX_QUOTED: usize = 80;

/// The value as a message shows it: in quotes, cut when long, control characters escaped.
#[must_use]
pub fn quoted(value: &str) -> String {
    let shown: String = value.chars().take(MAX_QUOTED).collect();
    let cut = if shown.len() < value.len() { "…" } else { "" };
    format!("{shown:?}{cut}")
}

/// Kubernetes: a DNS subdomain of at most 253 characters.
#[must_use]
pub fn is_object_name(name: &str) -> bool {
    let part = |part: &str| {
        let inner = part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        inner && !part.is_empty() && !part.starts_with('-') && !part.ends_with('-')
    };
    name.len() <= super::super::names::MAX_OBJECT_NAME && name.split('.').all(part)
}

/// [`super::super::rules::REPO_URL`]; on a laptop also `file://`.
#[must_use]
pub fn is_repo_url(url: &str, local: bool) -> bool {
    let clean = !url.contains(|c: char| c.is_whitespace() || c.is_control());
    let remote = ["https://", "http://", "ssh://"];
    clean
        && (remote.iter().any(|scheme| has_host_and_path(url.strip_prefix(scheme)))
            || is_scp_like(url)
            || (local && url.strip_prefix("file:///").is_some_and(|path| !path.is_empty())))
}

fn has_host_and_path(rest: Option<&str>) -> bool {
    rest.and_then(|rest| rest.split_once('/')).is_some_and(|(host, path)| !host.is_empty() && !path.is_empty())
}

/// git's short form of ssh: `user@host:path`.
fn is_scp_like(url: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let Some((user, rest)) = url.split_once('@') else {
        return false;
    };
    let Some((host, path)) = rest.split_once(':') else {
        return false;
    };
    let user_ok = !user.is_empty() && user.chars().all(|c| name(c) || c == '_');
    user_ok && !host.is_empty() && host.chars().all(name) && !path.is_empty() && !path.starts_with('/')
}

/// Whether a URL carries a password or token: `https://user:secret@host/…`, or a long user that can only be a token.
#[must_use]
pub fn has_credentials(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else {
        return false;
    };
    user.contains(':') || (scheme != "ssh" && user.len() > 30)
}

/// [`super::super::rules::REPO_NAME`].
#[must_use]
pub fn is_repo_name(name: &str) -> bool {
    starts_with(name, |c| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
        && name.len() <= 100
}

/// [`super::super::rules::FILE_PATH`], and no control characters.
#[must_use]
pub fn is_file_path(path: &str) -> bool {
    let part = |part: &str| !matches!(part, "" | "." | "..");
    path.split('/').all(part) && !path.chars().any(char::is_control)
}

/// [`super::super::rules::PROTOCOL_ID`].
#[must_use]
pub fn is_protocol_id(id: &str) -> bool {
    starts_with(id, |c| c.is_ascii_alphanumeric())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-'))
}

/// git: what `git check-ref-format --branch` accepts.
#[must_use]
pub fn is_branch(name: &str) -> bool {
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.to_ascii_lowercase().ends_with(".lock");
    let forbidden = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    name.split('/').all(part)
        && !name.contains(forbidden)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.starts_with('-')
        && !name.ends_with('.')
        && !matches!(name, "@" | "HEAD")
}

/// Kubernetes: names of environment variables in a pod.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    name.chars().all(letter) && starts_with(name, |c| !c.is_ascii_digit())
}

/// Kubernetes: a number with a decimal, binary or exponential suffix, here without a sign.
#[must_use]
pub fn is_quantity(text: &str) -> bool {
    let (number, suffix) = text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let exponent = |rest: &str| {
        let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit())
    };
    let known = ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let good = known.contains(&suffix) || suffix.strip_prefix(['e', 'E']).is_some_and(exponent);
    good && digits > 0 && number.len() - digits <= 1
}

fn starts_with(text: &str, is_first: impl Fn(char) -> bool) -> bool {
    text.chars().next().is_some_and(is_first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn splits(test: impl Fn(&str) -> bool, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(test(text), "{text:?} is good");
        }
        for text in bad {
            assert!(!test(text), "{text:?} is bad");
        }
    }

    #[test]
    fn branches_are_those_that_git_accepts() {
        let good = ["main", "ambient/fix-bug", "v1.0", "a@b", "ünï"];
        let bad = [
            "",
            "-x",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a..b",
            "a.",
            "a.lock",
            "x/a.lock/y",
            "a b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[b",
            "a\\b",
            "@",
            "a@{1}",
            "HEAD",
            "a\tb",
        ];
        splits(is_branch, &good, &bad);
    }

    #[test]
    fn repository_urls_have_a_scheme_a_host_and_a_path() {
        let good = [
            "https://git.example/web",
            "http://gitea:3000/team/web.git",
            "ssh://git@git.example:22/web",
            "git@git.example:team/web.git",
        ];
        let bad = [
            "",
            "web",
            "./web",
            "/srv/web",
            "https://",
            "https://host",
            "https://host/",
            "ftp://h/p",
            "git@host",
            "git@host:",
            "https://host/a b",
            "ext::sh -c id",
            "--upload-pack=x@h:p",
            "file:///srv/web",
        ];
        splits(|url| is_repo_url(url, false), &good, &bad);
        splits(|url| is_repo_url(url, true), &["file:///srv/web"], &["file://", "file://host/web", "web"]);
    }

    #[test]
    fn a_token_in_a_url_is_seen() {
        let token = format!("https://{}@github.com/o/r", "x".repeat(40));
        let bad = ["https://git.example/web", "https://me@git.example/web", "ssh://git@h/p", "git@h:p"];
        splits(has_credentials, &["https://me:pw@git.example/web", &token], &bad);
    }

    #[test]
    fn paths_stay_in_the_workspace() {
        let bad = ["", "/a", "../a", "a/../b", "a/..", "a//b", "a/", "./a", "a/./b", "a\nb", "a\0"];
        splits(is_file_path, &["a", "a/b.c", "..a/b..", ".hidden"], &bad);
    }

    #[test]
    fn object_names_are_dns_subdomains() {
        let long = "a".repeat(254);
        let bad = ["", "A", "a_b", "-a", "a-", "a..b", ".a", "a/b", &long];
        splits(is_object_name, &["a", "a-b.c", "session-0f8f"], &bad);
    }

    #[test]
    fn a_quoted_value_is_short_and_safe_for_a_terminal() {
        assert_eq!(quoted("a\u{1b}[31m"), r#""a\u{1b}[31m""#);
        assert!(quoted(&"x".repeat(1000)).len() < 100);
    }

    #[test]
    fn amounts_are_those_of_kubernetes() {
        for good in ["0", "2", "0.5", ".5", "1.", "500m", "10Gi", "1e3", "1E-3", "5E"] {
            assert!(is_quantity(good), "{good}");
        }
        for bad in ["", ".", "1.2.3", "10 Gi", "10gi", "-1", "Gi", "1e", "1mi"] {
            assert!(!is_quantity(bad), "{bad}");
        }
    }
}
