//! What of a bucket is missing here. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::Object;
use crate::eventlog::{Record, Seq};

/// What a bucket has of a session.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Whether it says whose the events are.
    pub(super) is_noted: bool,
    /// The first numbers of the pieces, by the thread's folder.
    pub(super) threads: BTreeMap<String, BTreeSet<Seq>>,
}

/// What a bucket has, by the session's UID.
pub(super) type All = BTreeMap<String, Found>;

/// Adds an object to what was found.
pub(super) fn add(all: &mut All, object: Object) {
    match object {
        Object::Session { uid } => all.entry(uid).or_default().is_noted = true,
        Object::Piece { uid, thread, first } => {
            all.entry(uid).or_default().threads.entry(thread).or_default().insert(first);
        }
    }
}

/// The pieces that are to be read when a thread is here up to `last`: from the one in which it goes on, since only that one
/// says how far it goes.
pub(super) fn wanted(pieces: &BTreeSet<Seq>, last: Seq) -> Vec<Seq> {
    let from = pieces.range(..=last).next_back().copied().unwrap_or_default();
    pieces.range(from..).copied().collect()
}

/// Whether the records that are here can be those of the bucket, from the beginning of a piece on. They cannot when another
/// operator has gone on with the thread in its own way: then the bucket is right.
pub(super) fn agree(here: &[Record], piece: &[Record], is_last: bool) -> bool {
    let same = here
        .iter()
        .zip(piece)
        .all(|(one, other)| (one.seq, &one.run_id, one.at) == (other.seq, &other.run_id, other.at));
    same && (here.len() <= piece.len() || is_last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agui::{EventKind, Id};

    fn records(seqs: &[(Seq, i64)]) -> Vec<Record> {
        let event = || EventKind::Raw { event: serde_json::Value::Null, source: None }.into();
        seqs.iter().map(|(seq, at)| Record { seq: *seq, run_id: Id::from("r"), at: *at, event: event() }).collect()
    }

    #[test]
    fn what_is_missing_is_read_from_the_piece_in_which_a_thread_goes_on() {
        let pieces = BTreeSet::from([1, 11, 21]);
        assert_eq!(wanted(&pieces, 0), [1, 11, 21]);
        assert_eq!(wanted(&pieces, 10), [1, 11, 21]);
        assert_eq!(wanted(&pieces, 11), [11, 21]);
        assert_eq!(wanted(&pieces, 500), [21]);
        assert_eq!(wanted(&BTreeSet::new(), 7), Vec::<Seq>::new());
    }

    #[test]
    fn a_thread_that_went_on_elsewhere_in_another_way_is_told_from_one_that_is_behind_or_ahead() {
        let piece = records(&[(11, 5), (12, 5)]);
        assert!(agree(&records(&[(11, 5)]), &piece, false));
        assert!(agree(&[], &piece, false));
        assert!(agree(&records(&[(11, 5), (12, 5), (13, 5)]), &piece, true));
        assert!(!agree(&records(&[(11, 5), (12, 5), (13, 5)]), &piece, false));
        assert!(!agree(&records(&[(11, 5), (13, 5)]), &piece, true));
        assert!(!agree(&records(&[(11, 5), (12, 6)]), &piece, true));
    }

    #[test]
    fn objects_come_in_any_order_and_are_found_by_session_and_thread() {
        let mut all = All::new();
        let piece = |first| Object::Piece { uid: "u".into(), thread: "t".into(), first };
        for object in [piece(11), Object::Session { uid: "u".into() }, piece(1)] {
            add(&mut all, object);
        }
        let threads = BTreeMap::from([("t".to_owned(), BTreeSet::from([1, 11]))]);
        assert_eq!(all["u"], Found { is_noted: true, threads });
    }
}
