//! Log lines: on stderr, redacted, as text for people or as JSON for collectors.

use std::{io, sync::Arc};

use tracing_subscriber::EnvFilter;

use crate::security::{RedactingMakeWriter, Redactor};

/// The levels that `LOG_LEVEL` of the original may name, in any case; anything else is taken as a filter of its own.
fn filter(level: &str) -> EnvFilter {
    let level = match level.to_ascii_uppercase().as_str() {
        "CRITICAL" => "error".to_owned(),
        "WARNING" => "warn".to_owned(),
        _ => level.to_ascii_lowercase(),
    };
    // It says much of each request, and what it is about; a filter of one's own may name it.
    EnvFilter::try_new(format!("rmcp=error,{level}")).unwrap_or_else(|_| EnvFilter::new("rmcp=error,info"))
}

/// Starts logging for the process; a second call changes nothing.
pub(super) fn start(level: &str, json: bool, redactor: Arc<Redactor>) {
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter(level))
        .with_writer(RedactingMakeWriter::new(redactor, io::stderr))
        .with_ansi(false);
    // Fails only when logging has been started before, as in tests.
    let _ = if json { builder.json().try_init() } else { builder.try_init() };
}
