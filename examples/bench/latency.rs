//! How long an event takes from the agent's write to the client's read, at a few paces.

use std::time::{SystemTime, UNIX_EPOCH};

use memchr::memmem;

use crate::{
    Result,
    figures::{Figure, Figures},
    place::Place,
    process::Cpu,
    runner::Runner,
    stats::Sample,
};

/// Deltas per second, how many, and what the original measured: median and 99th percentile, ms, and CPU per event, µs.
const PACES: [(u32, u32, f64, f64, f64); 3] =
    [(100, 300, 1.02, 1.7, 820.0), (500, 1500, 0.42, 1.1, 340.0), (1000, 3000, 0.30, 2.0, 240.0)];

pub(crate) fn measure(place: &Place, figures: &mut Figures) -> Result<()> {
    let mut runner = Runner::start(place)?;
    runner.at_rest()?;
    let mut client = runner.client()?;
    runner.run(&mut client, "deltas 2000", |_| Ok(()))?;
    for (rate, count, median, late, cpu) in PACES {
        let mut times = Vec::new();
        let before = Cpu::of(runner.pid())?;
        let seen = runner.run(&mut client, &format!("deltas {count} paced {rate} stamped"), |event| {
            times.extend(age(event));
            Ok(())
        })?;
        let used = Cpu::of(runner.pid())?.since(&before);
        let sample = Sample::of(times);
        let events = f64::from(u32::try_from(seen.events)?);
        let rows = [
            ("latency, median", sample.median(), "ms", median),
            ("latency, 99th percentile", sample.percentile(99), "ms", late),
            ("CPU per event", used.as_secs_f64() * 1e6 / events, "µs", cpu),
        ];
        for (name, value, unit, original) in rows {
            figures.add(Figure {
                name: format!("{rate} deltas/s, {name}"),
                value,
                unit,
                goal: None,
                original: Some(original),
                note: format!("{count} events"),
            });
        }
    }
    Ok(())
}

/// Milliseconds since the time that a delta says it was written at.
fn age(event: &[u8]) -> Option<f64> {
    let text = &event[memmem::find(event, b"\"delta\":\"")? + 9..];
    let digits = text.split(|byte| !byte.is_ascii_digit()).next()?;
    let written: u128 = str::from_utf8(digits).ok()?.parse().ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_nanos();
    let age = u32::try_from(now.checked_sub(written)?).ok()?;
    Some(f64::from(age) / 1e6)
}
