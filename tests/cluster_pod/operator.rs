//! The default install on a real node: sessions of the real agent, and what people are told when one does not come up.

use ambient::api::{AgenticSession, Run, outcome::OutcomeReason, run::RunPhase, session::SessionPhase};
use kube::ResourceExt;
use serde_json::json;

use crate::{
    cluster::Cluster,
    command,
    images::root,
    install::{apply, ended, phase, ready_message, until, with_install, with_key},
};

#[test]
fn the_default_install_runs_the_example_and_says_what_keeps_others_from_running() {
    with_install(&[], |cluster| async move {
        // Without the Secret the pod waits, and says for what; it comes up when the Secret is there.
        let example = root().join("examples/fix-bug.yaml");
        let namespace = format!("--namespace={}", cluster.namespace);
        cluster.ring.kubectl(&["apply", &namespace, "-f", example.to_str().unwrap()]).unwrap();
        let waits = |session: &AgenticSession| {
            session.status.is_some() && ready_message(session).contains("ambient-runner-secrets")
        };
        until::<AgenticSession>(&cluster, "fix-bug", "waiting for its Secret", waits).await;
        with_key(&cluster, "key-of-no-value").await;
        let run = until::<Run>(&cluster, "fix-bug-initial", "at its end", ended).await;
        let status = run.status.clone().unwrap();
        assert_eq!(status.phase, RunPhase::Succeeded, "{status:?}");
        assert!(status.usage.is_some() && status.result.is_some() && status.events.is_some(), "{status:?}");
        // The files of the manifest are where the agent works.
        let file =
            ["exec", &namespace, "fix-bug-runner", "--container=agent", "--", "cat", "/workspace/calculator/README.md"];
        assert!(cluster.ring.kubectl(&file).unwrap().contains("adds whole numbers"));
        println!("{}", cluster.ring.kubectl(&["get", "as,arun", &namespace]).unwrap());
        let owned = run.labels()["agentic-session"].clone();
        assert_eq!(owned, "fix-bug");
        command::shows(&cluster, "fix-bug-initial").await;
        command::runs(&cluster).await;
        cannot_be_cloned(&cluster).await;
    });
}

/// A repository that would be cloned without TLS fails the set-up at once, and the Run with it.
async fn cannot_be_cloned(cluster: &Cluster) {
    let repos = json!([{"url": "http://127.0.0.1/nothing.git"}]);
    apply(cluster, "no-repo", json!({"repos": repos, "initialPrompt": "Say hello", "activeDeadlineSeconds": 600}))
        .await;
    let failed = |session: &AgenticSession| phase(session) == SessionPhase::Failed;
    let session = until::<AgenticSession>(cluster, "no-repo", "failed", failed).await;
    assert!(ready_message(&session).contains("spec.repos[0].url"), "{}", ready_message(&session));
    let run = until::<Run>(cluster, "no-repo-initial", "at its end", ended).await;
    assert_eq!(run.status.unwrap().outcome.unwrap().reason, OutcomeReason::SetupFailed);
}
