//! The operator's own process.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{cluster::Cluster, rig::SOON};

/// A running operator; killed when dropped.
pub(crate) struct Operator {
    child: Child,
    metrics: String,
    log: Option<thread::JoinHandle<String>>,
    /// Where its gateway is.
    pub(crate) gateway: String,
}

impl Operator {
    /// Starts one for the test's namespace with more arguments, and waits until it has seen everything.
    pub(crate) fn start(cluster: &Cluster, kubeconfig: &Path, port: &str, events: &Path, more: &[String]) -> Self {
        Self::start_in(cluster, kubeconfig, port, events, more, &[])
    }

    /// The same with more environment.
    pub(crate) fn start_in(
        cluster: &Cluster,
        kubeconfig: &Path,
        port: &str,
        events: &Path,
        more: &[String],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ambient"))
            .args(["operator", "--log-format", "text", "--health-address", "127.0.0.1:0"])
            .args(["--metrics-address", "127.0.0.1:0"])
            .args(["--gateway-address", "127.0.0.1:0"])
            .args(["--watch-namespace", &cluster.namespace, "--runner-port", port])
            .arg("--event-store")
            .arg(events)
            .args(["--schedule-deadline", "3", "--session-deadline", "3"])
            .args(more)
            .env_clear()
            .envs(environment.iter().copied())
            .env("KUBECONFIG", kubeconfig)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().unwrap();
        let (tell, told) = mpsc::channel();
        let log = thread::spawn(move || {
            let mut all = String::new();
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = tell.send(line.clone());
                all.push_str(&line);
                all.push('\n');
            }
            all
        });
        let (mut metrics, mut gateway) = (String::new(), String::new());
        loop {
            let line = told.recv_timeout(SOON).expect("the operator is ready");
            if let Some((_, address)) = line.split_once("metrics address=") {
                metrics = format!("http://{}/metrics", address.trim());
            }
            if let Some((_, address)) = line.split_once("gateway address=") {
                gateway = format!("https://{}", address.trim());
            }
            if line.ends_with(": ready") {
                break;
            }
        }
        Self { child, metrics, log: Some(log), gateway }
    }

    /// Every sample by its name and labels.
    pub(crate) async fn metrics(&self) -> BTreeMap<String, f64> {
        let text = reqwest::get(&self.metrics).await.unwrap().text().await.unwrap();
        assert!(text.ends_with("# EOF\n"), "{text}");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples
            .map(|line| {
                let (name, value) = line.rsplit_once(' ').unwrap();
                (name.to_owned(), value.parse().unwrap())
            })
            .collect()
    }

    /// Until the metrics are as they are wanted.
    pub(crate) async fn metrics_until(&self, wanted: impl Fn(&BTreeMap<String, f64>) -> bool) -> BTreeMap<String, f64> {
        let deadline = Instant::now() + SOON;
        loop {
            let metrics = self.metrics().await;
            if wanted(&metrics) {
                return metrics;
            }
            assert!(Instant::now() < deadline, "not in time: {metrics:#?}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }

    /// Asks it to end, as Kubernetes does.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        self.wait()
    }

    /// Until it has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("the operator does not end");
    }

    /// Ends it as a lost node would.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(log) = self.log.take() {
            // Shown when the test fails.
            println!("{}", log.join().unwrap());
        }
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.kill();
    }
}
