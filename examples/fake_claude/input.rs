//! What the client writes to stdin.

use std::{io::BufRead, sync::mpsc::Sender};

use serde_json::Value;

/// One line of the client, or the end of its lines.
pub(crate) enum Incoming {
    /// A control request.
    Control {
        /// What the answer is addressed to.
        id: String,
        /// What is asked.
        subtype: String,
        /// The task that it is about.
        task: Option<String>,
    },
    /// A person's message.
    Prompt(String),
    /// Nobody said anything: the agent goes on with the end of a task, with this in mind.
    FollowUp(String),
    /// Stdin was closed.
    End,
}

/// Reads lines until stdin is closed. A line that is no JSON ends the process, as it ends the real CLI.
pub(crate) fn read(to_main: &Sender<Incoming>) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let Ok(message) = serde_json::from_str::<Value>(&line) else {
            eprintln!("Error parsing streaming input line");
            std::process::exit(1);
        };
        let Some(incoming) = incoming(&message) else {
            continue;
        };
        if to_main.send(incoming).is_err() {
            return;
        }
    }
    to_main.send(Incoming::End).unwrap_or_default();
}

fn incoming(message: &Value) -> Option<Incoming> {
    match message["type"].as_str()? {
        "control_request" => Some(Incoming::Control {
            id: message["request_id"].as_str()?.to_owned(),
            subtype: message["request"]["subtype"].as_str()?.to_owned(),
            task: message["request"]["task_id"].as_str().map(str::to_owned),
        }),
        "user" => Some(Incoming::Prompt(text(&message["message"]["content"]))),
        _ => None,
    }
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => blocks.iter().filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n"),
        _ => String::new(),
    }
}
