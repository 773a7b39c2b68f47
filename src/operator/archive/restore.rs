//! Bringing the buffer to what the bucket has.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Inner, paths,
    plan::{self, All, Found},
    retry,
};
use crate::{
    agui::Id,
    eventlog::{LogError, Record, Seq, ThreadLog},
    operator::{history::key, ingest::lines::Lines, kept::Kept},
};

/// How many sessions are restored at once.
const AT_ONCE: usize = 16;
/// How long the bucket may be out of reach.
const REACH: Duration = Duration::from_mins(1);
/// After how many sessions is told how far it is.
const TOLD: usize = 500;

/// Why what was kept is not here.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The bucket does not answer, or does not let the operator in.
    #[error("what was kept cannot be restored: {0}; check the bucket, its region and the operator's rights in it")]
    Bucket(#[from] object_store::Error),
    /// The buffer cannot be written.
    #[error("what was kept cannot be restored into --event-buffer: {0}")]
    Buffer(#[from] LogError),
}

/// What reading a thread's pieces led to.
enum Taken {
    /// The last number that the bucket has.
    All(Seq),
    /// What is here is another operator's way to go on.
    Differs,
    /// An object, and where in it is no record.
    Damaged(LogError),
}

impl Inner {
    /// Brings the buffer to what the bucket has, and begins to upload what the bucket does not have.
    pub(super) async fn restore(self: &Arc<Self>) -> Result<(), RestoreError> {
        let all = retry::within(REACH, || self.found()).await?;
        let total = all.len();
        tracing::info!(sessions = total, "restoring what was kept");
        let mut restoring = stream::iter(all).map(|(uid, found)| self.session(uid, found)).buffer_unordered(AT_ONCE);
        let mut done = 0;
        while restoring.try_next().await?.is_some() {
            done += 1;
            if done % TOLD == 0 {
                tracing::info!(done, sessions = total, "restoring what was kept");
            }
        }
        drop(restoring);
        self.go_on()?;
        tracing::info!(sessions = total, "what was kept is restored");
        Ok(())
    }

    async fn found(&self) -> object_store::Result<All> {
        let prefix = &self.bucket.prefix;
        let mut objects = self.bucket.list(&paths::all(prefix));
        let mut all = All::new();
        while let Some(path) = objects.try_next().await? {
            if let Some(object) = paths::parse(prefix, &path) {
                plan::add(&mut all, object);
            } else {
                tracing::warn!(object = %path, "an object in the event store is not the operator's");
            }
        }
        Ok(all)
    }

    async fn session(&self, uid: String, mut found: Found) -> Result<(), RestoreError> {
        let path = paths::session(&self.bucket.prefix, &uid);
        if !found.is_noted {
            tracing::warn!(object = %path, "is not there: nobody knows whose the events beside it are");
            return Ok(());
        }
        let content = retry::within(REACH, || self.bucket.read(&path)).await?;
        let there: Kept = match serde_json::from_slice(&content) {
            Ok(there) => there,
            Err(error) => {
                tracing::warn!(object = %path, %error, "nobody knows whose the events beside it are");
                return Ok(());
            }
        };
        if self.sessions.get(&uid).as_ref() != Some(&there) {
            self.sessions.change(&uid, |here| here.join(&there))?;
        }
        if self.sessions.get(&uid).is_some_and(|here| here == there) {
            self.is_noted(&uid);
        }
        for thread in &there.threads {
            let pieces = found.threads.remove(&paths::thread(thread)).unwrap_or_default();
            self.thread(&uid, thread, &pieces).await?;
        }
        for folder in found.threads.keys() {
            tracing::warn!(session = %uid, %folder, "the event store has a thread that its session.json does not name");
        }
        Ok(())
    }

    async fn thread(&self, uid: &str, thread: &Id, pieces: &BTreeSet<Seq>) -> Result<(), RestoreError> {
        let key = key(uid, thread);
        let mut taken = self.take(uid, thread, pieces).await?;
        if matches!(taken, Taken::Differs) {
            tracing::warn!(session = %uid, %thread, "another operator has gone on with these events: its are taken");
            self.store.remove(&key)?;
            taken = self.take(uid, thread, pieces).await?;
        }
        let mut threads = self.threads();
        let known = threads.entry(key).or_default();
        match taken {
            Taken::All(last) => drop(known.uploaded.send_replace(last)),
            Taken::Differs => {}
            Taken::Damaged(error) => {
                tracing::warn!(session = %uid, %thread, %error, "the events of this thread stay as they are");
                known.damage = Some(error);
            }
        }
        Ok(())
    }

    async fn take(&self, uid: &str, thread: &Id, pieces: &BTreeSet<Seq>) -> Result<Taken, RestoreError> {
        let key = key(uid, thread);
        let here = self.store.find(&key)?.map_or(0, |log| log.last_seq());
        let wanted = plan::wanted(pieces, here);
        let Some(newest) = wanted.last() else { return Ok(Taken::All(0)) };
        let log = self.store.thread(&key)?;
        let mut last = 0;
        for first in &wanted {
            let path = paths::piece(&self.bucket.prefix, uid, &paths::thread(thread), *first);
            let content = retry::within(REACH, || self.bucket.read(&path)).await?;
            let records = match records(&content, thread, *first, &path) {
                Ok(records) => records,
                Err(error) => return Ok(Taken::Damaged(error)),
            };
            if *first <= here && !plan::agree(&since(&log, *first)?, &records, first == newest) {
                return Ok(Taken::Differs);
            }
            for record in &records {
                log.copy(record)?;
                last = record.seq;
            }
        }
        log.sync().await?;
        Ok(Taken::All(last))
    }

    /// Uploads what the bucket does not have.
    fn go_on(self: &Arc<Self>) -> Result<(), LogError> {
        for uid in self.sessions.uids() {
            if !self.notes().contains_key(&uid) {
                self.note(&uid);
            }
            for thread in self.sessions.get(&uid).unwrap_or_default().threads {
                let key = key(&uid, &thread);
                let uploaded = self.threads().get(&key).map_or(0, |known| *known.uploaded.borrow());
                if let Some(log) = self.store.find(&key)?.filter(|log| log.last_seq() > uploaded) {
                    // It has what it needs until it is done.
                    drop(self.uploads(&uid, &thread, &log));
                }
            }
        }
        Ok(())
    }
}

/// The records of an object.
fn records(content: &[u8], thread: &Id, first: Seq, path: &object_store::path::Path) -> Result<Vec<Record>, LogError> {
    let mut rest = content;
    let (mut lines, mut records) = (Lines::default(), Vec::<Record>::new());
    let damaged = |rest: &[u8], what| LogError::Corrupt {
        file: PathBuf::from(path.as_ref()),
        offset: (content.len() - rest.len()) as u64,
        what,
    };
    loop {
        let before = rest;
        match lines.next(&mut rest) {
            Ok(Some(line))
                if line.thread == *thread && records.last().is_none_or(|last| last.seq < line.record.seq) =>
            {
                records.push(line.record);
            }
            Ok(None) if content.ends_with(b"\n") => break,
            Ok(_) | Err(_) => return Err(damaged(before, "expected a record of this thread here")),
        }
    }
    let begins = records.first().is_some_and(|record| record.seq == first);
    if begins { Ok(records) } else { Err(damaged(content, "expected the record that the object is named after")) }
}

/// What is here from a number on.
fn since(log: &ThreadLog, first: Seq) -> Result<Vec<Record>, LogError> {
    let mut reader = log.reader(first.saturating_sub(1).max(log.first_seq().saturating_sub(1)));
    let mut records = Vec::new();
    while let Some(chunk) = reader.try_next()? {
        records.extend(chunk.records().filter_map(|record| record.record().ok()));
    }
    Ok(records)
}
