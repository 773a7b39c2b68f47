//! A simple scanner of Rust source: enough to see names and braces, no more.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// A file of Rust source.
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    /// The source, with comments and the contents of strings blanked out. Lines stay where they are.
    pub(crate) code: String,
    pub(crate) lines: usize,
}

/// Every Rust file below a directory.
pub(crate) fn rust_files(dir: &str) -> Vec<SourceFile> {
    let mut files = Vec::new();
    collect(Path::new(dir), &mut files);
    files
}

fn collect(dir: &Path, files: &mut Vec<SourceFile>) {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            files.push(SourceFile { path, lines: text.lines().count(), code: blank(&text) });
        }
    }
}

impl SourceFile {
    /// The top module that the file belongs to; of `src/lib.rs` that is `lib`.
    pub(crate) fn module(&self) -> &str {
        let part = self.path.components().nth(1).and_then(|part| part.as_os_str().to_str());
        part.map_or("", |part| part.trim_end_matches(".rs"))
    }

    /// The names that follow the crate's root in the file's paths: `crate::a`, `crate::{a, b::c}`, and `super::a` where
    /// it leads out of the top module.
    pub(crate) fn uses(&self) -> BTreeSet<String> {
        let out = "super::".repeat(self.depth());
        let roots = ["crate::".to_owned(), format!(" {out}"), format!("({out}")];
        roots.iter().flat_map(|root| self.code.split(root.as_str()).skip(1).flat_map(first_names)).collect()
    }

    /// How many modules the file's own module is deep in the crate.
    fn depth(&self) -> usize {
        let parts = self.path.components().count() - 1;
        if self.path.ends_with("mod.rs") { parts - 1 } else { parts }
    }

    /// The lines of every function from its name to its closing brace.
    pub(crate) fn function_lengths(&self) -> Vec<usize> {
        let starts = self.code.match_indices("fn ").filter(|(at, _)| {
            let before = self.code[..*at].chars().next_back();
            before.is_none_or(|c| c.is_whitespace() || c == '(')
        });
        starts.filter_map(|(at, _)| body_lines(&self.code[at..])).collect()
    }
}

/// The names with which a path or a group of paths begins.
fn first_names(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return vec![name(rest)];
    };
    let mut names = vec![name(group.trim_start())];
    let mut depth = 1;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(name(group[at + 1..].trim_start())),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

fn name(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The lines of the function that a text begins with; nothing for one without a body.
fn body_lines(text: &str) -> Option<usize> {
    let (mut braces, mut brackets) = (0_usize, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets = brackets.checked_sub(1)?,
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces = braces.checked_sub(1)?;
                if braces == 0 {
                    return Some(text[..=at].lines().count());
                }
            }
            _ => {}
        }
    }
    None
}

/// What the scanner is in.
#[derive(Clone, Copy)]
enum State {
    Code,
    LineComment,
    BlockComment(usize),
    Text,
    RawText(usize),
}

/// The source with comments and the contents of strings and characters replaced by spaces.
fn blank(text: &str) -> String {
    let mut state = State::Code;
    let mut blanked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (shown, length, next) = step(state, rest, c);
        state = next;
        let taken = &rest[..length];
        let blank = |c: char| if shown || c == '\n' { c } else { ' ' };
        blanked.extend(taken.chars().map(blank));
        rest = &rest[length..];
    }
    blanked
}

/// Whether the next piece is shown, how many bytes it has, and what comes after it.
fn step(state: State, rest: &str, c: char) -> (bool, usize, State) {
    let one = c.len_utf8();
    match state {
        State::Code => code(rest, one),
        State::LineComment if c == '\n' => (true, one, State::Code),
        State::LineComment => (false, one, State::LineComment),
        State::BlockComment(1) if rest.starts_with("*/") => (false, 2, State::Code),
        State::BlockComment(depth) if rest.starts_with("*/") => (false, 2, State::BlockComment(depth - 1)),
        State::BlockComment(depth) if rest.starts_with("/*") => (false, 2, State::BlockComment(depth + 1)),
        State::BlockComment(depth) => (false, one, State::BlockComment(depth)),
        State::Text if c == '\\' => (false, one + rest[one..].chars().next().map_or(0, char::len_utf8), State::Text),
        State::Text if c == '"' => (true, one, State::Code),
        State::Text => (false, one, State::Text),
        State::RawText(hashes) if rest.starts_with(&format!("\"{}", "#".repeat(hashes))) => {
            (true, 1 + hashes, State::Code)
        }
        State::RawText(hashes) => (false, one, State::RawText(hashes)),
    }
}

fn code(rest: &str, one: usize) -> (bool, usize, State) {
    if rest.starts_with("//") {
        return (false, 2, State::LineComment);
    }
    if rest.starts_with("/*") {
        return (false, 2, State::BlockComment(1));
    }
    if rest.starts_with('"') {
        return (true, 1, State::Text);
    }
    if let Some(hashes) = rest.strip_prefix('r').and_then(raw_hashes) {
        return (true, 2 + hashes, State::RawText(hashes));
    }
    if let Some(length) = character(rest) {
        return (false, length, State::Code);
    }
    // A whole word at once, so that the `r` of `for` begins no raw string.
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    (true, word.max(one), State::Code)
}

fn raw_hashes(rest: &str) -> Option<usize> {
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    rest[hashes..].starts_with('"').then_some(hashes)
}

/// The length of a character literal; nothing for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    let first = inner.chars().next()?;
    let at = if first == '\\' { 2 } else { first.len_utf8() };
    let end = inner.get(at..)?.find('\'')?;
    let is_literal = end == 0 || first == '\\';
    is_literal.then_some(1 + at + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.into(), code: blank(text), lines: 0 }
    }

    #[test]
    fn comments_and_strings_are_no_code() {
        let text = "a(\"crate::b \\\" x\", r#\"crate::c\"#, '\"', 'x', b'\\'') // crate::d\n/* crate::e */ f::<'a>()";
        let code = blank(text);
        assert!(!code.contains("crate"), "{code}");
        assert!(code.contains("f::<'a>()"), "{code}");
    }

    #[test]
    fn paths_and_groups_of_paths_are_uses() {
        let text = "use crate::{agui::{Event, Id}, api}; fn f() { crate::host::x(); super::super::eventlog::y(); }";
        let uses = file("src/fold/text.rs", text).uses();
        assert!(["agui", "api", "host", "eventlog"].iter().all(|name| uses.contains(*name)), "{uses:?}");
        assert!(!uses.contains("Event"));
    }

    #[test]
    fn functions_are_counted_from_their_name_to_their_end() {
        let text = "fn a() {\n  if x {\n  }\n}\ntrait T {\n  fn none(x: [u8; 3]);\n  fn b() {}\n}\n";
        assert_eq!(file("src/x.rs", text).function_lengths(), [4, 1]);
    }
}
