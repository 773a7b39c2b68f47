//! From a rule to what is sent and when.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    matching::Answer,
    script::{Block, Break, Count, Split, SplitWord, Usage},
    sse,
    template::{Variables, expand, expand_json},
};

/// Stands where the API puts a proof that a thought is its own.
pub(crate) const SIGNATURE: &str = "c2NyaXB0ZWQtbW9kZWw=";

/// Between the last bytes and the cut. A client that finds both at once may drop what it has not looked at.
const BEFORE_CUT: Duration = Duration::from_millis(50);

/// Estimates of tokens end here, so that a long text does not make a client believe that its context is full.
const MOST_ESTIMATED_TOKENS: u64 = 10_000;

/// Steps are written in pieces of about this size when nothing asks for less.
const PIECE_BYTES: usize = 64 * 1024;

/// A complete message.
#[derive(Debug)]
pub(crate) struct Message {
    /// Its id, never used twice.
    pub(crate) id: String,
    /// The model that was asked.
    pub(crate) model: String,
    /// Its blocks.
    pub(crate) content: Vec<Content>,
    /// Why the model stopped.
    pub(crate) stop_reason: String,
    /// Its cost.
    pub(crate) tokens: Tokens,
}

/// Token counts of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tokens {
    /// Read without the cache.
    pub(crate) input: u64,
    /// Written.
    pub(crate) output: u64,
    /// Read from the cache.
    pub(crate) cache_read: u64,
    /// Put into the cache.
    pub(crate) cache_write: u64,
}

/// A block of a message.
#[derive(Debug)]
pub(crate) enum Content {
    /// A text.
    Text(String),
    /// A thought.
    Thinking(String),
    /// A tool call.
    ToolUse {
        /// Its id, never used twice.
        id: String,
        /// The tool.
        name: String,
        /// What it is called with, as JSON.
        input: String,
    },
}

/// One thing to do with the response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Send these bytes.
    Write(Vec<u8>),
    /// Go on this long after the pause before was due.
    Pause(Duration),
    /// Let what was written leave, then go on.
    Flush,
    /// Close the connection without ending the response.
    Cut,
    /// Send nothing more.
    Hang,
}

/// The message that an answer says.
pub(crate) fn message(answer: &Answer, model: &str, input_chars: usize) -> Message {
    let content: Vec<_> = answer.rule.reply.iter().map(|block| content(block, &answer.variables)).collect();
    let calls = content.iter().any(|content| matches!(content, Content::ToolUse { .. }));
    let inferred = if calls { "tool_use" } else { "end_turn" };
    let written = content.iter().map(|content| text_of(content).len()).sum();
    Message {
        id: format!("msg_{}", Uuid::new_v4().simple()),
        model: model.to_owned(),
        stop_reason: answer.rule.stop_reason.clone().unwrap_or_else(|| inferred.to_owned()),
        tokens: tokens(&answer.rule.usage, input_chars, written),
        content,
    }
}

/// The message as the response of a request that is not streamed.
pub(crate) fn whole(message: &Message) -> Value {
    let blocks: Vec<_> = message.content.iter().map(whole_block).collect();
    let tokens = message.tokens;
    json!({
        "id": message.id, "type": "message", "role": "assistant", "model": message.model, "content": blocks,
        "stop_reason": message.stop_reason, "stop_sequence": null,
        "usage": {
            "input_tokens": tokens.input, "output_tokens": tokens.output,
            "cache_creation_input_tokens": tokens.cache_write, "cache_read_input_tokens": tokens.cache_read,
        },
    })
}

/// The message as the steps of a stream.
pub(crate) fn steps(message: &Message, answer: &Answer) -> Vec<Step> {
    let mut plan = Plan::new(answer);
    plan.run(message, answer);
    plan.finish(answer.rule.write_bytes)
}

struct Plan {
    steps: Vec<Step>,
    buffer: Vec<u8>,
    deltas_left: Option<usize>,
    broken: bool,
}

impl Plan {
    fn new(answer: &Answer) -> Self {
        let deltas_left = answer.rule.broken.as_ref().map(|broken| broken.after_deltas.unwrap_or_default());
        Self { steps: Vec::new(), buffer: Vec::new(), deltas_left, broken: false }
    }

    fn run(&mut self, message: &Message, answer: &Answer) {
        let broken = answer.rule.broken.as_ref();
        if broken.is_none_or(|broken| broken.after_deltas.is_some()) {
            self.write(sse::message_start(message));
            for (index, (content, block)) in message.content.iter().zip(&answer.rule.reply).enumerate() {
                self.block(index, content, block, &answer.variables);
            }
        }
        match broken {
            Some(broken) => self.break_off(broken.by),
            None => self.write(sse::message_end(message)),
        }
    }

    fn block(&mut self, index: usize, content: &Content, block: &Block, variables: &Variables) {
        if self.broken {
            return;
        }
        self.pause(Duration::from_millis(block.wait_ms));
        self.write(sse::block_start(index, content));
        let interval = count(block.per_second.as_ref(), variables)
            .filter(|rate| *rate > 0)
            .map(|rate| Duration::from_secs(1) / u32::try_from(rate).unwrap_or(u32::MAX));
        for piece in pieces(text_of(content), block, variables) {
            if self.deltas_left == Some(0) {
                self.broken = true;
                return;
            }
            self.pause(interval.unwrap_or_default());
            sse::push_content_delta(&mut self.buffer, index, content, piece);
            self.deltas_left = self.deltas_left.map(|left| left - 1);
            self.spill();
        }
        self.write(sse::block_stop(index, content));
    }

