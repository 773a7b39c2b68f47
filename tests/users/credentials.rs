//! Credentials reach the agent at use, for the person whose run is going, and nobody and nothing else.

use crate::{
    backend::{Backend, Mood},
    people::{ALICE, BOB, Person, appears, fill, helper, left, password, session},
    rig::{Session, is_text, text},
};

const HOUR: Mood = Mood::Well { seconds: 3600 };

#[tokio::test]
async fn git_gets_the_token_of_the_person_whose_run_is_going() {
    let backend = Backend::start(HOUR).await;
    let session = session(&backend);
    let runner = session.start();
    ALICE.run(&runner, "t", "r1", &fill("github.com", "a")).await;
    BOB.run(&runner, "t", "r2", &fill("github.com", "b")).await;
    assert!(password(&session, "a").starts_with("github-secret-of-alice-"));
    assert!(left(&session, "a").contains("username=x-access-token"));
    assert!(password(&session, "b").starts_with("github-secret-of-bob-"));
    let asked = &backend.asked()[0];
    assert_eq!((asked.path.as_str(), asked.user.as_str()), ("team/s1/github", "alice"));
    assert_eq!(asked.authorization, "Bearer caller-alice-0123456789");
}

#[tokio::test]
async fn bug_03_a_turn_that_goes_on_keeps_its_own_token_when_another_person_posts() {
    let backend = Backend::start(HOUR).await;
    let session = session(&backend);
    let runner = session.start();
    let again = format!("{}; echo first; sleep 400; {}", fill("github.com", "a1"), fill("github.com", "a2"));
    let mut alices = ALICE.begin(&runner, "one", "r1", &again).await;
    alices.until(is_text).await;
    BOB.run(&runner, "two", "r2", &fill("github.com", "b")).await;
    alices.rest().await;
    for (file, holder) in [("a1", "alice"), ("a2", "alice"), ("b", "bob")] {
        assert!(password(&session, file).starts_with(&format!("github-secret-of-{holder}-")), "{file}");
    }
}

#[tokio::test]
async fn no_token_is_in_the_agents_environment_or_in_a_file() {
    let backend = Backend::start(HOUR).await;
    let session = session(&backend);
    let runner = session.start();
    ALICE.run(&runner, "t", "r1", &format!("{}; sh env > env", fill("github.com", "/dev/null"))).await;
    let env = left(&session, "env");
    assert!(env.contains("AMBIENT_CREDENTIAL_KEY=") && env.contains("GIT_TERMINAL_PROMPT=0"), "{env}");
    assert!(!env.contains("secret-of") && !env.contains("caller-") && !env.contains("bot-token-"), "{env}");
    runner.kill();
    let kept = session.log_text() + &everything(&session, "ws") + &everything(&session, "home");
    assert!(!kept.contains("secret-of-alice") && !kept.contains("caller-alice"));
}

fn everything(session: &Session, folder: &str) -> String {
    let files = std::fs::read_dir(session.path(folder)).into_iter().flatten().flatten();
    files.filter_map(|file| std::fs::read_to_string(file.path()).ok()).collect()
}

#[tokio::test]
async fn a_token_that_was_given_out_is_redacted_where_the_agent_says_it() {
    let backend = Backend::start(HOUR).await;
    let session = session(&backend);
    let runner = session.start();
    let say = "sh printf 'protocol=https\\nhost=github.com\\n\\n' | git credential fill";
    let said = text(&ALICE.run(&runner, "t", "r1", say).await);
    assert!(said.contains("password=[redacted:GITHUB_TOKEN]"), "{said}");
    let key = text(&ALICE.run(&runner, "t", "r2", "env AMBIENT_CREDENTIAL_KEY").await);
    assert_eq!(key, "[redacted:AMBIENT_CREDENTIAL_KEY]");
    runner.kill();
    assert!(!session.log_text().contains("secret-of-alice"));
}

#[tokio::test]
async fn a_token_that_ends_in_mid_run_is_replaced_without_a_restart() {
    // It ends so soon that each use needs a new one.
    let backend = Backend::start(Mood::Well { seconds: 30 }).await;
    let session = session(&backend);
    let runner = session.start();
    let twice = format!("pid; echo and; {}; {}; echo and; pid", fill("github.com", "a1"), fill("github.com", "a2"));
    let said = text(&ALICE.run(&runner, "t", "r1", &twice).await);
    assert_ne!(password(&session, "a1"), password(&session, "a2"));
    let pids: Vec<_> = said.split("and").filter(|pid| !pid.is_empty()).collect();
    assert!(pids.len() == 2 && pids[0] == pids[1], "{said}");
}

#[tokio::test]
async fn a_token_that_the_host_refused_is_replaced() {
    let backend = Backend::start(HOUR).await;
    let session = session(&backend);
    let runner = session.start();
    let reject = "sh printf 'protocol=https\\nhost=github.com\\nusername=x\\npassword=%s\\n\\n' \
                  \"$(sed -n s/^password=//p a1)\" | git credential reject";
    ALICE.run(&runner, "t", "r1", &format!("{}; {}", fill("github.com", "a1"), fill("github.com", "a2"))).await;
    assert_eq!(password(&session, "a1"), password(&session, "a2"));
    ALICE.run(&runner, "t", "r2", &format!("{reject}; {}", fill("github.com", "a3"))).await;
    assert_ne!(password(&session, "a1"), password(&session, "a3"));
}

