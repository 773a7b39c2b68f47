//! What the clients of a runner make of a row's turns: the official AG-UI client, joining and reconnecting at every event.
//!
//! The turns went through the bridge alone. Here a runner's engine takes them once more, with a bridge that says again what
//! was said, so that its log holds what clients would have received.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use ambient::{
    agui::{Id, RunAgentInput, Thread, sse},
    bridge::{Answer, Bridge, Ending, EventSink, Turn, TurnEnd, TurnInput},
    eventlog::{Chunk, Options, RecordRef, Store, ThreadLog},
    host::BoxFuture,
    runner::{Engine, Follow, RunOptions, RunRequest},
};
use serde_json::{Value, json};

use crate::{
    agui::OfficialClient,
    rig::{DEADLINE, Took},
    turn::{Acted, engine},
};

/// The client takes about 10 MB a second: of a stream whose joins at every event are more than this, fewer are tried.
const MOST_BYTES: usize = 32 << 20;

/// One turn of a row.
#[derive(Clone)]
pub(crate) struct Taken {
    pub(crate) thread: Id,
    pub(crate) run: Id,
    pub(crate) input: TurnInput,
    pub(crate) took: Took,
}

/// The turns of a row, in the order in which they ended.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<Mutex<Vec<Taken>>>);

impl Turns {
    pub(crate) fn add(&self, taken: Taken) {
        self.0.lock().unwrap().push(taken);
    }

    /// What each thread's clients receive is what the official client accepts, wherever they join.
    pub(crate) async fn please_every_client(&self) {
        let Some(client) = OfficialClient::find() else {
            return;
        };
        let turns = self.0.lock().unwrap().clone();
        let dir = tempfile::tempdir().unwrap();
        let said = Arc::new(Mutex::new(VecDeque::from(turns.clone())));
        let engine = engine(Store::open(dir.path().join("log"), Options::default()).unwrap(), again(said)).await;
        let mut logs: Vec<ThreadLog> = Vec::new();
        let mut asks = Vec::new();
        for turn in turns {
            let log = run(&engine, &turn, &asks).await;
            asks = questions(&turn.took.end.ending);
            logs.retain(|other| other.id() != log.id());
            logs.push(log);
        }
        for (number, log) in logs.iter().enumerate() {
            let folder = dir.path().join(format!("joins-{number}"));
            fs::create_dir(&folder).unwrap();
            reconnects_get_the_same_bytes(log).await;
            joins(&whole(log, 0).await, &folder);
            client.check_folder_ends_as_log(&folder, &folder.with_extension("jsonl"));
        }
        engine.shutdown().await;
    }
}

/// A bridge that gives the turns again that were taken.
fn again(said: Arc<Mutex<VecDeque<Taken>>>) -> impl Bridge + 'static {
    Acted(move |turn: Turn, events: EventSink| -> BoxFuture<'static, TurnEnd> {
        let taken = said.lock().unwrap().pop_front().unwrap();
        assert_eq!(taken.run, turn.run_id);
        if let TurnInput::Answers { .. } = taken.input {
            assert_eq!(answered(&turn.input), answered(&taken.input), "the same calls are answered");
        }
        Box::pin(async move {
            for event in taken.took.events {
                events.send(event).await.unwrap();
            }
            taken.took.end
        })
    })
}

/// Which calls an input answers, and whether a person declined.
fn answered(input: &TurnInput) -> BTreeMap<Id, bool> {
    let TurnInput::Answers { answers, .. } = input else { return BTreeMap::new() };
    answers.iter().map(|answer| (answer.tool_call_id.clone(), answer.payload.is_some())).collect()
}

/// Runs a turn, and checks that nothing of it was left out.
async fn run(engine: &Arc<Engine>, turn: &Taken, asks: &[Id]) -> ThreadLog {
    let options = RunOptions { follow_up: turn.input == TurnInput::FollowUp, ..RunOptions::default() };
    let mut ticket = engine.submit(RunRequest { options, ..RunRequest::plain(input(turn, asks)) }).await.unwrap();
    let mut follow = Follow::start(&mut ticket).await.unwrap();
    let mut kinds = Vec::new();
    loop {
        let (chunk, last) = tokio::time::timeout(DEADLINE, follow.next()).await.unwrap().unwrap();
        kinds.extend(chunk.records().map(|record| record.kind().to_owned()));
        if last {
            break;
        }
    }
    for event in &turn.took.events {
        let kind = event.kind.name();
        let at = kinds.iter().position(|found| found == kind);
        kinds.remove(at.unwrap_or_else(|| panic!("a {kind} of the bridge is not in the log")));
    }
    ticket.log
}

