//! Many readers of one run: each gets every event once, in order.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    client::Client,
    figures::{Figure, Figures, Goal},
    frames::{Frames, is},
    place::Place,
    process::{self, Cpu},
    runner::{Runner, SESSION},
};

const READERS: u32 = 1000;
const DELTAS: u32 = 20_000;
/// Enough for a reader, and a thousand of them fit.
const STACK: usize = 128 * 1024;

pub(crate) fn measure(place: &Place, figures: &mut Figures) -> Result<()> {
    let mut runner = Runner::start(place)?;
    runner.at_rest()?;
    let mut client = runner.client()?;
    let mut last = 0;
    runner.run(&mut client, "echo the first run", |_| {
        last += 1;
        Ok(())
    })?;
    let readers = (0..READERS).map(|_| reader(&runner, last)).collect::<Result<Vec<_>>>()?;
    let before = Cpu::of(runner.pid())?;
    let begun = Instant::now();
    let seen = runner.run(&mut client, &format!("deltas {DELTAS}"), |_| Ok(()))?;
    let ends = readers.into_iter().map(|reader| reader.join().map_err(|_| "a reader panicked")?);
    let complete = ends.filter(|end| match end {
        Ok(events) => *events == seen.events,
        Err(error) => {
            eprintln!("a reader failed: {error}");
            false
        }
    });
    let complete = u32::try_from(complete.count())?;
    let wall = begun.elapsed();
    let cpu = Cpu::of(runner.pid())?.since(&before);
    report(&Outcome { events: seen.events, complete, wall, cpu }, &runner, figures)
}

/// Follows the thread from an event to the end of the next run; returns how many events came.
fn reader(runner: &Runner, after: u64) -> Result<thread::JoinHandle<Result<u64>>> {
    let mut client = runner.client()?;
    client.get(&format!("/events/{SESSION}?after={after}"))?;
    Ok(thread::Builder::new().stack_size(STACK).spawn(move || follow(&mut client, after))?)
}

fn follow(client: &mut Client, after: u64) -> Result<u64> {
    let mut frames = Frames::after(after);
    let mut finished = false;
    while !finished {
        let piece = client.body()?.ok_or("the stream ended before the run")?;
        frames.feed(piece, |event| {
            finished |= is(event, "RUN_FINISHED");
            Ok(())
        })?;
    }
    Ok(frames.count)
}

struct Outcome {
    events: u64,
    /// Readers that saw every event, each once and in order.
    complete: u32,
    wall: Duration,
    cpu: Duration,
}

fn report(outcome: &Outcome, runner: &Runner, figures: &mut Figures) -> Result<()> {
    let delivered = f64::from(u32::try_from(outcome.events)?) * f64::from(READERS);
    let rows = [
        ("with every event", f64::from(outcome.complete), "readers", Some(Goal::AtLeast(f64::from(READERS)))),
        ("until the last has the last event", outcome.wall.as_secs_f64(), "s", None),
        ("CPU per delivered event", outcome.cpu.as_secs_f64() * 1e6 / delivered, "µs", None),
        ("memory (RSS) after it", process::resident(runner.pid())?, "MB", None),
    ];
    for (name, value, unit, goal) in rows {
        figures.add(Figure {
            name: format!("{READERS} readers of {DELTAS} deltas, {name}"),
            value,
            unit,
            goal,
            original: None,
            note: format!("{} events each", outcome.events),
        });
    }
    Ok(())
}
