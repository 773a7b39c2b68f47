//! What a prompt asks for.

/// One thing to do in a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// `echo TEXT`: says it, a delta for each word. Any other text is echoed as well.
    Echo(String),
    /// `deltas N [paced RATE] [size BYTES] [stamped]`: N deltas of text.
    Deltas(Deltas),
    /// `thinking N [paced RATE] [size BYTES] [stamped]`: N deltas of thinking.
    Thinking(Deltas),
    /// `tool [N] [size BYTES]`: N calls of a tool (1), each with a result of that many bytes (2).
    Tools {
        /// How many.
        count: usize,
        /// Bytes of each result.
        size: usize,
    },
    /// `line BYTES`: one delta that long.
    Line(usize),
    /// `sleep MS`: writes nothing for that long.
    Sleep(u64),
    /// `hang`: goes on only when it is interrupted or stdin ends.
    Hang,
    /// `deaf`: goes on for nothing but a signal.
    Deaf,
    /// The process ends in the middle of a block.
    Leave(Leave),
    /// `error TEXT`: the turn's result is an error.
    Error(String),
    /// Something beside the conversation.
    Beside(Beside),
    /// The process says something about itself.
    Tell(Tell),
    /// `background [turn|crash|death]`: puts a task into the background (`task-1`, `task-2` …), which ends when it is stopped.
    Background(After),
}

/// What follows the end of a background task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum After {
    /// Nothing.
    Silence,
    /// `turn`: a turn that the agent begins by itself.
    Turn,
    /// `crash`: the same, and the process kills itself in it.
    Crash,
    /// `death`: the process kills itself.
    Death,
}

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// `die`: it kills itself (SIGKILL).
    Killed,
    /// `exit CODE`.
    Exit(i32),
}

/// Something beside the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Beside {
    /// `retry`: reports that the provider is asked again.
    Retry,
    /// `unknown`: writes a message type, a subtype and fields that nobody knows.
    Unknown,
    /// `garbage`: writes a line that is no JSON.
    Garbage,
    /// `stderr TEXT`: writes it to stderr.
    Stderr(String),
}

/// What the process can say about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tell {
    /// `pid`: its process id.
    Pid,
    /// `env NAME`: the variable's value.
    Env(String),
    /// `sh SCRIPT`: what a shell of the agent says on stdout and stderr; no `;` in it.
    Shell(String),
    /// `argv`: its arguments.
    Argv,
    /// `session`: the session's id, whether it was resumed, and which turn of the process this is.
    Session,
}

/// A number of deltas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Deltas {
    /// How many.
    pub(crate) count: usize,
    /// How many a second; 0: as fast as possible.
    pub(crate) rate: u32,
    /// Bytes of each.
    pub(crate) size: usize,
    /// Whether each says when it was written, in nanoseconds since 1970.
    pub(crate) stamped: bool,
}

/// The commands of a prompt, one after another between semicolons.
pub(crate) fn parse(prompt: &str) -> Vec<Command> {
    prompt.split(';').map(str::trim).filter(|part| !part.is_empty()).map(command).collect()
}

fn command(text: &str) -> Command {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let echo = || Command::Echo(text.to_owned());
    match (word, rest) {
        ("echo", rest) => Command::Echo(rest.to_owned()),
        ("deltas", rest) => deltas(rest).map_or_else(echo, Command::Deltas),
        ("thinking", rest) => deltas(rest).map_or_else(echo, Command::Thinking),
        ("tool" | "tools", rest) => {
            Command::Tools { count: first(rest).unwrap_or(1), size: named(rest, "size").unwrap_or(2) }
        }
        ("line", rest) => first(rest).map_or_else(echo, Command::Line),
        ("sleep", rest) => first(rest).map_or_else(echo, Command::Sleep),
        ("exit", rest) => first(rest).map_or_else(echo, |code| Command::Leave(Leave::Exit(code))),
        ("error", rest) => Command::Error(rest.to_owned()),
        ("stderr", rest) => Command::Beside(Beside::Stderr(rest.to_owned())),
        ("env", rest) => Command::Tell(Tell::Env(rest.to_owned())),
        ("sh", rest) => Command::Tell(Tell::Shell(rest.to_owned())),
        ("die", _) => Command::Leave(Leave::Killed),
        ("hang", "") => Command::Hang,
        ("deaf", "") => Command::Deaf,
        ("retry", "") => Command::Beside(Beside::Retry),
        ("unknown", "") => Command::Beside(Beside::Unknown),
        ("garbage", "") => Command::Beside(Beside::Garbage),
        ("pid", "") => Command::Tell(Tell::Pid),
        ("argv", "") => Command::Tell(Tell::Argv),
        ("background", "") => Command::Background(After::Silence),
        ("background", "turn") => Command::Background(After::Turn),
        ("background", "crash") => Command::Background(After::Crash),
        ("background", "death") => Command::Background(After::Death),
        ("session", "") => Command::Tell(Tell::Session),
        _ => echo(),
    }
}

fn deltas(text: &str) -> Option<Deltas> {
    Some(Deltas {
        count: first(text)?,
        rate: named(text, "paced").unwrap_or_default(),
        size: named(text, "size").unwrap_or(12),
        stamped: text.split_whitespace().any(|word| word == "stamped"),
    })
}

fn first<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.split_whitespace().next()?.parse().ok()
}

fn named<T: std::str::FromStr>(text: &str, name: &str) -> Option<T> {
    let mut words = text.split_whitespace().skip_while(|word| *word != name);
    words.nth(1)?.parse().ok()
}
