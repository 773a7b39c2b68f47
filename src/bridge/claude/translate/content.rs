//! A tool's result blocks as AG-UI content.

use serde_json::Value;

use crate::{
    agui::{Content, ContentPart, MediaSource},
    bridge::claude::wire::text,
};

/// All blocks of a result: text alone becomes one text, anything else a list of parts.
pub(super) fn content(value: Value) -> Content {
    match value {
        Value::String(text) => Content::Text(text),
        Value::Array(blocks) => from_blocks(blocks),
        Value::Null => Content::Text(String::new()),
        other => Content::Text(other.to_string()),
    }
}

fn from_blocks(blocks: Vec<Value>) -> Content {
    let parts: Vec<ContentPart> = blocks.into_iter().map(part).collect();
    if parts.iter().all(|part| matches!(part, ContentPart::Text { .. })) {
        return Content::Text(Content::Parts(parts).text());
    }
    Content::Parts(parts)
}

fn part(mut block: Value) -> ContentPart {
    let kind = text(&block, "type").unwrap_or_default().to_owned();
    if kind == "text"
        && let Value::String(text) = block["text"].take()
    {
        return ContentPart::from(text);
    }
    match (&*kind, source(block.get_mut("source"))) {
        ("image", Some(source)) => ContentPart::Image { source, id: None, metadata: None },
        ("document", Some(source)) => ContentPart::Document { source, id: None, metadata: None },
        // A kind that AG-UI has no part for: shown as it is.
        _ => ContentPart::from(block.to_string()),
    }
}

fn source(source: Option<&mut Value>) -> Option<MediaSource> {
    let source = source?;
    if let Some(url) = text(source, "url") {
        return Some(MediaSource::Url { value: url.to_owned(), mime_type: None });
    }
    let mime_type = text(source, "media_type")?.to_owned();
    let Value::String(value) = source.get_mut("data")?.take() else {
        return None;
    };
    Some(MediaSource::Data { value, mime_type })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_joined() {
        let blocks = json!([{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }]);
        assert_eq!(content(blocks), Content::Text("a\nb".into()));
        assert_eq!(content(json!("plain")), Content::Text("plain".into()));
        assert_eq!(content(Value::Null), Content::Text(String::new()));
    }

    #[test]
    fn an_image_makes_parts_and_nothing_is_lost() {
        let image =
            json!({ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AA==" } });
        let Content::Parts(parts) = content(json!([{ "type": "text", "text": "a" }, image, { "type": "new", "x": 1 }]))
        else {
            panic!("not parts")
        };
        assert_eq!(parts[0], ContentPart::from("a"));
        let source = MediaSource::Data { value: "AA==".into(), mime_type: "image/png".into() };
        assert_eq!(parts[1], ContentPart::Image { source, id: None, metadata: None });
        assert!(parts[2].text().unwrap().contains("new"));
    }
}
