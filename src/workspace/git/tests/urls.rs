//! Clone URLs, and which token goes with them.

use proptest::prelude::*;

use crate::workspace::git::{
    credentials::Credentials,
    url::{self, ParsedUrl, UrlError, UrlPolicy},
};

fn parse(text: &str) -> Result<ParsedUrl, UrlError> {
    url::parse(text, UrlPolicy::default())
}

#[test]
fn the_usual_forms_of_clone_urls_are_accepted() {
    for (text, host, name) in [
        ("https://github.com/owner/web.git", "github.com", "web"),
        ("https://GitHub.com/owner/web/", "github.com", "web"),
        ("https://git.example:8443/a/b/c", "git.example", "c"),
        ("https://[::1]:8443/web", "[::1]", "web"),
        ("ssh://git@git.example:2222/web.git", "git.example", "web"),
        ("git@github.com:owner/web.git", "github.com", "web"),
        ("git@github.com:web", "github.com", "web"),
    ] {
        let url = parse(text).unwrap().url;
        assert_eq!((url.host(), url.repository()), (host, name), "{text}");
    }
}

#[test]
fn what_git_could_take_for_an_option_or_a_program_is_refused() {
    for text in [
        "--upload-pack=touch x",
        "-u",
        "ext::sh -c touch% x",
        "ext::sh",
        "https::https://git.example/x",
        "ssh://-oProxyCommand=x/web",
        "ssh://-l@git.example/web",
        "git@-oProxyCommand=x:web",
        "git@host:-web",
        "-x@host:web",
        "https://-host/web",
        "https://git.example/we b",
        "https://git.example/web\n",
        "https://git.example/web\u{1b}[2J",
        "https://git.example/web?token=x",
        "https://git.example",
        "https:///web",
        "https://git.example:0/web",
        "https://git.example:x/web",
        "web",
        "./web",
        "host:path",
        "ftp://git.example/web",
        "git://git.example/web",
        "file:///srv/web.git",
        "http://git.example/web",
        "ssh://git:password@git.example/web",
        "",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_mistyped_url_is_answered_with_the_right_form() {
    assert_eq!(
        parse("web").unwrap_err().to_string(),
        "expected an https://, ssh:// or git@ URL, found \"web\"; write the full clone URL, e.g. https://git.example/web.git"
    );
}

#[test]
fn user_names_and_tokens_leave_the_url() {
    let parsed = parse("https://me:p%40ss@git.example/web.git").unwrap();
    assert_eq!(parsed.url.as_str(), "https://git.example/web.git");
    let credential = parsed.credential.unwrap();
    assert_eq!((credential.username.as_str(), credential.secret.expose()), ("me", "p@ss"));
}

#[test]
fn what_looks_like_a_scheme_or_a_query_inside_or_after_a_password_shows_nothing_of_it() {
    for (text, shown) in [
        (":hunter2@git.example/://", "git.example/://"),
        ("me:hunter2@x://y@git.example/web", "git.example/web"),
        ("https://me:hunter2?x@git.example/web?token=y", "https://git.example/web"),
        ("https://me:hunter2#/x@git.example/web", "https://git.example/web"),
        ("https://git.example/web?token=hunter2", "https://git.example/web"),
        ("web", "web"),
    ] {
        assert_eq!(url::without_userinfo(text), shown, "{text}");
    }
}

proptest! {
    #[test]
    fn no_error_and_no_url_repeats_a_password(
        scheme in prop::sample::select(vec!["https://", "http://", "ssh://", "file://", "ftp://", ""]),
        user in "[a-z]{0,3}",
        middle in "[a-z/?#:@ ]{0,4}",
        path in "[a-z/?#: ]{0,12}",
    ) {
        let text = format!("{scheme}{user}:hunter2{middle}hunter3@git.example/{path}");
        let shown = match parse(&text) {
            Ok(parsed) => format!("{parsed:?}"),
            Err(error) => error.to_string(),
        };
        prop_assert!(!shown.contains("hunter"), "{}", shown);
    }

    #[test]
    fn any_text_is_a_safe_url_or_an_error(text in "\\PC{0,40}") {
        if let Ok(parsed) = parse(&text) {
            let url = parsed.url.as_str();
            prop_assert!(!url.starts_with('-') && !url.contains("::") && !url.contains(' '));
        }
    }
}

#[test]
fn a_token_goes_to_its_own_host_only() {
    let credentials = Credentials::default().github("gh").gitlab("gl").host("git.example:8443", "me", "own");
    let token = |url: &str| credentials.choose(&parse(url).unwrap()).map(|c| c.secret.expose().to_owned());
    assert_eq!(token("https://github.com/a/b").as_deref(), Some("gh"));
    assert_eq!(token("https://gitlab.com/a/b").as_deref(), Some("gl"));
    assert_eq!(token("https://git.example:8443/b").as_deref(), Some("own"));
    for other in [
        "https://git.example/b",
        "https://github.com.evil.example/b",
        "https://gitlab.evil.example/b",
        "https://evilgithub.com/b",
        "git@github.com:a/b",
    ] {
        assert_eq!(token(other), None, "{other}");
    }
}

#[test]
fn a_token_without_user_name_is_used_as_password_so_that_it_is_in_no_prompt() {
    let chosen = Credentials::default().choose(&parse("https://ghp_abc@github.com/a/b").unwrap()).unwrap();
    assert_eq!((chosen.username.as_str(), chosen.secret.expose()), ("x-access-token", "ghp_abc"));
}

#[test]
fn no_token_is_sent_in_the_clear() {
    let policy = UrlPolicy { http: true, file: false };
    let parsed = url::parse("http://me:secret@git.example/web", policy).unwrap();
    assert!(Credentials::default().choose(&parsed).is_none());
}

#[test]
fn tokens_are_read_from_the_environment() {
    let vars = |name: &str| match name {
        "GITHUB_TOKEN" => Some("gh\n".to_owned()),
        "AMBIENT_GIT_TOKENS" => Some(r#"{"git.example":"me:own"}"#.to_owned()),
        _ => None,
    };
    let credentials = Credentials::from_vars(vars).unwrap();
    let chosen = credentials.choose(&parse("https://git.example/web").unwrap()).unwrap();
    assert_eq!((chosen.username.as_str(), chosen.secret.expose()), ("me", "own"));
    assert_eq!(credentials.choose(&parse("https://github.com/a/b").unwrap()).unwrap().secret.expose(), "gh");

    let broken = Credentials::from_vars(|name| (name == "AMBIENT_GIT_TOKENS").then(|| "s3cret".to_owned()));
    let message = broken.unwrap_err();
    assert!(message.contains("AMBIENT_GIT_TOKENS") && !message.contains("s3cret"), "{message}");
}

#[test]
fn a_secret_does_not_show_itself() {
    assert_eq!(format!("{:?}", Credentials::default().github("hunter2")).find("hunter2"), None);
}
