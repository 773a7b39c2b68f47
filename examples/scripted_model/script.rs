//! The script: what a person writes down as rules, read from YAML.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// Rules, tried from the top; the first one that matches answers.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// The rules.
    pub(crate) rules: Vec<Rule>,
}

/// When to answer, and what.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rule {
    /// Shown in the log; its place in the file otherwise.
    pub(crate) name: Option<String>,
    /// What the request must look like.
    pub(crate) when: When,
    /// How often the rule answers in one session; absent: always.
    pub(crate) times: Option<u32>,
    /// Milliseconds before anything is answered.
    pub(crate) wait_ms: u64,
    /// Accepts the request and never answers.
    pub(crate) silent: bool,
    /// Answers with an HTTP error instead of a reply.
    pub(crate) error: Option<ErrorReply>,
    /// The message's blocks.
    pub(crate) reply: Vec<Block>,
    /// Breaks the stream before it is complete.
    pub(crate) broken: Option<Broken>,
    /// Why the model stopped; absent: `tool_use` with a tool in the reply, `end_turn` otherwise.
    pub(crate) stop_reason: Option<String>,
    /// Token counts; absent ones are estimated.
    pub(crate) usage: Usage,
    /// Writes the stream in pieces of this many bytes, so that characters are cut apart on the wire.
    pub(crate) write_bytes: Option<usize>,
}

/// What a request must look like. Everything given must hold.
///
/// Without `step`, `tool_result`, `tool` and `is_error`, a rule answers only what a person wrote, never a tool's result.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct When {
    /// The last text that a person wrote (reminders of the client are left out).
    pub(crate) prompt: Option<Pattern>,
    /// The result of the last tool calls, joined by line ends.
    pub(crate) tool_result: Option<Pattern>,
    /// The name of one of the tools that were called last.
    pub(crate) tool: Option<String>,
    /// Whether one of the last tool results is an error.
    pub(crate) is_error: Option<bool>,
    /// How many messages the model has written since the prompt: a number or `any`.
    pub(crate) step: Option<Step>,
    /// Everything that was said so far, by anybody, joined by line ends.
    pub(crate) conversation: Option<Pattern>,
    /// The model's name.
    pub(crate) model: Option<Pattern>,
    /// A tool that the request must offer.
    pub(crate) offers_tool: Option<String>,
    /// The client's key.
    pub(crate) api_key: Option<Pattern>,
    /// Requests that the client makes for itself (a title, say): those without any tool and with a JSON schema.
    pub(crate) side: bool,
}

/// A condition on a text. A plain string means `contains`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Pattern {
    /// The text contains this.
    Plain(String),
    /// What is given must hold.
    Detailed(TextPattern),
}

/// Conditions on a text. Everything given must hold.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TextPattern {
    /// The whole text, white space at its ends aside.
    pub(crate) equals: Option<String>,
    /// A part of it.
    pub(crate) contains: Option<String>,
    /// A regular expression; its named groups are variables of the reply.
    pub(crate) matches: Option<String>,
}

/// Where in a turn a rule answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Step {
    /// After this many messages of the model since the prompt.
    Number(usize),
    /// Everywhere in the turn.
    Word(StepWord),
}

/// The word form of [`Step`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StepWord {
    /// Everywhere in the turn.
    Any,
}

/// One block of the reply. Exactly one of `text`, `thinking` and `tool` is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Block {
    /// A text.
    pub(crate) text: Option<String>,
    /// A thought.
    pub(crate) thinking: Option<String>,
    /// The name of a tool to call; several blocks are parallel calls.
    pub(crate) tool: Option<String>,
    /// What the tool is called with.
    pub(crate) input: Value,
    /// How often the text (or the thought) is repeated; a number or a template.
    pub(crate) repeat: Option<Count>,
    /// How the block is cut into deltas.
    pub(crate) split: Split,
    /// Deltas per second; a number or a template. Absent: as fast as possible.
    pub(crate) per_second: Option<Count>,
    /// Milliseconds before the block starts.
    pub(crate) wait_ms: u64,
}

/// A number, or a template that gives one (`${n}`).
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Count {
    /// The number.
    Fixed(u64),
    /// What gives it.
    Template(String),
}

/// How a block is cut into deltas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Split {
    /// Into this many characters each.
    Characters(usize),
    /// As the word says.
    Word(SplitWord),
}

impl Default for Split {
    fn default() -> Self {
        Self::Word(SplitWord::Words)
    }
}

/// The word form of [`Split`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SplitWord {
    /// A delta for each word with the white space after it.
    Words,
    /// One delta.
    Whole,
    /// A delta for each repetition.
    Repeats,
}

/// An HTTP error: its status alone, or with details.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum ErrorReply {
    /// The status.
    Status(u16),
    /// With details.
    Detailed(ErrorDetails),
}

/// What an HTTP error says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorDetails {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The error's type; absent: the API's for that status.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// What a person reads.
    pub(crate) message: Option<String>,
    /// The `retry-after` header, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// More headers.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
}

/// A stream that ends early.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Broken {
    /// How many deltas come first; absent: not even the start of the message.
    pub(crate) after_deltas: Option<usize>,
    /// What happens then.
    pub(crate) by: Break,
}

/// What happens to a broken stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Break {
    /// The connection is closed.
    Cut,
    /// Nothing more comes.
    Hang,
    /// An `error` event of type `overloaded_error` comes.
    Overloaded,
    /// An `error` event of type `api_error` comes.
    ApiError,
}

/// Token counts of a reply.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Usage {
    /// Tokens read without the cache.
    pub(crate) input: Option<u64>,
    /// Tokens written.
    pub(crate) output: Option<u64>,
    /// Tokens read from the cache.
    pub(crate) cache_read: u64,
    /// Tokens put into the cache.
    pub(crate) cache_write: u64,
}
