//! Events to lines.

use std::{collections::HashMap, fmt::Write as _, time::Duration};

use anstyle::{AnsiColor, Style};
use serde_json::Value;

use super::{figures::duration, screen::Screen, tool::Tool};
use crate::agui::{Event, EventKind, Id, TextRole};

const DIM: Style = Style::new().dimmed();
const TOOL: Style = AnsiColor::Cyan.on_default();
const WARN: Style = AnsiColor::Yellow.on_default();

/// How much is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::cli) struct Detail {
    /// The agent's thinking, in full.
    pub(in crate::cli) thinking: bool,
    /// The output of tools.
    pub(in crate::cli) verbose: bool,
}

/// What has been shown of a run, and what is going on.
pub(in crate::cli) struct View {
    detail: Detail,
    workspace: String,
    tools: HashMap<Id, Tool>,
    /// The text that waits for the end of its line; a terminal shows it at once.
    line: String,
    at_line_start: bool,
    thinking_since: Option<i64>,
    quiet: bool,
}

impl View {
    pub(in crate::cli) fn new(detail: Detail, workspace: String) -> Self {
        Self {
            detail,
            workspace,
            tools: HashMap::new(),
            line: String::new(),
            at_line_start: true,
            thinking_since: None,
            quiet: false,
        }
    }

    /// Shows one event.
    pub(in crate::cli) fn event(&mut self, event: &Event, at_ms: i64, screen: &mut dyn Screen) {
        let depth = usize::from(event.subagent_run_id.is_some());
        match &event.kind {
            EventKind::TextMessageStart { role, .. } => {
                // What the platform did is told by its own lines.
                self.quiet = *role == Some(TextRole::Developer) && !self.detail.verbose;
            }
            EventKind::TextMessageContent { delta, .. } if !self.quiet => {
                self.text(delta, depth, Style::new(), screen);
            }
            EventKind::TextMessageEnd { .. } => self.end_line(screen),
            EventKind::ReasoningStart { .. } => self.thinking_since = Some(at_ms),
            EventKind::ReasoningMessageContent { delta, .. } => self.thinking(delta, depth, screen),
            EventKind::ReasoningEnd { .. } => self.thought(at_ms, screen),
            EventKind::ToolCallStart { tool_call_id, tool_call_name, .. } => {
                self.end_line(screen);
                let tool = Tool { name: tool_call_name.clone(), started_ms: at_ms, depth, ..Tool::default() };
                self.tools.insert(tool_call_id.clone(), tool);
            }
            EventKind::ToolCallArgs { tool_call_id, delta } => {
                if let Some(tool) = self.tools.get_mut(tool_call_id) {
                    tool.args.push_str(delta);
                }
            }
            EventKind::ToolCallEnd { tool_call_id } => self.tool_begins(tool_call_id, screen),
            EventKind::ToolCallResult { tool_call_id, content, .. } => {
                self.tool_ended(tool_call_id, &content.text(), is_error(event), at_ms, screen);
            }
            EventKind::SubagentStarted { name, .. } => {
                self.note(&format!("▸ sub-agent {name}"), DIM, screen);
            }
            EventKind::Custom { name, value } => self.custom(name, value, screen),
            _ => {}
        }
    }

    /// Ends a line that is open, so that something else can be said.
    pub(in crate::cli) fn end_line(&mut self, screen: &mut dyn Screen) {
        if !self.line.is_empty() {
            screen.print(&std::mem::take(&mut self.line));
        }
        if !self.at_line_start {
            screen.print("\n");
            self.at_line_start = true;
        }
    }

    fn text(&mut self, text: &str, depth: usize, style: Style, screen: &mut dyn Screen) {
        screen.busy(None);
        for part in text.split_inclusive('\n') {
            let visible = part.trim_end_matches(['\n', '\r']);
            if self.at_line_start && !visible.is_empty() {
                let _ = write!(self.line, "    {}", "  ".repeat(depth));
            }
            if !visible.is_empty() {
                let _ = write!(self.line, "{style}{}{style:#}", printable(visible));
                self.at_line_start = false;
            }
            if part.ends_with('\n') {
                self.line.push('\n');
                self.at_line_start = true;
            }
        }
        if screen.is_terminal() || self.at_line_start {
            screen.print(&std::mem::take(&mut self.line));
        }
    }

    fn thinking(&mut self, delta: &str, depth: usize, screen: &mut dyn Screen) {
        if self.detail.thinking {
            self.text(delta, depth, DIM, screen);
        } else {
            screen.busy(Some("thinking"));
        }
    }

