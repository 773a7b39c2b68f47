//! How often the operator asks and writes.

use std::collections::BTreeMap;

use ambient::api::session::SessionPhase;
use serde_json::json;

use crate::{
    cluster,
    world::{self, Pods, World, phase, run_phase},
};

type Samples = BTreeMap<String, f64>;

/// Requests with one of these verbs, without Events and leases.
fn requests(samples: &Samples, verbs: &[&str]) -> f64 {
    let counted = samples.iter().filter(|(name, _)| {
        let is = |label: &str, value: &str| name.contains(&format!("{label}=\"{value}\""));
        name.starts_with("ambient_api_requests_total{")
            && verbs.iter().any(|verb| is("verb", verb))
            && !is("resource", "events")
            && !is("resource", "leases")
    });
    counted.map(|(_, count)| count).sum()
}

fn writes(samples: &Samples) -> f64 {
    requests(samples, &["create", "patch", "update", "delete", "deletecollection"])
}

/// Everything but watches, and what begins one.
fn asks(samples: &Samples) -> f64 {
    writes(samples) + requests(samples, &["get", "other"])
}

fn sample(samples: &Samples, name: &str) -> f64 {
    samples.get(name).copied().unwrap_or_default()
}

/// Whether everything that there was has been looked at.
fn at_rest(samples: &Samples) -> bool {
    let done =
        |kind| sample(samples, &format!("ambient_reconcile_duration_seconds_count{{kind=\"{kind}\",result=\"ok\"}}"));
    let waits = |kind| sample(samples, &format!("ambient_queue_depth{{kind=\"{kind}\"}}"));
    done("session") > 0.0 && done("run") > 0.0 && waits("session") == 0.0 && waits("run") == 0.0
}

/// What was written until nothing is any more for a second: an operator that begins sees to its own gateway.
async fn settled_writes(world: &World) -> f64 {
    let deadline = std::time::Instant::now() + crate::rig::SOON;
    let mut before = f64::NAN;
    loop {
        let now = writes(&world.operator().metrics().await);
        if (now - before).abs() < 0.5 {
            return now;
        }
        assert!(std::time::Instant::now() < deadline, "it writes all the time");
        before = now;
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

#[test]
fn a_session_and_a_run_cost_few_writes() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        let start = settled_writes(&world).await;
        world.session("s1", json!({})).await;
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        let running = settled_writes(&world).await - start;
        // Account, Service, policy, pod and two statuses at least; the token is the test's own and taken over.
        assert!((6.0..=8.0).contains(&running), "{running} writes to Running: {:#?}", world.operator().metrics().await);
        world.run("r1", json!({"prompt": "echo hello"})).await;
        world.run_until("r1", |run| run_phase(run).is_terminal()).await;
        let counted = |session: &_| world::status(session).runs.is_some_and(|runs| runs.succeeded == 1);
        world.session_until("s1", counted).await;
        let run = settled_writes(&world).await - start - running;
        assert!(run <= 6.0, "{run} writes a Run: {:#?}", world.operator().metrics().await);
        world.annotate("s1", "ambient-code.io/desired-phase", "Stopped").await;
        let stopped = |session: &_| phase(session) == SessionPhase::Stopped && !world::is_asked(session);
        world.session_until("s1", stopped).await;
        let life = settled_writes(&world).await - start - run;
        assert!(life <= 14.0, "{life} writes in a session's life");
    });
}

/// Must show 4, and weaknesses 20 of the original: polling, and writes that change nothing.
#[test]
fn weakness_20_a_settled_system_asks_nothing_and_ten_forced_reconciles_write_nothing() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({"initialPrompt": "echo hello", "files": [{"path": "a.txt", "content": "a"}]})).await;
        world.run_until("s1-initial", |run| run_phase(run).is_terminal()).await;
        world.session_until("s1", |session| world::status(session).runs.is_some_and(|runs| runs.succeeded == 1)).await;
        settled_writes(&world).await;
        let settled = asks(&world.operator().metrics_until(at_rest).await);
        let before = world.versions().await;
        tokio::time::sleep(std::time::Duration::from_secs(3)).await;
        assert!((asks(&world.operator().metrics().await) - settled).abs() < 0.5, "a settled system asks nothing");
        for _ in 0..10 {
            // An operator that begins looks at everything.
            world.restart_operator();
            let samples = world.operator().metrics_until(at_rest).await;
            let asked = asks(&samples);
            // Its gateway's certificate, and where clients find that.
            assert!(asked < 2.5, "{asked} requests: {samples:#?}");
        }
        assert_eq!(world.versions().await, before);
    });
}

#[test]
fn the_metrics_tell_what_has_happened() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({"initialPrompt": "echo hello"})).await;
        world.run_until("s1-initial", |run| run_phase(run).is_terminal()).await;
        world.session_until("s1", |session| world::status(session).runs.is_some_and(|runs| runs.succeeded == 1)).await;
        let samples = world
            .operator()
            .metrics_until(|samples| sample(samples, "ambient_runs{phase=\"Succeeded\"}") > 0.0 && at_rest(samples))
            .await;
        for (name, wanted) in [
            ("ambient_leader", 1.0),
            ("ambient_runs_finished_total{outcome=\"Completed\"}", 1.0),
            ("ambient_sessions{phase=\"Running\"}", 1.0),
            ("ambient_session_startup_duration_seconds_count", 1.0),
            ("ambient_api_requests_total{verb=\"create\",resource=\"pods\",code=\"201\"}", 1.0),
        ] {
            assert!((sample(&samples, name) - wanted).abs() < 0.5, "{name}: {samples:#?}");
        }
        // From Creating, or from Pending when the pod was ready before the status was written.
        let to_running = |name: &str| name.starts_with("ambient_session_phase") && name.ends_with("to=\"Running\"}");
        let begun: f64 = samples.iter().filter(|(name, _)| to_running(name)).map(|(_, count)| count).sum();
        assert!((begun - 1.0).abs() < 0.5, "{samples:#?}");
        let version = format!("ambient_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
        assert!(samples.contains_key(&version), "{version}");
        // Names of objects would make a series for each.
        assert!(samples.keys().all(|name| !name.contains("s1")), "{samples:#?}");
    });
}
