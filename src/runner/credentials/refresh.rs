//! Fetching credentials anew because somebody says that they have changed.

use super::{
    kind::{Kind, Unavailable},
    service::Credentials,
};
use crate::{agui::Id, host::BoxFuture};

/// What became of one kind of credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// Which kind.
    pub kind: Kind,
    /// When the new one ends, if that is known; or why there is none.
    pub outcome: Result<Option<jiff::Timestamp>, Unavailable>,
}

/// Fetches the credentials of the person whose run is going on a thread anew; the agent's git and gh have the new ones with
/// their next use. Nothing is told when no run is going there. All are fetched at
/// once, within 25 s, or 50 s when one was being fetched already.
pub trait CredentialRefresh: Send + Sync {
    /// Fetches all kinds.
    fn refresh<'a>(&'a self, thread: &'a Id) -> BoxFuture<'a, Vec<Refreshed>>;
}

impl CredentialRefresh for Credentials {
    fn refresh<'a>(&'a self, thread: &'a Id) -> BoxFuture<'a, Vec<Refreshed>> {
        Box::pin(async move {
            let Some(run) = self.callers.running(thread) else {
                return Vec::new();
            };
            let renewals = Kind::ALL.map(|kind| {
                let caller = run.caller.clone();
                async move {
                    let renewed = self.renew(kind, &caller).await;
                    Refreshed { kind, outcome: renewed.map(|credential| credential.expires) }
                }
            });
            futures_util::future::join_all(renewals).await
        })
    }
}
