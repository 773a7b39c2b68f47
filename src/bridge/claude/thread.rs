//! The agent of one thread: started, kept, replaced, and given its turns one at a time.

use std::sync::{Arc, PoisonError};

use serde_json::json;
use tokio::{
    sync::{Mutex, OwnedMutexGuard, mpsc, oneshot},
    time::Instant,
};

use super::{
    actor::{Command, Order, Prompt, Report},
    agent::{Agent, NotReady, Shared},
    mcp_status,
    policy::OpenCall,
    prompt, transcript, translate,
    untold::Untold,
};
use crate::{
    agui::{Event, EventKind, Id, TextRole},
    bridge::{
        Answer, BridgeError, Ending, EventSink, FailureKind, McpServerStatus, SessionSpec, TaskError, Turn, TurnEnd,
        TurnInput,
    },
};

/// How many processes a prompt is given to, when they end before they take it.
const ATTEMPTS: usize = 2;

/// One thread.
pub(crate) struct Thread {
    shared: Arc<Shared>,
    id: Id,
    slot: Arc<Mutex<Slot>>,
    untold: Arc<Untold>,
    /// The way to the agent for who only looks, while a turn has the slot.
    look: std::sync::Mutex<Option<mpsc::WeakSender<Command>>>,
}

/// What the thread has.
#[derive(Default)]
pub(crate) struct Slot {
    agent: Option<Agent>,
    /// What the reader of the next turn is told first.
    notices: Vec<Event>,
    /// The conversation that calls were open in does not exist any more.
    lost: bool,
    damage_said: bool,
}

impl Thread {
    pub(crate) fn new(shared: Arc<Shared>, id: Id) -> Self {
        Self { shared, id, slot: Arc::default(), untold: Arc::default(), look: std::sync::Mutex::default() }
    }

    /// Whether there is something for a turn that nobody asked for.
    pub(crate) fn has_follow_up(&self) -> bool {
        self.untold.is_due()
    }

    /// Starts the agent, so that the next turn finds it ready.
    pub(crate) async fn warm(&self, spec: &SessionSpec) -> Result<(), BridgeError> {
        let mut slot = self.slot.lock().await;
        slot.fit(spec).await;
        if slot.agent.is_none() && !self.open_calls().is_empty() {
            // Their answers must be in the conversation before a process reads it.
            return Ok(());
        }
        let ready = self.ensure(&mut slot, spec).await;
        drop(slot);
        self.shared.threads.keep_idle(self.shared.config.idle_agents);
        ready.map_err(|NotReady { kind, message, .. }| BridgeError { kind, message })
    }

    /// The slot of an agent that has nothing to do, and since when; none while somebody works with it.
    pub(crate) fn idle(&self) -> Option<(Instant, OwnedMutexGuard<Slot>)> {
        let slot = Arc::clone(&self.slot).try_lock_owned().ok()?;
        let since = slot.agent.as_ref()?.idle_since()?;
        Some((since, slot))
    }

    /// Ends the agent; resolves when it is gone.
    pub(crate) async fn close(&self) {
        let agent = self.slot.lock().await.agent.take();
        if let Some(agent) = agent {
            agent.close().await;
        }
    }

    /// The MCP servers of the running agent.
    pub(crate) async fn mcp_status(&self) -> Result<Option<Vec<McpServerStatus>>, BridgeError> {
        let agent = self.look.lock().unwrap_or_else(PoisonError::into_inner).clone();
        mcp_status::ask(agent).await
    }

    /// Asks the running agent to stop a task. One that is gone has taken its tasks along.
    pub(crate) async fn stop_task(&self, id: &str) -> Result<(), TaskError> {
        let agent = self.look.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(commands) = agent.and_then(|commands| commands.upgrade()) else {
            return Ok(());
        };
        let (reply, answer) = oneshot::channel();
        let command = Command::Look { body: json!({ "subtype": "stop_task", "task_id": id }), reply };
        let asked = async {
            // Either error: it ended meanwhile.
            commands.send(command).await.ok()?;
            answer.await.ok()
        };
        let failed = |why: String| TaskError::Failed(format!("task {id} was not stopped: {why}"));
        match tokio::time::timeout(self.shared.config.timing.interrupt, asked).await {
            Ok(Some(Err(why))) => Err(failed(why)),
            Ok(Some(Ok(_)) | None) => Ok(()),
            Err(_) => Err(failed("the agent did not answer in time; interrupt its turn, then try again".to_owned())),
        }
    }

