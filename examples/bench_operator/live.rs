//! One session whose Runs are executed.

use std::time::{Duration, Instant};

use ambient::api::{
    AgenticSession, Run, RunStatus,
    session::{AgenticSessionStatus, SessionPhase},
};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client, api::PostParams, runtime::wait::await_condition};
use serde_json::json;

use crate::{
    Arguments, Result, load,
    operator::{Operator, writes},
    runner::Runner,
};

/// Its name.
pub(crate) const SESSION: &str = "live";
/// How long a Run, or a session's start, may take.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long nothing is written when everything is.
const QUIET: Duration = Duration::from_secs(1);

/// A session that runs, its operator and its runner.
pub(crate) struct Live {
    pub(crate) client: Client,
    pub(crate) namespace: &'static str,
    pub(crate) operator: Operator,
    _runner: Runner,
    runs: u32,
}

impl Live {
    /// Makes it in a namespace of its own, with more arguments for the operator.
    pub(crate) async fn begin(arguments: &Arguments, namespace: &'static str, more: &[String]) -> Result<Self> {
        let client = arguments.client().await?;
        load::namespace(&client, namespace).await?;
        let token = uuid::Uuid::new_v4().to_string();
        let secret = json!({
            "metadata": { "name": format!("ambient-runner-token-{SESSION}"), "labels": { "agentic-session": SESSION } },
            "stringData": { "agui-token": token },
        });
        let secret: Secret = serde_json::from_value(secret)?;
        Api::<Secret>::namespaced(client.clone(), namespace).create(&PostParams::default(), &secret).await?;
        let runner = Runner::start(arguments, SESSION, &token)?;
        let own = ["--runner-port".to_owned(), runner.port.clone()];
        let operator = Operator::start_with(arguments, &[&own, more].concat())?;
        operator.reconciled(0).await?;
        load::create(&client, namespace, SESSION).await?;
        let live = Self { client, namespace, operator, _runner: runner, runs: 0 };
        live.session_until(|status| status.phase == SessionPhase::Running).await?;
        Ok(live)
    }

    /// A Run to its good end, and until the session has counted it.
    pub(crate) async fn run(&mut self, name: &str, prompt: &str) -> Result<RunStatus> {
        let run = json!({
            "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "Run", "metadata": { "name": name },
            "spec": { "sessionRef": { "name": SESSION }, "prompt": prompt },
        });
        let (run, api): (Run, Api<Run>) =
            (serde_json::from_value(run)?, Api::namespaced(self.client.clone(), self.namespace));
        api.create(&PostParams::default(), &run).await?;
        let status = |run: Option<&Run>| run.and_then(|run| run.status.clone());
        let ended = |run: Option<&Run>| status(run).is_some_and(|status| status.phase.is_terminal());
        let run = tokio::time::timeout(PATIENCE, await_condition(api, name, ended)).await??;
        self.runs += 1;
        let count = self.runs;
        self.session_until(|status| status.runs.is_some_and(|runs| runs.succeeded >= count)).await?;
        status(run.as_ref()).ok_or_else(|| format!("Run {name} is gone").into())
    }

    async fn session_until(&self, wanted: impl Fn(&AgenticSessionStatus) -> bool) -> Result<()> {
        let api: Api<AgenticSession> = Api::namespaced(self.client.clone(), self.namespace);
        let is_there =
            |session: Option<&AgenticSession>| session.and_then(|session| session.status.as_ref()).is_some_and(&wanted);
        tokio::time::timeout(PATIENCE, await_condition(api, SESSION, is_there)).await??;
        Ok(())
    }

    /// What the operator has written when it writes nothing more.
    pub(crate) async fn settled_writes(&self) -> Result<f64> {
        let deadline = Instant::now() + PATIENCE;
        let mut before = f64::NAN;
        while Instant::now() < deadline {
            let now = writes(&self.operator.samples().await?);
            if (now - before).abs() < 0.5 {
                return Ok(now);
            }
            before = now;
            tokio::time::sleep(QUIET).await;
        }
        Err("the operator writes all the time".into())
    }

    /// Deletes the session: what is measured next does not know its runner.
    pub(crate) async fn end(self) -> Result<()> {
        load::clear(&self.client, self.namespace).await
    }
}
