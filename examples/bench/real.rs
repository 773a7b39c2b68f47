//! The real agent CLI against the scripted model: how long a person waits for the first text of a new session.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{
    Result,
    figures::{Figure, Figures, Goal},
    place::Place,
    process,
    runner::Runner,
    stats::Sample,
};

const SESSIONS: usize = 5;
const TURNS: usize = 20;

pub(crate) fn measure(place: &Place, figures: &mut Figures) -> Result<()> {
    let model = Model::start(place)?;
    let env = [("ANTHROPIC_BASE_URL", OsStr::new(&model.url))];
    let (mut first, mut warm) = (Vec::new(), Vec::new());
    for _ in 0..SESSIONS {
        let mut runner = Runner::start_with(place, &place.claude, env)?;
        process::at_rest(runner.pid(), Duration::from_millis(500), Duration::from_millis(15))?;
        let mut client = runner.client()?;
        let seen = runner.run(&mut client, "echo a short answer", |_| Ok(()))?;
        first.push(seen.first_text.as_secs_f64() * 1e3);
        for _ in 0..TURNS / SESSIONS {
            let seen = runner.run(&mut client, "echo a short answer", |_| Ok(()))?;
            warm.push(seen.first_text.as_secs_f64() * 1e3);
        }
    }
    let rows = [
        ("real CLI, first prompt of a session to its first text", first, Some(Goal::AtMost(200.0)), 2335.0),
        ("real CLI, later prompts to their first text", warm, None, 32.3),
    ];
    for (name, values, goal, original) in rows {
        let sample = Sample::of(values);
        figures.add(Figure {
            name: name.to_owned(),
            value: sample.median(),
            unit: "ms",
            goal,
            original: Some(original),
            note: sample.spread(1),
        });
    }
    Ok(())
}

/// The scripted model. Dropping it ends it.
pub(crate) struct Model {
    child: Child,
    pub(crate) url: String,
}

impl Model {
    pub(crate) fn start(place: &Place) -> Result<Self> {
        let mut child = Command::new(&place.scripted_model)
            .args(["--script", "examples/scripts/bench.yaml"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("no stdout")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ").unwrap_or_default().to_owned();
        let model = Self { child, url };
        if model.url.is_empty() { Err("the scripted model did not start".into()) } else { Ok(model) }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