    /// Takes a turn.
    pub(crate) async fn turn(&self, turn: Turn, events: EventSink) -> TurnEnd {
        let end = self.take(turn, events).await;
        self.shared.threads.keep_idle(self.shared.config.idle_agents);
        end
    }

    async fn take(&self, turn: Turn, events: EventSink) -> TurnEnd {
        let mut slot = tokio::select! {
            slot = self.slot.lock() => slot,
            () = turn.interrupt.cancelled() => return TurnEnd::untaken(Ending::Interrupted),
        };
        for _ in 0..ATTEMPTS {
            let prompt = tokio::select! {
                prepared = self.prepare(&mut slot, &turn) => match prepared {
                    Ok(prompt) => prompt,
                    Err(NotReady { kind, message, .. }) => return TurnEnd::untaken(Ending::Failed { kind, message }),
                },
                () = turn.interrupt.cancelled() => return TurnEnd::untaken(Ending::Interrupted),
            };
            let notices = std::mem::take(&mut slot.notices);
            let told = self.untold.take();
            for event in told.events {
                // A reader that has gone stops the turn elsewhere.
                events.send(event).await.ok();
            }
            let Some(agent) = &slot.agent else {
                return TurnEnd { result: told.said, ..TurnEnd::untaken(Ending::Completed) };
            };
            let report = self.give(agent, &turn, prompt, notices, events.clone());
            match report.await {
                Report::Ended(end) => return end,
                // It ended while it was idle: another one goes on with the conversation.
                Report::NotTaken => slot.agent = None,
            }
        }
        let message = format!("the agent's process ended {ATTEMPTS} times before it took the prompt");
        TurnEnd::untaken(Ending::Failed { kind: FailureKind::AgentCrashed { out_of_memory: false }, message })
    }

    /// Gives a turn to a process; it is stopped when its run or the whole bridge is.
    async fn give(
        &self,
        agent: &Agent,
        turn: &Turn,
        prompt: Option<Prompt>,
        notices: Vec<Event>,
        events: EventSink,
    ) -> Report {
        let interrupt = self.shared.shutdown.child_token();
        let stop = interrupt.clone();
        let report = agent.turn(|reply| Order { prompt, notices, events, interrupt, reply });
        tokio::pin!(report);
        tokio::select! {
            report = &mut report => return report,
            () = turn.interrupt.cancelled() => stop.cancel(),
        }
        report.await
    }

    /// Makes the agent ready for a turn, and words its message.
    async fn prepare(&self, slot: &mut Slot, turn: &Turn) -> Result<Option<Prompt>, NotReady> {
        slot.fit(&turn.session).await;
        let (answers, said): (&[Answer], _) = match &turn.input {
            TurnInput::FollowUp => return Ok(None),
            TurnInput::Prompt(parts) => (&[], prompt::said(parts)),
            TurnInput::Answers { answers, then } => (answers, prompt::said(then)),
        };
        let open = self.open_calls();
        let mut blocks = self.answer(slot, turn, &open, answers).await?;
        blocks.extend(said);
        let commands = turn.session.instructions.workflow.as_ref();
        Ok(Some(prompt::message(blocks, !open.is_empty(), commands)))
    }

