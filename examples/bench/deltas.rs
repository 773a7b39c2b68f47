//! Long answers: the price of an event, and whether it stays the same.

use crate::{
    Result,
    figures::{Figure, Figures, Goal},
    place::Place,
    process::{self, Cpu},
    runner::Runner,
    stats::Sample,
};

const SHORT: u32 = 20_000;
const LONG: u32 = 100_000;
const SHORT_RUNS: usize = 9;
const LONG_RUNS: usize = 5;

pub(crate) fn measure(place: &Place, figures: &mut Figures) -> Result<()> {
    let mut runner = Runner::start(place)?;
    runner.at_rest()?;
    let short = Runs::of(&mut runner, SHORT, SHORT_RUNS)?;
    let long = Runs::of(&mut runner, LONG, LONG_RUNS)?;
    figures.add(Figure {
        name: format!("{SHORT} deltas, CPU per event"),
        value: short.cpu.median(),
        unit: "µs",
        goal: Some(Goal::AtMost(5.0)),
        original: Some(76.5),
        note: short.cpu.spread(2),
    });
    figures.add(Figure {
        name: format!("{SHORT} deltas, events per second"),
        value: short.rate.median(),
        unit: "/s",
        goal: Some(Goal::AtLeast(150_000.0)),
        original: Some(12_000.0),
        note: short.rate.spread(0),
    });
    figures.add(Figure {
        name: format!("{LONG} deltas, CPU per event against {SHORT}"),
        value: long.cpu.median() / short.cpu.median(),
        unit: "times",
        goal: Some(Goal::AtMost(1.1)),
        original: Some(212.0 / 76.5),
        note: format!("{:.2} µs, {}", long.cpu.median(), long.cpu.spread(2)),
    });
    figures.add(Figure {
        name: format!("{LONG} deltas, events per second"),
        value: long.rate.median(),
        unit: "/s",
        goal: None,
        original: Some(4400.0),
        note: long.rate.spread(0),
    });
    figures.add(Figure {
        name: format!("memory (RSS) after runs of {LONG}"),
        value: process::resident(runner.pid())?,
        unit: "MB",
        goal: None,
        original: None,
        note: String::new(),
    });
    Ok(())
}

/// Runs of one size.
struct Runs {
    /// Microseconds per event.
    cpu: Sample,
    /// Events per second, from the request to the last byte.
    rate: Sample,
}

impl Runs {
    /// The first run warms up and does not count.
    fn of(runner: &mut Runner, deltas: u32, count: usize) -> Result<Self> {
        let mut client = runner.client()?;
        let prompt = format!("deltas {deltas}");
        let (mut cpus, mut rates) = (Vec::new(), Vec::new());
        for _ in 0..=count {
            let before = Cpu::of(runner.pid())?;
            let seen = runner.run(&mut client, &prompt, |_| Ok(()))?;
            let cpu = Cpu::of(runner.pid())?.since(&before);
            let events = f64::from(u32::try_from(seen.events)?);
            if seen.events < u64::from(deltas) {
                return Err(format!("{} events of {deltas} deltas came", seen.events).into());
            }
            cpus.push(cpu.as_secs_f64() * 1e6 / events);
            rates.push(events / seen.total.as_secs_f64());
        }
        Ok(Self { cpu: Sample::of(cpus.into_iter().skip(1)), rate: Sample::of(rates.into_iter().skip(1)) })
    }
}
