//! What a person named: manifests, and a session's directory.

use std::path::{Path, PathBuf};

use super::{Args, RunError, job::session_name, load, place::Place};
use crate::api::{
    AgenticSession, ProjectSettings, Run,
    manifest::{self, Resource},
    validate::Place as Where,
};

/// What the named manifests hold.
#[derive(Default)]
pub(super) struct Given {
    pub(super) session: Option<AgenticSession>,
    pub(super) runs: Vec<Run>,
    /// Settings of a namespace: a laptop has none.
    pub(super) settings: Vec<ProjectSettings>,
}

pub(super) fn given(args: &Args, place: Where) -> Result<Given, RunError> {
    let sources = load::read(&args.files)?;
    let texts: Vec<_> =
        sources.iter().map(|source| manifest::Source { name: &source.name, text: &source.text }).collect();
    let manifests = manifest::load(&texts, place).map_err(RunError::Manifests)?;
    let mut sessions = Vec::new();
    let (mut runs, mut settings) = (Vec::new(), Vec::new());
    for manifest in manifests {
        match manifest.resource {
            Resource::Session(session) => {
                sessions.push((*session, folder_of(&sources, &manifest.file)));
            }
            Resource::Run(run) => runs.push(*run),
            Resource::Settings(given) => settings.push(*given),
        }
    }
    if sessions.len() > 1 {
        let names: Vec<&str> = sessions.iter().map(|(session, _)| session_name(session)).collect();
        return Err(RunError::Sessions(names.join(", ")));
    }
    if sessions.is_empty() && runs.is_empty() && !sources.is_empty() {
        let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
        return Err(RunError::NoManifest(names.join(", ")));
    }
    let session = sessions.pop().map(|(session, folder)| match place {
        Where::Laptop => with_replay_folder(session, &folder),
        Where::Cluster => session,
    });
    Ok(Given { session, runs, settings })
}

fn folder_of(sources: &[load::Source], name: &str) -> PathBuf {
    let source = sources.iter().find(|source| source.name == name);
    source.map(|source| source.folder.clone()).unwrap_or_default()
}

/// A recording is named relative to its manifest.
fn with_replay_folder(mut session: AgenticSession, folder: &Path) -> AgenticSession {
    if let Some(replay) = session.spec.runner.as_mut().and_then(|runner| runner.replay.as_mut()) {
        let path = folder.join(&replay.path);
        // The session's directory remembers it, and may be used from anywhere.
        replay.path = text(&std::path::absolute(&path).unwrap_or(path));
    }
    session
}

/// Where the session is: as told, else by the name of the session, which Runs without their session tell too.
pub(super) fn place(args: &Args, given: &Given) -> Result<Place, RunError> {
    let place = match (&args.dir, &given.session, given.runs.first()) {
        (Some(dir), Some(_), _) => Place::new(dir),
        (Some(dir), None, _) => Place::existing(dir),
        (None, Some(session), _) => Place::new(&default_dir(session_name(session))),
        (None, None, Some(run)) => Place::existing(&default_dir(&run.spec.session_ref.name)),
        (None, None, None) => return Err(RunError::NothingNamed),
    };
    Ok(place?)
}

fn default_dir(session: &str) -> PathBuf {
    Path::new(".ambient").join(session)
}

/// The directory as a person would type it.
pub(super) fn shown_dir(args: &Args, session: &AgenticSession) -> String {
    match &args.dir {
        Some(dir) => text(dir),
        None => format!("./{}", default_dir(session_name(session)).display()),
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
