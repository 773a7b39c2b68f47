//! One source of servers, read.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Fault;

/// What one source says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layer {
    /// A file, or a variable.
    pub source: String,
    /// Its servers as they are written.
    pub servers: BTreeMap<String, Value>,
    /// Names that are switched off, here and in the layers before.
    pub disabled: Vec<String>,
    /// What cannot be read of it.
    pub faults: Vec<Fault>,
}

/// How a source writes its servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `{"mcpServers": {NAME: SERVER}}`, as in a `.mcp.json`.
    File,
    /// `{"custom": {NAME: SERVER}, "disabled": [NAME]}`, as in a session's or a project's `mcpServers`.
    Custom,
}

impl Layer {
    /// Servers from code.
    #[must_use]
    pub fn of(source: &str, servers: BTreeMap<String, Value>, disabled: Vec<String>) -> Self {
        Self { source: source.to_owned(), servers, disabled, faults: Vec::new() }
    }

    /// Reads a text; an empty one has no servers.
    #[must_use]
    pub fn read(source: &str, shape: Shape, text: &str) -> Self {
        let mut layer = Self { source: source.to_owned(), ..Self::default() };
        if text.trim().is_empty() {
            return layer;
        }
        match serde_json::from_str(text) {
            Ok(Value::Object(members)) => layer.fill(shape, members),
            Ok(_) => layer.fault(format!("expected {}", shape.example())),
            // The position only: the message may quote the text.
            Err(error) => {
                layer.fault(format!("it is not JSON (line {}, column {})", error.line(), error.column()));
            }
        }
        layer
    }

    fn fill(&mut self, shape: Shape, mut members: Map<String, Value>) {
        let member = match shape {
            Shape::File => "mcpServers",
            Shape::Custom => "custom",
        };
        match members.remove(member) {
            Some(Value::Object(servers)) => self.servers = servers.into_iter().collect(),
            None | Some(Value::Null) => {}
            Some(_) => self.fault(format!("{member}: expected an object of servers by name")),
        }
        match (shape, members.remove("disabled")) {
            (Shape::File, _) | (Shape::Custom, None | Some(Value::Null)) => {}
            (Shape::Custom, Some(disabled)) => match serde_json::from_value(disabled) {
                Ok(names) => self.disabled = names,
                Err(_) => self.fault("disabled: expected a list of names".to_owned()),
            },
        }
    }

    fn fault(&mut self, reason: String) {
        self.faults.push(Fault { source: self.source.clone(), server: None, reason });
    }
}

impl Shape {
    const fn example(self) -> &'static str {
        match self {
            Self::File => r#"{"mcpServers": {…}}"#,
            Self::Custom => r#"{"custom": {…}, "disabled": […]}"#,
        }
    }
}
