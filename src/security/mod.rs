//! Redaction and input sanitising. No IO, and nothing of ours.
//!
//! Text that leaves the process (events, log, status, stderr) goes through a [`Redactor`]: as a whole, piece by piece
//! ([`StreamRedactor`]) or as a log line ([`RedactingWriter`]). What is secret does not depend on how the text was cut.
//! Inside, an automaton finds the first bytes of every pattern in one pass (`prefix`), small matchers decide what
//! follows (`tail`, `pem`), and a `lane` releases what no undecided matcher could take in.

mod base64;
mod boundary;
mod charset;
mod credentials;
mod forms;
mod lane;
pub(crate) mod live;
mod patterns;
mod pem;
mod prefix;
mod redactor;
mod rules;
pub mod sanitise;
mod secret;
mod spans;
mod stream;
mod tail;
mod wrapped;
mod writer;

pub use credentials::{Credential, credentials_from_env, is_credential_name, is_secret_value};
pub use redactor::Redactor;
pub use secret::Secret;
pub use stream::StreamRedactor;
pub use writer::{RedactingMakeWriter, RedactingWriter};
