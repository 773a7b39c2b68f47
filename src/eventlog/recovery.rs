//! Opening a log: what is there, what a power cut took, where numbering goes on.

use std::{ops::Range, path::PathBuf, sync::Arc};

use super::{
    LogError, LogFile, OpenMode, Seq,
    files::Files,
    mark::{Mark, MarkFile},
    names,
    runs::Runs,
    scan::{Tail, scan},
    segment::Segment,
    storage::{read_full_at, write_all_at},
    trim::Trimmed,
};

/// What opening a log found. All of it was never promised to anybody: confirmed records are not touched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Whether the machine went down while the log was open, so that unsynced records may be gone.
    pub power_cut: bool,
    /// What was cut off.
    pub cuts: Vec<Cut>,
    /// Numbers that were left out because readers may have seen lost records under them.
    pub skipped: Option<Range<Seq>>,
}

/// A piece of a file that was no whole record, or came after one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The segment file.
    pub file: PathBuf,
    /// Where it was cut.
    pub offset: u64,
    /// How much was cut off.
    pub bytes: u64,
    /// Where it was kept, if there were whole records in it.
    pub saved: Option<PathBuf>,
}

/// A log's files, ready to be appended to.
pub(super) struct Opened {
    pub(super) segments: Vec<Segment>,
    /// The last segment's file, unless that segment is sealed.
    pub(super) active: Option<Arc<dyn LogFile>>,
    pub(super) runs: Runs,
    pub(super) trimmed: Trimmed,
    /// The last record's number; 0 if there is none.
    pub(super) last: Seq,
    /// The number of the next record.
    pub(super) next: Seq,
    pub(super) report: Recovery,
}

/// One segment as it was found.
struct Found {
    segment: Segment,
    file: Arc<dyn LogFile>,
    tail: Tail,
}

/// Brings a log's directory into order.
pub(super) fn recover(files: &Files, mark: &MarkFile) -> Result<Opened, LogError> {
    let trimmed: Trimmed = files.read_json(names::TRIMMED)?.unwrap_or_default();
    let power_cut = mark.power_cut();
    let mut found = load(files, trimmed.kept)?;
    let keep = plan(&found, power_cut).map_err(|damage| damage.into_error(files, &found))?;
    let mut cuts = set_aside(files, found.split_off(keep))?;
    if let Some(last) = found.last() {
        cuts.extend(cut_tail(files, last)?);
    }
    if !mark.get().clean {
        settle(files, &mut found)?;
    }
    let report = Recovery { power_cut, cuts, skipped: None };
    // A power cut may have taken anything that was granted.
    let Mark { floor, granted, .. } = mark.get();
    let floor = if power_cut { granted } else { floor };
    Ok(assemble(found, trimmed, floor, report))
}

fn load(files: &Files, kept: Seq) -> Result<Vec<Found>, LogError> {
    let mut firsts: Vec<Seq> = files.list()?.iter().filter_map(|name| names::segment_first(name)).collect();
    firsts.sort_unstable();
    let (trimmed, present) = firsts.split_at(firsts.partition_point(|first| *first < kept));
    // A power cut can bring deleted files back.
    for first in trimmed {
        files.remove(&names::segment(*first))?;
        files.remove_if_there(&names::index(*first))?;
    }
    present.iter().map(|first| find(files, *first)).collect()
}

fn find(files: &Files, first: Seq) -> Result<Found, LogError> {
    let name = names::segment(first);
    let file = files.open(&name, OpenMode::Existing)?;
    // An index that cannot be read costs a scan, nothing else.
    let index = files.read(&names::index(first))?;
    let index = index.and_then(|bytes| serde_json::from_slice::<Segment>(&bytes).ok());
    let mut segment = index.filter(|index| index.first == first).unwrap_or_else(|| Segment::new(first));
    let indexed = segment.bytes;
    let tail = scan(&*file, &mut segment).map_err(|e| LogError::io("read", &files.path(&name), e))?;
    segment.sealed &= segment.bytes == indexed;
    Ok(Found { segment, file, tail })
}

/// Damage that no power cut explains.
#[derive(Debug, PartialEq, Eq)]
struct Damage {
    segment: usize,
    what: &'static str,
}

impl Damage {
    fn into_error(self, files: &Files, found: &[Found]) -> LogError {
        let segment = &found[self.segment].segment;
        LogError::Corrupt { file: files.path(&segment.file()), offset: segment.bytes, what: self.what }
    }
}

