//! Checks before a start, so that the error names what is wrong: the program, the directory or the environment.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use super::{HostError, ProcessSpec};

/// What Linux takes by default, in bytes.
const MAX_SIZE: usize = 2 << 20;

/// The program's file, when the process can be started as it is described.
pub(super) fn resolve(spec: &ProcessSpec) -> Result<PathBuf, HostError> {
    check_size(spec)
        .and_then(|()| check_env(&spec.env))
        .and_then(|()| check_cwd(&spec.cwd))
        .and_then(|()| find(&spec.program, path_of(&spec.env)))
        .map_err(|reason| failed(&spec.program, reason))
}

fn failed(program: &OsStr, reason: String) -> HostError {
    HostError::Start { program: program.to_string_lossy().into_owned(), reason }
}

/// The file of a program on this machine, for a process with this `PATH`: the same rules and errors as of a start.
pub fn program(program: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, HostError> {
    find(program, path).map_err(|reason| failed(program, reason))
}

fn path_of(env: &[(OsString, OsString)]) -> Option<&OsStr> {
    env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str())
}

/// Whether the arguments and the environment are short enough to be sent and taken.
pub(super) fn check_size(spec: &ProcessSpec) -> Result<(), String> {
    let length = |text: &OsStr| text.as_bytes().len() + 1;
    let args: usize = spec.args.iter().map(|arg| length(arg)).sum();
    let env: usize = spec.env.iter().map(|(name, value)| length(name) + length(value)).sum();
    match length(&spec.program) + args + env {
        0..=MAX_SIZE => Ok(()),
        size => Err(format!(
            "its arguments and environment are larger ({size} bytes) than the limit of {MAX_SIZE} bytes: shorten them"
        )),
    }
}

fn check_env(env: &[(OsString, OsString)]) -> Result<(), String> {
    let broken = |name: &OsStr| name.is_empty() || name.as_bytes().iter().any(|byte| matches!(byte, b'=' | 0));
    match env.iter().find(|(name, value)| broken(name) || value.as_bytes().contains(&0)) {
        Some((name, _)) => Err(format!(
            "the environment variable '{}' cannot be passed on: its name is empty or holds '=', or it holds a NUL byte",
            name.display()
        )),
        None => Ok(()),
    }
}

fn check_cwd(cwd: &Path) -> Result<(), String> {
    let shown = cwd.display();
    if !cwd.is_absolute() {
        Err(format!("the working directory {shown} is not an absolute path"))
    } else if !cwd.is_dir() {
        Err(format!("the working directory {shown} does not exist or is no directory: create it first"))
    } else if access(cwd, Access::EXEC_OK).is_err() {
        Err(format!("the working directory {shown} may not be entered by this user: give it permission"))
    } else {
        Ok(())
    }
}

fn find(name: &OsStr, path: Option<&OsStr>) -> Result<PathBuf, String> {
    let program = Path::new(name);
    if program.is_absolute() {
        return check_program(program).map(|()| program.to_owned());
    }
    if name.is_empty() || name.as_bytes().contains(&b'/') {
        return Err("the program must be an absolute path, or a name without '/' that is found in PATH".into());
    }
    search(program, path.ok_or("it is no absolute path and the process's environment has no PATH: set one of them")?)
}

/// Entries that are not absolute are skipped: they would name files of the workspace, which is not trusted.
fn search(name: &Path, path: &OsStr) -> Result<PathBuf, String> {
    let mut refused = None;
    for folder in std::env::split_paths(path).filter(|folder| folder.is_absolute()) {
        let file = folder.join(name);
        match check_program(&file) {
            Ok(()) => return Ok(file),
            Err(reason) if file.is_file() => refused = refused.or(Some(reason)),
            Err(_) => {}
        }
    }
    Err(refused
        .unwrap_or_else(|| format!("not found in PATH ({}): install it, or give its absolute path", path.display())))
}

fn check_program(file: &Path) -> Result<(), String> {
    let shown = file.display();
    match file.metadata() {
        Err(error) => Err(format!("{shown} cannot be found ({error}): install it, or correct the path")),
        Ok(found) if !found.is_file() => Err(format!("{shown} is not a file: give the path of the program itself")),
        Ok(_) => access(file, Access::EXEC_OK)
            .map_err(|_| format!("{shown} is not executable by this user: `chmod +x` it, or correct the path")),
    }
}

/// What an error of the start itself means; `resolve` has already found the file.
pub(super) fn explain(program: &Path, error: &std::io::Error) -> String {
    use rustix::io::Errno;
    let shown = program.display();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT) => format!(
            "{shown} is there, but its interpreter or C library loader is not: check the script's first line, \
             or use a build that fits this image"
        ),
        Some(Errno::NOEXEC) => {
            format!("{shown} is no program for this machine: check its architecture")
        }
        Some(Errno::TOOBIG) => "its arguments and environment are larger than the kernel takes (2 MiB in all, \
             128 KiB each): shorten them"
            .into(),
        Some(Errno::AGAIN) => "too many processes: end some, or raise the limit of processes".into(),
        Some(Errno::ACCESS) => {
            format!("{shown} may not be executed: its file system may be mounted noexec ({error})")
        }
        _ => error.to_string(),
    }
}
