//! What was fetched, for as long as it is good. Whoever asks while it is being fetched waits for that answer.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    credential::Credential,
    kind::{Kind, Unavailable},
};
use crate::runner::caller::Identity;

/// So long before its end a credential is fetched anew: what is given out works for a while.
const BEFORE_END: Duration = Duration::from_mins(1);
/// How long a credential without a known end is kept.
const KEEP: Duration = Duration::from_mins(5);
/// How long it is believed that a person has none.
const KEEP_ABSENT: Duration = Duration::from_secs(30);
/// How long a failure answers those who ask again: an agent that tries in a loop does not become a flood.
const KEEP_FAILED: Duration = Duration::from_secs(2);
/// So many people's credentials are kept.
const MAX_KEPT: usize = 256;

pub(super) type Answer = Result<Credential, Unavailable>;
type Key = (Kind, Identity);
type Slot = Arc<tokio::sync::Mutex<Option<Kept>>>;

/// The cache.
#[derive(Default)]
pub(super) struct Cache(Mutex<HashMap<Key, Slot>>);

struct Kept {
    answer: Answer,
    asked: Instant,
    answered: Instant,
    until: Instant,
}

/// What meets a wish.
#[derive(Clone, Copy)]
enum Wanted {
    /// What is good now, or was answered after this.
    Good(Instant),
    /// What was asked for after this.
    NewerThan(Instant),
}

impl Cache {
    /// What is kept, else what `fetch` says.
    pub(super) async fn get(&self, key: Key, fetch: impl Future<Output = Answer>) -> Answer {
        self.wanted(key, Wanted::Good(Instant::now()), fetch).await
    }

    /// What was asked for after this was called.
    pub(super) async fn renew(&self, key: Key, fetch: impl Future<Output = Answer>) -> Answer {
        self.wanted(key, Wanted::NewerThan(Instant::now()), fetch).await
    }

    async fn wanted(&self, key: Key, wanted: Wanted, fetch: impl Future<Output = Answer>) -> Answer {
        let slot = self.slot(key);
        let mut kept = slot.lock().await;
        if let Some(known) = kept.as_ref().filter(|known| known.meets(wanted)) {
            return known.answer.clone();
        }
        let asked = Instant::now();
        let answer = fetch.await;
        let answered = Instant::now();
        *kept = Some(Kept { until: answered + keep(&answer), answer: answer.clone(), asked, answered });
        answer
    }

    /// Forgets a credential that its host has refused, unless another one has taken its place.
    pub(super) async fn refused(&self, key: Key, token: &str) {
        let slot = self.slot(key);
        let mut kept = slot.lock().await;
        if kept.as_ref().is_some_and(|known| known.answer.as_ref().is_ok_and(|known| known.token.expose() == token)) {
            *kept = None;
        }
    }

    fn slot(&self, key: Key) -> Slot {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MAX_KEPT && !slots.contains_key(&key) {
            // What is being fetched is held by whoever waits for it.
            slots.retain(|_, slot| Arc::strong_count(slot) > 1 || is_good(slot));
            if slots.len() >= MAX_KEPT {
                slots.clear();
            }
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

fn is_good(slot: &Slot) -> bool {
    let now = Wanted::Good(Instant::now());
    slot.try_lock().is_ok_and(|kept| kept.as_ref().is_some_and(|kept| kept.meets(now)))
}

impl Kept {
    fn meets(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Good(since) => Instant::now() < self.until || self.answered >= since,
            Wanted::NewerThan(since) => self.asked >= since,
        }
    }
}

/// How long an answer is good.
pub(super) fn keep(answer: &Answer) -> Duration {
    match answer {
        Ok(Credential { expires: None, .. }) => KEEP,
        Ok(Credential { expires: Some(end), .. }) => {
            let left = Duration::try_from(end.duration_since(Timestamp::now())).unwrap_or_default();
            left.saturating_sub(BEFORE_END)
        }
        Err(Unavailable::Absent { .. }) => KEEP_ABSENT,
        Err(Unavailable::Refused { .. } | Unavailable::Failed { .. }) => KEEP_FAILED,
    }
}
