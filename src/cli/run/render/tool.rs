//! One tool call on one line: what it is called with, and how it went.

use serde_json::Value;

/// The members that say best what a tool does, in the order of preference.
const TELLING: [&str; 9] =
    ["command", "file_path", "notebook_path", "path", "pattern", "url", "query", "description", "prompt"];

/// What is known of a running tool.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) args: String,
    pub(super) started_ms: i64,
    pub(super) depth: usize,
    /// Its arguments are complete, and its result has not come.
    pub(super) is_running: bool,
}

impl Tool {
    /// What it is called with, on one line.
    pub(super) fn label(&self, workspace: &str) -> String {
        let args: Value = serde_json::from_str(&self.args).unwrap_or_default();
        let told = TELLING.iter().find_map(|name| args.get(name)?.as_str());
        let text = told.map_or_else(|| short_args(&args), str::to_owned);
        let text = text.replace(workspace, "").replace('\n', " ⏎ ");
        text.trim_start_matches('/').to_owned()
    }

    /// How it went: an exit code, changed lines, or a failure.
    pub(super) fn note(&self, result: &str, failed: bool) -> String {
        match self.name.as_str() {
            "Bash" => exit_code(result, failed),
            "Edit" | "Write" | "MultiEdit" if !failed => changed_lines(&self.args),
            _ if failed => "failed".to_owned(),
            _ => String::new(),
        }
    }
}

fn short_args(args: &Value) -> String {
    match args {
        Value::Object(members) if members.is_empty() => String::new(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn exit_code(result: &str, failed: bool) -> String {
    let code =
        result.strip_prefix("Exit code ").map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    match code {
        Some(code) => format!("exit {code}"),
        None if failed => "failed".to_owned(),
        None => "exit 0".to_owned(),
    }
}

fn changed_lines(args: &str) -> String {
    let args: Value = serde_json::from_str(args).unwrap_or_default();
    let lines = |name: &str| args.get(name).and_then(Value::as_str).map(|text| text.lines().collect::<Vec<_>>());
    match (lines("old_string"), lines("new_string"), lines("content")) {
        (Some(old), Some(new), _) => {
            let (removed, added) = differing(&old, &new);
            format!("+{added} −{removed}")
        }
        (_, _, Some(content)) => format!("+{}", content.len()),
        _ => String::new(),
    }
}

/// How many lines differ once the common beginning and end are left out.
fn differing(old: &[&str], new: &[&str]) -> (usize, usize) {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = |lines: &[&str]| lines.len() - head;
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    (rest(old) - tail, rest(new) - tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str, args: &str) -> Tool {
        Tool { name: name.into(), args: args.into(), ..Tool::default() }
    }

    #[test]
    fn a_command_is_shown_on_one_line_without_the_workspaces_path() {
        let bash = tool("Bash", r#"{"command":"cd /ws/calc\nls","description":"look"}"#);
        assert_eq!(bash.label("/ws"), "cd /calc ⏎ ls");
        assert_eq!(tool("Edit", r#"{"file_path":"/ws/calc/sum.sh"}"#).label("/ws"), "calc/sum.sh");
    }

    #[test]
    fn bash_tells_its_exit_code() {
        let bash = tool("Bash", "{}");
        assert_eq!(bash.note("Exit code 101\nerror", true), "exit 101");
        assert_eq!(bash.note("ok", false), "exit 0");
        assert_eq!(bash.note("The user doesn't want", true), "failed");
    }

    #[test]
    fn an_edit_counts_the_lines_that_differ() {
        let edit = tool("Edit", r#"{"old_string":"a\nb\nc","new_string":"a\nB\nB2\nc"}"#);
        assert_eq!(edit.note("done", false), "+2 −1");
        assert_eq!(tool("Write", r#"{"content":"x\ny\n"}"#).note("", false), "+2");
    }

    #[test]
    fn broken_arguments_are_no_reason_to_stop() {
        assert_eq!(tool("Bash", "{\"comm").label("/ws"), "");
        assert_eq!(tool("Edit", "{").note("", false), "");
    }
}