    fn thought(&mut self, at_ms: i64, screen: &mut dyn Screen) {
        screen.busy(None);
        let since = self.thinking_since.take();
        if self.detail.thinking {
            self.end_line(screen);
        } else if let Some(since) = since {
            self.note(&format!("✻ thought for {}", duration(between(since, at_ms))), DIM, screen);
        }
    }

    fn tool_begins(&mut self, id: &Id, screen: &mut dyn Screen) {
        if let Some(tool) = self.tools.get_mut(id) {
            tool.is_running = true;
        }
        self.show_running(screen);
    }

    /// What runs now: the tool that has run longest, as of several that run together.
    fn show_running(&self, screen: &mut dyn Screen) {
        let running = || self.tools.values().filter(|tool| tool.is_running);
        if let Some(tool) = running().min_by_key(|tool| tool.started_ms) {
            let others = running().count() - 1;
            let others = if others > 0 { format!("  (and {others} more)") } else { String::new() };
            let label = printable(&tool.label(&self.workspace));
            screen.busy(Some(&format!("⚙ {} {label}{others}", tool.name)));
        }
    }

    fn tool_ended(&mut self, id: &Id, result: &str, failed: bool, at_ms: i64, screen: &mut dyn Screen) {
        screen.busy(None);
        self.end_line(screen);
        let Some(tool) = self.tools.remove(id) else {
            return;
        };
        let line = self.tool_line(&tool, result, failed, at_ms, screen.width());
        screen.print(&line);
        if self.detail.verbose {
            screen.print(&indented(result));
        }
        self.show_running(screen);
    }

    fn tool_line(&self, tool: &Tool, result: &str, failed: bool, at_ms: i64, width: usize) -> String {
        let indent = 4 + 2 * tool.depth;
        let (note, elapsed) = (tool.note(result, failed), duration(between(tool.started_ms, at_ms)));
        let title = format!("{:<6}", tool.name);
        let room = width.saturating_sub(indent + 2 + title.chars().count() + 1 + 10 + 9);
        let label = shortened(&printable(&tool.label(&self.workspace)), room);
        let style = if failed { WARN } else { TOOL };
        format!("{:indent$}{style}⚙ {title}{style:#} {label:<room$}{note:>10}{DIM}{elapsed:>9}{DIM:#}\n", "")
    }

    fn custom(&mut self, name: &str, value: &Value, screen: &mut dyn Screen) {
        if let Some(text) = platform_note(name, value) {
            self.note(&text, WARN, screen);
        }
    }

    fn note(&mut self, text: &str, style: Style, screen: &mut dyn Screen) {
        screen.busy(None);
        self.end_line(screen);
        screen.print(&format!("    {style}{}{style:#}\n", printable(text)));
    }
}

/// What a person should know of the platform's own events.
fn platform_note(name: &str, value: &Value) -> Option<String> {
    let number = |name: &str| value.get(name).and_then(Value::as_u64);
    match name {
        "ambient:retry" => {
            let what = match number("status") {
                Some(code @ (401 | 403)) => format!("key refused ({code})"),
                Some(code @ (429 | 503 | 529)) => format!("provider busy ({code})"),
                Some(code) => format!("provider failed ({code})"),
                None => "provider not reached".to_owned(),
            };
            let wait = number("delayMs").unwrap_or_default().div_ceil(1000);
            let (attempt, most) = (number("attempt")?, number("maxRetries")?);
            Some(format!("… {what}, retry {attempt} of {most} in {wait} s"))
        }
        "ambient:abandoned" => Some("… the connection was cut; the answer begins again".to_owned()),
        "ambient:conversation_lost" => Some("… the agent lost the conversation so far and began a new one".to_owned()),
        _ => None,
    }
}

fn is_error(event: &Event) -> bool {
    let flag = |event: &Event| event.metadata.as_ref()?.get("ambient")?.get("isError")?.as_bool();
    flag(event).unwrap_or(false)
}

fn between(from_ms: i64, to_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(to_ms - from_ms).unwrap_or(0))
}

/// Text without control characters: an agent's output must not move the cursor or change the terminal's state.
pub(in crate::cli) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\t').collect()
}

fn shortened(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    kept + "…"
}

/// A tool's output.
fn indented(output: &str) -> String {
    output.lines().fold(String::new(), |shown, line| shown + &format!("      {DIM}{}{DIM:#}\n", printable(line)))
}
