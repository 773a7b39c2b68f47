//! Ordinary text stays as it is.

use std::{fs, path::Path};

use crate::samples;

fn assert_unchanged(text: &str) {
    let redacted = samples::shapes_only().redact_str(text).into_owned();
    if redacted != text {
        let differ = text.bytes().zip(redacted.bytes()).take_while(|(a, b)| a == b).count();
        let from = text.floor_char_boundary(differ.saturating_sub(20));
        let to = text.floor_char_boundary(differ + 80);
        panic!("changed: {}", &text[from..to]);
    }
}

const TEXTS: &[&str] = &[
    "The task-runner risk-assessment desk-bound disk-encryption-at-rest-with-a-very-long-name skeleton sk-cube-grid",
    "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad and tree 9d2f0d5c4e1b7a6f8091a2b3c4d5e6f708192a3b",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha512-oRVJoWIXvoO5X1nXnMmOUTtLIVZRTNSBLhmTDJYy1cWvMGsjlKS8AJMGm3JsUyhEJdDNP4d3oTFgTcRHVvLxAQ==",
    "id 6f1c2b52-7e0c-4b0a-9a53-2f5a5d7a0c11, run 018f3f1e-2c7b-7d7a-8d0a-0d0f7b7e1c2d",
    "https://github.com/ambient-code/platform/blob/main/README.md?plain=1#L10-L20",
    "git clone ssh://git@github.com:22/team/web.git && git clone git@github.com:team/web.git",
    "https://user@host.example/path http://localhost:8080/health http://[::1]:8001/ redis://cache:6379/0",
    "https://oauth2:${GITLAB_TOKEN}@gitlab.example/x.git https://u:$TOKEN@h/ https://{user}:{password}@host https://%s:%s@host",
    "https://x-access-token:***@github.com/team/web.git https://user:<token>@host",
    "time 12:30:45 on 2026-11-22T10:00:00Z, mail bob@example.com, a:b@c, https://a.example, then me@b.example",
    "Authorization: Bearer <token>  -H \"Authorization: Bearer $TOKEN\"  Authorization: Bearer YOUR_ACCESS_TOKEN",
    "Bearer authentication is described in RFC 6750; Basic authentication-scheme in RFC 7617",
    "basic JavaScript/TypeScript knowledge, Basic understanding of internationalization",
    "export OPENAI_API_KEY=sk-... ANTHROPIC_API_KEY=sk-ant-... GITHUB_TOKEN=ghp_xxx AWS_KEY=AKIA...",
    "if key.starts_with(\"sk-ant-\") || key.starts_with(\"ghp_\") || key.starts_with(\"AKIA\") { mask(key) }",
    "npm_config_registry=https://registry.npmjs.org/ npm_package_version npm_lifecycle_event hf_hub_download(repo_id=...)",
    "grep -r 'BEGIN PRIVATE KEY' . ; strings.Contains(s, \"-----BEGIN RSA PRIVATE KEY-----\")",
    "A file starts with -----BEGIN PRIVATE KEY----- and ends with -----END PRIVATE KEY-----, see /etc/kubernetes/pki/apiserver",
    "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAu1SU1LfVLPHCozMxH2Mo\n-----END PUBLIC KEY-----",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG1xYz1vY2ZkZGFzZGFzZGFzZGFzZGFzZGFzZGFz user@host",
    "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTIzNDUsInN0YXJ0IjoiZm9vXHUwMDAwIn0 and more",
    "let token = request.headers.get('authorization'); const API_KEY = process.env.API_KEY; password = input()",
    "pk-lf-1234 sk_live_ sk_test_ glpat- xoxb-your-token-here whsec_... AIza... ya29. eyJ... pypi-AgE hvs.",
    "-----\n----------------------------------------------------------------------------\n-----",
    "aws_access_key_id = YOUR_KEY\naws_secret_access_key = YOUR_SECRET\naws_secret_access_key=${AWS_SECRET_ACCESS_KEY}",
    "1//0 is a path, //comment, a ://b, file:///etc/hosts, data:image/png;base64,iVBORw0KGgo",
    "[redacted:ANTHROPIC_API_KEY] [redacted:github-token] https://u:[redacted:url-password]@host Bearer [redacted:bearer-token]",
    "日本語のテキスト, Zürich, naïve → arrow, emoji 👩‍💻",
];

#[test]
fn ordinary_code_and_prose_stay_as_they_are() {
    for text in TEXTS {
        assert_unchanged(text);
    }
}

#[test]
fn base64_of_anything_stays_as_it_is() {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let url_safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for seed in 0..20 {
        assert_unchanged(&samples::noise(alphabet, 100_000, 1000 + seed));
        assert_unchanged(&samples::noise(url_safe, 100_000, 2000 + seed));
        assert_unchanged(&samples::noise("0123456789abcdef", 100_000, 3000 + seed));
    }
}

/// Where the sources show made-up secrets on purpose.
const SHOWS_SECRETS: [&str; 3] = ["src/api/validate", "src/security", "src/workspace/git"];

#[test]
fn the_sources_of_this_project_stay_as_they_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_unchanged(&fs::read_to_string(root.join("Cargo.lock")).unwrap());
    let mut folders = vec![root.join("src"), root.join("docs")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !SHOWS_SECRETS.iter().any(|folder| path.starts_with(root.join(folder)))
                && let Ok(text) = fs::read_to_string(&path)
            {
                files += 1;
                assert_unchanged(&text);
            }
        }
    }
    assert!(files > 10);
}
