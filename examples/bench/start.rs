//! How fast a runner starts, and the memory it takes.

use crate::{
    Result,
    figures::{Figure, Figures, Goal},
    place::Place,
    process,
    runner::Runner,
    stats::Sample,
};

const STARTS: usize = 20;
const MEASURED: usize = 3;

pub(crate) fn measure(place: &Place, figures: &mut Figures) -> Result<()> {
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(Runner::start(place)?.started_in.as_secs_f64() * 1e3);
    }
    let starts = Sample::of(starts);
    figures.add(Figure {
        name: "start to /health 200".to_owned(),
        value: starts.median(),
        unit: "ms",
        goal: Some(Goal::AtMost(20.0)),
        original: Some(918.0),
        note: starts.spread(1),
    });
    memory(place, figures)
}

fn memory(place: &Place, figures: &mut Figures) -> Result<()> {
    let (mut idle, mut after) = (Vec::new(), Vec::new());
    for _ in 0..MEASURED {
        let mut runner = Runner::start(place)?;
        runner.at_rest()?;
        idle.push(process::resident(runner.pid())?);
        let mut client = runner.client()?;
        runner.run(&mut client, "echo a short answer", |_| Ok(()))?;
        after.push(process::resident(runner.pid())?);
    }
    let rows =
        [("memory (RSS), idle with a warm agent", idle, 10.0, 62.2), ("memory (RSS) after a turn", after, 14.0, 79.0)];
    for (name, values, goal, original) in rows {
        let sample = Sample::of(values);
        figures.add(Figure {
            name: name.to_owned(),
            value: sample.median(),
            unit: "MB",
            goal: Some(Goal::AtMost(goal)),
            original: Some(original),
            note: sample.spread(1),
        });
    }
    Ok(())
}
