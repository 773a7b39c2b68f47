//! What a Run costs.

use crate::{
    Arguments, Result,
    figures::{Figure, Figures, Goal},
    live::Live,
};

/// How many.
const RUNS: u32 = 10;

/// Writes from a Run's creation until it is over and its session, which has settled before, has settled again.
pub(crate) async fn measure(arguments: &Arguments, figures: &mut Figures) -> Result<()> {
    let mut live = Live::begin(arguments, "runs", &[]).await?;
    // What only the first Run costs.
    live.run("warm", "echo hello").await?;
    let before = live.settled_writes().await?;
    for number in 0..RUNS {
        live.run(&format!("run-{number}"), "echo hello").await?;
    }
    let value = (live.settled_writes().await? - before) / f64::from(RUNS);
    let note = format!("n={RUNS}; Events not counted");
    let goal = Some(Goal::AtMost(6.0));
    figures.add(Figure { name: "API writes of a Run".to_owned(), value, unit: "", goal, original: None, note });
    live.end().await
}
