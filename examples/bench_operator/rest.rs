//! What the operator costs while nothing happens, and how long it needs to look at everything.

use std::time::Duration;

use crate::{
    Arguments, Result,
    figures::{Figure, Figures, Goal},
    load,
    operator::{Operator, reads, writes},
    watched::Watched,
};

const NAMESPACE: &str = "rest";
/// What is being written and told when the last session runs.
const AFTERMATH: Duration = Duration::from_secs(5);
/// Bytes of a MiB in those of an MB.
const MIB: f64 = 1.048_576;

/// No sessions, and 200.
pub(crate) async fn few(arguments: &Arguments, figures: &mut Figures) -> Result<()> {
    let client = arguments.client().await?;
    if kube::Api::<k8s_openapi::api::core::v1::Namespace>::all(client.clone()).get_opt("soon").await?.is_some() {
        load::clear(&client, "soon").await?;
    }
    load::namespace(&client, NAMESPACE).await?;
    let operator = Operator::start(arguments)?;
    operator.reconciled(0).await?;
    rested(&operator, arguments, "0 sessions", [None, None], [Some(48.0), Some(0.03)], figures).await?;
    let names = load::names("few", 200);
    load::burst(arguments, NAMESPACE, &names).await?;
    Watched::begin(&client, NAMESPACE).running(&names).await?;
    rested(&operator, arguments, "200 sessions", [Some(30.0), Some(0.06)], [Some(75.0), Some(0.85)], figures).await
}

/// Thousands.
pub(crate) async fn many(arguments: &Arguments, figures: &mut Figures) -> Result<()> {
    let client = arguments.client().await?;
    let namespace = "many";
    load::namespace(&client, namespace).await?;
    let operator = Operator::start(arguments)?;
    operator.reconciled(0).await?;
    let (count, what) = (arguments.many, format!("{} sessions", arguments.many));
    let names = load::names("many", count);
    load::burst(arguments, namespace, &names).await?;
    Watched::begin(&client, namespace).running(&names).await?;
    // 150 MB, and 1 % of a core.
    rested(&operator, arguments, &what, [Some(150.0 / MIB), Some(0.6)], [None, None], figures).await?;
    drop(operator);
    let operator = Operator::start(arguments)?;
    let took = operator.reconciled(count).await?.as_secs_f64();
    let name = format!("{what}, restart to reconciled");
    let goal = Some(Goal::AtMost(20.0));
    let note = format!("{:.0} MiB then", operator.memory()? / MIB);
    figures.add(Figure { name, value: took, unit: "s", goal, original: None, note });
    Ok(())
}

async fn rested(
    operator: &Operator,
    arguments: &Arguments,
    what: &str,
    goals: [Option<f64>; 2],
    original: [Option<f64>; 2],
    figures: &mut Figures,
) -> Result<()> {
    tokio::time::sleep(AFTERMATH).await;
    let before = operator.samples().await?;
    let cpu = operator.cpu()?;
    tokio::time::sleep(arguments.window()).await;
    let used = operator.cpu()?.since(&cpu).as_secs_f64() * 60.0 / arguments.window().as_secs_f64();
    let after = operator.samples().await?;
    let asked = reads(&after) + writes(&after) - reads(&before) - writes(&before);
    let values = [("memory", operator.memory()? / MIB, "MiB"), ("CPU", used, "s a minute")];
    for (((aspect, value, unit), goal), original) in values.into_iter().zip(goals).zip(original) {
        let note = format!("{} s watched, {asked} requests", arguments.window);
        let goal = goal.map(Goal::AtMost);
        figures.add(Figure { name: format!("{what}, {aspect}"), value, unit, goal, original, note });
    }
    Ok(())
}
