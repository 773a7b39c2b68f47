//! From the parser's events to a tree. Nothing here recurses: the depth of the text is the text's choice.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::{Kind, MAX_DEPTH, MAX_VALUES, Mark, Node, NodeId, Span, SyntaxError, Tree, meaning};

/// Reads a text. What comes before an error is in the tree.
pub(super) fn build(text: &str) -> (Tree, Option<SyntaxError>) {
    let mut builder = Builder::default();
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let step = match event {
            Ok((event, span)) => builder.event(event, span.start.into(), span.end.into()),
            Err(error) => Err(syntax((*error.marker()).into(), error.info())),
        };
        if let Err(error) = step {
            builder.close_all(error.at);
            return (builder.tree, Some(error));
        }
    }
    (builder.tree, None)
}

fn syntax(at: Mark, message: impl Into<String>) -> SyntaxError {
    SyntaxError { at, message: message.into(), help: None }
}

/// A list or map that has begun.
struct Open {
    id: NodeId,
    children: Vec<NodeId>,
    is_map: bool,
}

#[derive(Default)]
struct Builder {
    tree: Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, start: Mark, end: Mark) -> Result<(), SyntaxError> {
        let span = Span { start, end };
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                let kind = scalar(text.into_owned(), style, tag.as_deref(), start)?;
                self.add(Node { span, kind }, anchor).map(|_| ())
            }
            Event::SequenceStart(anchor, tag) => self.begin(false, anchor, tag.as_deref(), span),
            Event::MappingStart(anchor, tag) => self.begin(true, anchor, tag.as_deref(), span),
            Event::SequenceEnd | Event::MappingEnd => {
                self.close(end);
                Ok(())
            }
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), SyntaxError> {
        let target = self.anchors.get(&anchor).copied();
        let target = target.ok_or_else(|| syntax(span.start, "this alias has no anchor"))?;
        if self.open.iter().any(|open| open.id == target) {
            return Err(syntax(span.start, "this alias stands for a value that it is part of"));
        }
        self.add(Node { span, kind: Kind::Alias(target) }, 0).map(|_| ())
    }

    fn begin(&mut self, is_map: bool, anchor: usize, tag: Option<&Tag>, span: Span) -> Result<(), SyntaxError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(syntax(span.start, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let expected = if is_map { "map" } else { "seq" };
        if let Some(tag) = tag.filter(|tag| !(tag.is_yaml_core_schema() && tag.suffix == expected)) {
            return Err(unknown_tag(tag, span.start));
        }
        let kind = if is_map { Kind::Map(Vec::new()) } else { Kind::List(Vec::new()) };
        let id = self.add(Node { span, kind }, anchor)?;
        self.open.push(Open { id, children: Vec::new(), is_map });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<NodeId, SyntaxError> {
        if self.tree.nodes.len() >= MAX_VALUES {
            return Err(syntax(node.span.start, format!("more than {MAX_VALUES} values")));
        }
        let id = NodeId(self.tree.nodes.len());
        self.tree.nodes.push(node);
        // The parser gives 0 to what has no anchor.
        if anchor > 0 {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(id),
            None => self.tree.documents.push(id),
        }
        Ok(id)
    }

    fn close(&mut self, end: Mark) {
        let Some(open) = self.open.pop() else { return };
        let node = &mut self.tree.nodes[open.id.0];
        node.span.end = end;
        node.kind = if open.is_map {
            Kind::Map(open.children.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
        } else {
            Kind::List(open.children)
        };
    }

    /// Ends what a broken text leaves open. Its document is not one: nobody may take a part for the whole.
    fn close_all(&mut self, end: Mark) {
        if !self.open.is_empty() {
            self.tree.documents.pop();
        }
        while !self.open.is_empty() {
            self.close(end);
        }
    }
}

fn scalar(text: String, style: ScalarStyle, tag: Option<&Tag>, at: Mark) -> Result<Kind, SyntaxError> {
    if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
        return Err(unknown_tag(tag, at));
    }
    let is_plain = style == ScalarStyle::Plain && tag.is_none();
    let meaning = meaning(&text, is_plain, tag.map(|tag| tag.suffix.as_str()));
    let meaning = meaning.ok_or_else(|| syntax(at, "the value is not what its tag says"))?;
    Ok(Kind::Scalar { text, meaning, is_plain })
}

fn unknown_tag(tag: &Tag, at: Mark) -> SyntaxError {
    let help = Some("write the value without a tag".to_owned());
    SyntaxError { help, ..syntax(at, format!("the tag {tag} has no meaning here")) }
}
