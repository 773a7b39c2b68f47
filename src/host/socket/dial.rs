//! Connecting to a supervisor that may still be starting.

use std::{io, path::Path, time::Duration};

use tokio::{
    net::UnixStream,
    time::{Instant, sleep},
};

/// The pause between two attempts doubles from the first to the last. A socket that appears gives no event.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// A connection, or the reason why there was none until the deadline.
pub(super) async fn connect(socket: &Path, deadline: Instant) -> Result<UnixStream, String> {
    let mut pause = PAUSES.0;
    loop {
        let error = match UnixStream::connect(socket).await {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        if !may_come_up(&error) || Instant::now() + pause > deadline {
            return Err(explain(&error));
        }
        sleep(pause).await;
        pause = PAUSES.1.min(pause * 2);
    }
}

/// Whether the supervisor may still be starting.
fn may_come_up(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotFound, WouldBlock};
    matches!(error.kind(), NotFound | ConnectionRefused | WouldBlock)
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such socket: is `ambient agent` running, and its folder shared?".into(),
        io::ErrorKind::ConnectionRefused => "nobody listens on it any more: start `ambient agent` again".into(),
        io::ErrorKind::PermissionDenied => {
            format!("{error}: run both sides as the same user or group")
        }
        _ => error.to_string(),
    }
}
