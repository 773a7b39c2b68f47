//! Which MCP servers the agent of a session has: from files, variables and the manifest to a checked list. Pure, but for
//! [`sources`].
//!
//! Where a name is given twice, the later layer counts: built-in servers of credentials, the file, the project's, the
//! session's own. What one layer disables it takes away from all before it. A server that cannot be used is left out and
//! told of; it stops no other.

pub mod builtin;
pub mod expand;
pub mod http;
mod layer;
pub mod server;
pub mod sources;
pub mod status;
pub mod tools;

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use crate::{bridge::McpServers, security::Credential};

pub use layer::{Layer, Shape};

/// The most servers of a session.
pub const MAX_SERVERS: usize = 64;

/// The servers of a session.
#[derive(Debug, Default)]
pub struct Configured {
    /// Those that can be used, variables expanded.
    pub servers: McpServers,
    /// Those that cannot, and what else is wrong, with the reasons.
    pub faults: Vec<Fault>,
    /// Values in the servers that must not get out.
    pub secrets: Vec<Credential>,
}

/// Something that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it is: a file, or a variable.
    pub source: String,
    /// The server; absent: the source as a whole.
    pub server: Option<String>,
    /// What is wrong and what to do. Holds names only, no values.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.server {
            Some(server) => write!(f, "{}: MCP server '{server}': {}", self.source, self.reason),
            None => write!(f, "{}: {}", self.source, self.reason),
        }
    }
}

/// Merges layers, lowest first. `variable` tells the value of a variable, if it is set.
pub fn configure(layers: Vec<Layer>, variable: impl Fn(&str) -> Option<String>) -> Configured {
    let mut named: BTreeMap<String, (String, Value)> = BTreeMap::new();
    let mut configured = Configured::default();
    for layer in layers {
        configured.faults.extend(layer.faults);
        named.extend(layer.servers.into_iter().map(|(name, server)| (name, (layer.source.clone(), server))));
        for name in &layer.disabled {
            named.remove(name);
        }
    }
    for (name, (source, server)) in named {
        configured.take(source, name, server, &variable);
    }
    configured
}

impl Configured {
    fn take(&mut self, source: String, name: String, server: Value, variable: &impl Fn(&str) -> Option<String>) {
        let checked = if self.servers.0.len() < MAX_SERVERS {
            server::checked(&name, server, variable)
        } else {
            Err(format!("a session has {MAX_SERVERS} servers at most; disable another one"))
        };
        match checked {
            Ok(server) => {
                self.secrets.extend(server::secrets(&name, &server));
                self.servers.0.insert(name, server);
            }
            Err(reason) => self.faults.push(Fault { source, server: Some(name), reason }),
        }
    }
}

#[cfg(test)]
mod tests;
