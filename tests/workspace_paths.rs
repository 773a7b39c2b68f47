//! Paths that a manifest or a request names never lead out of the workspace, whatever an agent made of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

use std::{
    fs,
    io::Read,
    os::unix::fs::symlink,
    path::{Component, Path},
};

use ambient::workspace::{
    beneath::{BeneathError, Existing, Root, Written},
    paths::{PathError, RelativePath},
};
use proptest::prelude::*;

fn path(text: &str) -> RelativePath {
    text.parse().unwrap()
}

/// A workspace beside a directory that must not be reached.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir_all(place.path().join("workspace/dir")).unwrap();
        fs::create_dir(place.path().join("outside")).unwrap();
        fs::write(place.path().join("outside/secret"), "secret").unwrap();
        Self(place)
    }

    fn workspace(&self) -> std::path::PathBuf {
        self.0.path().join("workspace")
    }

    fn outside(&self) -> std::path::PathBuf {
        self.0.path().join("outside")
    }

    fn root(&self) -> Root {
        Root::open(&self.workspace()).unwrap()
    }

    /// Makes a link in the workspace, unless another link is on the way there.
    fn plant(&self, at: &str, target: &str) {
        let at = self.workspace().join(at);
        let is_link = |path: &Path| path.symlink_metadata().is_ok_and(|meta| meta.is_symlink());
        if at.ancestors().take_while(|path| *path != self.workspace()).any(is_link) {
            return;
        }
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        // A directory may have the name already.
        let _ = symlink(target, at);
    }

    /// What is outside is as it was.
    fn assert_untouched(&self) {
        let names: Vec<_> = fs::read_dir(self.outside()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["secret"]);
        assert_eq!(fs::read_to_string(self.outside().join("secret")).unwrap(), "secret");
    }
}

