//! A simple model of the log: what must be true of it after any work and any crash.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ambient::{
    agui::{Event, Id},
    eventlog::{LogError, Seq, Store, ThreadLog},
};
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

use super::{drain, finished, seen, simulated::Simulated, started, text, thread, tiny};

mod crashes;

/// One step of a test.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Append {
        run: u8,
        events: u8,
        length: u16,
    },
    StartRun {
        run: u8,
    },
    EndRun {
        run: u8,
    },
    Accept {
        run: u8,
    },
    Sync,
    Read {
        reader: u8,
    },
    ReadAll {
        reader: u8,
    },
    NewReader {
        reader: u8,
        from: u16,
    },
    Acknowledge {
        portion: u8,
    },
    LeaveOut {
        numbers: u8,
    },
    Kill,
    PowerCut {
        seed: u64,
    },
    DieAfter {
        operations: u8,
        power: bool,
        seed: u64,
    },
    /// Dies, and dies again while it is opened.
    Stumble {
        operations: u8,
        power: bool,
        seed: u64,
    },
    Reopen,
}

/// What must be true of the log.
pub(crate) struct Model {
    disk: Simulated,
    store: Store,
    log: ThreadLog,
    runtime: Runtime,
    /// Records that the log has.
    records: BTreeMap<Seq, (Id, String)>,
    /// Every number that anybody could have seen, also of lost records.
    used: BTreeSet<Seq>,
    /// Records up to here must survive a power cut.
    safe: Seq,
    /// Records up to here may have been trimmed.
    acknowledged: Seq,
    /// Accepted inputs, and whether that is confirmed.
    inputs: Vec<(Id, bool)>,
    cursors: [Seq; 3],
    readers: Vec<ambient::eventlog::Reader>,
}

impl Model {
    pub(crate) fn new() -> Self {
        let disk = Simulated::new();
        let store = open(&disk);
        let log = thread(&store);
        let readers = (0..3).map(|_| log.reader(0)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (records, used) = (BTreeMap::new(), BTreeSet::new());
        let (safe, acknowledged, inputs, cursors) = (0, 0, Vec::new(), [0; 3]);
        Self { disk, store, log, runtime, records, used, safe, acknowledged, inputs, cursors, readers }
    }

    pub(crate) fn step(&mut self, step: Step) {
        match step {
            Step::Append { run, events, length } => {
                let events: Vec<Event> =
                    (0..events).map(|n| text(&format!("{n}{}", "ä\"\n".repeat(length.into())))).collect();
                self.append(&run_id(run), &events);
            }
            Step::StartRun { run } => self.append(&run_id(run), &[started(&run_id(run))]),
            Step::EndRun { run } => self.append(&run_id(run), &[finished(&run_id(run))]),
            Step::Accept { run } => self.accept(&run_id(run)),
            Step::Sync => self.sync(),
            Step::Read { reader } => self.read(reader.into(), false),
            Step::ReadAll { reader } => self.read(reader.into(), true),
            Step::NewReader { reader, from } => self.new_reader(reader.into(), from.into()),
            Step::Acknowledge { portion } => self.acknowledge(portion),
            Step::LeaveOut { numbers } => self.leave_out(numbers),
            Step::Kill => self.kill(false),
            Step::PowerCut { seed } => self.power_cut(seed, false),
            Step::DieAfter { operations, power, seed } => self.die(operations, power, seed),
            Step::Stumble { operations, power, seed } => self.stumble(operations, power, seed),
            Step::Reopen => self.reopen(),
        }
    }

    /// A last crash, and a last look.
    pub(crate) fn end(mut self) {
        self.kill(false);
        for reader in 0..3 {
            self.read(reader, true);
        }
    }

    fn append(&mut self, run: &Id, events: &[Event]) {
        if let Ok(range) = self.log.append(run, 7, events) {
            assert!(self.used.last().is_none_or(|last| range.start > *last), "{range:?} comes back");
            for (seq, event) in range.zip(events) {
                self.used.insert(seq);
                self.records.insert(seq, (run.clone(), serde_json::to_string(event).unwrap()));
            }
        } else {
            assert!(self.disk.is_dead());
        }
    }

    fn accept(&mut self, run: &Id) {
        let input = RawValue::from_string(format!("{{\"run\":\n\"{run}\"}}")).unwrap();
        match self.runtime.block_on(self.log.accept(run, 7, &input)) {
            Ok(true) => {
                self.inputs.push((run.clone(), true));
                self.safe = self.log.last_seq();
            }
            Ok(false) => assert!(self.knows(run)),
            // It may have been written and not confirmed.
            Err(_) => self.inputs.push((run.clone(), false)),
        }
    }

    fn knows(&self, run: &Id) -> bool {
        self.inputs.iter().any(|(input, _)| input == run) || self.log.run(run).is_some()
    }

    fn sync(&mut self) {
        match self.runtime.block_on(self.log.sync()) {
            Ok(()) => self.safe = self.records.keys().last().copied().unwrap_or(0),
            Err(error) => assert!(self.disk.is_dead(), "{error}"),
        }
    }

    fn new_reader(&mut self, reader: usize, from: Seq) {
        self.cursors[reader] = from % (self.log.last_seq() + 1);
        self.readers[reader] = self.log.reader(self.cursors[reader]);
    }

    fn read(&mut self, reader: usize, all: bool) {
        let cursor = self.cursors[reader];
        let result = if all {
            drain(&mut self.readers[reader])
        } else {
            self.readers[reader].try_next().map(|chunk| chunk.as_ref().map(seen).unwrap_or_default())
        };
        match result {
            Ok(records) => self.check(reader, &records, all),
            Err(LogError::Gap { after, first }) => {
                let missed = self.records.range(self.readers[reader].cursor() + 1..first);
                assert!(missed.clone().all(|(seq, _)| *seq <= self.acknowledged), "{missed:?}");
                assert!(after >= cursor && first > after);
                self.cursors[reader] = first - 1;
                self.readers[reader] = self.log.reader(first - 1);
            }
            Err(error) => {
                assert!(self.disk.is_dead(), "{error}");
                self.readers[reader] = self.log.reader(cursor);
            }
        }
    }

    /// What was read are the next records, all of them if `all`.
    fn check(&mut self, reader: usize, records: &[(Seq, Id, String)], all: bool) {
        let expected = self.records.range(self.cursors[reader] + 1..);
        let expected = expected.map(|(seq, (run, event))| (*seq, run.clone(), event.clone()));
        let take = if all { usize::MAX } else { records.len().max(1) };
        assert_eq!(records, expected.take(take).collect::<Vec<_>>());
        if let Some(last) = records.last() {
            self.cursors[reader] = last.0;
        }
        assert_eq!(self.readers[reader].cursor(), self.cursors[reader]);
    }

    fn acknowledge(&mut self, portion: u8) {
        let seq = self.log.last_seq() * Seq::from(portion) / 255;
        self.acknowledged = self.acknowledged.max(seq);
        assert!(self.log.acknowledge(seq).is_ok() || self.disk.is_dead());
    }

    fn leave_out(&mut self, numbers: u8) {
        let first = self.log.last_seq() + Seq::from(numbers);
        let left_out = self.log.set_first_seq(first);
        assert!(left_out.is_ok() || self.disk.is_dead(), "{left_out:?}");
    }
}

fn run_id(run: u8) -> Id {
    format!("run-{run}").into()
}

fn open(disk: &Simulated) -> Store {
    Store::open("/data", tiny(Arc::new(disk.clone()))).unwrap()
}
