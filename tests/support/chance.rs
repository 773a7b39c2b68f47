//! Random points in time, which a printed seed brings back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A small generator (`SplitMix64`): the tests need variety, not quality.
pub(crate) struct Chance(u64);

impl Chance {
    /// Seeded by `AMBIENT_SEED`, else by the clock; says which.
    pub(crate) fn new() -> Self {
        let given = std::env::var("AMBIENT_SEED").ok().and_then(|seed| seed.parse().ok());
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_secs());
        let seed = given.unwrap_or_else(clock);
        println!("AMBIENT_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn up_to(&mut self, most: Duration) -> Duration {
        let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1);
        Duration::from_micros(self.next() % micros)
    }
}
