//! Ending a process: its stdin is closed, then it is signalled; each step has its deadline.

use tokio::{io::AsyncWriteExt, net::unix::pipe, sync::mpsc, time::Instant};

use super::{Actor, DRAIN, Next};
use crate::{
    bridge::{
        Ending,
        claude::outcome::{self, Death},
    },
    host::{Exit, Signal},
};

/// How many lines may wait for the process to read them.
const UNREAD: usize = 1024;

/// A task that writes to the process, so that reading never waits for writing. Ends when the sender is dropped.
pub(super) fn writer(mut stdin: pipe::Sender) -> mpsc::Sender<Vec<u8>> {
    let (sender, mut lines) = mpsc::channel::<Vec<u8>>(UNREAD);
    tokio::spawn(async move {
        while let Some(line) = lines.recv().await {
            if stdin.write_all(&line).await.is_err() {
                // The process is gone: whoever waits for an answer learns it from the exit.
                break;
            }
        }
    });
    sender
}

impl Actor {
    /// Asks the process to end.
    pub(super) fn close(&mut self) {
        self.closing = true;
        self.setup.note_idle(false);
        self.stdin = None;
        self.arm(self.setup.config().timing.signal, Next::Terminate);
    }

    /// Does what the deadline is for.
    pub(super) fn expire(&mut self) {
        match self.deadline.take().map(|(_, next)| next) {
            Some(Next::Close) => self.close(),
            Some(Next::Terminate) => self.end_with(Signal::Terminate, Next::Kill),
            Some(Next::Kill) => self.end_with(Signal::Kill, Next::GiveUp),
            Some(Next::GiveUp) => self.give_up(),
            None => {}
        }
    }

    fn end_with(&mut self, signal: Signal, next: Next) {
        self.closing = true;
        self.setup.note_idle(false);
        self.stdin = None;
        // A host that cannot signal is gone, and with it the process: the next deadline ends the wait.
        self.process.signal(signal).ok();
        self.arm(self.setup.config().timing.signal, next);
    }

    /// Whatever the process still does, the bridge does not wait for it. Dropping its handle kills it.
    fn give_up(&mut self) {
        self.exit.get_or_insert_default();
        self.silent = true;
    }

    pub(super) fn arm(&mut self, after: std::time::Duration, next: Next) {
        self.deadline = Some((Instant::now() + after, next));
    }

    /// The process has ended; what it wrote may still be in the pipe.
    pub(super) fn exited(&mut self, exit: Option<Exit>) {
        self.exit = Some(exit.unwrap_or_default());
        self.closing = true;
        self.setup.note_idle(false);
        for line in self.between.release() {
            let step = self.session.line(&line, &mut self.events);
            self.between.keep(&line, &step, true);
        }
        self.arm(DRAIN, Next::GiveUp);
    }

    /// Nothing to do: the process is kept for a while, unless somebody waits for it.
    pub(super) fn rest(&mut self) {
        if self.closing || self.between.is_held() || self.turn.is_some() {
            return;
        }
        self.deadline = None;
        let idle = self.session.is_idle() && self.waiting.is_empty();
        self.setup.note_idle(idle);
        if idle {
            self.arm(self.setup.config().timing.idle, Next::Close);
        }
    }

    /// The last things to do: what was written last is read, and an open turn ends.
    pub(super) async fn died(mut self) -> Death {
        self.read().await;
        if let Some(line) = self.lines.rest() {
            let step = self.session.line(line, &mut self.events);
            self.between.keep(line, &step, true);
        }
        // Before anybody can see that the process is gone.
        self.setup.leave(self.between.tell());
        let death = Death {
            exit: self.exit,
            stderr: self.stderr.last_words(DRAIN).await,
            result: self.session.take_stray_result(),
        };
        self.end_turn(&death).await;
        death
    }

    async fn end_turn(&mut self, death: &Death) {
        let Some(mut turn) = self.turn.take() else {
            return;
        };
        let taken = self.session.spoke() || self.session.prompt().is_none() || turn.verdict.is_some();
        let ending = turn.verdict.take().map_or_else(|| outcome::crashed(death), Ending::from);
        let end = self.session.cut(ending, &mut self.events);
        turn.deliver(&mut self.events).await;
        turn.report(if taken { super::Report::Ended(end) } else { super::Report::NotTaken });
    }
}
