//! What objects are called. Pure.
//!
//! ```text
//! <prefix>/v1/<session uid>/session.json                        whose events they are
//! <prefix>/v1/<session uid>/<thread>/<first seq>.jsonl          records, as lines of the runner's tail
//! ```

use object_store::path::Path;

use crate::{
    agui::Id,
    eventlog::{Seq, thread_dir},
};

/// The form of what is below.
const VERSION: &str = "v1";
/// Whose events they are.
const SESSION: &str = "session.json";
/// What the name of a piece ends with.
const LINES: &str = ".jsonl";

/// What an object is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// Whose events they are.
    Session {
        /// The session's UID.
        uid: String,
    },
    /// Some records of a thread.
    Piece {
        /// The session's UID.
        uid: String,
        /// The thread's folder.
        thread: String,
        /// The number of its first record.
        first: Seq,
    },
}

/// Where all sessions are.
pub(super) fn all(prefix: &Path) -> Path {
    prefix.clone().join(VERSION)
}

/// Where everything of a session is.
pub(super) fn folder(prefix: &Path, uid: &str) -> Path {
    all(prefix).join(uid)
}

/// What says whose the events are.
pub(super) fn session(prefix: &Path, uid: &str) -> Path {
    folder(prefix, uid).join(SESSION)
}

/// The folder of a thread: readable, and different for each.
pub(super) fn thread(id: &Id) -> String {
    thread_dir(id.as_ref())
}

/// The records of a thread from a number on; names sort like numbers.
pub(super) fn piece(prefix: &Path, uid: &str, thread: &str, first: Seq) -> Path {
    folder(prefix, uid).join(thread).join(format!("{first:020}{LINES}"))
}

/// What an object is; none if it is somebody else's.
pub(super) fn parse(prefix: &Path, path: &Path) -> Option<Object> {
    let root = all(prefix);
    let parts: Vec<String> = path.prefix_match(&root)?.map(|part| part.as_ref().to_owned()).collect();
    let is_uid = |uid: &str| uid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match parts.as_slice() {
        [uid, ..] if !is_uid(uid) => None,
        [uid, name] if name == SESSION => Some(Object::Session { uid: uid.clone() }),
        [uid, thread, name] => {
            let digits = name.strip_suffix(LINES).filter(|digits| digits.len() == 20)?;
            Some(Object::Piece { uid: uid.clone(), thread: thread.clone(), first: digits.parse().ok()? })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_read_again_and_anything_else_is_not_ours() {
        let prefix = Path::from("team/a b");
        let thread = thread(&Id::from("a/../Thread of any name ü"));
        let path = piece(&prefix, "0d18-17", &thread, 42);
        assert!(path.as_ref().ends_with("/00000000000000000042.jsonl"), "{path}");
        assert_eq!(parse(&prefix, &path), Some(Object::Piece { uid: "0d18-17".into(), thread, first: 42 }));
        assert_eq!(parse(&prefix, &session(&prefix, "u")), Some(Object::Session { uid: "u".into() }));
        for other in [
            "team/a b/v1/u/t/7.jsonl",
            "team/a b/v1/u",
            "team/v1/u/session.json",
            "team/a b/v1/u/t/x/y",
            "team/a b/v1/ü/session.json",
        ] {
            assert_eq!(parse(&prefix, &Path::from(other)), None, "{other}");
        }
    }

    #[test]
    fn threads_whose_ids_look_alike_have_folders_of_their_own() {
        let names: std::collections::HashSet<_> = ["a/b", "a_b", "A_b", "a b"].map(|id| thread(&Id::from(id))).into();
        assert_eq!(names.len(), 4);
        assert!(
            names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)))
        );
    }
}
