//! What is wrong with a manifest, where, and what to do about it.

use std::{fmt, ops::Range};

use super::tree::Span;
use crate::api::path::FieldPath;

/// How many lines are shown before the one that is wrong.
const CONTEXT: usize = 2;

/// How many characters of a line are shown.
const WIDTH: usize = 100;

/// How many errors are printed; the rest is counted.
const MAX_PRINTED: usize = 50;

/// Something that is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name as it was given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The field, e.g. `spec.repos[1].url`; empty for what is no field.
    pub path: String,
    /// What was expected and what was found.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The lines around it; nothing where they could show a secret.
    pub excerpt: Option<Excerpt>,
}

/// A few lines of a manifest with a place in the last one. Values that may be secret are masked, control characters
/// are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// Numbers and texts of the lines.
    pub lines: Vec<(usize, String)>,
    /// Where in the last line the place begins, in characters.
    pub offset: usize,
    /// How many characters it has, at least one.
    pub length: usize,
}

/// Everything that is wrong with a set of manifests, at least one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl std::error::Error for Diagnostics {}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, diagnostic) in self.0.iter().take(MAX_PRINTED).enumerate() {
            let gap = if position == 0 { "" } else { "\n" };
            writeln!(f, "{gap}{diagnostic}")?;
        }
        match self.0.len().saturating_sub(MAX_PRINTED) {
            0 => Ok(()),
            more => writeln!(f, "\n… and {more} more errors"),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}:{}:{}: ", self.file, self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match (&self.excerpt, &self.help) {
            (Some(excerpt), help) => excerpt.write(f, help.as_deref().unwrap_or_default()),
            (None, Some(help)) => write!(f, "\n      = {help}"),
            (None, None) => Ok(()),
        }
    }
}

impl Excerpt {
    fn write(&self, f: &mut fmt::Formatter<'_>, help: &str) -> fmt::Result {
        for (number, line) in &self.lines {
            write!(f, "\n{number:>5} | {line}")?;
        }
        let marks = "^".repeat(self.length);
        let caret = format!("{:offset$}{marks} {help}", "", offset = self.offset);
        write!(f, "\n      | {}", caret.trim_end())
    }
}

/// Something that is wrong with a document, before it is known how to show it.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) span: Span,
    pub(super) path: FieldPath,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Finding {
    pub(super) fn new(span: Span, path: FieldPath, message: impl Into<String>) -> Self {
        Self { span, path, message: message.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A text by lines, with what must not be shown of it.
pub(super) struct Page<'a> {
    file: &'a str,
    lines: Vec<(usize, &'a str)>,
    secrets: Vec<Span>,
    is_readable: bool,
}

impl<'a> Page<'a> {
    /// A page that shows its lines only if it is readable.
    pub(super) fn new(file: &'a str, text: &'a str, secrets: Vec<Span>, is_readable: bool) -> Self {
        let mut index = 0;
        let lines = text.split('\n').map(|line| {
            let start = index;
            index += line.chars().count() + 1;
            (start, line)
        });
        Self { file, lines: lines.collect(), secrets, is_readable }
    }

    pub(super) fn diagnostic(&self, finding: Finding) -> Diagnostic {
        Diagnostic {
            file: self.file.to_owned(),
            line: finding.span.start.line,
            column: finding.span.start.column,
            path: finding.path.to_string(),
            message: finding.message,
            help: finding.help,
            excerpt: self.is_readable.then(|| self.excerpt(finding.span)),
        }
    }

    fn excerpt(&self, span: Span) -> Excerpt {
        let last = span.start.line;
        let shown = last.saturating_sub(CONTEXT).max(1)..=last;
        let left = (span.start.column - 1).saturating_sub(WIDTH / 2);
        let hidden = self.secrets_in(*shown.start(), last);
        let lines: Vec<(usize, String)> =
            shown.filter_map(|number| Some((number, self.line(number, left, &hidden)?))).collect();
        let room = lines.last().map_or(0, |(_, line)| line.chars().count());
        let offset = span.start.column - 1 - left;
        let one_line = span.end.line == last && span.end.column > span.start.column;
        let length = if one_line { span.end.column - span.start.column } else { 1 };
        Excerpt { lines, offset, length: length.min(room.saturating_sub(offset)).max(1) }
    }

    fn secrets_in(&self, first: usize, last: usize) -> Vec<Range<usize>> {
        let there = self.secrets.iter().filter(|span| span.start.line <= last && span.end.line >= first);
        there.map(|span| span.start.index..span.end.index).collect()
    }

    /// A line from its `left`th character on.
    fn line(&self, number: usize, left: usize, hidden: &[Range<usize>]) -> Option<String> {
        let &(start, line) = self.lines.get(number.checked_sub(1)?)?;
        let visible = line.trim_end_matches('\r').chars().enumerate().skip(left).take(WIDTH);
        Some(visible.map(|(column, c)| shown(c, start + column, hidden)).collect())
    }
}

fn shown(c: char, index: usize, hidden: &[Range<usize>]) -> char {
    match c {
        ' ' => ' ',
        _ if hidden.iter().any(|range| range.contains(&index)) => '•',
        '\t' => ' ',
        _ if c.is_control() => '\u{fffd}',
        _ => c,
    }
}
