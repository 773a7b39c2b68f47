//! The values of a YAML (or JSON) text with their places, as far as the text can be parsed.

mod build;

use saphyr_parser::Marker;

use super::scalar::{self, Meaning};

/// The deepest nesting that is read; an object of ours has less than ten levels.
pub(super) const MAX_DEPTH: usize = 64;

/// The most values that one text may have, those that aliases repeat included.
pub(super) const MAX_VALUES: usize = 100_000;

/// Keys whose values are never shown: people put credentials there.
const SECRET_KEYS: [&str; 3] = ["environmentVariables", "env", "headers"];

/// A place in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    /// Characters from the start of the text.
    pub(super) index: usize,
    /// From 1.
    pub(super) line: usize,
    /// Characters from the start of the line, from 1.
    pub(super) column: usize,
}

impl From<Marker> for Mark {
    fn from(marker: Marker) -> Self {
        Self { index: marker.index(), line: marker.line(), column: marker.col() + 1 }
    }
}

/// From a place up to, not including, another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Span {
    pub(super) start: Mark,
    pub(super) end: Mark,
}

/// The number of a value in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(usize);

/// A value with its place.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) kind: Kind,
}

/// What a value is made of.
#[derive(Debug)]
pub(super) enum Kind {
    Scalar { text: String, meaning: Meaning, is_plain: bool },
    List(Vec<NodeId>),
    Map(Vec<(NodeId, NodeId)>),
    Alias(NodeId),
}

/// Why a text could not be read to its end.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) at: Mark,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// All documents of a text.
#[derive(Debug, Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    documents: Vec<NodeId>,
}

impl Tree {
    /// Reads a text. What comes before an error is there.
    pub(super) fn parse(text: &str) -> (Self, Option<SyntaxError>) {
        build::build(text)
    }

    /// The documents that have content.
    pub(super) fn documents(&self) -> impl Iterator<Item = NodeId> {
        self.documents.iter().copied().filter(|&root| !self.is_null(root))
    }

    /// A value; an alias is the value that it stands for.
    pub(super) fn node(&self, id: NodeId) -> &Node {
        let node = &self.nodes[id.0];
        match node.kind {
            // An alias never stands for an alias: anchors belong to values.
            Kind::Alias(target) => &self.nodes[target.0],
            _ => node,
        }
    }

    /// Where a value is written; for an alias that is the alias itself.
    pub(super) fn span(&self, id: NodeId) -> Span {
        self.nodes[id.0].span
    }

    /// The text of a scalar.
    pub(super) fn text(&self, id: NodeId) -> Option<&str> {
        match &self.node(id).kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::List(_) | Kind::Map(_) | Kind::Alias(_) => None,
        }
    }

    pub(super) fn is_null(&self, id: NodeId) -> bool {
        matches!(self.node(id).kind, Kind::Scalar { meaning: Meaning::Null, .. })
    }

    /// The entry of a map.
    pub(super) fn entry(&self, map: NodeId, key: &str) -> Option<(NodeId, NodeId)> {
        let Kind::Map(entries) = &self.node(map).kind else {
            return None;
        };
        entries.iter().copied().find(|&(name, _)| self.text(name) == Some(key))
    }

    /// The element of a list.
    pub(super) fn element(&self, list: NodeId, index: usize) -> Option<NodeId> {
        let Kind::List(elements) = &self.node(list).kind else {
            return None;
        };
        elements.get(index).copied()
    }

    /// Where scalars stand that must not be shown: those under secret keys, also by way of an alias, and URLs with
    /// credentials. In the order of the text.
    pub(super) fn secrets(&self) -> Vec<Span> {
        let mut is_secret: Vec<bool> = self.nodes.iter().map(is_secret_url).collect();
        let mut waiting: Vec<NodeId> = self.nodes.iter().flat_map(|node| self.secret_values(node)).collect();
        while let Some(id) = waiting.pop() {
            if !std::mem::replace(&mut is_secret[id.0], true) {
                waiting.extend(self.values(id));
            }
        }
        let scalars = self
            .nodes
            .iter()
            .zip(is_secret)
            .filter(|(node, is_secret)| *is_secret && matches!(node.kind, Kind::Scalar { .. }));
        scalars.map(|(node, _)| node.span).collect()
    }

    fn secret_values(&self, node: &Node) -> impl Iterator<Item = NodeId> {
        let entries = match &node.kind {
            Kind::Map(entries) => entries.as_slice(),
            Kind::Scalar { .. } | Kind::List(_) | Kind::Alias(_) => &[],
        };
        let secret = |(key, _): &&(NodeId, NodeId)| self.text(*key).is_some_and(is_secret_key);
        entries.iter().filter(secret).map(|&(_, value)| value)
    }

    /// The values directly in a value. Keys are names, not values.
    fn values(&self, id: NodeId) -> Vec<NodeId> {
        match &self.nodes[id.0].kind {
            Kind::Scalar { .. } => Vec::new(),
            Kind::List(elements) => elements.clone(),
            Kind::Map(entries) => entries.iter().map(|&(_, value)| value).collect(),
            Kind::Alias(target) => vec![*target],
        }
    }
}

/// Whether values under this key are never shown.
pub(super) fn is_secret_key(key: &str) -> bool {
    SECRET_KEYS.contains(&key)
}

fn is_secret_url(node: &Node) -> bool {
    match &node.kind {
        Kind::Scalar { text, .. } => crate::api::validate::text::has_credentials(text),
        Kind::List(_) | Kind::Map(_) | Kind::Alias(_) => false,
    }
}

/// The meaning of a scalar with its quotes and its tag (the part behind `!!`).
fn meaning(text: &str, is_plain: bool, tag: Option<&str>) -> Option<Meaning> {
    let resolved = scalar::of_plain(text);
    match (tag, resolved) {
        (None, _) => Some(if is_plain { resolved } else { Meaning::Text }),
        (Some("str"), _) => Some(Meaning::Text),
        (Some("int"), Meaning::Int(_))
        | (Some("float"), Meaning::Float(_))
        | (Some("bool"), Meaning::Bool(_))
        | (Some("null"), Meaning::Null) => Some(resolved),
        (Some(_), _) => None,
    }
}