/// How many segments stay: all up to the first that does not end whole, which is then cut.
///
/// Bytes after the last whole record of the log are a torn write. Anything else that is not whole in the middle can only
/// be records that a power cut took before they were synced (and then nothing after them was promised either): if there
/// was none, the files are damaged.
fn plan(found: &[Found], power_cut: bool) -> Result<usize, Damage> {
    for (index, current) in found.iter().enumerate() {
        let following = found.get(index + 1);
        let damage = |what| Err(Damage { segment: index, what });
        match current.tail {
            Tail::Missing => return damage("synced records are missing at the end"),
            Tail::Torn { more } if more || following.is_some() => {
                return if power_cut { Ok(index + 1) } else { damage("expected a record here") };
            }
            Tail::Torn { .. } => return Ok(index + 1),
            Tail::Whole if following.is_some_and(|next| leaves_hole(current, next)) => {
                return if power_cut { Ok(index + 1) } else { damage("records are missing here") };
            }
            Tail::Whole => {}
        }
    }
    Ok(found.len())
}

fn leaves_hole(current: &Found, next: &Found) -> bool {
    !current.segment.sealed && current.segment.next != next.segment.first
}

/// Takes segments that follow lost records out of the log, and keeps them under another name.
fn set_aside(files: &Files, segments: Vec<Found>) -> Result<Vec<Cut>, LogError> {
    let aside = |found: Found| {
        let name = found.segment.file();
        let saved = format!("{name}.lost");
        files.rename(&name, &saved)?;
        Ok(Cut { file: files.path(&name), offset: 0, bytes: found.segment.bytes, saved: Some(files.path(&saved)) })
    };
    segments.into_iter().map(aside).collect()
}

fn cut_tail(files: &Files, last: &Found) -> Result<Option<Cut>, LogError> {
    let Tail::Torn { more } = last.tail else {
        return Ok(None);
    };
    let path = files.path(&last.segment.file());
    let offset = last.segment.bytes;
    let failed = |e| LogError::io("cut off", &path, e);
    let bytes = last.file.length().map_err(failed)? - offset;
    let saved = more.then(|| save(files, last, bytes)).transpose()?;
    last.file.set_length(offset).and_then(|()| last.file.sync()).map_err(failed)?;
    Ok(Some(Cut { file: path, offset, bytes, saved }))
}

/// Keeps a copy of a tail that has whole records in it.
fn save(files: &Files, last: &Found, bytes: u64) -> Result<PathBuf, LogError> {
    let name = format!("{}.{}.lost", last.segment.file(), last.segment.bytes);
    let path = files.path(&name);
    let mut tail = vec![0; usize::try_from(bytes).unwrap_or(usize::MAX)];
    let copy = files.open(&name, OpenMode::Empty)?;
    read_full_at(&*last.file, &mut tail, last.segment.bytes)
        .and_then(|_| write_all_at(&*copy, &tail, 0))
        .and_then(|()| copy.sync())
        .map_err(|e| LogError::io("save", &path, e))?;
    Ok(path)
}

/// After an end that was not clean: what is there counts as synced from now on, so it is synced.
fn settle(files: &Files, found: &mut [Found]) -> Result<(), LogError> {
    if found.is_empty() {
        return Ok(());
    }
    files.sync_dir()?;
    let last = found.len() - 1;
    for (index, found) in found.iter_mut().enumerate().filter(|(_, found)| !found.segment.sealed) {
        let path = files.path(&found.segment.file());
        found.file.sync().map_err(|e| LogError::io("sync", &path, e))?;
        if index < last {
            found.segment.sealed = true;
            files.write_json(&names::index(found.segment.first), &found.segment)?;
        }
    }
    Ok(())
}

fn assemble(mut found: Vec<Found>, trimmed: Trimmed, floor: Seq, report: Recovery) -> Opened {
    let mut runs = trimmed.runs.clone();
    for found in &found {
        runs.extend(&found.segment.runs);
    }
    let dense = found.last().map_or(1, |found| found.segment.next).max(trimmed.through + 1);
    let next = dense.max(floor);
    if let Some(last) = found.last_mut().filter(|last| last.segment.is_empty()) {
        // It was sealed for numbers to be left out after it, and then nothing followed.
        last.segment.sealed = false;
    }
    let active = found.last().filter(|last| !last.segment.sealed).map(|last| Arc::clone(&last.file));
    Opened {
        active,
        runs,
        last: dense - 1,
        next,
        report: Recovery { skipped: skipped(&report, dense..next), ..report },
        segments: found.into_iter().map(|found| found.segment).collect(),
        trimmed,
    }
}

/// Numbers that a power cut cost, if any.
fn skipped(report: &Recovery, numbers: Range<Seq>) -> Option<Range<Seq>> {
    Some(numbers).filter(|numbers| report.power_cut && !numbers.is_empty())
}
