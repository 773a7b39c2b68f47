//! Single requests beside the runs: small answers, git, the agent's MCP servers, and a large file.

use std::{
    ffi::OsStr,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    Result,
    client::Client,
    figures::{Figure, Figures, Goal},
    place::Place,
    process,
    real::Model,
    runner::Runner,
    stats::Sample,
};

const WARM_UP: usize = 200;
const REQUESTS: usize = 2000;
const LARGE: usize = 50_000_000;

pub(crate) fn measure(place: &Place, figures: &mut Figures) -> Result<()> {
    small(place, figures)?;
    repositories(place, figures)?;
    servers(place, figures)?;
    large(place, figures)
}

/// A route's name, its goal and what the original measured, in milliseconds.
type Row = (&'static str, f64, f64);

fn small(place: &Place, figures: &mut Figures) -> Result<()> {
    let folder = place.fresh()?;
    for number in 0..5 {
        let file = folder.join(format!("workspace/artifacts/{number}.txt"));
        std::fs::create_dir_all(file.parent().unwrap_or(&folder))?;
        std::fs::write(file, "a line\n")?;
    }
    let runner = Runner::start_in(place, &folder, &place.fake_claude, [])?;
    runner.at_rest()?;
    let _one_cpu = process::OnOneCpu::with(runner.pid())?;
    let rows: [Row; 4] = [
        ("/health", 0.1, 0.50),
        ("/capabilities", 0.1, 0.51),
        ("/content/list?path=artifacts", 0.1, 1.37),
        ("/tasks", 0.1, 0.32),
    ];
    for row in rows {
        request(&mut runner.client()?, row, REQUESTS, figures)?;
    }
    Ok(())
}

fn repositories(place: &Place, figures: &mut Figures) -> Result<()> {
    let folder = place.fresh()?;
    for name in ["first", "second"] {
        repository(&folder.join("workspace/repos").join(name))?;
    }
    let repos = json!([
        {"url": "https://example.invalid/first.git", "name": "first"},
        {"url": "https://example.invalid/second.git", "name": "second"},
    ]);
    let repos = repos.to_string();
    let runner = Runner::start_in(place, &folder, &place.fake_claude, [("REPOS_JSON", OsStr::new(&repos))])?;
    runner.at_rest()?;
    request(&mut runner.client()?, ("/repos/status", 10.0, 110.0), 100, figures)
}

fn repository(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path)?;
    std::fs::write(path.join("README.md"), "# A project\n")?;
    let identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.invalid"];
    for command in [&["init", "-q", "-b", "main"][..], &["add", "."], &["commit", "-q", "-m", "first"]] {
        let status = Command::new("git").args(identity).args(command).current_dir(path).status()?;
        if !status.success() {
            return Err(format!("git {command:?} failed: {status}").into());
        }
    }
    Ok(())
}

/// With the real CLI, which is the one that answers.
fn servers(place: &Place, figures: &mut Figures) -> Result<()> {
    let model = Model::start(place)?;
    let env = [("ANTHROPIC_BASE_URL", OsStr::new(&model.url))];
    let runner = Runner::start_with(place, &place.claude, env)?;
    process::at_rest(runner.pid(), Duration::from_millis(500), Duration::from_millis(15))?;
    request(&mut runner.client()?, ("/mcp/status", 5.0, 1130.0), 100, figures)
}

fn request(client: &mut Client, (path, goal, original): Row, count: usize, figures: &mut Figures) -> Result<()> {
    for _ in 0..WARM_UP.min(count) {
        client.fetch(path)?;
    }
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        client.fetch(path)?;
        times.push(milliseconds(begun.elapsed()));
    }
    let sample = Sample::of(times);
    figures.add(Figure {
        name: format!("GET {}", path.split('?').next().unwrap_or(path)),
        value: sample.median(),
        unit: "ms",
        goal: Some(Goal::AtMost(goal)),
        original: Some(original),
        note: sample.spread(2),
    });
    Ok(())
}

fn large(place: &Place, figures: &mut Figures) -> Result<()> {
    const WRITES: usize = 5;
    let body = json!({"path": "artifacts/large.txt", "content": "x".repeat(LARGE)}).to_string();
    let (mut times, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..WRITES {
        let runner = Runner::start(place)?;
        runner.at_rest()?;
        let mut client = runner.client()?;
        client.fetch("/health")?;
        process::forget_peak(runner.pid())?;
        let before = process::peak(runner.pid())?;
        let begun = Instant::now();
        client.send("/content/write", &body)?;
        times.push(milliseconds(begun.elapsed()));
        memory.push(process::peak(runner.pid())? - before);
    }
    let rows = [
        ("POST /content/write of 50 MB", times, "ms", 300.0, 1160.0),
        ("… memory that it takes", memory, "MB", 10.0, 143.0),
    ];
    for (name, values, unit, goal, original) in rows {
        let sample = Sample::of(values);
        figures.add(Figure {
            name: name.to_owned(),
            value: sample.median(),
            unit,
            goal: Some(Goal::AtMost(goal)),
            original: Some(original),
            note: sample.spread(1),
        });
    }
    Ok(())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
