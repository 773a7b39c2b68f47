//! What a runner and a supervisor say to each other.
//!
//! A frame is `amb`, the protocol's version, the length of the body (u32, big-endian) and the body in JSON. A connection
//! is one process: the runner asks to start it, sending the process's ends of the three pipes along with the frame
//! (`SCM_RIGHTS`: stdin, stdout, stderr); the supervisor answers that it started or why not, and later how it ended.
//! Between the two the runner may send signals. Closing the connection kills the process.

use std::{ffi::OsString, os::unix::ffi::OsStringExt};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Exit, ProcessSpec, Signal, Variables};

/// Both sides come from one release as a rule; another version is refused by name.
const VERSION: u8 = 1;
const MAGIC: [u8; 3] = *b"amb";
const HEADER: usize = 8;

/// The largest frame from a runner: 2 MiB of arguments and environment, with the longest escapes of JSON.
pub(super) const MAX_REQUEST: usize = 16 << 20;
/// The largest frame from a supervisor, which answers with a few numbers or its environment.
pub(super) const MAX_REPLY: usize = 1 << 20;

/// From the runner.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    /// First on a connection, with the three descriptors.
    Start(Start),
    /// Instead of a start: what environment the place offers.
    Environment,
    /// Any time while the process runs.
    Signal(Signal),
}

/// From the supervisor.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Reply {
    /// The process runs.
    Started { pid: u32 },
    /// It cannot be started; the user must act.
    Refused { reason: String },
    /// The answer to the question for it; the last frame.
    Environment(Pairs),
    /// It has ended; the last frame.
    Exited(Exit),
    /// The supervisor cannot tell how it ended; the last frame.
    Lost { reason: String },
    /// The peer broke the protocol; the last frame.
    Malformed { reason: String },
}

/// A process to start, as a [`ProcessSpec`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Start {
    program: Text,
    args: Vec<Text>,
    env: Pairs,
    cwd: Text,
}

/// Bytes, as text where they are text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Text {
    Utf8(String),
    Raw(Vec<u8>),
}

impl From<OsString> for Text {
    fn from(text: OsString) -> Self {
        text.into_string().map_or_else(|raw| Self::Raw(raw.into_vec()), Self::Utf8)
    }
}

impl From<Text> for OsString {
    fn from(text: Text) -> Self {
        match text {
            Text::Utf8(text) => text.into(),
            Text::Raw(bytes) => Self::from_vec(bytes),
        }
    }
}

/// Names and values.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Pairs(Vec<(Text, Text)>);

impl From<Variables> for Pairs {
    fn from(variables: Variables) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl From<Pairs> for Variables {
    fn from(pairs: Pairs) -> Self {
        pairs.0.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }
}

impl From<ProcessSpec> for Start {
    fn from(spec: ProcessSpec) -> Self {
        Self {
            program: spec.program.into(),
            args: spec.args.into_iter().map(Text::from).collect(),
            env: spec.env.into(),
            cwd: spec.cwd.into_os_string().into(),
        }
    }
}

impl From<Start> for ProcessSpec {
    fn from(start: Start) -> Self {
        Self {
            program: start.program.into(),
            args: start.args.into_iter().map(OsString::from).collect(),
            env: start.env.into(),
            cwd: OsString::from(start.cwd).into(),
        }
    }
}

/// A frame that breaks the protocol. The text never quotes the frame: it may hold secrets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum WireError {
    #[error("this is not the agent protocol")]
    Foreign,
    #[error(
        "the peer speaks version {0} of the agent protocol, this side {VERSION}: use the same release in both containers"
    )]
    Version(u8),
    #[error("a message of {length} bytes is longer than the limit of {limit}")]
    TooLong { length: usize, limit: usize },
    #[error("the message at line {line}, column {column} is not as expected")]
    Json { line: usize, column: usize },
}

impl From<serde_json::Error> for WireError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json { line: error.line(), column: error.column() }
    }
}

/// A whole frame.
pub(super) fn encode(message: &impl Serialize, limit: usize) -> Result<Vec<u8>, WireError> {
    let mut frame = vec![0; HEADER];
    serde_json::to_writer(&mut frame, message)?;
    let length = frame.len() - HEADER;
    let too_long = WireError::TooLong { length, limit };
    let field = u32::try_from(length).ok().filter(|_| length <= limit).ok_or(too_long)?;
    frame[..3].copy_from_slice(&MAGIC);
    frame[3] = VERSION;
    frame[4..HEADER].copy_from_slice(&field.to_be_bytes());
    Ok(frame)
}

/// Takes the first message off `buffer`; `None` when it is not there in full yet. Garbage is told by its first byte.
pub(super) fn decode<M: DeserializeOwned>(buffer: &mut Vec<u8>, limit: usize) -> Result<Option<M>, WireError> {
    let seen = buffer.len().min(MAGIC.len());
    if buffer[..seen] != MAGIC[..seen] {
        return Err(WireError::Foreign);
    }
    let Some(header) = buffer.first_chunk::<HEADER>() else {
        return Ok(None);
    };
    if header[3] != VERSION {
        return Err(WireError::Version(header[3]));
    }
    let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
    if length > limit {
        return Err(WireError::TooLong { length, limit });
    }
    let Some(body) = buffer.get(HEADER..HEADER + length) else {
        return Ok(None);
    };
    let message = serde_json::from_slice(body)?;
    buffer.drain(..HEADER + length);
    Ok(Some(message))
}

#[cfg(test)]
mod tests;
