//! The logs that are kept, whether the pod that wrote them is there or not.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::source::{Log, Records, Source};
use crate::{eventlog::Seq, operator::history::History};

impl Source for Arc<History> {
    fn has(&self, log: &Log) -> bool {
        matches!(self.find(&log.uid, &log.thread), Ok(Some(_)))
    }

    fn read(&self, log: &Log, after: Seq) -> Records {
        // What is not there yet is asked for again.
        let Ok(Some(kept)) = self.find(&log.uid, &log.thread) else {
            return stream::empty().boxed();
        };
        let from = after.max(kept.first_seq().saturating_sub(1));
        // A cursor of something that was never here waits for what comes.
        let reader = kept.reader_in_crowd(from.min(kept.last_seq()));
        // The store is closed when the operator ends.
        stream::unfold(reader, |mut reader| async move { Some((reader.next().await.ok()?, reader)) })
            .filter_map(move |chunk| std::future::ready(chunk.after(after)))
            .boxed()
    }
}
