//! What a person sees of single events.

use serde_json::json;

use super::{Detail, Screen, View};
use crate::agui::{Content, Event, EventKind, Id};

/// A terminal of 80 columns that remembers what it was told.
#[derive(Default)]
struct Seen {
    text: String,
    busy: Option<String>,
}

impl Screen for Seen {
    fn print(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn busy(&mut self, what: Option<&str>) {
        self.busy = what.map(str::to_owned);
    }

    fn width(&self) -> usize {
        80
    }

    fn is_terminal(&self) -> bool {
        true
    }
}

fn show(events: Vec<EventKind>, detail: Detail) -> Seen {
    let (mut view, mut seen) = (View::new(detail, "/ws".to_owned()), Seen::default());
    for (at_ms, kind) in (0..).zip(events) {
        view.event(&Event::from(kind), at_ms, &mut seen);
    }
    seen
}

fn begins(id: &str, command: &str) -> Vec<EventKind> {
    let tool_call_id = Id::from(id);
    let tool_call_name = "Bash".to_owned();
    let delta = json!({ "command": command }).to_string();
    vec![
        EventKind::ToolCallStart { tool_call_id: tool_call_id.clone(), tool_call_name, parent_message_id: None },
        EventKind::ToolCallArgs { tool_call_id: tool_call_id.clone(), delta },
        EventKind::ToolCallEnd { tool_call_id },
    ]
}

fn ends(id: &str, output: &str) -> EventKind {
    EventKind::ToolCallResult {
        message_id: Id::from("m"),
        tool_call_id: Id::from(id),
        content: Content::Text(output.to_owned()),
        role: None,
    }
}

#[test]
fn while_tools_run_together_the_longest_one_is_shown_until_none_is_left() {
    let mut events = [begins("1", "make"), begins("2", "cargo test")].concat();
    let both = show(events.clone(), Detail::default());
    assert_eq!(both.busy.as_deref(), Some("⚙ Bash make  (and 1 more)"));
    events.push(ends("1", "ok"));
    let second = show(events.clone(), Detail::default());
    assert_eq!(second.busy.as_deref(), Some("⚙ Bash cargo test"));
    events.push(ends("2", "ok"));
    assert_eq!(show(events, Detail::default()).busy, None);
}

#[test]
fn what_a_tool_prints_is_shown_only_when_asked_for() {
    let lines: Vec<String> = (0..20).map(|line| format!("line {line}")).collect();
    let mut events = begins("1", "make");
    events.push(ends("1", &lines.join("\n")));
    let short = show(events.clone(), Detail::default()).text;
    assert!(!short.contains("line"), "{short}");
    let verbose = show(events, Detail { verbose: true, ..Detail::default() }).text;
    assert!(lines.iter().all(|line| verbose.contains(line)), "{verbose}");
}

#[test]
fn a_retry_says_what_is_wrong_with_the_provider() {
    for (status, told) in [
        (json!(529), "provider busy (529)"),
        (json!(500), "provider failed (500)"),
        (json!(401), "key refused (401)"),
        (json!(null), "provider not reached"),
    ] {
        let value = json!({ "attempt": 2, "maxRetries": 10, "delayMs": 3200, "status": status });
        let retry = EventKind::Custom { name: "ambient:retry".into(), value };
        let seen = show(vec![retry], Detail::default()).text;
        assert!(seen.contains(&format!("… {told}, retry 2 of 10 in 4 s")), "{seen}");
    }
}