fn questions(ending: &Ending) -> Vec<Id> {
    match ending {
        Ending::Asked(interrupts) => interrupts.iter().map(|open| open.id.clone()).collect(),
        Ending::Completed | Ending::PendingTools(_) | Ending::Interrupted | Ending::Failed { .. } => Vec::new(),
    }
}

/// What a client sends for a turn's input.
fn input(turn: &Taken, asks: &[Id]) -> RunAgentInput {
    let run = &turn.run;
    let (answers, said): (&[Answer], _) = match &turn.input {
        TurnInput::Prompt(said) => (&[], said.as_slice()),
        TurnInput::Answers { answers, then } => (answers, then.as_slice()),
        TurnInput::FollowUp => (&[], [].as_slice()),
    };
    let (resumed, results): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| asks.contains(&answer.tool_call_id));
    let resume = resumed.iter().map(|answer| {
        let status = if answer.payload.is_some() { "resolved" } else { "cancelled" };
        json!({"interruptId": answer.tool_call_id, "status": status, "payload": answer.payload})
    });
    let results = results.iter().map(|answer| {
        let content = answer.payload.as_ref().map(|payload| payload.as_str().map_or(payload.to_string(), str::to_owned));
        json!({"role": "tool", "id": format!("{}-answer", answer.tool_call_id), "toolCallId": answer.tool_call_id, "content": content})
    });
    let said = (!said.is_empty()).then(|| json!({"role": "user", "id": format!("{run}-said"), "content": said}));
    let messages: Vec<Value> = results.chain(said).collect();
    let input =
        json!({"threadId": turn.thread, "runId": run, "messages": messages, "resume": resume.collect::<Vec<_>>()});
    serde_json::from_value(input).unwrap()
}

/// Everything that a log holds after a cursor.
async fn whole(log: &ThreadLog, after: u64) -> Vec<Chunk> {
    let mut reader = log.reader(after);
    let mut chunks = Vec::new();
    while reader.cursor() < log.last_seq() {
        chunks.push(tokio::time::timeout(DEADLINE, reader.next()).await.unwrap().unwrap());
    }
    chunks
}

async fn reconnects_get_the_same_bytes(log: &ThreadLog) {
    let bytes = |chunks: Vec<Chunk>| chunks.iter().map(|chunk| chunk.frames.as_ref()).collect::<Vec<_>>().concat();
    let chunks = whole(log, 0).await;
    let all = bytes(chunks.clone());
    let mut at = 0;
    for record in chunks.iter().flat_map(Chunk::records) {
        at += record.frame().len();
        assert!(bytes(whole(log, record.seq()).await) == all[at..], "after {}", record.seq());
    }
    assert_eq!(at, all.len());
}

/// Writes what those receive who join the log at each event, and the log itself beside the folder.
fn joins(chunks: &[Chunk], folder: &Path) {
    let records: Vec<_> = chunks.iter().flat_map(Chunk::records).collect();
    let mut thread = Thread::new();
    let mut lines = Vec::new();
    let bytes: usize = records.iter().map(|record| record.frame().len()).sum();
    let step = 1 + bytes * records.len() / MOST_BYTES;
    for at in 0..=records.len() {
        if at % step == 0 {
            let seq = at.checked_sub(1).map_or(0, |last| records[last].seq());
            fs::write(folder.join(format!("{at}.sse")), joined(&thread, seq, &records[at..])).unwrap();
        }
        if let Some(record) = records.get(at) {
            thread.apply(&record.event().unwrap());
            record.write_json(&mut lines);
            lines.push(b'\n');
        }
    }
    fs::write(folder.with_extension("jsonl"), lines).unwrap();
}

/// What a client receives that joins after a seq: what has been, then what comes.
fn joined(before: &Thread, seq: u64, after: &[RecordRef<'_>]) -> Vec<u8> {
    let mut stream = Vec::new();
    for event in before.prelude() {
        sse::write_frame(&mut stream, seq, &serde_json::to_vec(&event).unwrap());
    }
    stream.extend(after.iter().flat_map(RecordRef::frame));
    stream
}
