//! What people and the platform ask by annotations while others write annotations of their own.

use ambient::api::{AgenticSession, session::SessionPhase};
use futures_util::future::join_all;
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{
    cluster,
    world::{Pods, World, is_asked, phase},
};

/// How many write at once.
const WRITERS: usize = 3;
/// How many annotations each of them writes in a round, as fast as the API server takes them.
const WRITES: usize = 40;

fn key(round: usize, writer: usize, number: usize) -> String {
    format!("example.com/of-{round}-{writer}-{number}")
}

async fn write(api: Api<AgenticSession>, round: usize, writer: usize) {
    for number in 0..WRITES {
        let patch = json!({"metadata": {"annotations": {key(round, writer, number): "here"}}});
        api.patch("s1", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }
}

/// Item 21 of the original's weaknesses: it reads all annotations, changes one and writes all of them.
#[test]
fn weakness_21_what_others_write_while_a_request_is_cleared_is_all_there() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({})).await;
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        let (stop, start) = (("Stopped", SessionPhase::Stopped), ("Running", SessionPhase::Running));
        let rounds = [stop, start, stop, start];
        for (round, (asked, wanted)) in rounds.into_iter().enumerate() {
            world.annotate("s1", "ambient-code.io/desired-phase", asked).await;
            join_all((0..WRITERS).map(|writer| write(world.cluster.api(), round, writer))).await;
            world.session_until("s1", |session| phase(session) == wanted && !is_asked(session)).await;
        }
        // What is asked while the request before it is carried out is not cleared with that.
        for asked in ["Stopped", "Running", "Stopped"] {
            world.annotate("s1", "ambient-code.io/desired-phase", asked).await;
        }
        let session =
            world.session_until("s1", |session| phase(session) == SessionPhase::Stopped && !is_asked(session)).await;
        let every = (0..rounds.len()).flat_map(|round| {
            (0..WRITERS).flat_map(move |writer| (0..WRITES).map(move |number| key(round, writer, number)))
        });
        let lost: Vec<String> = every.filter(|key| !session.annotations().contains_key(key)).collect();
        assert_eq!(lost, [""; 0]);
    });
}
