//! How processes and machines die, and what must be true afterwards.

use std::{collections::BTreeSet, sync::Arc};

use ambient::{
    agui::Id,
    eventlog::{Seq, Store},
};

use super::{Model, open, run_id};
use crate::eventlog_support::{
    drain,
    simulated::{Dice, Simulated},
    text, thread, tiny,
};

impl Model {
    pub(super) fn kill(&mut self, dead: bool) {
        self.restart(self.disk.killed());
        assert_eq!(self.forget_missing(dead), Vec::<Seq>::new());
    }

    pub(super) fn power_cut(&mut self, seed: u64, dead: bool) {
        self.restart(self.disk.power_cut(seed));
        self.check_losses(dead);
    }

    pub(super) fn stumble(&mut self, operations: u8, power: bool, seed: u64) {
        let disk = if power { self.disk.power_cut(seed) } else { self.disk.killed() };
        disk.die_after(operations.into());
        if let Ok(store) = Store::open("/data", tiny(Arc::new(disk.clone()))) {
            let _ = store.thread(&"t".into());
        }
        let power_again = seed.is_multiple_of(2);
        self.restart(if power_again { disk.power_cut(seed) } else { disk.killed() });
        if power || power_again {
            self.check_losses(false);
        } else {
            assert_eq!(self.forget_missing(false), Vec::<Seq>::new());
        }
    }

    /// After a power cut: what was synced is there, and there is no hole in what is there.
    fn check_losses(&mut self, dead: bool) {
        let lost = self.forget_missing(dead);
        assert!(lost.iter().all(|seq| *seq > self.safe), "{lost:?} were synced: {}", self.safe);
        let end = self.records.keys().last().copied().unwrap_or(0);
        assert!(lost.iter().all(|seq| *seq > end), "{lost:?} are a hole before {end}");
    }

    /// Takes what the log no longer has out of the model; returns those that were not acknowledged.
    /// A process that died in an append may have left part of the batch, which nobody saw.
    fn forget_missing(&mut self, dead: bool) -> Vec<Seq> {
        if dead {
            self.adopt_unseen();
        }
        let left: BTreeSet<Seq> = self.everything().into_iter().map(|(seq, _, _)| seq).collect();
        assert!(left.iter().all(|seq| self.records.contains_key(seq)), "{left:?}");
        let missing: Vec<Seq> = self.records.keys().filter(|seq| !left.contains(seq)).copied().collect();
        for seq in &missing {
            self.records.remove(seq);
        }
        missing.into_iter().filter(|seq| *seq > self.acknowledged).collect()
    }

    pub(super) fn die(&mut self, operations: u8, power: bool, seed: u64) {
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
            self.power_cut(seed, true);
        } else {
            self.kill(true);
        }
    }

    fn adopt_unseen(&mut self) {
        let last = self.used.last().copied().unwrap_or(0);
        for (seq, run, event) in self.everything().into_iter().filter(|(seq, _, _)| *seq > last) {
            self.used.insert(seq);
            self.records.insert(seq, (run, event));
        }
    }

    pub(super) fn reopen(&mut self) {
        self.store.close().unwrap();
        self.safe = self.records.keys().last().copied().unwrap_or(0);
        self.restart(self.disk.power_cut(1));
        assert!(!self.log.recovery().power_cut);
    }

    fn restart(&mut self, disk: Simulated) {
        self.disk = disk;
        self.store = open(&self.disk);
        self.log = thread(&self.store);
        self.readers = self.cursors.iter().map(|cursor| self.log.reader(*cursor)).collect();
        let used = self.used.last().copied().unwrap_or(0);
        assert!(self.log.last_seq() >= used, "{used} could come back");
        self.check_inputs();
    }

    /// Confirmed inputs are pending or started, in order.
    fn check_inputs(&mut self) {
        let pending: Vec<Id> = self.log.pending().into_iter().map(|input| input.run_id).collect();
        let started = |id: &Id| self.log.run(id).is_some_and(|run| run.started);
        assert!(pending.iter().all(|id| !started(id)));
        for (id, _) in self.inputs.iter().filter(|(_, confirmed)| *confirmed) {
            assert!(pending.contains(id) || started(id), "the input of {id} is lost");
        }
        let order = |id: &Id| self.inputs.iter().position(|(input, _)| input == id);
        assert!(pending.is_sorted_by_key(order), "{pending:?}");
        self.inputs.retain(|(id, _)| pending.contains(id));
        for input in &mut self.inputs {
            input.1 = true;
        }
    }

    /// All records that can be read, which must be right.
    pub(super) fn everything(&self) -> Vec<(Seq, Id, String)> {
        let records = drain(&mut self.log.reader(self.log.first_seq() - 1)).unwrap();
        for (seq, run, event) in &records {
            if let Some(known) = self.records.get(seq) {
                assert_eq!(known, &(run.clone(), event.clone()));
            }
        }
        records
    }
}
