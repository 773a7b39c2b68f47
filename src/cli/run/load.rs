//! Reading manifests: files, folders, standard input.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::RunError;

/// The text of one source, with the name that errors call it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) text: String,
    /// Where relative paths of the manifest start.
    pub(super) folder: PathBuf,
}

/// The largest manifest, in bytes: the largest object that Kubernetes takes is 1.5 MiB.
const MAX_SOURCE: u64 = 4 * 1024 * 1024;

/// Reads every source; a folder stands for its `.yaml`, `.yml` and `.json` files in the order of their names.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<Source>, RunError> {
    let mut sources = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            sources.push(read_stdin()?);
        } else if path.is_dir() {
            for file in manifests_of(path)? {
                sources.push(read_file(&file)?);
            }
        } else {
            sources.push(read_file(path)?);
        }
    }
    Ok(sources)
}

fn unreadable(path: &Path, error: io::Error) -> RunError {
    RunError::Read { path: path.display().to_string(), error }
}

fn read_stdin() -> Result<Source, RunError> {
    let text = bounded(io::stdin().lock()).map_err(|error| unreadable(Path::new("standard input"), error))?;
    Ok(Source { name: "stdin".to_owned(), text, folder: PathBuf::from(".") })
}

fn read_file(path: &Path) -> Result<Source, RunError> {
    let text = fs::File::open(path).and_then(bounded).map_err(|error| unreadable(path, error))?;
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    Ok(Source { name: path.display().to_string(), text, folder })
}

fn bounded(input: impl Read) -> io::Result<String> {
    let mut text = String::new();
    let read = input.take(MAX_SOURCE + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_SOURCE {
        return Err(io::Error::other("it is larger than 4 MiB, which no cluster takes either"));
    }
    Ok(text)
}

fn manifests_of(folder: &Path) -> Result<Vec<PathBuf>, RunError> {
    let entries = fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let paths: Result<Vec<PathBuf>, io::Error> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(|error| unreadable(folder, error))?;
    paths.retain(|path| path.extension().is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|e| ending == *e)));
    paths.sort();
    if paths.is_empty() {
        return Err(RunError::EmptyFolder(folder.display().to_string()));
    }
    Ok(paths)
}
