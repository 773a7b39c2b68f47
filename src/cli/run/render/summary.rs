//! The first and the last lines of a run.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::figures::{duration, money, tokens};
use crate::api::{
    Run,
    run::{GitState, RunPhase, Usage},
};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default().bold();
const BOLD: Style = Style::new().bold();

/// `fix-bug  claude-agent-sdk · claude-sonnet-4-5 · ./.ambient/fix-bug`
pub(in crate::cli::run) fn heading(session: &str, runner: &str, model: &str, place: &str) -> String {
    format!("{BOLD}{session}{BOLD:#}  {runner} · {model} · {place}\n")
}

/// How the run ended, what it cost, and what it left behind.
pub(in crate::cli::run) fn outcome_lines(run: &Run) -> Vec<String> {
    let Some(status) = &run.status else {
        return Vec::new();
    };
    let (style, mark) = match status.phase {
        RunPhase::Succeeded => (GOOD, "✓"),
        RunPhase::Failed | RunPhase::Cancelled => (BAD, "✗"),
        RunPhase::WaitingForInput | RunPhase::Pending | RunPhase::Waiting | RunPhase::Running => (OPEN, "?"),
    };
    let reason = status.outcome.as_ref().map_or_else(String::new, |outcome| format!(" ({})", outcome.reason));
    let figures = figures(took(run), status.usage.as_ref());
    let mut lines = vec![format!("  {style}{mark} {}{reason}{style:#}   {figures}\n", status.phase.as_str())];
    lines.extend(failure(run).map(|message| format!("    {message}\n")));
    lines.extend(status.git.iter().map(git_line));
    lines
}

fn took(run: &Run) -> Option<Duration> {
    let status = run.status.as_ref()?;
    let (start, end) = (status.start_time.as_ref()?.0, status.completion_time.as_ref()?.0);
    Duration::try_from(end.duration_since(start)).ok()
}

fn figures(took: Option<Duration>, usage: Option<&Usage>) -> String {
    let mut parts: Vec<String> = took.map(duration).into_iter().collect();
    if let Some(usage) = usage {
        parts.push(format!("{} turn{}", usage.turns, if usage.turns == 1 { "" } else { "s" }));
        parts.push(format!("{} in / {} out", tokens(usage.input_tokens), tokens(usage.output_tokens)));
        parts.extend(usage.cost_usd.map(money));
    }
    parts.join(" · ")
}

/// What went wrong, and what to do; a success speaks for itself.
fn failure(run: &Run) -> Option<&str> {
    let status = run.status.as_ref().filter(|status| status.phase != RunPhase::Succeeded)?;
    status.outcome.as_ref()?.message.as_deref()
}

fn git_line(repo: &GitState) -> String {
    let files = match repo.files_changed {
        0 => "nothing changed".to_owned(),
        1 => "1 file changed".to_owned(),
        many => format!("{many} files changed"),
    };
    let branch = repo.branch.as_deref().unwrap_or("no branch");
    let pushed = match (repo.ahead, repo.pushed) {
        (_, true) => "",
        (0, false) => ", not on the remote",
        (_, false) => ", not pushed",
    };
    format!("    {}  {branch}  {files}{pushed}\n", repo.name)
}
