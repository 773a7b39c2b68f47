//! Sessions, as a client makes them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use ambient::api::AgenticSession;
use k8s_openapi::api::core::v1::{Namespace, Secret, ServiceAccount};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, PostParams},
    core::ObjectMeta,
    runtime::wait::await_condition,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{Arguments, Result};

/// How many connections a burst comes through.
const CONNECTIONS: usize = 8;

/// A namespace that pods can be created in.
pub(crate) async fn namespace(client: &Client, name: &str) -> Result<()> {
    let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
    let object = Namespace { metadata, ..Namespace::default() };
    Api::<Namespace>::all(client.clone()).create(&PostParams::default(), &object).await?;
    // Without the provider's keys no pod is made.
    let secret =
        json!({ "metadata": { "name": "ambient-runner-secrets" }, "stringData": { "ANTHROPIC_API_KEY": "none" } });
    let secret: Secret = serde_json::from_value(secret)?;
    Api::<Secret>::namespaced(client.clone(), name).create(&PostParams::default(), &secret).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), name);
    await_condition(accounts, "default", |account: Option<&ServiceAccount>| account.is_some()).await?;
    Ok(())
}

/// Makes one; the time at which the API server had it.
pub(crate) async fn create(client: &Client, namespace: &str, name: &str) -> Result<Instant> {
    let session = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "AgenticSession",
        "metadata": { "name": name }, "spec": { "displayName": name },
    });
    let session: AgenticSession = serde_json::from_value(session)?;
    Api::namespaced(client.clone(), namespace).create(&PostParams::default(), &session).await?;
    Ok(Instant::now())
}

/// Makes all of them as fast as eight connections go. When each of them was there.
pub(crate) async fn burst(arguments: &Arguments, namespace: &str, names: &[String]) -> Result<Vec<Instant>> {
    let next = Arc::new(AtomicUsize::new(0));
    let names: Arc<[String]> = names.into();
    let mut workers: JoinSet<Result<Vec<(usize, Instant)>>> = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (client, namespace) = (arguments.client().await?, namespace.to_owned());
        let (next, names) = (Arc::clone(&next), Arc::clone(&names));
        workers.spawn(async move {
            let mut made = Vec::new();
            while let number = next.fetch_add(1, Ordering::Relaxed)
                && let Some(name) = names.get(number)
            {
                made.push((number, create(&client, &namespace, name).await?));
            }
            Ok(made)
        });
    }
    let mut made = Vec::new();
    while let Some(worker) = workers.join_next().await {
        made.extend(worker??);
    }
    made.sort_unstable_by_key(|(number, _)| *number);
    Ok(made.into_iter().map(|(_, at)| at).collect())
}

/// Deletes every session and waits until they are gone.
pub(crate) async fn clear(client: &Client, namespace: &str) -> Result<()> {
    let api: Api<AgenticSession> = Api::namespaced(client.clone(), namespace);
    api.delete_collection(&DeleteParams::background(), &ListParams::default()).await?;
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(client.clone(), namespace);
    while !pods.list_metadata(&ListParams::default().limit(1)).await?.items.is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    Ok(())
}

/// Names of sessions.
pub(crate) fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}
