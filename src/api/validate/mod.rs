//! Validation of whole objects: the rules that the API server checks, and those that its language cannot express. Pure,
//! so that laptop, operator and runner refuse the same things with the same words.

mod place;
mod run;
mod session;
mod settings;
pub mod text;

use std::fmt;

use super::{manifest::Resource, path::FieldPath};

/// Where an object is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One machine: `ambient run`. Repositories may be directories of it.
    Laptop,
    /// A cluster.
    Cluster,
}

/// A rule that an object breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field that breaks it.
    pub path: FieldPath,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it, in a few words.
    pub help: Option<String>,
}

impl Violation {
    fn new(path: FieldPath, message: impl Into<String>) -> Self {
        Self { path, message: message.into(), help: None }
    }

    /// Says what was found instead.
    fn found(mut self, value: &str) -> Self {
        self.message = format!("{}, found {}", self.message, text::quoted(value));
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, "; {help}"))
    }
}

/// Every rule that an object breaks.
#[must_use]
pub fn resource(resource: &Resource, place: Place) -> Vec<Violation> {
    match resource {
        Resource::Session(session) => self::session(session, place),
        Resource::Run(run) => self::run(run),
        Resource::Settings(settings) => self::settings(settings),
    }
}

pub use run::run;
pub use session::session;
pub use settings::settings;

/// The most bytes of an object as JSON: etcd takes 1.5 MiB, and status and bookkeeping need room.
pub const MAX_OBJECT_BYTES: usize = 1024 * 1024;

/// Collects the rules that an object breaks.
#[derive(Default)]
struct Findings(Vec<Violation>);

impl Findings {
    fn add(&mut self, violation: Violation) {
        self.0.push(violation);
    }

    /// Adds the violation unless the rule holds.
    fn check(&mut self, holds: bool, violation: impl FnOnce() -> Violation) {
        if !holds {
            self.add(violation());
        }
    }

    fn object(&mut self, name: Option<&str>, bytes: Option<usize>) {
        let path = || FieldPath::of(&["metadata", "name"]);
        let name = name.unwrap_or_default();
        self.check(text::is_object_name(name), || Violation::new(path(), text::OBJECT_NAME).found(name));
        self.check(bytes.is_none_or(|bytes| bytes <= MAX_OBJECT_BYTES), || {
            Violation::new(FieldPath::of(&["spec"]), "the object is larger than 1 MiB")
                .help("put large texts into files of a repository")
        });
    }
}
