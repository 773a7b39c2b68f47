//! One turn: the commands of its prompt as messages of a model.

use std::{
    collections::VecDeque,
    env, process,
    sync::mpsc::{Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use crate::{
    LIFETIME,
    command::{Beside, Command, Deltas, Leave, Tell, parse},
    input::Incoming,
    output::Output,
};

/// Deltas between two looks at stdin when nothing paces them.
const LOOK_EVERY: usize = 256;

/// A turn in progress.
pub(crate) struct Turn<'a> {
    /// Where its lines go.
    pub(crate) out: &'a mut Output,
    /// What the client writes meanwhile.
    pub(crate) incoming: &'a Receiver<Incoming>,
    /// What of that waits for the turn's end.
    pub(crate) queue: &'a mut VecDeque<Incoming>,
    /// Which turn of the process it is, from 1.
    pub(crate) turns: usize,
    /// Whether the session was resumed.
    pub(crate) resumed: bool,
}

/// Why a turn ends before its commands do.
enum Stop {
    Interrupted,
    InputEnded,
    Failed(String),
}

/// An open message of the model.
struct Message {
    id: String,
    blocks: usize,
    text: String,
}

/// The kinds of blocks with deltas: the block's type, the delta's type and the field that both have.
#[derive(Clone, Copy)]
struct Kind(&'static str, &'static str, &'static str);

const TEXT: Kind = Kind("text", "text_delta", "text");
const THINKING: Kind = Kind("thinking", "thinking_delta", "thinking");

impl Turn<'_> {
    /// Runs the prompt's commands; `origin` is what began the turn. Returns whether the result is an error.
    pub(crate) fn run(&mut self, prompt: &str, origin: &str) -> bool {
        self.out.turn_starts();
        let mut message = self.open();
        let ended = parse(prompt).into_iter().try_for_each(|command| self.command(command, &mut message));
        let failed = ended.is_err();
        let mut result = match ended {
            Ok(()) | Err(Stop::InputEnded) => {
                self.close(&message, "end_turn");
                json!({"result": message.text})
            }
            Err(Stop::Failed(text)) => {
                json!({"is_error": true, "result": text, "terminal_reason": "api_error"})
            }
            Err(Stop::Interrupted) => {
                self.out.user(&json!({"type": "text", "text": "[Request interrupted by user]"}));
                self.out.event(&message.id, &json!({"type": "message_stop"}));
                json!({"subtype": "error_during_execution", "is_error": true, "terminal_reason": "aborted_streaming", "stop_reason": null})
            }
        };
        result["origin"] = json!({"kind": origin});
        self.out.result(&result);
        failed
    }

    fn command(&mut self, command: Command, message: &mut Message) -> Result<(), Stop> {
        match command {
            Command::Echo(text) => self.say(message, &text),
            Command::Deltas(deltas) => self.deltas(message, TEXT, deltas),
            Command::Thinking(deltas) => self.deltas(message, THINKING, deltas),
            Command::Tools { count, size } => (0..count).try_for_each(|_| self.tool(message, size)),
            Command::Line(bytes) => {
                self.deltas(message, TEXT, Deltas { count: 1, rate: 0, size: bytes, stamped: false })
            }
            Command::Sleep(milliseconds) => self.pause(Instant::now() + Duration::from_millis(milliseconds)),
            Command::Hang => self.hang(),
            Command::Deaf => {
                self.out.flush();
                thread::sleep(LIFETIME);
                Ok(())
            }
            Command::Leave(leave) => self.leave(message, leave),
            Command::Error(text) => Err(Stop::Failed(text)),
            Command::Beside(beside) => {
                self.beside(beside);
                Ok(())
            }
            Command::Background(after) => {
                self.out.task_starts(after);
                Ok(())
            }
            Command::Tell(tell) => {
                let text = self.told(tell);
                self.say(message, &text)
            }
        }
    }

    fn beside(&mut self, beside: Beside) {
        match beside {
            Beside::Retry => self.out.system(json!({
                "subtype": "api_retry", "attempt": 1, "max_retries": 10, "retry_delay_ms": 1,
                "error_status": 529, "error": "overloaded",
            })),
            Beside::Unknown => {
                self.out.line(&json!({"type": "of_tomorrow", "subtype": "unknown", "nested": {"deeply": [1, null]}}));
                self.out.system(json!({"subtype": "of_tomorrow", "new_field": true}));
            }
            Beside::Garbage => self.out.raw("this line is no JSON"),
            Beside::Stderr(text) => eprintln!("{text}"),
        }
    }

    fn told(&self, tell: Tell) -> String {
        match tell {
            Tell::Pid => process::id().to_string(),
            Tell::Env(name) => env::var(name).unwrap_or_else(|_| "(not set)".to_owned()),
            Tell::Shell(script) => shell(&script),
            Tell::Argv => env::args().skip(1).collect::<Vec<_>>().join(" "),
            Tell::Session => format!("session={} resumed={} turn={}", self.out.session, self.resumed, self.turns),
        }
    }

    fn say(&mut self, message: &mut Message, text: &str) -> Result<(), Stop> {
        self.block(message, TEXT, |turn, message, said| {
            for word in text.split_inclusive(' ') {
                let delta = json!({"type": "content_block_delta", "index": message.blocks, "delta": {"type": "text_delta", "text": word}});
                turn.out.event(&message.id, &delta);
            }
            said.push_str(text);
            Ok(())
        })
    }

    fn deltas(&mut self, message: &mut Message, kind: Kind, deltas: Deltas) -> Result<(), Stop> {
        let mut piece = vec![b'x'; deltas.size];
        if let Some(last) = piece.last_mut() {
            *last = b' ';
        }
        let start = Instant::now();
        self.block(message, kind, |turn, message, said| {
            let template = turn.out.template(&message.id, message.blocks, kind.1, kind.2);
            for count in 0..deltas.count {
                if deltas.rate > 0 {
                    let after =
                        u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(1_000_000_000) / u64::from(deltas.rate);
                    turn.pause(start + Duration::from_nanos(after))?;
                } else if count % LOOK_EVERY == 0 {
                    turn.look()?;
                }
                if deltas.stamped {
                    piece = format!("{} ", nanoseconds()).into_bytes();
                }
                turn.out.delta(&template, &piece);
                said.push_str(str::from_utf8(&piece).unwrap_or_default());
            }
            Ok(())
        })
    }

    /// A block around the deltas that `write` writes. An interrupted one is closed as the real CLI does it.
    fn block<F>(&mut self, message: &mut Message, kind: Kind, write: F) -> Result<(), Stop>
    where
        F: FnOnce(&mut Self, &Message, &mut String) -> Result<(), Stop>,
    {
        let index = message.blocks;
        let opened =
            json!({"type": "content_block_start", "index": index, "content_block": {"type": kind.0, kind.2: ""}});
        self.out.event(&message.id, &opened);
        let mut said = String::new();
        let written = write(self, message, &mut said);
        self.out.assistant(&message.id, &json!({"type": kind.0, kind.2: said}), written.is_err());
        self.out.event(&message.id, &json!({"type": "content_block_stop", "index": index}));
        message.blocks += 1;
        if kind.0 == TEXT.0 {
            message.text = said;
        }
        written
    }

    fn tool(&mut self, message: &mut Message, size: usize) -> Result<(), Stop> {
        let id = format!("toolu_{}_{}", message.id, message.blocks);
        let call = json!({"type": "tool_use", "id": id, "name": "Bash", "input": {}});
        let index = message.blocks;
        self.out.event(&message.id, &json!({"type": "content_block_start", "index": index, "content_block": call}));
        let delta = json!({"type": "input_json_delta", "partial_json": "{\"command\":\"true\"}"});
        self.out.event(&message.id, &json!({"type": "content_block_delta", "index": index, "delta": delta}));
        let call = json!({"type": "tool_use", "id": id, "name": "Bash", "input": {"command": "true"}});
        self.out.assistant(&message.id, &call, false);
        self.out.event(&message.id, &json!({"type": "content_block_stop", "index": index}));
        self.close(message, "tool_use");
        self.out
            .user(&json!({"type": "tool_result", "tool_use_id": id, "content": "x".repeat(size), "is_error": false}));
        *message = self.open();
        self.look()
    }

    fn open(&mut self) -> Message {
        Message { id: self.out.message_starts(), blocks: 0, text: String::new() }
    }

    fn close(&mut self, message: &Message, stop_reason: &str) {
        let delta = json!({"stop_reason": stop_reason, "stop_sequence": null});
        self.out.event(&message.id, &json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 20}}));
        self.out.event(&message.id, &json!({"type": "message_stop"}));
    }

    /// Ends the process with a block open and some of it written.
    fn leave(&mut self, message: &Message, leave: Leave) -> ! {
        let block: Value = json!({"type": "text", "text": ""});
        self.out.event(
            &message.id,
            &json!({"type": "content_block_start", "index": message.blocks, "content_block": block}),
        );
        let delta = json!({"type": "text_delta", "text": "I am about to "});
        self.out.event(&message.id, &json!({"type": "content_block_delta", "index": message.blocks, "delta": delta}));
        self.out.flush();
        match leave {
            Leave::Killed => crate::background::kill_self(),
            Leave::Exit(code) => process::exit(code),
        }
    }

    fn hang(&mut self) -> Result<(), Stop> {
        self.out.flush();
        while let Ok(incoming) = self.incoming.recv_timeout(LIFETIME) {
            self.heard(incoming)?;
        }
        Err(Stop::InputEnded)
    }

    /// Writes everything out and waits until then, listening.
    fn pause(&mut self, until: Instant) -> Result<(), Stop> {
        self.out.flush();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.incoming.recv_timeout(left) {
                Ok(incoming) => self.heard(incoming)?,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(left);
                    return Ok(());
                }
            }
        }
    }

    fn look(&mut self) -> Result<(), Stop> {
        while let Ok(incoming) = self.incoming.try_recv() {
            self.heard(incoming)?;
        }
        Ok(())
    }

    fn heard(&mut self, incoming: Incoming) -> Result<(), Stop> {
        match incoming {
            Incoming::Control { id, subtype, task } => {
                self.queue.extend(self.out.asked(&id, &subtype, task.as_deref()));
                if subtype == "interrupt" { Err(Stop::Interrupted) } else { Ok(()) }
            }
            Incoming::Prompt(_) | Incoming::FollowUp(_) | Incoming::End => {
                self.queue.push_back(incoming);
                Ok(())
            }
        }
    }
}

/// Runs a script as the agent's tool would: with the agent's environment, and nothing to read.
fn shell(script: &str) -> String {
    let output = process::Command::new("sh").args(["-c", script]).stdin(process::Stdio::null()).output();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    output.map_or_else(|error| error.to_string(), |output| text(&output.stdout) + &text(&output.stderr))
}

fn nanoseconds() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}
