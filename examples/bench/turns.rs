//! Short turns of a warm agent: CPU, and time beyond what the disk takes.

use std::{
    fs::File,
    io::Write,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    Result,
    client::Client,
    figures::{Figure, Figures, Goal},
    place::Place,
    process::Cpu,
    runner::Runner,
    stats::Sample,
};

const PROMPT: &str = "echo a short answer";
const WARM_UP: usize = 20;
const ROUNDS: usize = 5;
const TURNS: u32 = 100;
/// A turn is durable before the agent hears of it; the sync of its end is that of the next turn's beginning.
const SYNCS: f64 = 1.0;
/// After it a turn has left nothing to do.
const SETTLED: Duration = Duration::from_millis(3);
/// As much as one of these writes.
const RECORD: [u8; 1024] = [b'x'; 1024];

pub(crate) fn measure(place: &Place, figures: &mut Figures) -> Result<()> {
    let mut runner = Runner::start(place)?;
    runner.at_rest()?;
    let mut client = runner.client()?;
    let mut disk = Disk { file: File::create(place.data.join("probe"))? };
    for _ in 0..WARM_UP {
        runner.run(&mut client, PROMPT, |_| Ok(()))?;
    }
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(Round::of(&mut runner, &mut client, &mut disk)?);
    }
    report(&rounds, figures);
    Ok(())
}

/// Some turns, in milliseconds.
struct Round {
    cpu: f64,
    wall: f64,
    first_text: f64,
    sync: f64,
    sync_cpu: f64,
}

impl Round {
    fn of(runner: &mut Runner, client: &mut Client, disk: &mut Disk) -> Result<Self> {
        let (mut wall, mut first_text) = (Vec::new(), Vec::new());
        let (mut syncs, mut sync_cpus) = (Vec::new(), Vec::new());
        let before = Cpu::of(runner.pid())?;
        for _ in 0..TURNS {
            let seen = runner.run(client, PROMPT, |_| Ok(()))?;
            wall.push(milliseconds(seen.total));
            first_text.push(milliseconds(seen.first_text));
            // The end of the turn is still on its way to the disk.
            sleep(SETTLED);
            // Beside each turn, since a disk has its moods.
            for _ in 0..2 {
                let (wall, cpu) = disk.sync()?;
                syncs.push(milliseconds(wall));
                sync_cpus.push(milliseconds(cpu));
            }
        }
        let cpu = Cpu::of(runner.pid())?.since(&before) / TURNS;
        Ok(Self {
            cpu: milliseconds(cpu),
            wall: Sample::of(wall).median(),
            first_text: Sample::of(first_text).median(),
            sync: Sample::of(syncs).median(),
            sync_cpu: Sample::of(sync_cpus).median(),
        })
    }

    fn beyond(&self) -> f64 {
        self.wall - SYNCS * self.sync
    }

    fn cpu_beyond(&self) -> f64 {
        self.cpu - SYNCS * self.sync_cpu
    }
}

/// The disk that the runner writes to.
struct Disk {
    file: File,
}

impl Disk {
    /// Makes a record durable; returns what that took, and of it the CPU.
    fn sync(&mut self) -> Result<(Duration, Duration)> {
        let (begun, before) = (Instant::now(), Cpu::of_this_thread()?);
        self.file.write_all(&RECORD)?;
        self.file.sync_data()?;
        let wall = begun.elapsed();
        Ok((wall, Cpu::of_this_thread()?.since(&before)))
    }
}

fn report(rounds: &[Round], figures: &mut Figures) {
    let sample = |of: fn(&Round) -> f64| Sample::of(rounds.iter().map(of));
    let (wall, sync) = (sample(|round| round.wall), sample(|round| round.sync));
    let sync_cpu = sample(|round| round.sync_cpu).median();
    let cpu_note = format!("; a sync by itself {sync_cpu:.2}");
    let wall_note = format!("; wall {:.2}, a sync by itself {:.2}", wall.median(), sync.median());
    let turns = format!("{ROUNDS} × {TURNS} turns");
    let rows = [
        ("short turn, CPU with its sync", sample(|round| round.cpu), Some(0.4), 5.2, cpu_note),
        ("short turn, CPU beyond its sync", sample(Round::cpu_beyond), None, 5.2, String::new()),
        ("short turn, wall beyond its sync", sample(Round::beyond), Some(0.8), 8.4, wall_note),
        ("short turn, first text", sample(|round| round.first_text), None, 7.4, String::new()),
    ];
    for (name, sample, goal, original, more) in rows {
        figures.add(Figure {
            name: name.to_owned(),
            value: sample.median(),
            unit: "ms",
            goal: goal.map(Goal::AtMost),
            original: Some(original),
            note: format!("{turns}, {}{more}", sample.spread(2)),
        });
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
