//! What the agent's container cannot reach: it runs what a model, or a repository, tells it to.

use crate::{
    images::with_images,
    pod::{AGENT, RUNNER, Session},
};

/// Everything that a process could read of others.
const PROCESSES: &str = "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'";

#[test]
fn the_runners_token_files_and_log_are_out_of_the_agents_reach() {
    with_images(|cluster, images| async move {
        let session = Session::start(cluster, &images).await;
        let run = format!("run-{}", uuid::Uuid::new_v4().simple());
        assert_eq!(session.begin(&run, "Say something").await.rest().await.reason(), "Completed");
        let find = |container: &str, text: &str| {
            // No match is exit code 1, as is a file that cannot be read; what counts is what was found.
            let script = format!(
                "timeout 60 grep -rlsF -e '{text}' / --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev --exclude=claude || true"
            );
            session.exec(container, &["sh", "-c", &script]).unwrap()
        };
        let processes = |container: &str| session.exec(container, &["sh", "-c", PROCESSES]).unwrap();

        // The runner has them, so the same search would find them.
        assert!(processes(RUNNER).contains(&session.token));
        assert!(find(RUNNER, &run).contains("/var/lib/ambient"));
        let bot_token = session.exec(RUNNER, &["cat", "/var/run/secrets/ambient/bot-token"]).unwrap();
        assert!(bot_token.starts_with("ey"));

        let agents = processes(AGENT);
        assert!(agents.lines().any(|line| line.ends_with("claude")), "{agents}");
        assert!(!agents.lines().any(|line| line == "runner"), "{agents}");
        assert!(!agents.contains(&session.token) && !agents.contains(&bot_token));
        for text in [&session.token, &run, bot_token.trim()] {
            assert_eq!(find(AGENT, text), "");
        }
        for path in ["/var/run/secrets", "/var/lib/ambient"] {
            assert!(session.exec(AGENT, &["ls", path]).is_err(), "{path}");
        }
    });
}

#[test]
fn each_container_writes_only_where_it_should() {
    with_images(|cluster, images| async move {
        let session = Session::start(cluster, &images).await;
        let may_write = |container: &str, folder: &str| {
            let script = format!("touch {folder}/probe && rm {folder}/probe");
            session.exec(container, &["sh", "-c", &script]).is_ok()
        };
        for folder in ["/workspace", "/workspace/artifacts", "/app/.claude", "/home/ambient", "/tmp"] {
            assert!(may_write(AGENT, folder), "{folder}");
        }
        for folder in ["/", "/usr/local/bin", "/workspace/workflows"] {
            assert!(!may_write(AGENT, folder), "{folder}");
        }
        for folder in ["/workspace", "/workspace/workflows", "/var/lib/ambient", "/tmp"] {
            assert!(may_write(RUNNER, folder), "{folder}");
        }
        for folder in ["/", "/usr/local/bin", "/app/.claude", "/var/run/secrets/ambient"] {
            assert!(!may_write(RUNNER, folder), "{folder}");
        }
    });
}

#[test]
fn the_agent_shares_the_runners_network_and_still_needs_its_token() {
    with_images(|cluster, images| async move {
        let session = Session::start(cluster, &images).await;
        let url = "http://127.0.0.1:8001/events/example";
        let code = ["curl", "-s", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}", url];
        assert_eq!(session.exec(AGENT, &code).unwrap(), "401");
    });
}
