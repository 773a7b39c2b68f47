//! How soon a session has its pod, and with how many requests.

use std::time::{Duration, Instant};

use ambient::api::AgenticSession;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{
    Arguments, Result,
    figures::{Figure, Figures, Goal},
    load,
    operator::{Operator, writes},
    stats::Sample,
    watched::Watched,
};

const NAMESPACE: &str = "soon";

/// Sessions one after the other, in bursts, and at a steady rate.
pub(crate) async fn measure(arguments: &Arguments, figures: &mut Figures) -> Result<()> {
    let client = arguments.client().await?;
    load::namespace(&client, NAMESPACE).await?;
    let operator = Operator::start(arguments)?;
    operator.reconciled(0).await?;
    let watched = Watched::begin(&client, NAMESPACE);
    let bench = Bench { arguments, client, operator, watched };
    // What only the first session costs: connections, the namespace's NetworkPolicy.
    bench.one("warm").await?;
    bench.sequential(figures).await?;
    bench.life(figures).await?;
    bench
        .bursts(50, 3, [Some(250.0), Some(400.0), None], [2700.0, 6320.0, 6400.0], [206.0, 330.0, 480.0], figures)
        .await?;
    bench
        .bursts(200, 1, [None, None, Some(5000.0)], [14_687.0, 31_229.0, 31_900.0], [1396.0, 3562.0, 4900.0], figures)
        .await?;
    bench.sustained(figures).await
}

struct Bench<'a> {
    arguments: &'a Arguments,
    client: Client,
    operator: Operator,
    watched: Watched,
}

impl Bench<'_> {
    /// Milliseconds to the pod and to the phase Running.
    async fn one(&self, name: &str) -> Result<(f64, f64)> {
        let made = load::create(&self.client, NAMESPACE, name).await?;
        let name = [name.to_owned()];
        let pod = self.watched.pods(&name).await?[0];
        let running = self.watched.running(&name).await?[0];
        Ok((millis(made, pod), millis(made, running)))
    }

    async fn sequential(&self, figures: &mut Figures) -> Result<()> {
        let before = writes(&self.operator.samples().await?);
        let (mut pods, mut running) = (Vec::new(), Vec::new());
        let names = load::names("sequential", 60);
        for name in &names {
            let (pod, ran) = self.one(name).await?;
            pods.push(pod);
            running.push(ran);
        }
        let written = writes(&self.operator.samples().await?) - before;
        let (pods, running) = (Sample::of(pods), Sample::of(running));
        add(figures, "session to pod, sequential, p50", pods.median(), "ms", Some(8.0), 44.0, "agent-sandbox 4.2-5.1");
        add(figures, "session to pod, sequential, p99", pods.percentile(99), "ms", None, 58.0, "agent-sandbox 5.6-9.7");
        add(figures, "session to Running, sequential, p50", running.median(), "ms", None, 86.0, &running.spread(1));
        #[allow(clippy::cast_precision_loss, reason = "sixty")]
        let each = written / names.len() as f64;
        add(figures, "API writes to Running", each, "", Some(8.0), 13.0, "Events not counted");
        Ok(())
    }

    /// Writes from nothing to Stopped.
    async fn life(&self, figures: &mut Figures) -> Result<()> {
        let before = writes(&self.operator.samples().await?);
        self.one("life").await?;
        let api: Api<AgenticSession> = Api::namespaced(self.client.clone(), NAMESPACE);
        let patch = json!({"metadata": {"annotations": {"ambient-code.io/desired-phase": "Stopped"}}});
        api.patch("life", &PatchParams::default(), &Patch::Merge(&patch)).await?;
        let stopped = |session: Option<&AgenticSession>| {
            session.is_some_and(|session| {
                let phase = session.status.as_ref().map(|status| status.phase);
                phase == Some(ambient::api::session::SessionPhase::Stopped)
                    && !kube::ResourceExt::annotations(session).contains_key("ambient-code.io/desired-phase")
            })
        };
        kube::runtime::wait::await_condition(api, "life", stopped).await?;
        let written = writes(&self.operator.samples().await?) - before;
        add(figures, "API writes in a session's life", written, "", Some(14.0), 18.0, "to Stopped; Events not counted");
        Ok(())
    }

    async fn bursts(
        &self,
        count: usize,
        rounds: usize,
        goals: [Option<f64>; 3],
        original: [f64; 3],
        sandbox: [f64; 3],
        figures: &mut Figures,
    ) -> Result<()> {
        let (mut all, mut last) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let names = load::names(&format!("burst-{count}-{round}"), count);
            let begun = Instant::now();
            let made = load::burst(self.arguments, NAMESPACE, &names).await?;
            let pods = self.watched.pods(&names).await?;
            last.extend(pods.iter().max().map(|pod| millis(begun, *pod)));
            all.extend(made.iter().zip(&pods).map(|(made, pod)| millis(*made, *pod)));
            self.watched.running(&names).await?;
        }
        let (all, last) = (Sample::of(all), Sample::of(last));
        let values = [("p50", all.median()), ("p99", all.percentile(99)), ("last pod", last.median())];
        for (((what, value), goal), (original, sandbox)) in
            values.into_iter().zip(goals).zip(original.into_iter().zip(sandbox))
        {
            let note = format!("agent-sandbox {sandbox}; rounds: {rounds}");
            add(figures, &format!("burst of {count}, {what}"), value, "ms", goal, original, &note);
        }
        Ok(())
    }

    /// Twenty a second for ten seconds.
    async fn sustained(&self, figures: &mut Figures) -> Result<()> {
        let names = load::names("sustained", 200);
        let mut clock = tokio::time::interval(Duration::from_millis(50));
        let mut made = Vec::new();
        for name in names.clone() {
            clock.tick().await;
            let client = self.client.clone();
            made.push(tokio::spawn(async move { load::create(&client, NAMESPACE, &name).await }));
        }
        let mut times = Vec::new();
        let mut created = Vec::new();
        for made in made {
            created.push(made.await??);
        }
        for (made, pod) in created.iter().zip(self.watched.pods(&names).await?) {
            times.push(millis(*made, pod));
        }
        let times = Sample::of(times);
        for (what, percent, goal) in [("p50", 50, 30.0), ("p99", 99, 150.0)] {
            let name = format!("20 sessions a second, {what}");
            let goal = Some(Goal::AtMost(goal));
            let value = times.percentile(percent);
            figures.add(Figure { name, value, unit: "ms", goal, original: None, note: times.spread(1) });
        }
        Ok(())
    }
}

/// A pod may be seen before the answer to the session's creation is.
fn millis(from: Instant, to: Instant) -> f64 {
    to.saturating_duration_since(from).as_secs_f64() * 1e3
}

fn add(
    figures: &mut Figures,
    name: &str,
    value: f64,
    unit: &'static str,
    goal: Option<f64>,
    original: f64,
    note: &str,
) {
    let goal = goal.map(Goal::AtMost);
    figures.add(Figure { name: name.to_owned(), value, unit, goal, original: Some(original), note: note.to_owned() });
}
