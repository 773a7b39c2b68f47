//! What people are told by Events.

use futures_util::StreamExt;
use k8s_openapi::api::events::v1::Event;
use kube::{
    api::ListParams,
    runtime::{WatchStreamExt, watcher},
};
use serde_json::json;

use crate::{
    cluster,
    rig::SOON,
    world::{Pods, World},
};

const RETENTION: &str = "ambient-code.io/event-retention-seconds";

fn is_about_it(event: &Event) -> bool {
    event.reason.as_deref() == Some("InvalidAnnotation")
}

/// How often people were told.
fn times(event: &Event) -> i32 {
    event.series.as_ref().map_or(1, |series| series.count)
}

/// Until people have been told so often.
async fn told(world: &World, wanted: i32) -> Event {
    let seen = watcher(world.cluster.api::<Event>(), watcher::Config::default()).default_backoff().applied_objects();
    let mut seen = std::pin::pin!(seen);
    let found = async {
        loop {
            if let Ok(event) = seen.next().await.expect("a watch goes on")
                && is_about_it(&event)
                && times(&event) >= wanted
            {
                return event;
            }
        }
    };
    tokio::time::timeout(SOON, found).await.expect("people are told")
}

#[test]
fn an_annotation_that_means_nothing_is_told_once_a_change() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({})).await;
        world.annotate("s1", RETENTION, "1h").await;
        let event = told(&world, 1).await;
        assert_eq!((event.type_.as_deref(), event.regarding.unwrap().name.as_deref()), (Some("Warning"), Some("s1")));
        assert!(event.note.unwrap().contains("expected a number of seconds"));
        // None of what follows is another word about it.
        for number in 0..5 {
            world.annotate("s1", "example.com/other", &number.to_string()).await;
            world.settle().await;
        }
        world.annotate("s1", RETENTION, "2h").await;
        assert_eq!(times(&told(&world, 2).await), 2, "once a change");
        world.annotate("s1", RETENTION, "3600").await;
        world.settle().await;
        let all = world.cluster.api::<Event>().list(&ListParams::default()).await.unwrap();
        let ours: Vec<i32> = all.iter().filter(|event| is_about_it(event)).map(times).collect();
        assert_eq!(ours, [2]);
    });
}
