//! What a client is sent when it joins a thread, so that its connection is a valid stream of its own.

use super::{
    Event, EventKind,
    open::OpenItem,
    thread::{LastRun, Thread},
};

impl Thread {
    /// The events that bring a client to where the fold stands; the rest of the log follows them.
    ///
    /// - While a run is active: its `RUN_STARTED`, a snapshot of the messages (with the text so far of those still being
    ///   written) and of the state, its sub-agents, and a start for everything that is open.
    /// - Between runs: the last run in short, which is its `RUN_STARTED`, the snapshots and its terminal event. Only whole
    ///   runs may be on a stream, and so the client has the history and knows how the last run ended and what it asks.
    /// - Before the first run: nothing.
    ///
    /// The input in `RUN_STARTED` comes without its messages: a client appends those it does not know before it reads
    /// the snapshot, so they would end up before older ones.
    #[must_use]
    pub fn prelude(&self) -> Vec<Event> {
        let Some(run) = &self.run else {
            return Vec::new();
        };
        let mut events = vec![run.restarted()];
        events.extend(self.snapshots());
        if let Some(terminal) = &run.ended {
            events.push(terminal.clone());
        } else {
            events.extend(run.subagents.iter().cloned());
            events.extend(self.reopened());
        }
        events
    }

    fn snapshots(&self) -> [Event; 2] {
        let messages = self.messages().to_vec();
        let snapshot = self.state.clone();
        [EventKind::MessagesSnapshot { messages }.into(), EventKind::StateSnapshot { snapshot }.into()]
    }

    fn reopened(&self) -> impl Iterator<Item = Event> {
        let items = self.open.in_order().into_iter();
        items.filter(|(item, _)| !matches!(item, OpenItem::Subagent(_))).map(|(_, opening)| opening.clone())
    }
}

impl LastRun {
    fn restarted(&self) -> Event {
        let mut event = self.started.clone();
        if let EventKind::RunStarted { input: Some(input), .. } = &mut event.kind {
            input.messages = Vec::new();
        }
        event
    }
}
