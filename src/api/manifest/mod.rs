//! Manifests: YAML or JSON text to resources, or to everything that is wrong with it. Pure: no file is read here.
//!
//! A manifest is refused as a whole: nobody should find out in the middle of a run that half of it was ignored. The rules
//! are those of the API server, and unknown fields, duplicate keys and values that `kubectl` would read otherwise are
//! errors too, so that one file means the same everywhere.

mod check;
mod diagnostic;
mod document;
mod scalar;
mod schema;
mod suggest;
mod tree;

use std::collections::HashMap;

pub use diagnostic::{Diagnostic, Diagnostics, Excerpt};
use diagnostic::{Finding, Page};
use document::Document;
use tree::{SyntaxError, Tree};

use super::{AgenticSession, ProjectSettings, Run, names, path::FieldPath, validate::Place};

/// The most bytes of one manifest file.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The most errors that are collected of one file.
const MAX_FINDINGS: usize = 200;

/// A text with manifests in it.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file's name as a person knows it.
    pub name: &'a str,
    /// What it holds.
    pub text: &'a str,
}

/// A resource and where it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The file's name as it was given.
    pub file: String,
    /// The line of the resource's name, from 1.
    pub line: usize,
    /// The resource, with defaults filled in and valid.
    pub resource: Resource,
}

/// A resource of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Resource {
    /// A session.
    Session(Box<AgenticSession>),
    /// A run.
    Run(Box<Run>),
    /// Settings of a namespace.
    Settings(Box<ProjectSettings>),
}

impl Resource {
    /// The kind as in a manifest.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Session(_) => "AgenticSession",
            Self::Run(_) => "Run",
            Self::Settings(_) => "ProjectSettings",
        }
    }

    /// The object's name; empty if it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata().name.as_deref().unwrap_or_default()
    }

    /// The object's namespace, if it names one.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.metadata().namespace.as_deref()
    }

    fn metadata(&self) -> &kube::core::ObjectMeta {
        match self {
            Self::Session(session) => &session.metadata,
            Self::Run(run) => &run.metadata,
            Self::Settings(settings) => &settings.metadata,
        }
    }
}

/// Reads manifests, in the order in which they are given. Either all of them are good, or nothing comes back but what is
/// wrong, of all files at once.
pub fn load(sources: &[Source<'_>], place: Place) -> Result<Vec<Manifest>, Diagnostics> {
    let mut loader = Loader::new(place);
    for source in sources {
        loader.source(*source);
    }
    if loader.diagnostics.is_empty() { Ok(loader.manifests) } else { Err(Diagnostics(loader.diagnostics)) }
}

/// What names an object: kind, namespace, name.
type Key = (&'static str, Option<String>, String);

struct Loader {
    place: Place,
    manifests: Vec<Manifest>,
    diagnostics: Vec<Diagnostic>,
    seen: HashMap<Key, String>,
}

impl Loader {
    fn new(place: Place) -> Self {
        Self { place, manifests: Vec::new(), diagnostics: Vec::new(), seen: HashMap::new() }
    }

    fn source(&mut self, source: Source<'_>) {
        if source.text.len() > MAX_BYTES {
            return self.diagnostics.push(too_large(source));
        }
        let (tree, error) = Tree::parse(source.text);
        let mut findings = Vec::new();
        for root in tree.documents() {
            let document = Document::read(&tree, root, self.place, &mut findings);
            if let Some(document) = document {
                self.keep(source, document, &mut findings);
            }
        }
        let is_readable = error.is_none() || !mentions_secrets(source.text);
        findings.extend(error.map(syntax_finding));
        findings.sort_by_key(|finding| finding.span.start);
        findings.truncate(MAX_FINDINGS);
        let page = Page::new(source.name, source.text, tree.secrets(), is_readable);
        self.diagnostics.extend(findings.into_iter().map(|finding| page.diagnostic(finding)));
    }

    fn keep(&mut self, source: Source<'_>, document: Document, findings: &mut Vec<Finding>) {
        let line = document.name_span.start.line;
        let resource = document.resource;
        for (key, what) in keys(&resource) {
            let here = format!("{}:{line}", source.name);
            if let Some(first) = self.seen.insert(key, here) {
                let path = FieldPath::of(&["metadata", "name"]);
                let message = format!("{what} is defined already, in {first}");
                findings.push(Finding::new(document.name_span, path, message));
            }
        }
        self.manifests.push(Manifest { file: source.name.to_owned(), line, resource });
    }
}

/// The objects that a resource is or brings into being, each with how a message calls it.
fn keys(resource: &Resource) -> Vec<(Key, String)> {
    let namespace = resource.namespace().map(str::to_owned);
    let key = |kind: &'static str, name: &str| (kind, namespace.clone(), name.to_owned());
    let name = resource.name();
    let own = (key(resource.kind(), name), format!("{} {name}", resource.kind()));
    let initial = match resource {
        Resource::Session(session) => session.spec.initial_prompt.as_ref().map(|_| {
            let run = names::initial_run(name);
            (key("Run", &run), format!("Run {run} (which initialPrompt becomes)"))
        }),
        Resource::Run(_) | Resource::Settings(_) => None,
    };
    std::iter::once(own).chain(initial).collect()
}

fn too_large(source: Source<'_>) -> Diagnostic {
    Diagnostic {
        file: source.name.to_owned(),
        line: 1,
        column: 1,
        path: String::new(),
        message: format!("the file has {} bytes; at most {MAX_BYTES} are read", source.text.len()),
        help: Some("put large texts into files of a repository".to_owned()),
        excerpt: None,
    }
}

fn syntax_finding(error: SyntaxError) -> Finding {
    let span = tree::Span { start: error.at, end: error.at };
    let finding = Finding::new(span, FieldPath::root(), error.message);
    Finding { help: error.help, ..finding }
}

/// Whether a text that cannot be parsed may hold secrets: then none of it is shown, for nobody knows where they stand.
fn mentions_secrets(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(tree::is_secret_key)
}
