//! Events for people, on everything that they should see.

use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Client,
    runtime::events::{Event, EventType, Recorder, Reporter},
};
use tokio::sync::{mpsc, oneshot};

use super::apply::MANAGER;

/// How many may wait; more than that nobody reads.
const WAITING: usize = 1000;

/// Takes what people are to be told. It is written one at a time, so that Events never stand in the way of the work.
pub(super) struct Teller {
    queue: mpsc::Sender<Next>,
}

/// What is in the queue.
enum Next {
    Event(Box<(Event, ObjectReference)>),
    /// Everything before it has been written.
    Mark(oneshot::Sender<()>),
}

impl Teller {
    /// One, and what writes for as long as it lives.
    pub(super) fn new(client: &Client) -> (Self, impl Future<Output = ()> + use<>) {
        let (queue, waiting) = mpsc::channel(WAITING);
        (Self { queue }, write(Recorder::new(client.clone(), Reporter::from(MANAGER)), waiting))
    }

    /// An Event about an object. One that is lost changes nothing: the status says the same.
    pub(super) fn tell(&self, bad: bool, reason: String, note: String, of: ObjectReference) {
        let event = Event {
            type_: if bad { EventType::Warning } else { EventType::Normal },
            note: (!note.is_empty()).then_some(note),
            action: reason.clone(),
            reason,
            secondary: None,
        };
        if self.queue.try_send(Next::Event(Box::new((event, of)))).is_err() {
            tracing::debug!("an Event was left out: too many wait");
        }
    }

    /// Resolves when everything has been written that was told before.
    pub(super) async fn all_told(&self) {
        let (mark, reached) = oneshot::channel();
        if self.queue.send(Next::Mark(mark)).await.is_ok() {
            // Nobody who writes is left: then nothing will be.
            reached.await.ok();
        }
    }
}

async fn write(recorder: Recorder, mut waiting: mpsc::Receiver<Next>) {
    while let Some(next) = waiting.recv().await {
        match next {
            Next::Event(told) => {
                let (event, of) = *told;
                if let Err(error) = recorder.publish(&event, &of).await {
                    tracing::debug!(%error, "an Event was not recorded");
                }
            }
            Next::Mark(reached) => {
                reached.send(()).ok();
            }
        }
    }
}
