//! The operator says how it does at `/metrics`; where else telemetry might go is nothing that could keep it from its work.

use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::{
    cluster,
    world::{Pods, World},
};

/// Item 12 of the original's weaknesses: without an endpoint each new session is a panic before its pod is made.
#[test]
fn weakness_12_sessions_get_their_pods_whatever_is_said_about_an_endpoint_for_telemetry() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Unschedulable).await;
        let environments: [&[(&str, &str)]; 4] = [
            &[],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:1"), ("OTEL_SERVICE_NAME", "")],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "::no address:: %"), ("OTEL_METRICS_EXPORTER", "none of any kind")],
        ];
        for (number, environment) in environments.into_iter().enumerate() {
            world.restart_operator_in(environment);
            let name = format!("s{number}");
            world.session(&name, json!({})).await;
            world.pod_until(&format!("{name}-runner"), |pod: Option<&Pod>| pod.is_some()).await;
            let wanted = [
                "ambient_api_requests_total{verb=\"create\",resource=\"pods\",code=\"201\"}",
                "ambient_reconcile_duration_seconds_count{kind=\"session\",result=\"ok\"}",
            ];
            world.operator().metrics_until(|samples| wanted.iter().all(|name| samples.contains_key(*name))).await;
        }
    });
}
