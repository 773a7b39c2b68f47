//! How long what a session has done is kept after the session.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::{context::Context, history::History, kept::Kept};
use crate::{api::AgenticSession, eventlog::LogError};

/// What a session says of itself, in seconds; 0: nothing is kept beyond it but for some minutes.
const ANNOTATION: &str = "ambient-code.io/event-retention-seconds";
/// What people are told of what is no number. What it is instead they see beside it, and one Event tells of every change.
const COMPLAINT: &str = "metadata.annotations[ambient-code.io/event-retention-seconds]: expected a number of seconds, such as 3600. \
    Until it is mended, events are kept as the operator's --event-retention says.";
/// How often is looked.
const EVERY: Duration = Duration::from_mins(5);

/// What is kept under a session's UID, as far as the session tells.
pub(super) fn kept(session: &AgenticSession) -> Kept {
    let (namespace, name) = (session.namespace().unwrap_or_default(), session.name_any());
    Kept { namespace, name, retention: asked(session), ..Kept::default() }
}

fn asked(session: &AgenticSession) -> Option<u64> {
    session.annotations().get(ANNOTATION)?.trim().parse().ok()
}

/// What sessions say that is no number of seconds, as far as people were told so: by UID. Only in memory, so an operator that begins
/// tells it once more.
#[derive(Debug, Default)]
pub(super) struct Nonsense(Mutex<HashMap<String, String>>);

impl Nonsense {
    /// What people are to be told now: of each change once.
    pub(super) fn news(&self, session: &AgenticSession) -> Option<&'static str> {
        let (uid, text) = (session.uid()?, session.annotations().get(ANNOTATION));
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(text) = text.filter(|_| asked(session).is_none()) else {
            told.remove(&uid);
            return None;
        };
        let before = told.insert(uid, text.clone());
        (before.as_ref() != Some(text)).then_some(COMPLAINT)
    }

    /// Forgets all sessions but these.
    fn retain(&self, there: &HashSet<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|uid, _| there.contains(uid));
    }
}

/// Forgets, again and again, what nobody is to remember any more.
pub(super) async fn keep_in_time(context: &Context) {
    let mut clock = tokio::time::interval(EVERY);
    loop {
        clock.tick().await;
        let (history, now) = (Arc::clone(&context.history), Timestamp::now());
        let due = due(context, now);
        // Files are deleted, and logs are synced before.
        let swept = tokio::task::spawn_blocking(move || sweep(&history, &due, now)).await;
        if let Ok(Err(error)) = swept {
            tracing::warn!(%error, "what is kept of deleted sessions is not deleted in time");
        }
    }
}

/// The sessions that are gone, and what is due for each.
fn due(context: &Context, now: Timestamp) -> Vec<(String, Fate)> {
    // In this order: nothing is kept of a session that the store does not know yet.
    let uids = context.history.uids();
    let there: HashSet<String> = context.stores.sessions.state().iter().filter_map(|session| session.uid()).collect();
    context.nonsense.retain(&there);
    let gone = uids.into_iter().filter(|uid| !there.contains(uid));
    let fate = |uid: String| {
        let kept = context.history.session(&uid)?;
        let is_broken = context.broken.has::<AgenticSession>(&kept.namespace, &kept.name);
        // Of a namespace that nobody watches, nobody knows what is there.
        let is_known = !is_broken && context.config.watches(&kept.namespace);
        is_known.then(|| (uid, fate(&kept, context.config.event_retention, now)))
    };
    gone.filter_map(fate).collect()
}

fn sweep(history: &History, due: &[(String, Fate)], now: Timestamp) -> Result<(), LogError> {
    for (uid, fate) in due {
        match fate {
            Fate::Unknown => history.is_gone(uid, now)?,
            Fate::Kept => {}
            Fate::Over => {
                history.forget(uid)?;
                tracing::info!(%uid, "the events of a deleted session are deleted");
            }
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// Nobody has noted yet that the session is gone.
    Unknown,
    Kept,
    Over,
}

/// What is due for a session that is not there. Counted from when that was first seen, so that its pod can say its last words.
fn fate(kept: &Kept, retention: Option<Duration>, now: Timestamp) -> Fate {
    let Some(limit) = kept.retention.map(Duration::from_secs).or(retention) else { return Fate::Kept };
    let Some(since) = kept.deleted else { return Fate::Unknown };
    let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
    if now.duration_since(since) >= limit { Fate::Over } else { Fate::Kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_kept_lives_as_long_as_the_session_or_the_operator_says_and_counts_from_the_deletion() {
        let day = Some(Duration::from_secs(100));
        let of = |retention, deleted: Option<i64>| Kept { retention, deleted: deleted.map(at), ..Kept::default() };
        assert_eq!(fate(&of(None, None), day, at(1_000_000)), Fate::Unknown);
        assert_eq!(fate(&of(None, Some(1000)), day, at(1099)), Fate::Kept);
        assert_eq!(fate(&of(None, Some(1000)), day, at(1100)), Fate::Over);
        assert_eq!(fate(&of(Some(5), Some(1000)), day, at(1005)), Fate::Over);
        assert_eq!(fate(&of(Some(500), Some(1000)), day, at(1100)), Fate::Kept);
        assert_eq!(fate(&of(Some(0), None), day, at(0)), Fate::Unknown, "its pod may still say something");
        assert_eq!(fate(&of(Some(0), Some(0)), day, at(0)), Fate::Over);
        assert_eq!(fate(&of(None, Some(1000)), None, at(i64::from(u32::MAX))), Fate::Kept, "for ever");
    }

    fn saying(text: &str) -> AgenticSession {
        let mut session = AgenticSession::new("s", crate::api::AgenticSessionSpec::default());
        session.metadata.uid = Some("u".to_owned());
        session.annotations_mut().insert(ANNOTATION.to_owned(), text.to_owned());
        session
    }

    #[test]
    fn nonsense_is_told_once_a_change_and_again_after_it_was_mended() {
        let nonsense = Nonsense::default();
        let tells = |text: &str| nonsense.news(&saying(text));
        assert!(tells("1h").unwrap().contains(ANNOTATION));
        assert_eq!(tells("1h"), None);
        assert!(tells("2h").is_some() && tells("2h").is_none());
        assert_eq!(tells("3600"), None);
        assert!(tells("2h").is_some());
        nonsense.retain(&HashSet::new());
        assert!(tells("2h").is_some(), "another session");
    }

    #[test]
    fn a_session_says_how_long_in_seconds_and_nonsense_means_nothing() {
        let with = |text: &str| kept(&saying(text)).retention;
        assert_eq!((with("3600"), with(" 0 "), with("1h"), with("-1")), (Some(3600), Some(0), None, None));
    }
}
