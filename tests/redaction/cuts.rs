//! A secret that is cut over deltas never gets out, wherever it is cut.

use ambient::{
    agui::{Event, EventKind, Id},
    runner::redact::EventRedactor,
};
use serde_json::Value;

use crate::samples;

/// The kinds of events that carry deltas: how to make one, and the event that ends its item.
#[derive(Debug, Clone, Copy)]
enum Streamed {
    Text,
    Reasoning,
    ToolCall,
    TextChunk,
    ReasoningChunk,
    ToolCallChunk,
}

const ALL: [Streamed; 6] = [
    Streamed::Text,
    Streamed::Reasoning,
    Streamed::ToolCall,
    Streamed::TextChunk,
    Streamed::ReasoningChunk,
    Streamed::ToolCallChunk,
];

impl Streamed {
    fn delta(self, id: &str, delta: &str, is_first: bool) -> Event {
        let (id, delta) = (Id::from(id), delta.to_owned());
        let first_id = is_first.then(|| id.clone());
        Event::from(match self {
            Self::Text => EventKind::TextMessageContent { message_id: id, delta },
            Self::Reasoning => EventKind::ReasoningMessageContent { message_id: id, delta },
            Self::ToolCall => EventKind::ToolCallArgs { tool_call_id: id, delta },
            Self::TextChunk => {
                EventKind::TextMessageChunk { message_id: first_id, role: None, delta: Some(delta), name: None }
            }
            Self::ReasoningChunk => EventKind::ReasoningMessageChunk { message_id: first_id, delta: Some(delta) },
            Self::ToolCallChunk => EventKind::ToolCallChunk {
                tool_call_name: is_first.then(|| "Bash".to_owned()),
                tool_call_id: first_id,
                parent_message_id: None,
                delta: Some(delta),
            },
        })
    }

    fn end(self, id: &str) -> Event {
        let id = Id::from(id);
        Event::from(match self {
            Self::Text => EventKind::TextMessageEnd { message_id: id },
            Self::Reasoning => EventKind::ReasoningMessageEnd { message_id: id },
            Self::ToolCall => EventKind::ToolCallEnd { tool_call_id: id },
            Self::TextChunk | Self::ReasoningChunk | Self::ToolCallChunk => {
                EventKind::Custom { name: "test:end".to_owned(), value: Value::Null }
            }
        })
    }
}

/// The text that a client puts together from the deltas, and whether they all came before the last event.
fn assembled(out: &[Event]) -> String {
    let mut text = String::new();
    for event in out {
        match &event.kind {
            EventKind::TextMessageContent { delta, .. }
            | EventKind::ReasoningMessageContent { delta, .. }
            | EventKind::ToolCallArgs { delta, .. } => text.push_str(delta),
            EventKind::TextMessageChunk { delta, .. }
            | EventKind::ReasoningMessageChunk { delta, .. }
            | EventKind::ToolCallChunk { delta, .. } => {
                text.push_str(delta.as_deref().unwrap_or_default());
            }
            _ => {}
        }
    }
    text
}

fn run(streamed: Streamed, deltas: &[&str]) -> Vec<Event> {
    let mut redactor = EventRedactor::new(samples::redactor());
    let mut out = Vec::new();
    for (index, delta) in deltas.iter().enumerate() {
        redactor.apply(streamed.delta("item", delta, index == 0), &mut out);
    }
    let before_end = out.len();
    redactor.apply(streamed.end("item"), &mut out);
    assert_eq!(out.last(), Some(&streamed.end("item")), "the rest comes before the end");
    assert!(out.len() <= before_end + 2);
    out
}

/// Every secret in every form, with what must vanish from the text.
fn secrets() -> Vec<(String, String)> {
    let escaped = |text: &str| {
        let quoted = Value::from(text).to_string();
        quoted[1..quoted.len() - 1].to_owned()
    };
    let known = samples::known().into_iter().flat_map(|(_, value)| {
        let value = value.trim().to_owned();
        let (once, twice) = (escaped(&value), escaped(&escaped(&value)));
        [value, once, twice].map(|form| (form.clone(), form))
    });
    let shapes = samples::shapes().into_iter().map(|(_, text, secret)| (text, secret));
    known.chain(shapes).map(|(text, secret)| (format!(r#"{{"command":"echo {text}"}}"#), secret)).collect()
}

#[test]
fn bug_05_a_secret_cut_into_two_deltas_at_any_byte_never_gets_out() {
    for (text, secret) in secrets() {
        let expected = samples::redactor().redact_str(&text).into_owned();
        assert!(expected.contains("[redacted:") && !expected.contains(&secret), "{expected}");
        for streamed in ALL {
            for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
                let out = run(streamed, &[&text[..cut], &text[cut..]]);
                assert_eq!(assembled(&out), expected, "{streamed:?} cut at {cut}");
            }
        }
    }
}

#[test]
fn a_secret_in_deltas_of_one_character_never_gets_out() {
    for (text, _) in secrets() {
        let expected = samples::redactor().redact_str(&text).into_owned();
        let characters: Vec<String> = text.chars().map(String::from).collect();
        let deltas: Vec<&str> = characters.iter().map(String::as_str).collect();
        for streamed in ALL {
            assert_eq!(assembled(&run(streamed, &deltas)), expected, "{streamed:?}");
        }
    }
}

#[test]
fn items_that_take_turns_are_redacted_each_on_its_own() {
    let key = &samples::known()[0].1;
    for streamed in [Streamed::Text, Streamed::Reasoning, Streamed::ToolCall] {
        let mut redactor = EventRedactor::new(samples::redactor());
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for character in key.chars() {
            redactor.apply(streamed.delta("one", &character.to_string(), false), &mut one);
            redactor.apply(streamed.delta("other", "plain ", false), &mut other);
        }
        redactor.apply(streamed.end("one"), &mut one);
        redactor.apply(streamed.end("other"), &mut other);
        assert_eq!(assembled(&one), "[redacted:ANTHROPIC_API_KEY]");
        assert_eq!(assembled(&other), "plain ".repeat(key.len()));
    }
}

#[test]
fn an_item_that_is_opened_again_never_completes_a_secret() {
    let key = &samples::known()[0].1;
    for streamed in ALL {
        for cut in 1..key.len() {
            let mut redactor = EventRedactor::new(samples::redactor());
            let mut out = Vec::new();
            redactor.apply(streamed.delta("item", &key[..cut], true), &mut out);
            redactor.apply(streamed.end("item"), &mut out);
            redactor.apply(streamed.delta("item", &key[cut..], true), &mut out);
            redactor.apply(streamed.end("item"), &mut out);
            assert!(!assembled(&out).contains(key.as_str()), "{streamed:?} cut at {cut}");
        }
    }
}

#[test]
fn a_raw_event_does_not_carry_the_pieces_of_a_cut_secret() {
    let mut event = Streamed::Text.delta("item", "gh", false);
    event.raw_event = Some(Value::from("gh"));
    let mut redactor = EventRedactor::new(samples::redactor());
    let mut out = Vec::new();
    redactor.apply(event, &mut out);
    redactor.finish(None, &mut out);
    assert!(out.iter().all(|event| event.raw_event.is_none()), "{out:?}");
}