#[tokio::test]
async fn bug_21_a_credential_is_fetched_once_for_each_person_and_only_when_it_is_used() {
    let backend = Backend::start(HOUR).await;
    let session = session(&backend);
    let runner = session.start();
    for turn in 0..5 {
        ALICE.run(&runner, "t", &format!("quiet-{turn}"), "echo hello").await;
    }
    assert_eq!(backend.asked().len(), 0, "nobody has used one");
    for turn in 0..5 {
        ALICE.run(&runner, "t", &format!("r{turn}"), &helper("github.com", "a")).await;
    }
    let both = format!("{} & {}", helper("github.com", "b1"), &helper("github.com", "b2")["sh ".len()..]);
    BOB.run(&runner, "u", "b", &format!("{both} & wait")).await;
    assert_eq!(backend.asked().len(), 2, "one for alice, one for bob: {:?}", backend.asked());
}

#[tokio::test]
async fn bug_21_a_turn_starts_at_once_however_slow_the_backend_is() {
    let backend = Backend::start(Mood::Silent).await;
    let session = session(&backend);
    let runner = session.start();
    for turn in 0..3 {
        let mut stream = ALICE.begin(&runner, "t", &format!("r{turn}"), "echo hello").await;
        stream.until(|kind| matches!(kind, ambient::agui::EventKind::RunStarted { .. })).await;
        assert_eq!(text(&stream.rest().await), "hello");
    }
    assert_eq!(backend.asked().len(), 0);
}

#[tokio::test]
async fn a_credential_is_given_for_its_own_host_over_tls_only() {
    let backend = Backend::start(HOUR).await;
    let session = session(&backend);
    let runner = session.start();
    let hosts = ["gitlab.example.com", "gitlab.com", "github.com.evil.org", "evil.org"];
    for (number, host) in hosts.iter().enumerate() {
        ALICE.run(&runner, "t", &format!("r{number}"), &helper(host, host)).await;
    }
    assert!(password(&session, hosts[0]).starts_with("gitlab-secret-of-alice-"));
    for host in &hosts[1..] {
        assert_eq!(left(&session, host), "", "{host}");
    }
    let plain = helper("github.com", "plain").replace("protocol=https", "protocol=http");
    ALICE.run(&runner, "t", "plain", &plain).await;
    assert_eq!(left(&session, "plain"), "");
}

#[tokio::test]
async fn a_process_that_outlives_its_run_gets_nothing() {
    let backend = Backend::start(HOUR).await;
    let session = session(&backend);
    let runner = session.start();
    let wait = "until [ -e go ]\ndo sleep 0.05\ndone";
    let later = helper("github.com", "late")["sh ".len()..].to_owned();
    let script = format!("sh ({wait}\n({later}) 2> why\ntouch answered) > /dev/null 2>&1 < /dev/null &");
    ALICE.run(&runner, "t", "r1", &script).await;
    // The run is over; what it left running asks now.
    std::fs::write(session.path("ws/go"), "").unwrap();
    appears(&session, "answered").await;
    assert_eq!(left(&session, "late"), "quit=1\n");
    assert!(left(&session, "why").contains("while a run is going"), "{}", left(&session, "why"));
}

#[tokio::test]
async fn a_process_of_one_person_gets_nothing_in_the_run_of_another() {
    let backend = Backend::start(HOUR).await;
    let session = session(&backend);
    let runner = session.start();
    // Alice's agent says its key, and bob's uses it.
    ALICE.run(&runner, "t", "r1", "sh printf %s \"$AMBIENT_CREDENTIAL_KEY\" > key").await;
    let with = helper("github.com", "stolen").replacen("sh ", "sh export AMBIENT_CREDENTIAL_KEY=$(cat key) && ", 1);
    BOB.run(&runner, "t", "r2", &with).await;
    BOB.run(&runner, "u", "r3", &with.replace("stolen", "elsewhere")).await;
    assert_eq!(left(&session, "stolen"), "");
    assert!(!left(&session, "elsewhere").contains("password"));
}

#[tokio::test]
async fn the_github_cli_gets_the_token_in_its_own_environment() {
    let backend = Backend::start(HOUR).await;
    let session = session(&backend);
    let bin = session.path("tools");
    std::fs::create_dir(&bin).unwrap();
    let gh = bin.join("gh");
    std::fs::write(&gh, "#!/bin/sh\necho \"$GH_TOKEN $*\" > gh-said\n").unwrap();
    std::fs::set_permissions(&gh, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let session = session.env("PATH", &path);
    let runner = session.start();
    ALICE.run(&runner, "t", "r1", "sh gh pr list --limit 3").await;
    let said = left(&session, "gh-said");
    assert!(said.starts_with("github-secret-of-alice-") && said.ends_with(" pr list --limit 3\n"), "{said}");
}

#[tokio::test]
async fn mounted_files_serve_a_session_without_a_backend_and_are_read_at_use() {
    let session = Session::new();
    let folder = session.path("mounted");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("github", "mounted-token-0123456789\n");
    write("gitlab", "mounted-gitlab-0123456789\n");
    write("gitlab-url", "https://gitlab.example.com\n");
    let session = session.env("AMBIENT_CREDENTIALS_DIR", &folder.display().to_string());
    let runner = session.start();
    let ask = format!("{}; {}", fill("github.com", "a"), fill("gitlab.example.com", "b"));
    Person("").run(&runner, "t", "r1", &ask).await;
    assert_eq!(password(&session, "a"), "mounted-token-0123456789");
    assert_eq!(password(&session, "b"), "mounted-gitlab-0123456789");
}
