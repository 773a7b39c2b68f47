//! Programs of the agent are started with the credentials of the person whose run is going, in their own environment alone.

use std::{os::unix::fs::PermissionsExt, time::Duration};

use crate::{
    backend::{Backend, Mood},
    people::{ALICE, BOB, Person, left, session},
    rig::{Session, text},
};

const HOUR: Mood = Mood::Well { seconds: 3600 };

/// The wrapped programs of this test, and which credential each is for.
const PROGRAMS: [(&str, &str); 4] =
    [("mcp-atlassian", "jira"), ("workspace-mcp", "google"), ("coderabbit", "coderabbit"), ("kubectl", "kubeconfig")];

/// Says everything that it was started with.
const SAYS: &str = r#"#!/bin/sh
echo "args=$*"
env | grep -E '^(JIRA_|USER_GOOGLE|GOOGLE_|CODERABBIT_|KUBECONFIG)'
[ -z "$KUBECONFIG" ] || cat "$KUBECONFIG"
[ -z "$GOOGLE_MCP_CREDENTIALS_DIR" ] || { ls "$GOOGLE_MCP_CREDENTIALS_DIR"; cat "$GOOGLE_MCP_CREDENTIALS_DIR"/*; }
exit 0
"#;

/// A session whose agent has these programs.
pub(crate) fn with_programs(session: Session, programs: &[(&str, &str)]) -> Session {
    let folder = session.path("tools");
    std::fs::create_dir(&folder).unwrap();
    for (name, script) in programs {
        let program = folder.join(name);
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    session.env("PATH", &path)
}

fn equipped(backend: &Backend) -> Session {
    with_programs(session(backend), &PROGRAMS.map(|(program, _)| (program, SAYS)))
}

/// Everybody's output in a file of the workspace, since the stream is redacted. (A `;` would end the fake agent's command.)
fn all_into(person: &str) -> String {
    let each = PROGRAMS.map(|(program, _)| format!("{program} one 'two three' > {person}-{program} 2>&1"));
    format!("sh {}\nenv > {person}-env", each.join("\n"))
}

#[tokio::test]
async fn each_program_gets_its_own_persons_credential_and_the_agent_none() {
    let backend = Backend::start(HOUR).await;
    let session = equipped(&backend).env("GOOGLE_OAUTH_CLIENT_ID", "client-of-the-platform");
    let runner = session.start();
    ALICE.run(&runner, "t", "r1", &all_into("alice")).await;
    BOB.run(&runner, "t", "r2", &all_into("bob")).await;
    for (person, other) in [("alice", "bob"), ("bob", "alice")] {
        for (program, kind) in PROGRAMS {
            let said = left(&session, &format!("{person}-{program}"));
            assert!(said.starts_with("args=one two three\n"), "{said}");
            assert!(said.contains(&format!("{kind}-secret-of-{person}-")), "{program}: {said}");
            assert!(
                !said.contains(&format!("-of-{other}-")) && !said.contains(&format!("{other}@")),
                "{program}: {said}"
            );
            assert_eq!(said.matches("-secret-of-").count(), if kind == "google" { 2 } else { 1 }, "{said}");
        }
        let env = left(&session, &format!("{person}-env"));
        assert!(!env.contains("secret-of") && !env.contains("KUBECONFIG") && !env.contains("JIRA"), "{env}");
    }
    let jira = left(&session, "alice-mcp-atlassian");
    for expected in ["JIRA_URL=https://jira.example.com\n", "JIRA_EMAIL=alice@example.org\n", "JIRA_USERNAME=alice@"] {
        assert!(jira.contains(expected), "{jira}");
    }
    let google = left(&session, "bob-workspace-mcp");
    for expected in
        ["\nbob@example.org.json\n", "again-google-secret-of-bob", "client-of-the-platform", "\"scopes\":[\"drive\"]"]
    {
        assert!(google.contains(expected), "{expected} is missing in {google}");
    }
    let cluster = left(&session, "bob-kubectl");
    assert!(cluster.contains("KUBECONFIG=/proc/self/fd/") && cluster.contains("cluster.example.com"), "{cluster}");
    runner.kill();
    assert!(!session.log_text().contains("secret-of"), "nothing is in the runner's own files");
}

#[tokio::test]
async fn bug_21_each_credential_is_fetched_once_for_each_person_and_only_when_a_program_starts() {
    let backend = Backend::start(HOUR).await;
    let session = equipped(&backend);
    let runner = session.start();
    ALICE.run(&runner, "t", "quiet", "echo hello").await;
    assert_eq!(backend.asked().len(), 0, "{:?}", backend.asked());
    for turn in 0..4 {
        ALICE.run(&runner, "t", &format!("a{turn}"), &all_into("alice")).await;
    }
    BOB.run(&runner, "t", "b", &all_into("bob")).await;
    let mut asked: Vec<_> = backend.asked().into_iter().map(|asked| format!("{} {}", asked.user, asked.path)).collect();
    asked.sort();
    let expected = ["alice", "bob"]
        .map(|person| ["coderabbit", "google", "jira", "kubeconfig"].map(|kind| format!("{person} team/s1/{kind}")));
    assert_eq!(asked, expected.concat());
}

#[tokio::test]
async fn bug_05_what_a_program_says_of_its_credential_is_redacted() {
    let backend = Backend::start(HOUR).await;
    let session = equipped(&backend);
    let runner = session.start();
    let mut said = String::new();
    for (program, _) in PROGRAMS {
        said += &text(&ALICE.run(&runner, "t", program, &format!("sh {program}")).await);
    }
    assert!(!said.contains("secret-of"), "{said}");
    for name in
        ["JIRA_API_TOKEN", "GOOGLE_ACCESS_TOKEN", "GOOGLE_REFRESH_TOKEN", "CODERABBIT_API_KEY", "KUBECONFIG.token"]
    {
        assert!(said.contains(&format!("[redacted:{name}]")), "{name} is missing in {said}");
    }
    runner.kill();
    assert!(!session.log_text().contains("secret-of"));
}

#[tokio::test]
async fn what_is_set_on_purpose_stays() {
    let backend = Backend::start(HOUR).await;
    let session = equipped(&backend);
    let runner = session.start();
    ALICE.run(&runner, "t", "r1", "sh JIRA_API_TOKEN=mine mcp-atlassian > a\nKUBECONFIG=/dev/null kubectl > b").await;
    assert!(left(&session, "a").contains("JIRA_API_TOKEN=mine\n") && !left(&session, "a").contains("JIRA_URL"));
    assert!(left(&session, "b").contains("KUBECONFIG=/dev/null\n"));
    assert_eq!(backend.asked().len(), 0);
}

/// What each program says when the backend is in a mood.
async fn said_in(mood: Mood) -> Vec<(&'static str, String)> {
    let backend = Backend::start(mood).await;
    let session = equipped(&backend);
    let runner = session.start();
    // At the same time: a backend that never answers takes its time for each.
    let each =
        PROGRAMS.map(|(program, _)| format!("({program} > {program}.out 2>&1\necho status=$? >> {program}.out) & "));
    ALICE.run(&runner, "t", "r1", &format!("sh {} wait", each.concat())).await;
    PROGRAMS.map(|(program, _)| (program, left(&session, &format!("{program}.out")))).into()
}

#[tokio::test]
async fn without_a_credential_a_server_does_not_start_and_says_why_and_other_programs_do_without() {
    let long = format!("{{\"token\": \"{}\"}}", "x".repeat(100_000));
    for (mood, reason) in [
        (Mood::Says(404, "hunter2-hunter2".to_owned()), "credential for alice: connect"),
        (Mood::Says(401, "hunter2-hunter2".to_owned()), "for alice (HTTP 401)"),
        (Mood::Says(500, "hunter2-hunter2".to_owned()), "the backend answers HTTP 500"),
        (Mood::Says(200, "<hunter2-hunter2>".to_owned()), "the backend's answer is no credential"),
        (Mood::Says(200, long), "longer than 65536 bytes"),
        (Mood::Redirects("/elsewhere".to_owned()), "the backend answers HTTP 307"),
        (Mood::Silent, "did not answer within 10 s"),
    ] {
        let shown = format!("{mood:?}").chars().take(60).collect::<String>();
        for (program, said) in said_in(mood).await {
            let is_server = matches!(program, "mcp-atlassian" | "workspace-mcp");
            let quiet = program == "kubectl" && reason.contains("connect");
            assert_eq!(said.contains(reason), !quiet, "{shown} {program}: {said}");
            assert_eq!(said.contains("args=\n"), !is_server, "{shown} {program}: {said}");
            assert!(said.ends_with(if is_server { "status=1\n" } else { "status=0\n" }), "{shown} {program}: {said}");
            assert!(!said.contains("hunter2") && !said.contains("xxxx"), "{shown} {program}: {said}");
        }
    }
}

#[tokio::test]
async fn a_slow_backend_is_waited_for() {
    for (program, said) in said_in(Mood::Slow(Duration::from_millis(200))).await {
        assert!(said.contains("-secret-of-alice-"), "{program}: {said}");
    }
}

#[tokio::test]
async fn an_unknown_credential_and_a_program_that_is_not_there_are_said() {
    let backend = Backend::start(HOUR).await;
    let session = equipped(&backend);
    let runner = session.start();
    let ambient = env!("CARGO_BIN_EXE_ambient");
    let ask = format!(
        "sh {ambient} credential exec stars -- kubectl > a 2>&1\n{ambient} credential exec jira -- no-such > b 2>&1"
    );
    ALICE.run(&runner, "t", "r1", &ask).await;
    assert!(left(&session, "a").contains("expected one of github, gitlab, jira"), "{}", left(&session, "a"));
    assert_eq!(left(&session, "b"), "ambient: no-such is not installed here\n");
}

#[tokio::test]
async fn an_emptied_environment_ends_in_the_program_and_not_in_a_circle() {
    let backend = Backend::start(HOUR).await;
    let session = equipped(&backend);
    let runner = session.start();
    ALICE
        .run(
            &runner,
            "t",
            "r1",
            "sh env -i PATH=\"$PATH\" kubectl get pods > a\nenv -i PATH=\"$PATH\" git commit -h > b 2>&1",
        )
        .await;
    assert_eq!(left(&session, "a"), "args=get pods\n");
    assert!(left(&session, "b").contains("usage: git commit"), "{}", left(&session, "b"));
}

#[tokio::test]
async fn mounted_files_and_the_runners_variables_serve_a_session_without_a_backend() {
    let session = with_programs(Session::new(), &PROGRAMS.map(|(program, _)| (program, SAYS)));
    let folder = session.path("mounted");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("coderabbit", "mounted-coderabbit-0123456789\n");
    write("kubeconfig", "clusters: []\nusers: [{name: u, user: {token: mounted-cluster-0123456789}}]\n");
    let session = session
        .env("AMBIENT_CREDENTIALS_DIR", &folder.display().to_string())
        .env("JIRA_URL", "https://jira.example.net")
        .env("JIRA_EMAIL", "session@example.org")
        .env("JIRA_API_TOKEN", "own-jira-0123456789");
    let runner = session.start();
    Person("").run(&runner, "t", "r1", &all_into("all")).await;
    assert!(left(&session, "all-mcp-atlassian").contains("JIRA_API_TOKEN=own-jira-0123456789"));
    assert!(left(&session, "all-coderabbit").contains("CODERABBIT_API_KEY=mounted-coderabbit-0123456789"));
    assert!(left(&session, "all-kubectl").contains("token: mounted-cluster-0123456789"));
}
