//! The front matter of a Markdown file: `key: value` lines between two lines of dashes. No IO.
//!
//! People write it by hand and no two tools read it alike, so what makes no sense is passed over. Of YAML it knows plain and
//! quoted texts, texts over several lines, and lists in both forms; that is what commands and agents use.

use std::collections::BTreeMap;

/// What a file says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FrontMatter(BTreeMap<String, String>);

impl FrontMatter {
    /// Reads the front matter of a text; a text without one says nothing.
    pub(super) fn parse(text: &str) -> Self {
        let mut lines = text.trim_start_matches('\u{feff}').lines();
        if lines.next().map(str::trim_end) != Some("---") {
            return Self::default();
        }
        let mut values = BTreeMap::<String, String>::new();
        let mut last = None;
        for line in lines.take_while(|line| line.trim_end() != "---") {
            let indented = line.starts_with([' ', '\t', '-']);
            match (indented, line.split_once(':'), &last) {
                (true, _, Some(key)) => add(values.entry(String::clone(key)).or_default(), line),
                (false, Some((key, value)), _) => {
                    let key = key.trim().to_owned();
                    values.insert(key.clone(), plain(value).to_owned());
                    last = Some(key);
                }
                _ => {}
            }
        }
        Self(values)
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A list, written `a, b` or `[a, b]` or one below the other.
    pub(super) fn list(&self, key: &str) -> Vec<String> {
        let text = self.text(key).unwrap_or_default();
        let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        text.split(',').map(unquoted).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}

/// A line that goes on with the value above it.
fn add(value: &mut String, line: &str) {
    let line = line.trim();
    let (item, between) = line.strip_prefix("- ").map_or((line, " "), |item| (item, ", "));
    if !value.is_empty() {
        value.push_str(between);
    }
    value.push_str(item.trim());
}

fn plain(value: &str) -> &str {
    match value.trim() {
        // The text is in the lines below.
        "|" | ">" | "|-" | ">-" | "|+" | ">+" => "",
        value => unquoted(value),
    }
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_and_lists_are_read_in_the_forms_that_people_use() {
        let text = "---\nname: \"Review: all\"\ndescription: >\n  looks at\n  everything\ntools: [Read, 'Bash']\nmore:\n  - a\n  - b\nplain: Read, Write\n---\nname: body\n";
        let read = FrontMatter::parse(text);
        assert_eq!(read.text("name"), Some("Review: all"));
        assert_eq!(read.text("description"), Some("looks at everything"));
        assert_eq!(read.list("tools"), ["Read", "Bash"]);
        assert_eq!(read.list("more"), ["a", "b"]);
        assert_eq!(read.list("plain"), ["Read", "Write"]);
        assert_eq!((read.text("missing"), read.list("missing")), (None, Vec::new()));
    }

    #[test]
    fn a_file_without_front_matter_says_nothing() {
        for text in ["", "# Title\nname: x", "--- \x00", "----\nname: x\n----"] {
            assert_eq!(FrontMatter::parse(text), FrontMatter::default(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in "(---\n)?([a-z:\\-\\[\\]'\"\n ,|>é]|\\PC){0,200}") {
            let read = FrontMatter::parse(&text);
            read.list("a");
        }
    }
}
