//! The log against a simple model: random work, random readers, the process and the machine dying at random.

mod eventlog_support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ambient::{
    agui::{Event, Id},
    eventlog::{LogError, Seq, Store, ThreadLog},
};
use eventlog_support::{
    drain, finished, seen,
    simulated::{Dice, Simulated},
    started, text, thread, tiny,
};
use proptest::prelude::*;
use serde_json::value::RawValue;
use tokio::runtime::Runtime;

#[derive(Debug, Clone)]
enum Step {
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

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..4_u8, 1..5_u8, 0..200_u16)
            .prop_map(|(run, events, length)| Step::Append { run, events, length }),
        2 => (0..8_u8).prop_map(|run| Step::StartRun { run }),
        2 => (0..8_u8).prop_map(|run| Step::EndRun { run }),
        3 => (0..8_u8).prop_map(|run| Step::Accept { run }),
        3 => Just(Step::Sync),
        6 => (0..3_u8).prop_map(|reader| Step::Read { reader }),
        2 => (0..3_u8).prop_map(|reader| Step::ReadAll { reader }),
        2 => (0..3_u8, any::<u16>()).prop_map(|(reader, from)| Step::NewReader { reader, from }),
        1 => any::<u8>().prop_map(|portion| Step::Acknowledge { portion }),
        1 => (0..20_u8).prop_map(|numbers| Step::LeaveOut { numbers }),
        1 => Just(Step::Kill),
        1 => any::<u64>().prop_map(|seed| Step::PowerCut { seed }),
        2 => (0..12_u8, any::<bool>(), any::<u64>())
            .prop_map(|(operations, power, seed)| Step::DieAfter { operations, power, seed }),
        2 => (0..24_u8, any::<bool>(), any::<u64>())
            .prop_map(|(operations, power, seed)| Step::Stumble { operations, power, seed }),
        1 => Just(Step::Reopen),
    ]
}

