//! A run of the real agent, from the Service to the file that it wrote.

use std::fs;

use tempfile::TempDir;

use crate::{
    agui::OfficialClient,
    images::with_images,
    pod::{AGENT, RUNNER, Session, restarts, status},
};

/// `make smoke` shows what this prints.
#[test]
fn a_run_through_the_service_streams_the_real_agent_which_writes_a_file() {
    with_images(|cluster, images| async move {
        let session = Session::start(cluster, &images).await;
        let prompt = "Run the command `id -u > artifacts/who.txt; git --version`";
        let whole = session.begin("first", prompt).await.rest().await;
        let outcome = whole.outcome();
        println!("outcome: {outcome:#}");
        assert_eq!(outcome["reason"], "Completed");
        assert!(outcome["result"].as_str().unwrap().contains("git version 2."), "{outcome}");
        // The runner sees what the agent wrote: the workspace is one volume.
        let written = session.exec(RUNNER, &["cat", "/workspace/artifacts/who.txt"]).unwrap();
        println!("artifacts/who.txt: {written}");
        assert_eq!(written.trim(), "1001");
        let pod = session.pod().await;
        assert!(status(&pod, AGENT).ready && status(&pod, RUNNER).ready);
        assert_eq!((restarts(&pod, AGENT), restarts(&pod, RUNNER)), (0, 0));
        official(&whole.raw);
        println!("events: {}", whole.events.len());
    });
}

fn official(stream: &[u8]) {
    if let Some(client) = OfficialClient::find() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("run.sse"), stream).unwrap();
        client.check_folder(folder.path());
        println!("the official AG-UI client accepts the stream");
    }
}
