//! The operator is killed again and again, wherever it happens to be.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use ambient::api::{AgenticSession, Run, run::RunPhase};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    cluster,
    world::{Pods, World, run_phase},
};

const SESSIONS: usize = 5;
const RUNS: usize = 3;

/// How often it is killed in all; `make soak` says 100.
fn points() -> usize {
    std::env::var("AMBIENT_SOAK_POINTS").ok().and_then(|points| points.parse().ok()).unwrap_or(10)
}

/// A small generator: the same points again for the same seed, as far as a real system goes.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        let given = std::env::var("AMBIENT_SOAK_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 | 1);
        println!("AMBIENT_SOAK_SEED={seed}");
        Self(seed)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Five sessions with three Runs each. All their pods lead to the test's one runner, so they have its token.
async fn scenario(world: &World, round: usize) -> Vec<String> {
    let token = world.cluster.api::<Secret>().get("ambient-runner-token-s1").await.unwrap().data;
    let params = PatchParams::apply("test").force();
    let mut runs = Vec::new();
    for number in 0..SESSIONS {
        let session = format!("k{round}-{number}");
        let secret = json!({
            "metadata": {"name": format!("ambient-runner-token-{session}"), "labels": {"agentic-session": session}},
            "data": token,
        });
        let secret: Secret = serde_json::from_value(secret).unwrap();
        world.cluster.api::<Secret>().create(&PostParams::default(), &secret).await.unwrap();
        let object = json!({
            "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "AgenticSession",
            "metadata": {"name": session}, "spec": {"displayName": session},
        });
        world.cluster.api::<AgenticSession>().patch(&session, &params, &Patch::Apply(&object)).await.unwrap();
        for run in 0..RUNS {
            let name = format!("{session}-{run}");
            let object = json!({
                "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "Run", "metadata": {"name": name},
                "spec": {"sessionRef": {"name": session}, "prompt": "echo a; sleep 150; echo done"},
            });
            world.cluster.api::<Run>().patch(&name, &params, &Patch::Apply(&object)).await.unwrap();
            runs.push(name);
        }
    }
    runs
}

/// Must show 3, on an API server where nothing runs pods.
#[test]
fn an_operator_that_is_killed_at_random_points_has_every_run_executed_once() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({})).await;
        let pod = world.pod_until("s1-runner", |pod| pod.is_some()).await;
        assert!(pod.is_some());
        let mut chance = Chance::new();
        let (mut left, mut round, mut all) = (points(), 0, 0);
        while left > 0 {
            let runs = scenario(&world, round).await;
            for _ in 0..left.min(10) {
                tokio::time::sleep(Duration::from_millis(chance.below(600))).await;
                world.restart_operator();
            }
            for name in &runs {
                let run = world.run_until(name, |run| run_phase(run).is_terminal()).await;
                assert_eq!(run_phase(&run), RunPhase::Succeeded, "{name}: {:?}", run.status);
                assert_eq!(run.status.as_ref().unwrap().attempt, Some(1), "{}", run.name_any());
            }
            (left, round, all) = (left.saturating_sub(10), round + 1, all + runs.len());
        }
        world.stop_operator();
        let (said, kept) = (logs(&world.runner.path("data")), logs(world.events.path()));
        let sessions = world.cluster.api::<AgenticSession>().list(&ListParams::default()).await.unwrap();
        let mut finished = 0;
        for session in sessions.iter().filter(|session| session.name_any().starts_with('k')) {
            let (uid, name) = (session.uid().unwrap(), session.name_any());
            // Everything that the runner said, once and in order.
            assert_eq!(kept[&format!("{uid}/{name}")], said[&name], "{name}");
            let of = |kind: &str| said[&name].iter().filter(|record| record["event"]["type"] == kind).count();
            assert_eq!((of("RUN_STARTED"), of("RUN_FINISHED")), (RUNS, RUNS), "{name}");
            finished += RUNS;
        }
        assert_eq!(finished, all);
    });
}

/// The records of each thread of a data directory.
fn logs(dir: &Path) -> BTreeMap<String, Vec<Value>> {
    let thread = |dir: PathBuf| {
        let mark: Value = serde_json::from_slice(&fs::read(dir.join("thread.json")).unwrap()).unwrap();
        let mut segments: Vec<PathBuf> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        segments.retain(|path| is_segment(path));
        segments.sort();
        let lines: Vec<String> = segments
            .iter()
            .flat_map(|path| fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let records = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        (mark["threadId"].as_str().unwrap().to_owned(), records)
    };
    fs::read_dir(dir.join("threads")).unwrap().map(|entry| thread(entry.unwrap().path())).collect()
}

/// `<first seq>.jsonl`
fn is_segment(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    path.extension().is_some_and(|extension| extension == "jsonl") && stem.bytes().all(|byte| byte.is_ascii_digit())
}
