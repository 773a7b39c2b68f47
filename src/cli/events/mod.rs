//! `ambient events`: a session or a Run of a cluster, as `ambient run` shows one.

mod show;

use std::{process::ExitCode, time::Duration};

use futures_util::StreamExt;

use self::show::Show;
use super::{
    fail,
    gateway::{self, Gateway, GatewayError, feed::path},
    run::render::Detail,
};
use crate::{agui::sse::Parser, api::outcome::exit, eventlog::Record};

/// The pauses between attempts: the first, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long a gateway that was reached once may be away.
const AWAY: Duration = Duration::from_mins(5);
/// How long a stream may be silent: the gateway says every 15 s that it lives.
const SILENCE: Duration = Duration::from_mins(1);

/// Follow the events of a session or of a Run in a cluster.
///
/// What is shown is the same as `ambient run` shows. A stream that breaks off goes on where it was.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HELP)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct Args {
    /// The session, or with --run the Run: its name, or uid:UID. Default namespace: the kubeconfig's.
    #[arg(value_name = "[NAMESPACE/]NAME")]
    name: String,
    /// NAME is a Run: its events, until it has ended.
    #[arg(long)]
    run: bool,
    /// The session's conversation; default: the one with the session's name.
    #[arg(long, value_name = "ID", conflicts_with = "run")]
    thread: Option<String>,
    /// Only what comes after the event of this id.
    #[arg(long, value_name = "ID", default_value_t = 0)]
    after: u64,
    /// End with the last event of the Runs that have ended, instead of waiting for more.
    #[arg(long)]
    no_follow: bool,
    /// text, or json: a record of the event log a line.
    #[arg(short, long, default_value = "text", value_parser = ["text", "json"])]
    output: String,
    /// Show the agent's thinking.
    #[arg(long)]
    thinking: bool,
    /// Show what tools print, and the platform's messages.
    #[arg(short, long)]
    verbose: bool,
    #[command(flatten)]
    gateway: gateway::Args,
}

const HELP: &str = "\
Examples:
  ambient events my-team/fix-bug
  ambient events --run my-team/fix-bug-initial --output json
  ambient events --run fix-bug-initial --after 120

Finds the cluster as kubectl does. Reading takes the verb get on agenticsessions/events; the tunnel to the operator's pod
takes the Role ambient-gateway-client of the operator's namespace, --gateway URL takes none.";

pub(super) fn main(args: &Args) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error, exit::CRASH),
    };
    match runtime.block_on(follow(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error, error.exit_code()),
    }
}

async fn follow(args: &Args) -> Result<(), GatewayError> {
    let gateway = Gateway::find(&args.gateway).await?;
    let (namespace, name) = args.name.split_once('/').unwrap_or((&gateway.namespace, &args.name));
    let kind = if args.run { "runs" } else { "sessions" };
    let path = path(&[kind, name], namespace)?;
    let mut show = Show::new(args.output == "json", Detail { thinking: args.thinking, verbose: args.verbose });
    let mut at = Cursor { after: args.after, ended: false };
    let mut pause = PAUSE.0;
    let mut reached: Option<tokio::time::Instant> = None;
    loop {
        let before = at.after;
        let asked = format!("{path}?{}", query(args, at.after));
        let went = at.read(&gateway, &asked, args.run, &mut show).await;
        match went {
            Ok(()) if at.ended || args.no_follow => return Ok(()),
            // A Run of which nothing is left to say.
            Ok(()) if args.run && at.after == before => return Ok(()),
            Ok(()) => reached = Some(tokio::time::Instant::now()),
            Err(error) if !error.is_passing() => return Err(error),
            Err(error) if reached.is_none_or(|reached| reached.elapsed() > AWAY) && at.after == args.after => {
                return Err(error);
            }
            Err(error) => show.notice(&format!("… {error}; trying again")),
        }
        if at.after > before {
            reached = Some(tokio::time::Instant::now());
            pause = PAUSE.0;
        } else if reached.is_some_and(|reached| reached.elapsed() > AWAY) {
            return Err(GatewayError::Unreachable("it was away for too long".to_owned()));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// Where the reader is.
struct Cursor {
    after: u64,
    ended: bool,
}

impl Cursor {
    /// One stream, until it ends.
    async fn read(
        &mut self,
        gateway: &Gateway,
        path: &str,
        one_run: bool,
        show: &mut Show,
    ) -> Result<(), GatewayError> {
        let mut stream = gateway.stream(path).await?;
        let (mut parser, mut frames) = (Parser::new(), Vec::new());
        loop {
            let piece = match tokio::time::timeout(SILENCE, stream.body.next()).await {
                Ok(Some(Ok(piece))) => piece,
                Ok(None) => return Ok(()),
                Ok(Some(Err(error))) => return Err(GatewayError::Unreachable(error.to_string())),
                Err(_) => return Err(GatewayError::Unreachable("the stream is silent".to_owned())),
            };
            parser.push(&piece, &mut frames).map_err(|error| GatewayError::Unreachable(error.to_string()))?;
            for frame in frames.drain(..) {
                // An event that this version does not know is of a newer one.
                let Ok(record) = serde_json::from_slice::<Record>(&frame.data) else { continue };
                show.record(&record);
                self.after = self.after.max(record.seq);
                self.ended |= one_run && record.event.kind.is_terminal();
            }
        }
    }
}

fn query(args: &Args, after: u64) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("after", &after.to_string()).append_pair("format", "record");
    if let Some(thread) = &args.thread {
        query.append_pair("thread", thread);
    }
    if args.no_follow {
        query.append_pair("follow", "false");
    }
    query.finish()
}
