//! `ambient events`: a session or a Run of a cluster, as `ambient run` shows one.

mod show;

use std::process::ExitCode;

use self::show::Show;
use super::{
    fail,
    gateway::{
        self, Gateway, GatewayError,
        feed::{Feed, Piece, path},
    },
    run::render::Detail,
};
use crate::api::outcome::exit;

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
    let mut feed = Feed::new(&gateway, path(&[kind, name], namespace)?, args.after, parameters(args));
    let mut show = Show::new(args.output == "json", Detail { thinking: args.thinking, verbose: args.verbose });
    let mut says_more = false;
    loop {
        match feed.next().await? {
            Piece::Record(record) => {
                says_more = true;
                show.record(&record);
                if args.run && record.event.kind.is_terminal() {
                    return Ok(());
                }
            }
            Piece::Ended if args.no_follow => return Ok(()),
            // A Run of which nothing is left to say.
            Piece::Ended if args.run && !says_more => return Ok(()),
            Piece::Ended => says_more = false,
            // A gateway that was never there is not waited for.
            Piece::Broken(error) if !feed.was_heard() => return Err(error),
            Piece::Broken(error) => show.notice(&format!("… {error}; trying again")),
        }
    }
}

fn parameters(args: &Args) -> Vec<(&'static str, String)> {
    let thread = args.thread.iter().map(|thread| ("thread", thread.clone()));
    thread.chain(args.no_follow.then(|| ("follow", "false".to_owned()))).collect()
}
