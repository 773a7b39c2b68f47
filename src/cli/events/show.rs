//! Records as `ambient run` shows them: the same lines for the same events.

use jiff::Timestamp;

use crate::{
    agui::EventKind,
    api::{Run, RunSpec, conditions},
    cli::run::render::{Detail, Screen, Terminal, View, outcome_lines},
    eventlog::Record,
    fold::Fold,
};

/// Where the agent works in a pod; its paths are shown from there.
const WORKSPACE: &str = "/workspace";

/// Standard output.
pub(super) struct Show {
    json: bool,
    screen: Terminal,
    view: View,
    fold: Fold,
}

impl Show {
    pub(super) fn new(json: bool, detail: Detail) -> Self {
        let view = View::new(detail, WORKSPACE.to_owned());
        Self { json, screen: Terminal::new(), view, fold: Fold::new() }
    }

    pub(super) fn record(&mut self, record: &Record) {
        if self.json {
            if let Ok(line) = serde_json::to_string(record) {
                self.screen.print(&format!("{line}\n"));
            }
            return;
        }
        if matches!(record.event.kind, EventKind::RunStarted { .. }) {
            self.fold = Fold::new();
            self.line(&format!("  ▸ {}\n", record.run_id));
        }
        self.fold.apply(record.seq, record.at, &record.event);
        self.view.event(&record.event, record.at, &mut self.screen);
        if record.event.kind.is_terminal() {
            self.screen.busy(None);
            for line in outcome_lines(&ended(&record.run_id, &self.fold)) {
                self.line(&line);
            }
        }
    }

    fn line(&mut self, line: &str) {
        self.view.end_line(&mut self.screen);
        self.screen.print(line);
    }

    /// Something about the command itself: on stderr, so that no script reads it as data.
    pub(super) fn notice(&mut self, text: &str) {
        self.screen.busy(None);
        if !self.json {
            self.view.end_line(&mut self.screen);
        }
        anstream::eprintln!("  {text}");
    }
}

fn ended(name: &str, fold: &Fold) -> Run {
    let mut run = Run::new(name, RunSpec::default());
    let mut status = fold.status();
    conditions::update_run(&mut status, None, Timestamp::now());
    run.status = Some(status);
    run
}
