//! The log of a session whose pod is there: its runner's own.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;

use super::source::{Log, Records, Source};
use crate::{
    eventlog::{Record, Seq},
    operator::{
        context::Context,
        run::records,
        session::{self, evidence},
    },
    security::Secret,
};

/// The header with the runner's token.
const TOKEN: &str = "x-ambient-session-token";
/// How long a stream may be silent: the runner says every 15 s that it lives.
const SILENCE: Duration = Duration::from_mins(1);
/// The pause before a runner is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// Reads from runners.
pub(super) struct Runners(pub(super) Arc<Context>);

/// A runner that can be asked.
struct Place {
    url: url::Url,
    token: Secret,
}

impl Runners {
    fn place(context: &Context, log: &Log) -> Option<Place> {
        let (session, pod) = context.runner_of(&log.namespace, &log.session, &log.uid)?;
        let address = address(&pod)?;
        let port = session::inputs::port(&pod).unwrap_or(context.config.port);
        let url = url::Url::parse(&format!("http://{address}:{port}")).ok()?;
        Some(Place { url, token: context.token_of(&session)? })
    }
}

fn address(pod: &Pod) -> Option<String> {
    let address = pod.status.as_ref()?.pod_ip.clone()?;
    let is_up = matches!(evidence::state(Some(pod)), evidence::PodState::Ready | evidence::PodState::Unready);
    let host = if address.contains(':') { format!("[{address}]") } else { address };
    is_up.then_some(host)
}

impl Source for Runners {
    fn has(&self, log: &Log) -> bool {
        Self::place(&self.0, log).is_some()
    }

    fn read(&self, log: &Log, after: Seq) -> Records {
        let tail = Tail { context: Arc::clone(&self.0), log: log.clone(), after, open: None };
        stream::unfold(tail, |mut tail| async move { tail.next().await.map(|records| (records, tail)) })
            .flat_map(stream::iter)
            .boxed()
    }
}

struct Tail {
    context: Arc<Context>,
    log: Log,
    after: Seq,
    open: Option<(reqwest::Response, records::Records)>,
}

impl Tail {
    /// The next records; none when the runner is gone.
    async fn next(&mut self) -> Option<Vec<Record>> {
        loop {
            if self.open.is_none() {
                let place = Runners::place(&self.context, &self.log)?;
                self.open = self.ask(&place).await.ok().map(|response| (response, records::Records::default()));
            }
            match &mut self.open {
                None => tokio::time::sleep(PAUSE).await,
                Some((response, records)) => match tokio::time::timeout(SILENCE, response.chunk()).await {
                    Ok(Ok(Some(piece))) => {
                        let after = self.after;
                        let new: Vec<Record> =
                            records.feed(&piece).into_iter().filter(|record| record.seq > after).collect();
                        if let Some(last) = new.last() {
                            self.after = last.seq;
                            return Some(new);
                        }
                    }
                    // The runner ends, or its node is lost: the pod will tell.
                    Ok(Ok(None) | Err(_)) | Err(_) => {
                        self.open = None;
                        tokio::time::sleep(PAUSE).await;
                    }
                },
            }
        }
    }

    async fn ask(&self, place: &Place) -> reqwest::Result<reqwest::Response> {
        let mut url = place.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.extend(["events", &*self.log.thread]);
        }
        url.set_query(Some(&format!("after={}&format=record", self.after)));
        let request = self.context.http.get(url).header(TOKEN, place.token.expose());
        request.send().await?.error_for_status()
    }
}
