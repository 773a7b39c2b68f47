//! One operator reconciles; the others wait for its lease (`coordination.k8s.io/v1`).
//!
//! Who holds the lease renews it. A lease that nobody has renewed for its whole term, measured by the clock of whoever looks,
//! is free. Who could not renew it gives up well before that, so that there are never two.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{Api, Client, api::PostParams, core::ObjectMeta};
use tokio::time::{Instant, sleep, timeout};

/// The lease's name; the original's.
const NAME: &str = "ambient-code-operator.ambient-code.io";
/// How long a lease is good for that nobody renews.
const TERM: Duration = Duration::from_secs(10);
/// After how long without a renewal its holder gives up.
const GIVE_UP: Duration = Duration::from_secs(7);
/// How often it is renewed, and how often the others look.
const EVERY: Duration = Duration::from_secs(2);
/// How long handing it over may take.
const RELEASE: Duration = Duration::from_secs(2);

/// One who wants the lease, or has it.
pub(super) struct Candidate {
    api: Api<Lease>,
    identity: String,
    /// The lease as it was seen last, and since when it has looked like that.
    seen: Option<(Lease, Instant)>,
}

/// Whose a lease is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holder {
    Nobody,
    Me,
    Another,
}

impl Candidate {
    /// In the operator's own namespace. Two that are alive at once never have the same identity.
    pub(super) fn new(client: Client, namespace: &str, identity: String) -> Self {
        Self { api: Api::namespaced(client, namespace), identity, seen: None }
    }

    /// Until the lease is this candidate's.
    pub(super) async fn acquire(&mut self) {
        loop {
            match self.attempt().await {
                Ok(Holder::Me) => return,
                Ok(Holder::Nobody | Holder::Another) => {}
                Err(error) => tracing::warn!(%error, "the lease cannot be looked at"),
            }
            sleep(EVERY).await;
        }
    }

    /// Until the lease is lost: from then on nothing may be written any more.
    pub(super) async fn keep(&mut self) {
        let mut renewed = Instant::now();
        loop {
            sleep(EVERY).await;
            // A renewal counts from when it was asked for.
            let begun = Instant::now();
            match timeout(GIVE_UP.saturating_sub(renewed.elapsed()), self.attempt()).await {
                Ok(Ok(Holder::Me)) => renewed = begun,
                Ok(Ok(Holder::Another)) => return,
                Ok(Ok(Holder::Nobody)) | Err(_) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the lease is not renewed"),
            }
            if renewed.elapsed() >= GIVE_UP {
                return;
            }
        }
    }

    /// Hands the lease over. Failing that, the next one waits until its term is over.
    pub(super) async fn release(&mut self) {
        let Some((lease, _)) = self.seen.take().filter(|(lease, _)| self.holder(lease, Duration::ZERO) == Holder::Me)
        else {
            return;
        };
        let spec = LeaseSpec { holder_identity: None, ..lease.spec.clone().unwrap_or_default() };
        let free = Lease { spec: Some(spec), ..lease };
        let written = timeout(RELEASE, self.api.replace(NAME, &PostParams::default(), &free)).await;
        if !matches!(written, Ok(Ok(_))) {
            tracing::info!("the lease was not handed over and runs out");
        }
    }

    /// Takes or renews the lease where it may be. Says whose it is now; nobody's when somebody was quicker to write.
    async fn attempt(&mut self) -> kube::Result<Holder> {
        // Who holds it renews what it wrote; anybody else's write makes that fail.
        let known = self.seen.as_ref().filter(|(lease, _)| self.holder(lease, Duration::ZERO) == Holder::Me);
        let lease = match known {
            Some((lease, _)) => lease.clone(),
            None => match self.look().await? {
                Some(lease) => lease,
                None => return self.wrote(self.api.create(&PostParams::default(), &self.mine(None)).await),
            },
        };
        let unchanged = self.seen.as_ref().map_or(Duration::ZERO, |(_, since)| since.elapsed());
        match self.holder(&lease, unchanged) {
            Holder::Another => Ok(Holder::Another),
            Holder::Nobody | Holder::Me => {
                let mine = self.mine(Some(&lease));
                self.wrote(self.api.replace(NAME, &PostParams::default(), &mine).await)
            }
        }
    }

    /// The lease as it is.
    async fn look(&mut self) -> kube::Result<Option<Lease>> {
        let found = self.api.get_opt(NAME).await?;
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        match &found {
            None => self.seen = None,
            Some(lease) if self.seen.as_ref().is_none_or(|(seen, _)| version(seen) != version(lease)) => {
                self.seen = Some((lease.clone(), Instant::now()));
            }
            Some(_) => {}
        }
        Ok(found)
    }

    /// Takes over the answer to a write.
    fn wrote(&mut self, written: kube::Result<Lease>) -> kube::Result<Holder> {
        match written {
            Ok(lease) => {
                self.seen = Some((lease, Instant::now()));
                Ok(Holder::Me)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => {
                self.seen = None;
                Ok(Holder::Nobody)
            }
            Err(error) => Err(error),
        }
    }

    fn holder(&self, lease: &Lease, unchanged: Duration) -> Holder {
        let spec = lease.spec.as_ref();
        let term =
            spec.and_then(|spec| u64::try_from(spec.lease_duration_seconds?).ok()).map_or(TERM, Duration::from_secs);
        match spec.and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default() {
            "" => Holder::Nobody,
            holder if holder == self.identity => Holder::Me,
            _ if unchanged > term => Holder::Nobody,
            _ => Holder::Another,
        }
    }

    /// The lease as this candidate's.
    fn mine(&self, before: Option<&Lease>) -> Lease {
        let old = before.and_then(|lease| lease.spec.clone()).unwrap_or_default();
        let now = MicroTime(Timestamp::now());
        let is_new = old.holder_identity.as_deref() != Some(self.identity.as_str());
        let transitions = old.lease_transitions.unwrap_or_default() + i32::from(is_new && before.is_some());
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(TERM.as_secs()).ok(),
            acquire_time: if is_new { Some(now.clone()) } else { old.acquire_time },
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        };
        let metadata = before.map_or_else(
            || ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() },
            |lease| lease.metadata.clone(),
        );
        Lease { metadata, spec: Some(spec) }
    }
}
