//! What a workflow's folder holds for the agent's CLI itself: instructions, commands, skills and agents. And what it must not
//! hold: settings. Those could run hooks, set variables and start servers, and nobody has looked at them.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, Dir, FileType},
    io::Errno,
};

use super::super::beneath::{Root, openat_directory};

/// The folder that the CLI reads.
const OWN: &str = ".claude";
/// The servers of a project, which the CLI would start.
const SERVERS: &str = ".mcp.json";
/// Files that are looked at in one folder, and how deep.
const MAX_FILES: usize = 500;
const MAX_DEPTH: usize = 4;

/// Takes away what would configure the CLI. What stays is for the agent to read.
pub(in crate::workspace) fn disarm(folder: &Path) -> io::Result<()> {
    let root = Root::open(folder)?;
    for name in settings(&root)? {
        match name.strip_prefix(OWN).and_then(|name| name.strip_prefix('/')) {
            Some(name) => {
                let own = openat_directory(root.as_fd(), OWN.as_ref())?;
                rustix::fs::unlinkat(own, name, AtFlags::empty())?;
            }
            None => rustix::fs::unlinkat(&root, &*name, AtFlags::empty())?,
        }
    }
    Ok(())
}

/// The names of the commands and skills that a prompt may begin with, without their slash; nothing at all where something
/// could still configure the CLI, which then is not to read the folder.
#[must_use]
pub fn commands(folder: &Path) -> Option<BTreeSet<String>> {
    let root = Root::open(folder).ok()?;
    if !settings(&root).ok()?.is_empty() {
        tracing::warn!(folder = %folder.display(), "the workflow's folder holds settings: its commands and skills are not loaded");
        return None;
    }
    let mut names = BTreeSet::new();
    if let Ok(own) = openat_directory(root.as_fd(), OWN.as_ref()) {
        if let Ok(commands) = openat_directory(own.as_fd(), "commands".as_ref()) {
            add_commands(commands.as_fd(), "", MAX_DEPTH, &mut names);
        }
        if let Ok(skills) = openat_directory(own.as_fd(), "skills".as_ref()) {
            let skill = |(name, kind): (String, FileType)| (kind == FileType::Directory).then_some(name);
            names.extend(entries(skills.as_fd()).into_iter().filter_map(skill));
        }
    }
    Some(names)
}

/// A command's name is its path, with colons.
fn add_commands(folder: BorrowedFd<'_>, above: &str, depth: usize, names: &mut BTreeSet<String>) {
    for (name, kind) in entries(folder) {
        match (kind, name.strip_suffix(".md")) {
            (FileType::RegularFile, Some(stem)) => _ = names.insert(format!("{above}{stem}")),
            (FileType::Directory, None) if depth > 0 => {
                if let Ok(below) = openat_directory(folder, OsStr::new(&name)) {
                    add_commands(below.as_fd(), &format!("{above}{name}:"), depth - 1, names);
                }
            }
            _ => {}
        }
    }
}

/// What is in a folder; names that are no text are left out.
fn entries(folder: BorrowedFd<'_>) -> Vec<(String, FileType)> {
    let Ok(found) = Dir::read_from(folder) else {
        return Vec::new();
    };
    let named = |entry: rustix::fs::DirEntry| {
        let name = entry.file_name().to_str().ok().filter(|name| !matches!(*name, "." | ".."))?.to_owned();
        let kind = kind(folder, &name).ok()?;
        Some((name, kind))
    };
    found.filter_map(Result::ok).filter_map(named).take(MAX_FILES).collect()
}

fn kind(folder: BorrowedFd<'_>, name: &str) -> Result<FileType, Errno> {
    Ok(FileType::from_raw_mode(rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode))
}

/// What would configure the CLI, below the folder: its servers, and in `.claude` every file that is no text for the agent. A
/// `.claude` that is a link could lead to settings anywhere.
fn settings(root: &Root) -> Result<Vec<String>, Errno> {
    let mut found = Vec::new();
    if kind(root.as_fd(), SERVERS).is_ok_and(|kind| kind != FileType::Directory) {
        found.push(SERVERS.to_owned());
    }
    match kind(root.as_fd(), OWN) {
        Err(Errno::NOENT) => {}
        Err(error) => return Err(error),
        Ok(FileType::Directory) => {
            let own = openat_directory(root.as_fd(), OWN.as_ref())?;
            for entry in Dir::read_from(&own)? {
                let entry = entry?;
                let name = entry.file_name().to_str().map_err(|_| Errno::ILSEQ)?;
                if !matches!(name, "." | "..") && !is_for_the_agent(own.as_fd(), name)? {
                    found.push(format!("{OWN}/{name}"));
                }
            }
        }
        Ok(_) => found.push(OWN.to_owned()),
    }
    Ok(found)
}

/// Folders, and texts.
fn is_for_the_agent(own: BorrowedFd<'_>, name: &str) -> Result<bool, Errno> {
    if kind(own, name)? == FileType::Directory {
        return Ok(true);
    }
    // A link to a folder is one to the CLI too.
    let led_to = rustix::fs::statat(own, name, AtFlags::empty()).map(|stat| FileType::from_raw_mode(stat.st_mode));
    Ok(led_to == Ok(FileType::Directory) || Path::new(name).extension().is_some_and(|kind| kind == "md"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    #[test]
    fn settings_and_servers_are_taken_away_and_texts_stay() {
        let texts = ["CLAUDE.md", ".claude/CLAUDE.md", ".claude/commands/fix.md", ".claude/skills/s/run.json"];
        let settings = [".mcp.json", ".claude/settings.json", ".claude/settings.local.json", ".claude/keybindings"];
        let folder = folder(&[&texts[..], &settings[..]].concat());
        assert_eq!(commands(folder.path()), None);
        disarm(folder.path()).unwrap();
        assert!(texts.iter().all(|text| folder.path().join(text).exists()));
        assert!(!settings.iter().any(|settings| folder.path().join(settings).exists()));
        assert_eq!(commands(folder.path()).unwrap(), ["fix", "s"].map(str::to_owned).into());
    }

    #[test]
    fn links_bring_no_settings_in() {
        let (elsewhere, linked) = (folder(&["settings.json"]), folder(&["a"]));
        symlink(elsewhere.path(), linked.path().join(".claude")).unwrap();
        symlink(elsewhere.path().join("settings.json"), linked.path().join(".mcp.json")).unwrap();
        assert_eq!(commands(linked.path()), None);
        disarm(linked.path()).unwrap();
        assert_eq!(commands(linked.path()), Some(BTreeSet::new()));
        assert!(elsewhere.path().join("settings.json").exists());

        let folder = folder(&[".claude/commands/fix.md", "more/settings.json"]);
        symlink("../more/settings.json", folder.path().join(".claude/settings.json")).unwrap();
        symlink("../more", folder.path().join(".claude/more")).unwrap();
        disarm(folder.path()).unwrap();
        assert!(folder.path().join(".claude/settings.json").symlink_metadata().is_err());
        assert!(folder.path().join(".claude/more").exists());
    }

    #[test]
    fn commands_of_folders_bear_their_path() {
        let folder = folder(&[".claude/commands/a.md", ".claude/commands/sub/b.md", ".claude/commands/c.txt", "d.md"]);
        symlink("/etc", folder.path().join(".claude/commands/e")).unwrap();
        assert_eq!(commands(folder.path()).unwrap(), ["a", "sub:b"].map(str::to_owned).into());
        assert_eq!(commands(Path::new("/no/such/folder")), None);
    }
}