    /// Answers the calls that are open, wherever the agent remembers them. Returns what the message must begin with.
    async fn answer(
        &self,
        slot: &mut Slot,
        turn: &Turn,
        open: &[OpenCall],
        answers: &[Answer],
    ) -> Result<Vec<serde_json::Value>, NotReady> {
        let spec = &turn.session;
        if open.is_empty() {
            self.ensure(slot, spec).await?;
            return Ok(prompt::retold(open, answers));
        }
        slot.notices.extend(prompt::answered(open, answers));
        if slot.agent.is_some() {
            return Ok(prompt::results(open, answers));
        }
        let written = self.answer_on_disk(spec, open, answers).await;
        self.ensure(slot, spec).await?;
        Ok(if written && !std::mem::take(&mut slot.lost) { Vec::new() } else { prompt::retold(open, answers) })
    }

    /// Puts the results into the conversation that the next process reads. False when that is not possible.
    async fn answer_on_disk(&self, spec: &SessionSpec, open: &[OpenCall], answers: &[Answer]) -> bool {
        let Some(known) = self.shared.sessions.get(&self.id) else {
            return false;
        };
        let written = transcript::answer(&self.shared, spec, &known.id, &prompt::results(open, answers)).await;
        if let Err(reason) = &written {
            tracing::warn!(
                thread = self.id.as_str(),
                reason,
                "answers are given as text: the conversation cannot be written"
            );
        }
        written.is_ok()
    }

    fn open_calls(&self) -> Vec<OpenCall> {
        self.shared.sessions.get(&self.id).map(|known| known.open).unwrap_or_default()
    }

    /// Starts the agent when there is none. A conversation that does not exist any more is said, and begun anew.
    async fn ensure(&self, slot: &mut Slot, spec: &SessionSpec) -> Result<(), NotReady> {
        if slot.agent.is_some() {
            return Ok(());
        }
        // There is to be room for it when it has nothing to do.
        self.shared.threads.keep_idle(self.shared.config.idle_agents.saturating_sub(1));
        let known = self.shared.sessions.get(&self.id).map(|known| known.id);
        let agent = match Agent::start(&self.shared, &self.untold, spec.clone(), known.as_deref()).await {
            Err(failure) if failure.lost => {
                self.conversation_lost(slot, known.as_deref(), "the agent's host does not have it any more").await;
                Agent::start(&self.shared, &self.untold, spec.clone(), None).await?
            }
            started => started?,
        };
        if let (None, Some(damage), false) = (&known, self.shared.sessions.damage(), slot.damage_said) {
            slot.damage_said = true;
            self.conversation_lost(slot, None, damage).await;
        }
        *self.look.lock().unwrap_or_else(PoisonError::into_inner) = Some(agent.weak());
        slot.agent = Some(agent);
        Ok(())
    }

    async fn conversation_lost(&self, slot: &mut Slot, id: Option<&str>, reason: &str) {
        slot.lost = true;
        if id.is_some()
            && let Err(error) = self.shared.sessions.forget(&self.id).await
        {
            tracing::warn!(thread = self.id.as_str(), %error, "a lost conversation could not be forgotten");
        }
        slot.notices.extend(lost_notice(id, reason));
    }
}

impl Slot {
    pub(crate) fn take_agent(&mut self) -> Option<Agent> {
        self.agent.take()
    }

    /// Drops an agent that is dead or that only another process can replace.
    async fn fit(&mut self, spec: &SessionSpec) {
        let Some(mut agent) = self.agent.take() else {
            return;
        };
        if !agent.is_alive() {
            return;
        }
        if agent.adapt(spec).await {
            self.agent = Some(agent);
        } else {
            // Two processes on one conversation would not see each other.
            agent.close().await;
        }
    }
}

/// What a reader is told when the agent has forgotten what was said.
fn lost_notice(id: Option<&str>, reason: &str) -> Vec<Event> {
    let about = json!({ "agentSessionId": id, "reason": reason });
    let message_id = Id::random();
    let said = format!(
        "The agent's earlier conversation could not be restored ({reason}). It does not remember what was said before."
    );
    let role = Some(TextRole::Developer);
    vec![
        translate::custom("ambient:conversation_lost", about),
        EventKind::TextMessageStart { message_id: message_id.clone(), role, name: None }.into(),
        EventKind::TextMessageContent { message_id: message_id.clone(), delta: said }.into(),
        EventKind::TextMessageEnd { message_id }.into(),
    ]
}
