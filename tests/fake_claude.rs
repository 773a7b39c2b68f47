//! The fake CLI keeps the protocol of the real one, so that figures and faults measured with it mean something.

#![allow(clippy::unwrap_used, reason = "a client that cannot work fails its test")]

#[path = "support/fake_claude.rs"]
mod fake_claude;

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::ExitStatusExt,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use fake_claude::fake_claude;
use serde_json::{Value, json};

/// Longest wait for anything.
const SOON: Duration = Duration::from_secs(10);

/// A running fake.
struct Fake {
    process: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Fake {
    fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(fake_claude());
        command.env_clear().env("CLAUDE_CODE_SDK_READS_SESSION_STATE", "1").envs(variables.iter().copied());
        command.arg("--include-partial-messages").args(arguments);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (to_test, lines) = channel();
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| to_test.send(line)));
        Self { stdin: process.stdin.take(), process, lines }
    }

    fn send(&mut self, message: &Value) {
        writeln!(self.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    fn control(&mut self, subtype: &str) {
        self.send(&json!({"type": "control_request", "request_id": "r1", "request": {"subtype": subtype}}));
    }

    fn prompt(&mut self, text: &str) {
        self.send(&json!({"type": "user", "message": {"role": "user", "content": text}}));
    }

    /// The lines up to one that fits.
    fn until(&self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut seen = Vec::new();
        while !seen.last().is_some_and(&fits) {
            let line = self.lines.recv_timeout(SOON).unwrap();
            seen.push(serde_json::from_str(&line).unwrap());
        }
        seen
    }

    fn turn(&mut self, prompt: &str) -> Vec<Value> {
        self.prompt(prompt);
        self.until(idle)
    }

    fn ends(mut self) -> ExitStatus {
        drop(self.stdin.take());
        self.process.wait().unwrap()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.process.kill().unwrap_or_default();
        self.process.wait().map(drop).unwrap_or_default();
    }
}

fn idle(line: &Value) -> bool {
    line["subtype"] == "session_state_changed" && line["state"] == "idle"
}

fn delta(line: &Value) -> bool {
    line["event"]["type"] == "content_block_delta"
}

fn result(turn: &[Value]) -> &Value {
    turn.iter().find(|line| line["type"] == "result").unwrap()
}

/// The kinds of a turn's lines, repetitions left out.
fn kinds(turn: &[Value]) -> Vec<&str> {
    let name = |line: &Value| ["event", "subtype", "type"].map(|field| line[field].clone());
    let mut kinds: Vec<_> = turn
        .iter()
        .map(|line| match name(line) {
            [Value::Object(_), ..] => line["event"]["type"].as_str().unwrap(),
            [_, Value::String(_), _] if line["type"] == "system" => line["subtype"].as_str().unwrap(),
            _ => line["type"].as_str().unwrap(),
        })
        .collect();
    kinds.dedup();
    kinds
}

#[test]
fn it_answers_initialize_and_streams_a_turn() {
    let mut fake = Fake::start(&[], &[]);
    fake.control("initialize");
    let answered = fake.until(|line| line["type"] == "control_response").remove(0);
    assert_eq!(
        (&answered["response"]["subtype"], &answered["response"]["request_id"]),
        (&"success".into(), &"r1".into())
    );
    let turn = fake.turn("echo hi there");
    let expected = [
        "session_state_changed",
        "init",
        "message_start",
        "content_block_start",
        "content_block_delta",
        "assistant",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "result",
        "session_state_changed",
    ];
    assert_eq!(kinds(&turn), expected);
    assert_eq!(result(&turn)["result"], "hi there");
    assert_eq!(fake.ends().code(), Some(0));
}

#[test]
fn deltas_have_the_number_the_size_and_ids_of_their_own() {
    let mut fake = Fake::start(&[], &[]);
    let turn = fake.turn("thinking 3; deltas 1000 size 20");
    let deltas: Vec<_> = turn.iter().filter(|line| delta(line)).collect();
    let ids: std::collections::HashSet<_> = turn.iter().map(|line| line["uuid"].to_string()).collect();
    assert_eq!((deltas.len(), ids.len()), (1003, turn.len()));
    assert_eq!(deltas[1002]["event"]["delta"]["text"].as_str().unwrap().len(), 20);
    assert_eq!(result(&turn)["result"].as_str().unwrap().len(), 20_000);
}

#[test]
fn tools_have_results_and_lines_have_any_length() {
    let mut fake = Fake::start(&[], &[]);
    let turn = fake.turn("tool 2 size 5; line 4194304");
    let results: Vec<_> = turn
        .iter()
        .filter(|line| line["type"] == "user")
        .map(|line| &line["message"]["content"][0]["content"])
        .collect();
    assert_eq!(results, ["xxxxx", "xxxxx"]);
    assert!(turn.iter().any(|line| {
        delta(line) && line["event"]["delta"]["text"].as_str().is_some_and(|text| text.len() == 4_194_304)
    }));
}

#[test]
fn an_interrupt_ends_a_turn_that_hangs_and_the_next_one_runs() {
    let mut fake = Fake::start(&[], &[]);
    fake.prompt("deltas 5; hang");
    fake.until(|line| line["event"]["type"] == "content_block_stop");
    fake.control("interrupt");
    assert_eq!(result(&fake.until(idle))["terminal_reason"], "aborted_streaming");
    assert_eq!(result(&fake.turn("echo again"))["result"], "again");
}

#[test]
fn an_interrupt_ends_a_paced_stream() {
    let mut fake = Fake::start(&[], &[]);
    fake.prompt("deltas 100000 paced 100 stamped");
    fake.until(delta);
    fake.control("interrupt");
    let turn = fake.until(idle);
    assert!(turn.iter().any(|line| line["aborted"] == true));
}

#[test]
fn a_process_can_die_or_leave_in_mid_turn() {
    let mut fake = Fake::start(&[], &[]);
    fake.prompt("deltas 3; die mid-turn");
    fake.until(|line| line["event"]["delta"]["text"] == "I am about to ");
    assert_eq!(fake.ends().signal(), Some(9));
    let mut fake = Fake::start(&[], &[]);
    fake.prompt("exit 3");
    assert_eq!(fake.ends().code(), Some(3));
}

#[test]
fn a_failed_turn_makes_the_exit_code_one() {
    let mut fake = Fake::start(&[], &[]);
    let turn = fake.turn("error no such thing");
    assert_eq!((&result(&turn)["is_error"], &result(&turn)["result"]), (&true.into(), &"no such thing".into()));
    assert_eq!(fake.ends().code(), Some(1));
}

#[test]
fn a_start_can_fail_with_words_on_stderr() {
    let mut fake = Fake::start(&[], &[("FAKE_CLAUDE_START", "fail"), ("FAKE_CLAUDE_STDERR", "out of luck")]);
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut fake.process.stderr.take().unwrap(), &mut stderr).unwrap();
    assert_eq!((stderr.as_str(), fake.ends().code()), ("out of luck\n", Some(1)));
}

#[test]
fn a_session_is_resumed_by_its_id_unless_it_is_lost() {
    let mut fake = Fake::start(&["--resume=abc"], &[]);
    assert_eq!(result(&fake.turn("session"))["result"], "session=abc resumed=true turn=1");
    let lost = Fake::start(&["--resume", "abc"], &[("FAKE_CLAUDE_LOST", "1")]);
    let error = lost.until(|line| line["type"] == "result");
    assert_eq!(error[0]["errors"], json!(["No conversation found with session ID: abc"]));
    assert_eq!(lost.ends().code(), Some(1));
}
