//! `ambient session-trigger` with the rights of its own account, as the platform's `CronJobs` run it.

use std::process::{Command, Output};

use ambient::api::{AgenticSession, Run, session::SessionPhase};
use kube::{ResourceExt, api::ListParams};
use serde_json::json;

use crate::{
    account::Account,
    cluster,
    world::{Pods, World, phase, run_phase},
};

async fn trigger(world: &World, template: &serde_json::Value, reuse: &str) -> Output {
    let account = Account::token_of(&world.cluster, &world.cluster.namespace, "ambient-session-trigger").await;
    let namespace = world.cluster.namespace.clone();
    let (template, reuse) = (template.to_string(), reuse.to_owned());
    let work = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_ambient"))
            .arg("session-trigger")
            .env_clear()
            .env("KUBECONFIG", account.path())
            .env("SESSION_TEMPLATE", template)
            .env("PROJECT_NAMESPACE", namespace)
            .env("SCHEDULED_SESSION_NAME", "daily")
            .env("REUSE_LAST_SESSION", reuse)
            .output()
            .unwrap()
    });
    work.await.unwrap()
}

async fn sessions(world: &World) -> Vec<AgenticSession> {
    let params = ListParams::default().labels("ambient-code.io/scheduled-session-name=daily");
    world.cluster.api::<AgenticSession>().list(&params).await.unwrap().items
}

fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn weakness_26_a_schedule_makes_a_session_with_its_runner_and_starts_the_last_one_again_with_the_prompt() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.settings(json!([])).await;
        let template = json!({"displayName": "Daily", "initialPrompt": "echo one", "runnerType": "claude-agent-sdk"});
        succeeds(&trigger(&world, &template, "false").await);
        let made = sessions(&world).await;
        let name = made[0].name_any();
        assert_eq!(made[0].spec.environment_variables["RUNNER_TYPE"], "claude-agent-sdk");
        world.session_until(&name, |session| phase(session) == SessionPhase::Running).await;
        // Its runner is not the test's; the Run waits for one, and is not what this is about.
        world.annotate(&name, "ambient-code.io/desired-phase", "Stopped").await;
        world
            .session_until(&name, |session| phase(session) == SessionPhase::Stopped && !crate::world::is_asked(session))
            .await;
        succeeds(&trigger(&world, &json!({"initialPrompt": "echo two"}), "true").await);
        let again = |session: &AgenticSession| {
            phase(session) == SessionPhase::Running
                && !session.annotations().contains_key("ambient-code.io/force-execute-prompt")
                && session.spec.initial_prompt.as_deref() == Some("echo two")
        };
        world.session_until(&name, again).await;
        assert_eq!(sessions(&world).await.len(), 1);
        let runs = world.cluster.api::<Run>().list(&ListParams::default()).await.unwrap().items;
        let of_two: Vec<&Run> = runs.iter().filter(|run| run.spec.prompt.as_deref() == Some("echo two")).collect();
        assert_eq!(
            of_two.len(),
            1,
            "{:?}",
            runs.iter().map(|run| (run.name_any(), run_phase(run))).collect::<Vec<_>>()
        );
        let wrong = trigger(&world, &json!({"repos": [{"url": "ftp://x/y"}]}), "false").await;
        assert!(!wrong.status.success());
        assert!(String::from_utf8_lossy(&wrong.stderr).contains("spec.repos[0].url"));
    });
}
