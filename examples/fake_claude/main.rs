//! A stand-in for the Claude CLI: speaks its protocol on stdin and stdout without a model, as fast as a pipe takes it.
//!
//! For benchmarks, where the real CLI would be the slowest part, and for faults that the real CLI does not have on
//! request. The prompt says what happens; see [`command::parse`]. Plain threads and blocking IO keep its start below a
//! millisecond or two and its own cost out of the figures.
//!
//! The environment says how it starts: `FAKE_CLAUDE_START` is `fail` (writes `FAKE_CLAUDE_STDERR` to stderr, exits 1),
//! `hang` (never answers `initialize`) or `slow MS`; with `FAKE_CLAUDE_LOST=1` it knows no session to resume. Arguments of
//! the real CLI are taken; those that do not matter here are ignored.

mod background;
mod command;
mod input;
mod output;
mod turn;

use std::{
    collections::VecDeque,
    env,
    io::Write,
    process::ExitCode,
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use input::Incoming;
use output::Output;
use serde_json::json;
use turn::Turn;

/// Longest life of a process that was told to hang: nothing waits for ever, not even a test's leftover.
pub(crate) const LIFETIME: Duration = Duration::from_mins(10);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--version") {
        writeln!(std::io::stdout(), "2.1.330 (fake)").unwrap_or_default();
        return ExitCode::SUCCESS;
    }
    match env::var("FAKE_CLAUDE_START").as_deref().map(|start| start.split_once(' ').unwrap_or((start, ""))) {
        Ok(("fail", _)) => return fail(),
        Ok(("hang", _)) => thread::sleep(LIFETIME),
        Ok(("slow", milliseconds)) => thread::sleep(Duration::from_millis(milliseconds.parse().unwrap_or_default())),
        _ => {}
    }
    let (to_main, incoming) = mpsc::channel();
    thread::spawn(move || input::read(&to_main));
    serve(&incoming, &arguments)
}

fn fail() -> ExitCode {
    let message = env::var("FAKE_CLAUDE_STDERR").unwrap_or_else(|_| "fake_claude: told to fail".to_owned());
    writeln!(std::io::stderr(), "{message}").unwrap_or_default();
    ExitCode::FAILURE
}

fn serve(incoming: &Receiver<Incoming>, arguments: &[String]) -> ExitCode {
    let resumed = option(arguments, "--resume");
    let session = resumed.clone().or_else(|| option(arguments, "--session-id")).unwrap_or_else(output::new_session);
    let mut out = Output::new(session, arguments);
    if let (Some(id), Ok("1")) = (&resumed, env::var("FAKE_CLAUDE_LOST").as_deref()) {
        out.result(&json!({
            "subtype": "error_during_execution", "is_error": true,
            "errors": [format!("No conversation found with session ID: {id}")],
        }));
        return ExitCode::FAILURE;
    }
    let mut queue = VecDeque::new();
    let mut turns = 0;
    let mut failed = false;
    while let Some(next) = queue.pop_front().or_else(|| incoming.recv().ok()) {
        let (origin, prompt) = match next {
            Incoming::Control { id, subtype, task } => {
                queue.extend(out.asked(&id, &subtype, task.as_deref()));
                continue;
            }
            Incoming::Prompt(prompt) => ("human", prompt),
            Incoming::FollowUp(thought) => ("task-notification", thought),
            Incoming::End => break,
        };
        turns += 1;
        let mut turn = Turn { out: &mut out, incoming, queue: &mut queue, turns, resumed: resumed.is_some() };
        failed = turn.run(&prompt, origin);
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The value of an option, as `--name value` or `--name=value`.
fn option(arguments: &[String], name: &str) -> Option<String> {
    arguments.iter().enumerate().find_map(|(at, argument)| match argument.strip_prefix(name)? {
        "" => arguments.get(at + 1).cloned(),
        value => value.strip_prefix('=').map(str::to_owned),
    })
}
