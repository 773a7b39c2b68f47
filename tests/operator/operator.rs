//! The operator's own process.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
};

use crate::{cluster::Cluster, rig::SOON};

/// A running operator; killed when dropped.
pub(crate) struct Operator {
    child: Child,
    log: Option<thread::JoinHandle<String>>,
}

impl Operator {
    /// Starts one for the test's namespace, and waits until it has seen everything.
    pub(crate) fn start(cluster: &Cluster, kubeconfig: &Path, port: &str, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ambient"))
            .args(["operator", "--log-format", "text", "--health-address", "127.0.0.1:0"])
            .args(["--watch-namespace", &cluster.namespace, "--runner-port", port])
            .args(["--schedule-deadline", "3", "--session-deadline", "3"])
            .args(more)
            .env_clear()
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
                if line.contains("ready") {
                    let _ = tell.send(());
                }
                all.push_str(&line);
                all.push('\n');
            }
            all
        });
        told.recv_timeout(SOON).expect("the operator is ready");
        Self { child, log: Some(log) }
    }

    /// Ends it as a lost node would.
    fn kill(&mut self) {
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
