//! The first and the last lines of a run.

use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::{
    figures::{duration, money, tokens},
    view::printable,
};
use crate::api::{
    Run,
    outcome::OutcomeReason,
    run::{FileChanges, GitState, Interrupt, RunPhase, RunStatus, Usage},
};

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default().bold();
const BOLD: Style = Style::new().bold();

/// How many files are named.
const NAMED: usize = 5;

/// `fix-bug  claude-agent-sdk · claude-sonnet-4-5 · ./.ambient/fix-bug`
pub(in crate::cli) fn heading(session: &str, runner: &str, model: &str, place: &str) -> String {
    format!("{BOLD}{session}{BOLD:#}  {runner} · {model} · {place}\n")
}

/// How the run ended, what it cost, and what it left behind.
pub(in crate::cli) fn outcome_lines(run: &Run) -> Vec<String> {
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
    lines.extend(failure(run).map(|message| format!("    {}\n", printable(message))));
    lines.extend(remedy(status).map(|remedy| format!("    {remedy}\n")));
    lines.extend(limit_line(status));
    lines.extend(question_lines(status));
    lines.extend(status.git.iter().map(git_line));
    lines.extend(files_line(status));
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

/// `fix-bug-initial Failed (SetupFailed)`
pub(in crate::cli) fn ended_before(run: &Run) -> String {
    let name = run.metadata.name.as_deref().unwrap_or_default();
    let status = run.status.as_ref();
    let phase = status.map(|status| status.phase).unwrap_or_default();
    let reason = status.and_then(|status| status.outcome.as_ref()).map(|outcome| format!(" ({})", outcome.reason));
    let next = match phase {
        RunPhase::WaitingForInput => "answer it with a Run that has spec.resume, or at a terminal",
        RunPhase::Pending | RunPhase::Waiting | RunPhase::Running => "run it again",
        RunPhase::Succeeded | RunPhase::Failed | RunPhase::Cancelled => "ask for more with -m, or add a Run",
    };
    format!("{name} {}{}; {next}", phase.as_str(), reason.unwrap_or_default())
}

/// What to do on a laptop; the agent's own words are about the agent's own ways.
fn remedy(status: &RunStatus) -> Option<&'static str> {
    let outcome = status.outcome.as_ref().filter(|outcome| outcome.reason == OutcomeReason::AuthFailed)?;
    let told = outcome.message.as_deref().is_some_and(|message| message.contains("ANTHROPIC_API_KEY"));
    (!told)
        .then_some("Set ANTHROPIC_API_KEY to a valid key (or USE_VERTEX=1 and its variables), then ask again with -m.")
}

/// When a limit of the provider ends, if it said so.
fn limit_line(status: &RunStatus) -> Option<String> {
    let at = status.resume_at.as_ref()?.0;
    Some(format!("    The provider takes requests again at {at}; then ask again with -m.\n"))
}

/// What the run waits for.
fn question_lines(status: &RunStatus) -> Vec<String> {
    let question = |interrupt: &Interrupt| {
        let asks = interrupt.message.as_deref().unwrap_or("The agent asks for your answer.");
        format!("    ? {}  (answer {} in a Run's spec.resume, or at a terminal)\n", printable(asks), interrupt.id)
    };
    status.interrupts.iter().map(question).collect()
}

fn git_line(repo: &GitState) -> String {
    let files = changed(repo.files_changed);
    let branch = repo.branch.as_deref().unwrap_or("no branch");
    let pushed = match (repo.ahead, repo.pushed) {
        (_, true) => "",
        (0, false) => ", not on the remote",
        (_, false) => ", not pushed",
    };
    format!("    {}  {branch}  {files}{pushed}\n", repo.name)
}

/// What happened to files outside of repositories. Where there are repositories, only what happened is worth a line.
fn files_line(status: &RunStatus) -> Option<String> {
    let files = status.files.as_ref().filter(|files| files.count > 0 || status.git.is_empty())?;
    let more = if files.truncated { " (at least; there are too many files to look at all)" } else { "" };
    Some(format!("    workspace  {}{}{more}\n", changed(files.count), names(files)))
}

fn changed(files: u32) -> String {
    match files {
        0 => "nothing changed".to_owned(),
        1 => "1 file changed".to_owned(),
        many => format!("{many} files changed"),
    }
}

/// `: sum.sh, notes.md (new), old.txt (deleted), and 3 more`
fn names(files: &FileChanges) -> String {
    let modified = files.modified.iter().map(|path| printable(path));
    let added = files.added.iter().map(|path| format!("{} (new)", printable(path)));
    let deleted = files.deleted.iter().map(|path| format!("{} (deleted)", printable(path)));
    let mut names: Vec<String> = modified.chain(added).chain(deleted).take(NAMED).collect();
    if names.is_empty() {
        return String::new();
    }
    let shown = u32::try_from(names.len()).unwrap_or(u32::MAX);
    names.extend((files.count > shown).then(|| format!("and {} more", files.count - shown)));
    format!(": {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(count: u32, modified: &[&str], added: &[&str], deleted: &[&str]) -> Option<String> {
        let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        let files = FileChanges {
            count,
            modified: paths(modified),
            added: paths(added),
            deleted: paths(deleted),
            truncated: false,
        };
        files_line(&RunStatus { files: Some(files), ..RunStatus::default() })
    }

    #[test]
    fn changed_files_are_named_with_what_happened_to_them() {
        let told = line(3, &["a/sum.sh"], &["notes.md"], &["old"]).unwrap();
        assert_eq!(told, "    workspace  3 files changed: a/sum.sh, notes.md (new), old (deleted)\n");
    }

    #[test]
    fn the_first_files_stand_for_many() {
        let told = line(40, &["1", "2", "3", "4", "5", "6"], &[], &[]).unwrap();
        assert_eq!(told, "    workspace  40 files changed: 1, 2, 3, 4, 5, and 35 more\n");
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(line(1, &[], &["a\u{1b}[2Jb"], &[]).unwrap(), "    workspace  1 file changed: a[2Jb (new)\n");
    }

    #[test]
    fn that_nothing_changed_is_said_where_no_repository_says_it() {
        assert_eq!(line(0, &[], &[], &[]).unwrap(), "    workspace  nothing changed\n");
        let with_repo =
            RunStatus { git: vec![GitState::default()], files: Some(FileChanges::default()), ..RunStatus::default() };
        assert_eq!(files_line(&with_repo), None);
    }
}
