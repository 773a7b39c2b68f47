//! What git writes, and what is made of it.

use proptest::prelude::*;

use crate::{
    security::Secret,
    workspace::git::{
        failure::{Cause, diagnose, readable},
        porcelain::{Numstat, Porcelain},
        progress::{self, Phase},
    },
};

#[test]
fn progress_lines_are_read_and_others_are_not() {
    let line = "Receiving objects:  42% (42/100), 1.20 MiB | 800.00 KiB/s";
    assert_eq!(progress::parse(line), Some((Phase::Receiving, 42)));
    assert_eq!(progress::parse("remote: Counting objects: 100% (3/3), done."), Some((Phase::Counting, 100)));
    assert_eq!(progress::parse("Updating files:   7% (7/100)"), Some((Phase::CheckingOut, 7)));
    for other in ["fatal: x", "Receiving objects: 400% (4/1)", "remote: hello: 5%", "Resolving deltas", ""] {
        assert_eq!(progress::parse(other), None, "{other}");
    }
}

fn lines(text: &[&str]) -> Vec<String> {
    text.iter().map(|line| (*line).to_owned()).collect()
}

#[test]
fn gits_messages_are_told_apart_by_what_helps() {
    for (stderr, cause) in [
        (&["remote: Repository not found.", "fatal: repository 'https://x/' not found"][..], Cause::NoAccess),
        (&["fatal: could not read Username for 'https://x': terminal prompts disabled"], Cause::NoAccess),
        (&["git@x: Permission denied (publickey).", "fatal: Could not read from remote repository."], Cause::NoAccess),
        (&["Host key verification failed.", "fatal: Could not read from remote repository."], Cause::HostKey),
        (&["fatal: unable to access 'https://x/': Could not resolve host: x"], Cause::Unreachable),
        (&["fatal: unable to access 'https://x/': The requested URL returned error: 503"], Cause::Unreachable),
        (&["fatal: unable to access 'https://x/': The requested URL returned error: 403"], Cause::NoAccess),
        (
            &["error: RPC failed; curl 18", "fatal: early EOF", "fatal: fetch-pack: invalid index-pack output"],
            Cause::Unreachable,
        ),
        (&["fatal: unable to access 'https://x/': SSL certificate problem: self-signed"], Cause::Certificate),
        (&["fatal: write error: No space left on device", "fatal: early EOF"], Cause::DiskFull),
        (&["fatal: something new"], Cause::Other),
        (&[], Cause::Other),
    ] {
        assert_eq!(diagnose(&lines(stderr)).0, cause, "{stderr:?}");
    }
}

#[test]
fn the_line_that_tells_the_cause_is_quoted_without_secret_and_escape() {
    let stderr = lines(&["git@x: Permission denied\u{1b}[2J for me.", "fatal: Could not read from remote repository."]);
    let (_, line) = diagnose(&stderr);
    assert_eq!(readable(line, None), "git@x: Permission denied[2J for me.");
    let secret = Secret::from("hunter2");
    assert_eq!(readable("fatal: no hunter2", Some(&secret)), "no ***");
}

#[test]
fn a_status_is_read_with_names_of_any_kind() {
    let head = "0123456789012345678901234567890123456789";
    let text = format!(
        "# branch.oid {head}\0# branch.head ambient/s\0# branch.upstream origin/x\0# branch.ab +2 -1\0\
         1 .M N... 100644 100644 100644 a a with space\0u UU N... 1 1 1 1 a b c both\0? new\tfile\0? torn"
    );
    let status = Porcelain::parse(text.as_bytes());
    assert_eq!(status.head.as_deref(), Some(head));
    assert_eq!((status.branch.as_deref(), status.ahead, status.dirty), (Some("ambient/s"), Some(2), 3));
    assert_eq!(status.untracked, ["new\u{fffd}file"]);
}

#[test]
fn a_diff_is_summed_up_and_binary_files_have_no_lines() {
    let sum = Numstat::parse(b"3\t1\ta\0-\t-\timage.png\0 18446744073709551615\t0\tx\0nonsense\0");
    assert_eq!((sum.insertions, sum.deletions), (3, 1));
    assert_eq!(sum.paths, ["a", "image.png", "x"]);
}

proptest! {
    #[test]
    fn no_output_of_git_breaks_the_parsers(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let status = Porcelain::parse(&bytes);
        prop_assert!(status.untracked.len() as u64 <= status.dirty);
        let _ = Numstat::parse(&bytes);
        let _ = progress::parse(&String::from_utf8_lossy(&bytes));
    }
}
