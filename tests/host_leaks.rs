//! Hosts keep nothing of a process that has ended. Alone in its binary: descriptors and children are of the whole process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic, and so may its helpers")]

mod host_support;

use ambient::host::{AgentHost, ProcessSpec, Signal, socket::SocketHost};
use host_support::{Place, eventually, exit, local, socket};
use tokio::runtime::Handle;

/// Open descriptors, living tasks, children that run or were not reaped.
fn held() -> [usize; 3] {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().count();
    let own = std::process::id().to_string();
    let is_ours = |stat: &str| stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)) == Some(&own);
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let stat = std::fs::read(entry.unwrap().path().join("stat")).ok()?;
        Some(String::from_utf8_lossy(&stat).into_owned())
    });
    [descriptors, Handle::current().metrics().num_alive_tasks(), processes.filter(|stat| is_ours(stat)).count()]
}

async fn every_way_to_end(place: &Place) {
    exit(&place.run("exit 0").await).await;
    drop(place.run("sleep 600").await);
    let process = place.run("sleep 600").await;
    process.control.signal(Signal::Kill).unwrap();
    exit(&process).await;
    let missing = ProcessSpec { program: "no-such-agent".into(), ..place.script("") };
    assert!(place.host.start(missing).await.is_err());
    let large = ProcessSpec { args: vec!["x".repeat(1 << 20).into()], ..place.script("") };
    assert!(place.host.start(large).await.is_err());
    place.host.environment().await.unwrap();
    let nowhere = SocketHost::new(place.path("nowhere")).with_patience(std::time::Duration::ZERO);
    assert!(nowhere.start(place.script("")).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_left_of_a_hundred_processes() {
    for place in [local(), socket().await] {
        every_way_to_end(&place).await;
        eventually(|| (held()[2] == 0).then_some(())).await;
        let before = held();
        for _ in 0..25 {
            every_way_to_end(&place).await;
        }
        eventually(|| (held() == before).then_some(())).await;
    }
}
