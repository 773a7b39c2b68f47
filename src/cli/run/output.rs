//! What the command says on its standard output, in the form that was asked for.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use clap::ValueEnum;
use serde_json::{Value, json};

use super::{
    job::Job,
    render::{Detail, Screen, Terminal, View, duration, ended_before, heading, outcome_lines, printable},
};
use crate::{
    agui::Event,
    api::Run,
    eventlog::{Record, RecordRef},
    workspace::{Progress, git::progress::Phase},
};

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// The session and its Runs with their status, as one List, at the end.
    Json,
    /// The same as YAML.
    Yaml,
    /// Every record of the event log as it comes, one JSON object a line.
    Events,
}

/// Standard output.
pub(super) struct Output {
    format: Format,
    screen: Terminal,
    view: View,
    started: Instant,
}

impl Output {
    pub(super) fn new(format: Format, detail: Detail, workspace: String) -> Self {
        let screen = Terminal::new();
        Self { format, screen, view: View::new(detail, workspace), started: Instant::now() }
    }

    fn text(&mut self, line: &str) {
        if self.format == Format::Text {
            self.view.end_line(&mut self.screen);
            self.screen.print(line);
        }
    }

    /// Whether a person is there to be asked.
    pub(super) fn can_ask(&self) -> bool {
        self.format == Format::Text && self.screen.is_terminal() && io::stdin().is_terminal()
    }

    pub(super) fn begins(&mut self, session: &str, runner: &str, model: &str, place: &str) {
        self.text(&heading(session, runner, model, place));
    }

    /// What the set-up of the workspace does.
    pub(super) fn progress(&mut self, progress: &Progress) {
        if self.format != Format::Text {
            return;
        }
        match progress_line(progress) {
            Said::Line(line) => {
                self.screen.busy(None);
                self.screen.print(&line);
            }
            Said::Busy(what) => self.screen.busy(Some(&what)),
        }
    }

    pub(super) fn workspace_ready(&mut self, what: &str) {
        self.screen.busy(None);
        let took = duration(self.started.elapsed());
        self.text(&format!("  ✓ workspace   {what:<60}{took:>9}\n"));
    }

    pub(super) fn run_begins(&mut self, run: &Run) {
        let name = run.metadata.name.as_deref().unwrap_or_default().to_owned();
        self.text(&format!("  ▸ {name}\n"));
    }

    pub(super) fn event(&mut self, record: &RecordRef<'_>, event: &Event) {
        match self.format {
            Format::Text => self.view.event(event, record.at(), &mut self.screen),
            Format::Events => {
                let mut line = Vec::new();
                record.write_json(&mut line);
                line.push(b'\n');
                self.screen.print(&String::from_utf8_lossy(&line));
            }
            Format::Json | Format::Yaml => {}
        }
    }

    /// An event that came from afar.
    pub(super) fn record(&mut self, record: &Record) {
        match self.format {
            Format::Text => self.view.event(&record.event, record.at, &mut self.screen),
            Format::Events => {
                if let Ok(line) = serde_json::to_string(record) {
                    self.screen.print(&format!("{line}\n"));
                }
            }
            Format::Json | Format::Yaml => {}
        }
    }

    /// What a Run that has not begun waits for.
    pub(super) fn waits(&mut self, why: &str) {
        self.screen.busy(None);
        self.text(&format!("    … {}\n", printable(why)));
    }

    pub(super) fn run_ended(&mut self, run: &Run) {
        self.screen.busy(None);
        for line in outcome_lines(run) {
            self.text(&line);
        }
    }

    /// There was no Run left that had to be run.
    pub(super) fn nothing_to_run(&mut self, last: &Run) {
        self.text(&format!("  · nothing to run: {}\n", ended_before(last)));
    }

    /// Something about the command itself: on stderr, so that no script reads it as data.
    pub(super) fn notice(&mut self, text: &str) {
        self.screen.busy(None);
        if self.format == Format::Text {
            self.view.end_line(&mut self.screen);
        }
        anstream::eprintln!("  {text}");
    }

    pub(super) fn ends(&mut self, job: &Job, events: &str, resume: &str) -> io::Result<()> {
        match self.format {
            Format::Text => self.text(&format!("    events  {events}   ·   continue  {resume}\n")),
            Format::Json => print_json(&list(job)?)?,
            Format::Yaml => print_yaml(&list(job)?)?,
            Format::Events => {}
        }
        Ok(())
    }
}

/// The objects as kubectl prints several.
fn list(job: &Job) -> io::Result<Value> {
    let session = serde_json::to_value(&job.session)?;
    let runs = job.runs.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let items: Vec<Value> = std::iter::once(session).chain(runs).collect();
    Ok(json!({ "apiVersion": "v1", "kind": "List", "items": items }))
}

fn print_json(value: &Value) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    out.write_all(b"\n")
}

fn print_yaml(value: &Value) -> io::Result<()> {
    let text = serde_saphyr::to_string(value).map_err(|error| io::Error::other(error.to_string()))?;
    io::stdout().write_all(text.as_bytes())
}

enum Said {
    Line(String),
    Busy(String),
}

fn progress_line(progress: &Progress) -> Said {
    match progress {
        Progress::Started { repo } => Said::Busy(format!("cloning {repo}")),
        Progress::Fraction { repo, percent, phase } => {
            Said::Busy(format!("cloning {repo}: {} {percent} %", doing(*phase)))
        }
        Progress::Retrying { repo, reason, attempt, after } => {
            Said::Line(format!("  … {repo}: {reason}; try {attempt} in {}\n", seconds(*after)))
        }
        Progress::Finished { repo, took, base, branch } => {
            let what = format!("{repo} ({base} → {branch})");
            Said::Line(format!("  ✓ clone       {what:<60}{:>9}\n", duration(*took)))
        }
        Progress::Kept { repo } => Said::Line(format!("  ✓ clone       {repo} (as it was)\n")),
        Progress::Failed { repo, reason } => Said::Line(format!("  ✗ {repo}: {reason}\n")),
        Progress::Notice(text) => Said::Line(format!("  · {text}\n")),
    }
}

fn doing(phase: Phase) -> &'static str {
    match phase {
        Phase::Counting => "counting",
        Phase::Compressing => "compressing",
        Phase::Receiving => "receiving",
        Phase::Resolving => "resolving",
        Phase::CheckingOut => "checking out",
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs().max(1))
}
