//! `ambient credential exec`: a program with a credential in its own environment alone.

use std::{
    env,
    ffi::{OsStr, OsString},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
};

use super::{ask, complain, file, unheard};
use crate::runner::credentials::{
    Kind,
    wire::{GIT, GIT_GIVEN_AS, Question, Reply, WRAPPERS},
};

/// Becomes the program. Only an MCP server does not start without a credential: it would have no tools and not say why.
pub(super) fn exec(credential: &str, command: &[OsString]) -> ExitCode {
    let Some((name, args)) = command.split_first() else {
        eprintln!("ambient: credential exec: expected a program after --");
        return ExitCode::from(2);
    };
    let wrappers = env::var_os(WRAPPERS);
    let Some(program) = find(name, env::var_os("PATH").as_deref(), wrappers.as_deref()) else {
        eprintln!("ambient: {} is not installed here", name.display());
        return ExitCode::from(127);
    };
    let mut command = Command::new(program);
    command.args(args);
    if !is_given(credential) {
        let reply = ask(Question { program: Some(credential.to_owned()), ..Question::default() });
        let reply = reply.unwrap_or_else(|error| unheard(&error));
        let nothing = reply.variables.is_empty() && reply.files.is_empty();
        let kind = Kind::named(credential);
        let is_needed = kind.is_some_and(Kind::is_needed);
        // A cluster may be described elsewhere.
        if kind != Some(Kind::Kubeconfig) || !reply.absent {
            complain(&reply);
        }
        if let Err(error) = put(&mut command, reply) {
            eprintln!("ambient: the {credential} credential cannot be put into a file: {error}");
            return ExitCode::FAILURE;
        }
        if nothing && is_needed {
            eprintln!("ambient: {} is not started without a {credential} credential", name.display());
            return ExitCode::FAILURE;
        }
    }
    let error = command.exec();
    eprintln!("ambient: {} cannot be started: {error}", name.display());
    ExitCode::from(126)
}

/// What somebody has given on purpose stays.
fn is_given(credential: &str) -> bool {
    let variable = match (credential, Kind::named(credential)) {
        (GIT, _) => GIT_GIVEN_AS,
        (_, Some(kind)) => kind.given_as(),
        (_, None) => return false,
    };
    env::var_os(variable).is_some_and(|value| !value.is_empty())
}

fn put(command: &mut Command, reply: Reply) -> std::io::Result<()> {
    command.envs(reply.variables);
    for given in reply.files {
        command.env(&given.variable, file::put(&given.place, &given.content)?);
    }
    Ok(())
}

/// The program, but not the wrapper that has called us.
fn find(name: &OsStr, path: Option<&OsStr>, wrappers: Option<&OsStr>) -> Option<PathBuf> {
    if name.as_encoded_bytes().contains(&b'/') {
        return Some(PathBuf::from(name));
    }
    let folders = env::split_paths(path.unwrap_or_default()).filter(|folder| Some(folder.as_os_str()) != wrappers);
    folders.map(|folder| folder.join(name)).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrappers_are_not_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = dir.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("gh"), "").unwrap();
            folder
        };
        let (wrappers, real) = (folder("w"), folder("real"));
        let path = env::join_paths([&wrappers, &real]).unwrap();
        let found = |wrappers: Option<&OsStr>| find(OsStr::new("gh"), Some(&path), wrappers).unwrap();
        assert_eq!(found(Some(wrappers.as_os_str())), real.join("gh"));
        assert_eq!(found(None), wrappers.join("gh"));
        assert_eq!(find(OsStr::new("kubectl"), Some(&path), None), None);
        assert_eq!(find(OsStr::new("/x/y"), None, None), Some(PathBuf::from("/x/y")));
    }
}