#[test]
fn a_path_is_normalised_without_looking_at_any_file() {
    assert_eq!(path("./a//b/").as_str(), "a/b");
    assert_eq!(path("a/b").name(), "b");
    assert_eq!(path("a/b/c").parents().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn paths_that_could_lead_elsewhere_are_refused() {
    let parse = |text: &str| text.parse::<RelativePath>().unwrap_err();
    assert_eq!(parse(""), PathError::Empty);
    assert_eq!(parse("./."), PathError::Empty);
    assert_eq!(parse("/etc/passwd"), PathError::Absolute("/etc/passwd".into()));
    assert_eq!(parse("a/../../b"), PathError::Parent);
    assert_eq!(parse("a\0b"), PathError::Control);
    assert_eq!(parse("a\nb"), PathError::Control);
    assert_eq!(parse(&"x".repeat(256)), PathError::NameTooLong(256));
    assert_eq!(parse(&"x/".repeat(2000)), PathError::TooLong(4000));
}

#[test]
fn a_file_is_written_with_its_directories_and_its_exact_content() {
    let place = Place::new();

    let written = place.root().write(&path("new/deep/file.bin"), b"a\r\n\0\xff", Existing::Keep).unwrap();

    assert_eq!(written, Written::Written);
    assert_eq!(fs::read(place.workspace().join("new/deep/file.bin")).unwrap(), b"a\r\n\0\xff");
    assert_eq!(fs::read_dir(place.workspace().join("new/deep")).unwrap().count(), 1, "nothing else is left there");
}

#[test]
fn what_exists_is_kept_or_replaced_as_asked() {
    let place = Place::new();
    fs::write(place.workspace().join("f"), "old").unwrap();

    assert_eq!(place.root().write(&path("f"), b"new", Existing::Keep).unwrap(), Written::Kept);
    assert_eq!(fs::read_to_string(place.workspace().join("f")).unwrap(), "old");
    assert_eq!(place.root().write(&path("f"), b"new", Existing::Replace).unwrap(), Written::Written);
    assert_eq!(fs::read_to_string(place.workspace().join("f")).unwrap(), "new");
}

#[test]
fn a_link_in_the_place_of_a_directory_is_not_followed() {
    let place = Place::new();
    symlink(place.outside(), place.workspace().join("link")).unwrap();

    let write = place.root().write(&path("link/secret"), b"x", Existing::Replace);
    let read = place.root().read(&path("link/secret"));

    assert!(matches!(write, Err(BeneathError::WrongKind { .. })));
    assert!(matches!(read, Err(BeneathError::WrongKind { .. })));
    place.assert_untouched();
}

#[test]
fn a_link_in_the_place_of_a_file_is_replaced_and_not_followed() {
    let place = Place::new();
    symlink(place.outside().join("secret"), place.workspace().join("f")).unwrap();

    assert!(matches!(place.root().read(&path("f")), Err(BeneathError::WrongKind { .. })));
    place.root().write(&path("f"), b"mine", Existing::Replace).unwrap();

    assert!(fs::symlink_metadata(place.workspace().join("f")).unwrap().is_file());
    place.assert_untouched();
}

#[test]
fn a_dangling_link_does_not_make_a_file_elsewhere() {
    let place = Place::new();
    symlink(place.outside().join("new"), place.workspace().join("f")).unwrap();

    assert_eq!(place.root().write(&path("f"), b"x", Existing::Keep).unwrap(), Written::Kept);

    place.assert_untouched();
}

#[test]
fn a_pipe_is_refused_and_not_waited_for() {
    let place = Place::new();
    let pipe = place.workspace().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();

    assert!(matches!(place.root().read(&path("pipe")), Err(BeneathError::WrongKind { .. })));
}

#[test]
fn a_directory_is_no_file_and_a_file_no_directory() {
    let place = Place::new();
    fs::write(place.workspace().join("f"), "").unwrap();

    let over_directory = place.root().write(&path("dir"), b"x", Existing::Replace).unwrap_err();
    let below_file = place.root().write(&path("f/x"), b"x", Existing::Replace).unwrap_err();

    assert_eq!(over_directory.to_string(), "dir: expected a file that is no link; remove what is there");
    assert!(matches!(below_file, BeneathError::WrongKind { .. }));
    assert_eq!(fs::read_dir(place.workspace()).unwrap().count(), 2, "no scratch file is left");
}

#[test]
fn a_file_that_is_there_can_be_read() {
    let place = Place::new();
    fs::write(place.workspace().join("dir/f"), "content").unwrap();
    let mut content = String::new();

    place.root().read(&path("dir/f")).unwrap().read_to_string(&mut content).unwrap();

    assert_eq!(content, "content");
}

proptest! {
    #[test]
    fn an_accepted_path_has_only_plain_names(text in "(/|\\.|\\.\\.|[a-z]|\\\\|\0|\n| ){0,12}") {
        if let Ok(path) = text.parse::<RelativePath>() {
            let plain = |c: Component<'_>| matches!(c, Component::Normal(_));
            prop_assert!(Path::new(path.as_str()).components().all(plain));
            prop_assert!(!path.as_str().is_empty() && !path.as_str().contains('\0'));
            prop_assert_eq!(path.as_str().parse::<RelativePath>().unwrap(), path);
        }
    }

    /// Any tree of directories and links, any path: nothing outside changes, and nothing outside is read.
    #[test]
    fn nothing_outside_is_reached(
        links in prop::collection::vec(("[ab](/[ab]){0,2}", prop::sample::select(vec!["../outside", "..", "/", "a", "../../outside/secret"])), 0..4),
        wanted in "[ab](/([ab]|secret|outside)){0,3}",
        replace: bool,
    ) {
        let place = Place::new();
        for (at, target) in links {
            place.plant(&at, target);
        }
        let root = place.root();
        let existing = if replace { Existing::Replace } else { Existing::Keep };

        if let Ok(mut file) = root.read(&path(&wanted)) {
            let mut content = String::new();
            file.read_to_string(&mut content).unwrap();
            prop_assert_ne!(content, "secret");
        }
        let written = root.write(&path(&wanted), b"written", existing);
        if matches!(written, Ok(Written::Written)) {
            let real = place.workspace().join(&wanted).canonicalize().unwrap();
            prop_assert!(real.starts_with(place.workspace().canonicalize().unwrap()));
        }
        place.assert_untouched();
    }
}
