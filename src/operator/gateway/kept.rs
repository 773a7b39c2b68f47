//! The logs that are kept, whether the pod that wrote them is there or not.

use std::sync::Arc;

use futures_util::{StreamExt, stream};

use super::source::{Log, Records, Source};
use crate::{
    eventlog::{Reader, Record, Seq},
    operator::history::History,
};

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
        let reader = kept.reader(from.min(kept.last_seq()));
        stream::unfold(reader, |mut reader| async move { next(&mut reader).await.map(|records| (records, reader)) })
            .flat_map(stream::iter)
            .filter(move |record| std::future::ready(record.seq > after))
            .boxed()
    }
}

/// None when the store is closed: the operator ends.
async fn next(reader: &mut Reader) -> Option<Vec<Record>> {
    let chunk = reader.next().await.ok()?;
    let records = chunk.records().filter_map(|record| {
        let event = record.event().ok()?;
        Some(Record { seq: record.seq(), run_id: record.run_id().clone(), at: record.at(), event })
    });
    Some(records.collect())
}