    fn break_off(&mut self, by: Break) {
        let error = |kind: &str, message: &str| json!({"type": "error", "error": {"type": kind, "message": message}});
        match by {
            Break::Cut => {
                self.end(Step::Pause(BEFORE_CUT));
                self.end(Step::Cut);
            }
            Break::Hang => self.end(Step::Hang),
            Break::Overloaded => self.write(sse::event("error", &error("overloaded_error", "Overloaded"))),
            Break::ApiError => self.write(sse::event("error", &error("api_error", "Internal server error"))),
        }
    }

    fn write(&mut self, bytes: Vec<u8>) {
        if !self.broken || bytes.starts_with(b"event: error") {
            self.buffer.extend(bytes);
        }
        self.spill();
    }

    fn spill(&mut self) {
        if self.buffer.len() >= PIECE_BYTES {
            self.steps.push(Step::Write(std::mem::take(&mut self.buffer)));
        }
    }

    fn pause(&mut self, pause: Duration) {
        if !pause.is_zero() {
            self.end(Step::Pause(pause));
        }
    }

    fn end(&mut self, step: Step) {
        if !self.buffer.is_empty() {
            self.steps.push(Step::Write(std::mem::take(&mut self.buffer)));
        }
        self.steps.push(step);
    }

    fn finish(mut self, write_bytes: Option<usize>) -> Vec<Step> {
        if !self.buffer.is_empty() {
            self.steps.push(Step::Write(self.buffer));
        }
        match write_bytes {
            Some(size) if size > 0 => self.steps.into_iter().flat_map(|step| torn(step, size)).collect(),
            _ => self.steps,
        }
    }
}

fn torn(step: Step, size: usize) -> Vec<Step> {
    match step {
        Step::Write(bytes) => bytes.chunks(size).flat_map(|piece| [Step::Write(piece.to_vec()), Step::Flush]).collect(),
        other => vec![other],
    }
}

fn content(block: &Block, variables: &Variables) -> Content {
    let repeat = count(block.repeat.as_ref(), variables).unwrap_or(1);
    let repeated = |text: &str| expand(text, variables).repeat(usize::try_from(repeat).unwrap_or(usize::MAX));
    if let Some(tool) = &block.tool {
        let input = if block.input.is_null() { json!({}) } else { expand_json(&block.input, variables) };
        let id = format!("toolu_{}", Uuid::new_v4().simple());
        return Content::ToolUse { id, name: expand(tool, variables), input: input.to_string() };
    }
    match &block.thinking {
        Some(thinking) => Content::Thinking(repeated(thinking)),
        None => Content::Text(repeated(block.text.as_deref().unwrap_or_default())),
    }
}

fn text_of(content: &Content) -> &str {
    match content {
        Content::Text(text) | Content::Thinking(text) | Content::ToolUse { input: text, .. } => text,
    }
}

fn whole_block(content: &Content) -> Value {
    match content {
        Content::Text(text) => json!({"type": "text", "text": text}),
        Content::Thinking(thinking) => {
            json!({"type": "thinking", "thinking": thinking, "signature": SIGNATURE})
        }
        Content::ToolUse { id, name, input } => {
            let input: Value = serde_json::from_str(input).unwrap_or_default();
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
    }
}

/// Cuts a block's text into its deltas.
fn pieces<'a>(text: &'a str, block: &Block, variables: &Variables) -> Vec<&'a str> {
    match block.split {
        Split::Word(SplitWord::Words) => text.split_inclusive(char::is_whitespace).collect(),
        Split::Word(SplitWord::Whole) => vec![text],
        Split::Word(SplitWord::Repeats) => {
            let repeats =
                count(block.repeat.as_ref(), variables).and_then(|count| usize::try_from(count).ok()).unwrap_or(1);
            by_bytes(text, text.len().checked_div(repeats).unwrap_or_default())
        }
        Split::Characters(size) => by_characters(text, size.max(1)),
    }
}

/// Pieces of equal size; the text is a repetition of one of them.
fn by_bytes(text: &str, size: usize) -> Vec<&str> {
    (0..text.len()).step_by(size.max(1)).filter_map(|start| text.get(start..start + size)).collect()
}

fn by_characters(text: &str, size: usize) -> Vec<&str> {
    let starts: Vec<_> = text.char_indices().map(|(at, _)| at).step_by(size).chain([text.len()]).collect();
    starts.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect()
}

fn count(count: Option<&Count>, variables: &Variables) -> Option<u64> {
    match count? {
        Count::Fixed(number) => Some(*number),
        Count::Template(template) => expand(template, variables).trim().parse().ok(),
    }
}

/// Where the script gives no number: four characters a token, up to a limit.
fn tokens(usage: &Usage, input_chars: usize, output_chars: usize) -> Tokens {
    let estimate = |chars: usize| u64::try_from(chars / 4 + 1).unwrap_or(u64::MAX).min(MOST_ESTIMATED_TOKENS);
    Tokens {
        input: usage.input.unwrap_or_else(|| estimate(input_chars)),
        output: usage.output.unwrap_or_else(|| estimate(output_chars)),
        cache_read: usage.cache_read,
        cache_write: usage.cache_write,
    }
}
