//! Paths that a manifest or a request names, as plain data: always below the workspace, never out of it.
//!
//! This module decides from the text alone; [`super::beneath`] opens such a path without following links.

use std::{fmt, path::Path, str::FromStr};

/// The longest path in bytes (Linux's `PATH_MAX` less room for the workspace's own path).
pub const MAX_PATH: usize = 3072;
/// The longest single name in bytes (Linux's `NAME_MAX`).
pub const MAX_NAME: usize = 255;

/// A path below the workspace: at least one name, no empty name, no `.`, no `..`, no control character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(String);

impl RelativePath {
    /// The path as text, names joined by single slashes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directories that lead to the last name, in order.
    pub fn parents(&self) -> impl Iterator<Item = &str> {
        let (parents, _) = self.split();
        parents.split('/').filter(|name| !name.is_empty())
    }

    /// The last name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.split().1
    }

    fn split(&self) -> (&str, &str) {
        self.0.rsplit_once('/').unwrap_or(("", &self.0))
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<Path> for RelativePath {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl FromStr for RelativePath {
    type Err = PathError;

    /// Accepts `a/b`, `./a//b` and `a/b/` as the same path.
    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.len() > MAX_PATH {
            return Err(PathError::TooLong(text.len()));
        }
        if text.starts_with('/') {
            return Err(PathError::Absolute(text.to_owned()));
        }
        let names = text.split('/').filter(|name| !matches!(*name, "" | "."));
        let names = names.map(checked_name).collect::<Result<Vec<_>, _>>()?;
        if names.is_empty() {
            return Err(PathError::Empty);
        }
        Ok(Self(names.join("/")))
    }
}

fn checked_name(name: &str) -> Result<&str, PathError> {
    if name == ".." {
        return Err(PathError::Parent);
    }
    if name.len() > MAX_NAME {
        return Err(PathError::NameTooLong(name.len()));
    }
    if name.chars().any(char::is_control) {
        return Err(PathError::Control);
    }
    Ok(name)
}

/// Why a text is not a path below the workspace. The user must act: the message says what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Nothing that names a file.
    #[error("the path is empty; write one below the workspace, e.g. notes/todo.md")]
    Empty,
    /// Starts with a slash.
    #[error("{0:?} is absolute; write it relative to the workspace, e.g. notes/todo.md")]
    Absolute(String),
    /// Has a `..`.
    #[error("the path has a \"..\", which could lead out of the workspace; write it without")]
    Parent,
    /// Has NUL, a newline or another control character.
    #[error("the path has a control character; write it without")]
    Control,
    /// Longer than [`MAX_PATH`].
    #[error("the path is {0} bytes long, at most {MAX_PATH} are possible")]
    TooLong(usize),
    /// A name longer than [`MAX_NAME`].
    #[error("a name of the path is {0} bytes long, at most {MAX_NAME} are possible")]
    NameTooLong(usize),
}
