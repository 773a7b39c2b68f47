//! What the helpers in the agent's container and the runner say to each other: one line of JSON each way.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where an agent's helpers find the runner.
pub const SOCKET: &str = "AMBIENT_CREDENTIAL_SOCKET";
/// What shows which agent's process asks.
pub const KEY: &str = "AMBIENT_CREDENTIAL_KEY";
/// The folder of the wrappers on the agent's PATH.
pub const WRAPPERS: &str = "AMBIENT_CREDENTIAL_WRAPPERS";
/// The longest line of a question, in bytes.
pub const MAX_LINE: usize = 16 * 1024;
/// What git asks for to make commits with.
pub const GIT: &str = "git";
/// The variable by which git finds it.
pub const GIT_GIVEN_AS: &str = "GIT_CONFIG_SYSTEM";

/// What is asked.
#[derive(Default, Serialize, Deserialize)]
pub struct Question {
    /// The key of the process.
    pub key: String,
    /// Which host git needs a credential for, with its port if it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// The host refused this token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Instead of a host: what a program is to be started with, a kind's name or [`GIT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
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
    /// Variables of the program.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<(String, String)>,
    /// Files of the program.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// Why there is none, for the agent to read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The person has none: no fault.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub absent: bool,
}

/// A file for a program.
#[derive(Serialize, Deserialize)]
pub struct File {
    /// The variable that says where it is.
    pub variable: String,
    /// What is in it.
    pub content: String,
    /// Where it is.
    pub place: Place,
}

/// Where a program's file is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Place {
    /// In memory, for the program's process alone.
    Memory,
    /// In the helpers' own folder.
    File {
        /// Its name.
        name: String,
    },
    /// In a folder of the helpers' folder; the variable says the folder.
    Folder {
        /// The folder's name.
        folder: String,
        /// The file's name.
        name: String,
    },
}

/// Without its content.
impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("variable", &self.variable).field("place", &self.place).finish_non_exhaustive()
    }
}
