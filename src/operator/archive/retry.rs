//! What an object store refuses is asked again.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// The pauses between attempts: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_mins(1));

/// Until it is done: events wait meanwhile, and runners keep them. A person reads why.
pub(super) async fn until_done<T, F>(what: &str, attempt: impl Fn() -> F) -> T
where
    F: Future<Output = object_store::Result<T>>,
{
    let mut pause = PAUSE.0;
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => {
                let again = pause.as_secs_f32();
                tracing::warn!(%error, "the event store does not {what}, and is asked again in {again} s");
            }
        }
        sleep(pause).await;
        pause = (pause * 3).min(PAUSE.1);
    }
}

/// Until it is done, but no longer than `limit`; the error is the last one.
pub(super) async fn within<T, F>(limit: Duration, attempt: impl Fn() -> F) -> object_store::Result<T>
where
    F: Future<Output = object_store::Result<T>>,
{
    let (mut pause, end) = (PAUSE.0, Instant::now() + limit);
    loop {
        match attempt().await {
            Err(error) if Instant::now() + pause < end => {
                tracing::warn!(%error, "the event store does not answer as it should, and is asked again");
            }
            other => return other,
        }
        sleep(pause).await;
        pause *= 3;
    }
}