/// What must be true of the log.
struct Model {
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
    fn new() -> Self {
        let disk = Simulated::new();
        let store = open(&disk);
        let log = thread(&store);
        let readers = (0..3).map(|_| log.reader(0)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let (records, used) = (BTreeMap::new(), BTreeSet::new());
        let (safe, acknowledged, inputs, cursors) = (0, 0, Vec::new(), [0; 3]);
        Self {
            disk,
            store,
            log,
            runtime,
            records,
            used,
            safe,
            acknowledged,
            inputs,
            cursors,
            readers,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Append {
                run,
                events,
                length,
            } => {
                let events: Vec<Event> = (0..events)
                    .map(|n| text(&format!("{n}{}", "ä\"\n".repeat(length.into()))))
                    .collect();
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
            Step::DieAfter {
                operations,
                power,
                seed,
            } => self.die(operations, power, seed),
            Step::Stumble {
                operations,
                power,
                seed,
            } => self.stumble(operations, power, seed),
            Step::Reopen => self.reopen(),
        }
    }

    fn append(&mut self, run: &Id, events: &[Event]) {
        if let Ok(range) = self.log.append(run, 7, events) {
            assert!(
                self.used.last().is_none_or(|last| range.start > *last),
                "{range:?} comes back"
            );
            for (seq, event) in range.zip(events) {
                self.used.insert(seq);
                self.records
                    .insert(seq, (run.clone(), serde_json::to_string(event).unwrap()));
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
            self.readers[reader]
                .try_next()
                .map(|chunk| chunk.as_ref().map(seen).unwrap_or_default())
        };
        match result {
            Ok(records) => self.check(reader, &records, all),
            Err(LogError::Gap { after, first }) => {
                let missed = self.records.range(self.readers[reader].cursor() + 1..first);
                assert!(
                    missed.clone().all(|(seq, _)| *seq <= self.acknowledged),
                    "{missed:?}"
                );
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
        let take = if all {
            usize::MAX
        } else {
            records.len().max(1)
        };
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

    fn kill(&mut self, dead: bool) {
        self.restart(self.disk.killed());
        assert_eq!(self.forget_missing(dead), Vec::<Seq>::new());
    }

    fn power_cut(&mut self, seed: u64, dead: bool) {
        self.restart(self.disk.power_cut(seed));
        self.check_losses(dead);
    }

    fn stumble(&mut self, operations: u8, power: bool, seed: u64) {
        let disk = if power {
            self.disk.power_cut(seed)
        } else {
            self.disk.killed()
        };
        disk.die_after(operations.into());
        if let Ok(store) = Store::open("/data", tiny(Arc::new(disk.clone()))) {
            let _ = store.thread(&"t".into());
        }
        let power_again = seed.is_multiple_of(2);
        self.restart(if power_again {
            disk.power_cut(seed)
        } else {
            disk.killed()
        });
        if power || power_again {
            self.check_losses(false);
        } else {
            assert_eq!(self.forget_missing(false), Vec::<Seq>::new());
        }
    }

    /// After a power cut: what was synced is there, and there is no hole in what is there.
    fn check_losses(&mut self, dead: bool) {
        let lost = self.forget_missing(dead);
        assert!(
            lost.iter().all(|seq| *seq > self.safe),
            "{lost:?} were synced: {}",
            self.safe
        );
        let last = self.records.keys().last().copied().unwrap_or(0);
        assert!(
            lost.iter().all(|seq| *seq > last),
            "{lost:?} are a hole before {last}"
        );
    }

    /// Takes what the log no longer has out of the model; returns those that were not acknowledged.
    /// A process that died in an append may have left part of the batch, which nobody saw.
    fn forget_missing(&mut self, dead: bool) -> Vec<Seq> {
        if dead {
            self.adopt_unseen();
        }
        let left: BTreeSet<Seq> = self
            .everything()
            .into_iter()
            .map(|(seq, _, _)| seq)
            .collect();
        assert!(
            left.iter().all(|seq| self.records.contains_key(seq)),
            "{left:?}"
        );
        let missing: Vec<Seq> = self
            .records
            .keys()
            .filter(|seq| !left.contains(seq))
            .copied()
            .collect();
        for seq in &missing {
            self.records.remove(seq);
        }
        missing
            .into_iter()
            .filter(|seq| *seq > self.acknowledged)
            .collect()
    }

    fn die(&mut self, operations: u8, power: bool, seed: u64) {
        self.disk.die_after(operations.into());
        let mut dice = Dice(seed);
        while !self.disk.is_dead() {
            match dice.below(6) {
                0 => self.sync(),
                1 => self.accept(&run_id(8 + u8::try_from(dice.below(200)).unwrap())),
                2 => self.acknowledge(u8::try_from(dice.below(255)).unwrap()),
                3 => self.leave_out(2),
                _ => self.append(&run_id(1), &[text("dying"), text("slowly")]),
            }
        }
        if power {
            self.power_cut(seed, true)
        } else {
            self.kill(true)
        }
    }

    fn adopt_unseen(&mut self) {
        let last = self.used.last().copied().unwrap_or(0);
        for (seq, run, event) in self
            .everything()
            .into_iter()
            .filter(|(seq, _, _)| *seq > last)
        {
            self.used.insert(seq);
            self.records.insert(seq, (run, event));
        }
    }

    fn reopen(&mut self) {
        self.store.close().unwrap();
        self.safe = self.records.keys().last().copied().unwrap_or(0);
        self.restart(self.disk.power_cut(1));
        assert!(!self.log.recovery().power_cut);
    }

    fn restart(&mut self, disk: Simulated) {
        self.disk = disk;
        self.store = open(&self.disk);
        self.log = thread(&self.store);
        self.readers = self
            .cursors
            .iter()
            .map(|cursor| self.log.reader(*cursor))
            .collect();
        let used = self.used.last().copied().unwrap_or(0);
        assert!(self.log.last_seq() >= used, "{used} could come back");
        self.check_inputs();
    }

    /// Confirmed inputs are pending or started, in order.
    fn check_inputs(&mut self) {
        let pending: Vec<Id> = self
            .log
            .pending()
            .into_iter()
            .map(|input| input.run_id)
            .collect();
        let started = |id: &Id| self.log.run(id).is_some_and(|run| run.started);
        assert!(pending.iter().all(|id| !started(id)));
        for (id, _) in self.inputs.iter().filter(|(_, confirmed)| *confirmed) {
            assert!(
                pending.contains(id) || started(id),
                "the input of {id} is lost"
            );
        }
        let order = |id: &Id| self.inputs.iter().position(|(input, _)| input == id);
        assert!(pending.is_sorted_by_key(order), "{pending:?}");
        self.inputs.retain(|(id, _)| pending.contains(id));
        for input in &mut self.inputs {
            input.1 = true;
        }
    }

    /// All records that can be read, which must be right.
    fn everything(&self) -> Vec<(Seq, Id, String)> {
        let records = drain(&mut self.log.reader(self.log.first_seq() - 1)).unwrap();
        for (seq, run, event) in &records {
            if let Some(known) = self.records.get(seq) {
                assert_eq!(known, &(run.clone(), event.clone()));
            }
        }
        records
    }
}

fn run_id(run: u8) -> Id {
    format!("run-{run}").into()
}

fn open(disk: &Simulated) -> Store {
    Store::open("/data", tiny(Arc::new(disk.clone()))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_promised_is_lost_and_no_number_comes_back(steps in prop::collection::vec(step(), 1..80)) {
        let mut model = Model::new();
        for step in steps {
            model.step(step);
        }
        model.kill(false);
        (0..3).for_each(|reader| model.read(reader, true));
    }
}
