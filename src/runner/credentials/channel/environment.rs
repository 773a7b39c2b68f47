//! What an agent's process is told of its channel, and the wrappers of its programs.

use std::{
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
};

use super::wrappers::{self, Wrappers};
use crate::{
    host::Variables,
    runner::credentials::wire::{KEY, SOCKET, WRAPPERS},
};

/// Where the channel is.
pub(super) struct Place {
    socket: PathBuf,
    wrappers: PathBuf,
    /// This program, as a shell calls it.
    helper: String,
}

impl Place {
    /// Puts the wrappers beside the socket.
    pub(super) fn make(socket: &Path, helper: &str, programs: &Wrappers) -> io::Result<Self> {
        let helper = quoted(helper);
        let folder = socket.with_file_name("bin");
        fs::create_dir_all(&folder)?;
        wrappers::clear(&folder);
        programs.write(&folder, &helper)?;
        Ok(Self { socket: socket.to_owned(), wrappers: folder, helper })
    }

    /// Takes away what was put there; the folder too, when nothing else is in it.
    pub(super) fn clear(&self) {
        let _ = fs::remove_file(&self.socket);
        wrappers::clear(&self.wrappers);
        let _ = fs::remove_dir(&self.wrappers);
        let _ = self.socket.parent().map(fs::remove_dir);
    }

    /// Adds what a process needs to ask with this key.
    pub(super) fn describe(&self, key: &str, env: &mut Variables) {
        set(env, SOCKET, &self.socket);
        set(env, KEY, key);
        set(env, WRAPPERS, &self.wrappers);
        // Nobody is there to answer a question on a terminal.
        set(env, "GIT_TERMINAL_PROMPT", "0");
        let mut path = self.wrappers.clone().into_os_string();
        if let Some(rest) = get(env, "PATH") {
            path.push(":");
            path.push(rest);
        }
        set(env, "PATH", path);
        self.teach_git(env);
    }

    /// One more helper for git, after those of the session.
    fn teach_git(&self, env: &mut Variables) {
        let count = get(env, "GIT_CONFIG_COUNT").and_then(|count| count.to_str()?.parse::<usize>().ok()).unwrap_or(0);
        set(env, &format!("GIT_CONFIG_KEY_{count}"), "credential.helper");
        set(env, &format!("GIT_CONFIG_VALUE_{count}"), format!("!{} credential", self.helper));
        set(env, "GIT_CONFIG_COUNT", (count + 1).to_string());
    }
}

fn get<'a>(env: &'a Variables, name: &str) -> Option<&'a OsString> {
    env.iter().find(|(known, _)| known == name).map(|(_, value)| value)
}

fn set(env: &mut Variables, name: &str, value: impl AsRef<OsStr>) {
    env.retain(|(known, _)| known != name);
    env.push((name.into(), value.as_ref().to_owned()));
}

/// A word of a shell.
pub(super) fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runner::credentials::Kind;

    #[test]
    fn the_sessions_own_git_settings_and_path_stay() {
        let dir = tempfile::tempdir().unwrap();
        let programs = Wrappers { kinds: vec![Kind::Github], committers: false };
        let place = Place::make(&dir.path().join("s.sock"), "/opt/it's/ambient", &programs).unwrap();
        let mut env: Variables = vec![("PATH".into(), "/bin".into()), ("GIT_CONFIG_COUNT".into(), "2".into())];
        place.describe("k", &mut env);
        let value = |name: &str| get(&env, name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(value("GIT_CONFIG_COUNT"), "3");
        assert_eq!(value("GIT_CONFIG_KEY_2"), "credential.helper");
        assert_eq!(value("GIT_CONFIG_VALUE_2"), r"!'/opt/it'\''s/ambient' credential");
        assert_eq!(value("PATH"), format!("{}:/bin", dir.path().join("bin").display()));
        let script = fs::read_to_string(dir.path().join("bin/gh")).unwrap();
        assert!(script.contains("credential exec github -- gh \"$@\""), "{script}");
        let programs: Vec<_> =
            fs::read_dir(dir.path().join("bin")).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(programs, ["gh"], "nothing is wrapped that there is no credential for");
        place.clear();
        assert!(!dir.path().exists(), "nothing is left");
    }
}
