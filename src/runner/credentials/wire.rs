//! What the helpers in the agent's container and the runner say to each other: one line of JSON each way.

use serde::{Deserialize, Serialize};

/// Where an agent's helpers find the runner.
pub const SOCKET: &str = "AMBIENT_CREDENTIAL_SOCKET";
/// What shows which agent's process asks.
pub const KEY: &str = "AMBIENT_CREDENTIAL_KEY";
/// The folder of the wrappers on the agent's PATH.
pub const WRAPPERS: &str = "AMBIENT_CREDENTIAL_WRAPPERS";
/// The longest line, in bytes.
pub const MAX_LINE: usize = 16 * 1024;

/// What is asked.
#[derive(Serialize, Deserialize)]
pub struct Question {
    /// The key of the process.
    pub key: String,
    /// Which host the credential is for, with its port if it has one.
    pub host: String,
    /// The host refused this token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// What is answered; all members absent: nothing.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// The user's name for HTTP Basic authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// When it ends, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// Why there is none, for the agent to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
