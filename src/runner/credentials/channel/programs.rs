//! What programs of an agent are started with.

use std::time::Duration;

use super::{Desk, Grant, refusal};
use crate::{
    agui::Id,
    runner::{
        caller::Caller,
        credentials::{
            give::{self, Given},
            kind::{Kind, Unavailable},
            wire::{GIT, Reply},
        },
    },
};

/// How long an agent's process may take to start its MCP servers: longer than the CLI waits for one of them.
pub(super) const STARTING: Duration = Duration::from_mins(1);

/// For whom a program is started.
struct Starter {
    /// In which run; absent: in none, as an MCP server of an agent that starts or is warm.
    run: Option<Id>,
    caller: Caller,
}

impl Desk {
    /// Answers who asks for what a program is started with.
    pub(super) async fn start(&self, grant: &Grant, program: &str) -> Reply {
        let kind = Kind::named(program);
        let is_server = kind.is_some_and(Kind::is_needed);
        let starter = match self.starter(grant, is_server) {
            Ok(starter) => starter,
            Err(why) => return refusal(why),
        };
        let given = match (program, kind) {
            (GIT, _) => self.credentials.committer(&starter.caller).await.map(|person| give::git(&person)),
            (_, Some(kind)) => {
                let found = self.credentials.get(kind, &starter.caller).await;
                found.map(|credential| give::program(&credential, &self.credentials.sources.google))
            }
            (_, None) => return refusal(&unknown(program)),
        };
        // As for git: it may have taken a while. A server is its process's, whose person does not change.
        match self.starter(grant, is_server) {
            Err(why) => refusal(why),
            Ok(now) if !is_server && starter.run.is_some() && now.run != starter.run => {
                refusal("the run that asked is over")
            }
            Ok(_) => reply(given),
        }
    }

    /// The person behind the run that is going. MCP servers start with their agent, which may be warm before a thread's first
    /// run, or slower than a short run: they get their process's person's, fetched with the runner's own token.
    fn starter(&self, grant: &Grant, is_server: bool) -> Result<Starter, &'static str> {
        match self.run_of(grant) {
            Ok(run) => Ok(Starter { run: Some(run.id), caller: run.caller }),
            Err(why) => {
                let callers = &self.credentials.callers;
                let is_warm = callers.running(&grant.thread).is_none() && callers.last(&grant.thread).is_none();
                let is_starting = is_server && grant.opened.elapsed() < STARTING;
                if !(is_warm || is_starting) {
                    return Err(why);
                }
                Ok(Starter { run: None, caller: Caller { user_id: grant.user.clone(), ..Caller::default() } })
            }
        }
    }
}

fn unknown(program: &str) -> String {
    let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.path()).chain([GIT]).collect();
    let program: String = program.chars().filter(|char| !char.is_control()).take(40).collect();
    format!("there are no credentials called {program}: expected one of {}", known.join(", "))
}

fn reply(given: Result<Given, Unavailable>) -> Reply {
    match given {
        Ok(Given { variables, files }) => Reply { variables, files, ..Reply::default() },
        Err(why) => Reply { absent: matches!(why, Unavailable::Absent { .. }), ..refusal(&why.to_string()) },
    }
}
