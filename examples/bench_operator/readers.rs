//! Thousands who read one live run through the gateway: each gets every event, and soon.

use std::{path::PathBuf, sync::Arc};

use ambient::{api::RunStatus, operator::gateway::AUDIENCE};
use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
    rbac::v1::{Role, RoleBinding},
};
use kube::{Api, api::PostParams};
use serde_json::json;
use tokio::task::JoinSet;
use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::{
    Arguments, Result,
    figures::{Figure, Figures, Goal},
    live::{Live, SESSION},
    reader::{Door, Read, read},
    stats::Sample,
};

/// What they read: a delta at a time, as an agent writes.
const PROMPT: &str = "deltas 80 paced 4";
/// How many come at once.
const DOORS: usize = 64;

/// Readers before the run begins, to its end.
pub(crate) async fn measure(arguments: &Arguments, figures: &mut Figures) -> Result<()> {
    let (certificate, files) = certificate(arguments)?;
    let mut live = Live::begin(arguments, "readers", &files).await?;
    // From here on there is a log to read.
    let after = last(&live.run("warm", "echo hello").await?);
    let token = token(&live).await?;
    let path = format!("/v1/namespaces/{}/sessions/{SESSION}/events?after={after}&format=record", live.namespace);
    let door = Arc::new(Door::new(certificate, live.operator.gateway, &path, &token)?);
    let open = |_| {
        let door = Arc::clone(&door);
        async move { door.open().await }
    };
    let streams: Vec<_> = stream::iter(0..arguments.readers).map(open).buffer_unordered(DOORS).try_collect().await?;
    let mut readers: JoinSet<Result<Read>> = streams.into_iter().map(|body| read(body, after)).collect();
    let cpu = live.operator.cpu()?;
    let status = live.run("read", PROMPT).await?;
    let mut all = Vec::new();
    while let Some(ended) = readers.join_next().await {
        all.push(ended?.inspect_err(|error| eprintln!("a reader failed: {error}")));
    }
    let used = live.operator.cpu()?.since(&cpu).as_secs_f64();
    let memory = live.operator.memory()?;
    report(arguments, &status, &all, (used, memory), figures)?;
    live.end().await
}

fn last(status: &RunStatus) -> u64 {
    status.events.as_ref().map_or(0, |events| events.last_id)
}

fn report(
    arguments: &Arguments,
    status: &RunStatus,
    all: &[Result<Read>],
    (cpu, memory): (f64, f64),
    figures: &mut Figures,
) -> Result<()> {
    let events = status.events.as_ref().map_or(0, |events| events.count);
    let reads = || all.iter().filter_map(|read| read.as_ref().ok());
    let complete = u32::try_from(reads().filter(|read| read.records == events).count())?;
    let delays = Sample::of(reads().flat_map(|read| read.delays.iter().copied()));
    let wanted = f64::from(u32::try_from(arguments.readers)?);
    let delivered = wanted * f64::from(u32::try_from(events)?);
    let note = format!("{events} events each, \"{PROMPT}\"; {}", delays.spread(1));
    let rows = [
        ("with every event", f64::from(complete), "readers", Some(Goal::AtLeast(wanted))),
        ("append to arrival, p50", delays.median(), "ms", None),
        ("append to arrival, p99", delays.percentile(99), "ms", Some(Goal::AtMost(100.0))),
        ("operator's CPU per delivered event", cpu * 1e6 / delivered, "µs", None),
        ("operator's memory (RSS)", memory, "MB", None),
    ];
    for (what, value, unit, goal) in rows {
        let name = format!("{} readers of the gateway, {what}", arguments.readers);
        figures.add(Figure { name, value, unit, goal, original: None, note: note.clone() });
    }
    Ok(())
}

/// A certificate for the gateway, and how the operator is told of it.
fn certificate(arguments: &Arguments) -> Result<(CertificateDer<'static>, [String; 4])> {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()])?;
    let file = |name: &str, text: String| -> Result<PathBuf> {
        let path = arguments.results.join(name);
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let path = |path: PathBuf| path.display().to_string();
    let certificate = path(file("gateway.crt", made.cert.pem())?);
    let key = path(file("gateway.key", made.signing_key.serialize_pem())?);
    let files = ["--gateway-tls-cert".to_owned(), certificate, "--gateway-tls-key".to_owned(), key];
    Ok((made.cert.der().clone(), files))
}

/// The token of somebody who may read the session's events.
async fn token(live: &Live) -> Result<String> {
    let (client, namespace, new) = (live.client.clone(), live.namespace, PostParams::default());
    let what =
        json!({ "apiGroups": ["vteam.ambient-code"], "resources": ["agenticsessions/events"], "verbs": ["get"] });
    let role: Role = serde_json::from_value(json!({ "metadata": { "name": "reader" }, "rules": [what] }))?;
    Api::<Role>::namespaced(client.clone(), namespace).create(&new, &role).await?;
    let binding: RoleBinding = serde_json::from_value(json!({
        "metadata": { "name": "reader" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader" },
        "subjects": [{ "kind": "ServiceAccount", "name": "reader", "namespace": namespace }],
    }))?;
    Api::<RoleBinding>::namespaced(client.clone(), namespace).create(&new, &binding).await?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client, namespace);
    accounts.create(&new, &serde_json::from_value(json!({ "metadata": { "name": "reader" } }))?).await?;
    let spec = TokenRequestSpec { audiences: vec![AUDIENCE.to_owned()], ..TokenRequestSpec::default() };
    let given =
        accounts.create_token_request("reader", &new, &TokenRequest { spec, ..TokenRequest::default() }).await?;
    Ok(given.status.ok_or("no token was given")?.token)
}
