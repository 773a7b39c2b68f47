//! The supervisor of the agent's container and its client, when one of the two goes away or misbehaves.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic, and so may its helpers")]

mod host_support;

use std::{
    io::IoSlice,
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::PermissionsExt,
    },
    path::Path,
    time::{Duration, Instant},
};

use ambient::host::{
    AgentHost, AgentProcess, HostError, Signal,
    socket::SocketHost,
    supervisor::{BindError, Supervisor},
};
use host_support::{Place, Running, alive, dead, exit, line, socket, text, within};
use rustix::{
    cmsg_space,
    net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

fn error(started: Result<AgentProcess, HostError>) -> HostError {
    match started {
        Err(error) => error,
        Ok(_) => panic!("it started"),
    }
}

fn frame(body: &str) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [b"amb\x01".as_slice(), &length, body.as_bytes()].concat()
}

fn sleeper() -> Vec<u8> {
    frame(r#"{"start":{"program":"/bin/sleep","args":["600"],"env":[],"cwd":"/"}}"#)
}

async fn still_works(place: &Place) {
    assert_eq!(exit(&place.run("exit 5").await).await.code, Some(5));
}

#[tokio::test]
async fn when_the_supervisor_dies_its_agents_die_and_the_runner_hears_of_it_until_it_is_back() {
    let mut place = socket().await;
    let first = place.supervisor.take().unwrap();
    let process = place.run("trap '' TERM; sleep 600; :").await;
    drop(first);
    let lost = within(process.control.wait()).await.unwrap_err();
    assert!(matches!(&lost, HostError::Lost(reason) if reason.contains(".sock")), "{lost}");
    dead(process.control.pid()).await;
    process.control.signal(Signal::Terminate).unwrap();

    let host = SocketHost::new(place.path(".sock")).with_patience(Duration::from_millis(100));
    let gone = error(host.start(place.script("")).await);
    assert!(matches!(gone, HostError::Unreachable { .. }) && gone.to_string().contains(".sock"), "{gone}");

    let _second = Running::on(&place.path(".sock")).await;
    still_works(&place).await;
}

#[tokio::test]
async fn a_start_waits_for_a_supervisor_that_comes_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.sock");
    let host = SocketHost::new(&path);
    let place = socket().await;
    let waiting = tokio::spawn({
        let spec = place.script("exit 6");
        async move { host.start(spec).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let _late = Running::on(&path).await;
    let process = within(waiting).await.unwrap().unwrap();
    assert_eq!(exit(&process).await.code, Some(6));
}

#[tokio::test]
async fn a_peer_that_talks_nonsense_is_told_so_and_harms_nobody() {
    let place = socket().await;
    let nonsense: [(&[u8], &str); 6] = [
        (b"GET / HTTP/1.1\r\n\r\n", "not the agent protocol"),
        (&vec![0; 100_000], "not the agent protocol"),
        (b"amb\x07\0\0\0\0", "version 7"),
        (b"amb\x01\xff\xff\xff\xff", "longer than the limit"),
        (&frame(r#"{"start":{"hush":1}}"#), "not as expected"),
        (&frame(r#"{"signal":"kill"}"#), "before a start"),
    ];
    for (bytes, expected) in nonsense {
        let mut peer = UnixStream::connect(place.path(".sock")).await.unwrap();
        // The supervisor may have hung up before it is all written.
        let _ = peer.write_all(bytes).await;
        let answer = until_closed(&mut peer).await;
        assert!(answer.contains("malformed") && answer.contains(expected), "{expected}: {answer}");
        assert!(!answer.contains("hush"), "{answer}");
    }
    still_works(&place).await;
}

/// What a peer reads until the connection ends, also when it ends with an error.
async fn until_closed(peer: &mut UnixStream) -> String {
    let mut answer = Vec::new();
    let _ = within(peer.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn peers_that_vanish_in_the_middle_of_a_request_cost_nothing() {
    let place = socket().await;
    for cut in 0..sleeper().len() {
        let mut peer = UnixStream::connect(place.path(".sock")).await.unwrap();
        peer.write_all(&sleeper()[..cut]).await.unwrap();
    }
    still_works(&place).await;
}

#[tokio::test]
async fn silent_peers_do_not_keep_others_waiting() {
    let place = socket().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(UnixStream::connect(place.path(".sock")).await.unwrap());
    }
    let begun = Instant::now();
    still_works(&place).await;
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_start_needs_exactly_three_descriptors() {
    let place = socket().await;
    for count in [0, 1, 2] {
        let mut peer = UnixStream::connect(place.path(".sock")).await.unwrap();
        send(&peer, &sleeper(), count);
        assert!(until_closed(&mut peer).await.contains("three descriptors"));
    }
    // What is more than three is closed on arrival.
    let mut peer = UnixStream::connect(place.path(".sock")).await.unwrap();
    send(&peer, &sleeper(), 20);
    assert!(started(&mut peer).await > 1);
    still_works(&place).await;
}

#[tokio::test]
async fn a_peer_that_breaks_the_protocol_loses_its_agent() {
    let place = socket().await;
    for breach in [sleeper(), b"nonsense".to_vec(), frame("{}"), frame(r#"{"signal":"hup"}"#)] {
        let mut peer = UnixStream::connect(place.path(".sock")).await.unwrap();
        send(&peer, &sleeper(), 3);
        let pid = started(&mut peer).await;
        assert!(alive(pid));
        peer.write_all(&breach).await.unwrap();
        assert!(until_closed(&mut peer).await.contains("malformed"));
        dead(pid).await;
    }
    still_works(&place).await;
}

#[tokio::test]
async fn a_connection_that_closes_kills_the_agent() {
    let place = socket().await;
    let mut peer = UnixStream::connect(place.path(".sock")).await.unwrap();
    send(&peer, &sleeper(), 3);
    let pid = started(&mut peer).await;
    assert!(alive(pid));
    drop(peer);
    dead(pid).await;
}

/// Sends bytes with so many descriptors.
fn send(peer: &UnixStream, bytes: &[u8], descriptors: usize) {
    let null = std::fs::File::options().read(true).write(true).open("/dev/null").unwrap();
    let descriptors: Vec<BorrowedFd<'_>> = vec![null.as_fd(); descriptors];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(20))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(&descriptors)));
    }
    let sent = sendmsg(peer, &[IoSlice::new(bytes)], &mut control, SendFlags::empty());
    assert_eq!(sent, Ok(bytes.len()));
}

async fn started(peer: &mut UnixStream) -> u32 {
    let mut header = [0; 8];
    within(peer.read_exact(&mut header)).await.unwrap();
    let mut body = vec![0; usize::from(header[7])];
    within(peer.read_exact(&mut body)).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let pid = body["started"]["pid"].as_u64();
    u32::try_from(pid.unwrap_or_else(|| panic!("not started: {body}"))).unwrap()
}

#[tokio::test]
async fn a_false_supervisor_is_an_error_and_never_a_hang() {
    let place = host_support::local();
    let replies: [(&[u8], &str); 7] = [
        (b"", "closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "not the agent protocol"),
        (b"amb\x02\0\0\0\0", "version 2"),
        (b"amb\x01\xff\xff\xff\xff", "longer than the limit"),
        (&frame("{}"), "not as expected"),
        (&frame(r#"{"lost":{"reason":"why"}}"#), "why"),
        (&frame(r#"{"environment":[]}"#), "something else than it was asked"),
    ];
    for (number, (reply, expected)) in replies.into_iter().enumerate() {
        let path = place.path(&format!("{number}.sock"));
        let listener = UnixListener::bind(&path).unwrap();
        let server = async {
            let (mut peer, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            assert!(peer.read(&mut request).await.unwrap() > 0);
            peer.write_all(reply).await.unwrap();
        };
        let host = SocketHost::new(&path);
        let (started, ()) = within(async { tokio::join!(host.start(place.script("")), server) }).await;
        let message = error(started).to_string();
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[tokio::test]
async fn a_supervisor_that_does_not_answer_is_unreachable_at_the_deadline() {
    let place = host_support::local();
    let _listener = UnixListener::bind(place.path("s")).unwrap();
    let host = SocketHost::new(place.path("s")).with_patience(Duration::from_millis(50));
    let silent = error(within(host.start(place.script(""))).await);
    assert!(matches!(&silent, HostError::Unreachable { reason, .. } if reason.contains("does not answer")), "{silent}");
}

#[tokio::test]
async fn at_its_stop_agents_may_end_politely_and_their_exit_is_still_reported() {
    let mut place = socket().await;
    let mut supervisor = place.supervisor.take().unwrap();
    let mut process = place.run("trap 'echo bye; exit 9' TERM; echo ready; while :; do sleep 0.01; done").await;
    assert_eq!(line(&mut process).await, "ready");
    supervisor.stop.cancel();
    assert_eq!(exit(&process).await.code, Some(9));
    assert_eq!(text(&mut process.stdout).await, "bye\n");
    within(supervisor.task.join_next()).await.unwrap().unwrap().unwrap();
    assert!(!place.path(".sock").exists());
}

#[tokio::test]
async fn at_its_stop_stubborn_agents_are_killed_after_their_grace() {
    let mut place = socket().await;
    let mut supervisor = place.supervisor.take().unwrap();
    let mut process = place.run("trap '' TERM; echo ready; while :; do sleep 0.01; done").await;
    assert_eq!(line(&mut process).await, "ready");
    let begun = Instant::now();
    supervisor.stop.cancel();
    assert_eq!(exit(&process).await.signal, Some(9));
    within(supervisor.task.join_next()).await.unwrap().unwrap().unwrap();
    assert!((3..30).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_socket_is_for_its_user_and_group_only() {
    let place = socket().await;
    let mode = place.path(".sock").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
}

#[tokio::test]
async fn the_socket_of_a_dead_supervisor_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let supervisor = Running::on(&path).await;
    assert!(supervisor.host().environment().await.is_ok());
}

#[tokio::test]
async fn what_is_not_a_dead_supervisors_socket_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "precious").unwrap();
    let refused = bind_error(&file).await;
    assert!(matches!(refused, BindError::NotASocket(_)), "{refused}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");

    let path = dir.path().join("agent.sock");
    let supervisor = Running::on(&path).await;
    let refused = bind_error(&path).await;
    assert!(matches!(refused, BindError::InUse(_)), "{refused}");
    assert!(supervisor.host().environment().await.is_ok());
}

#[tokio::test]
async fn a_socket_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().join("missing/agent.sock"), dir.path().join("x".repeat(200))] {
        let refused = bind_error(&path).await.to_string();
        assert!(refused.contains(path.to_str().unwrap()), "{refused}");
    }
}

async fn bind_error(path: &Path) -> BindError {
    match Supervisor::bind(path).await {
        Err(error) => error,
        Ok(_) => panic!("it listens"),
    }
}

#[tokio::test]
async fn the_place_offers_its_own_environment() {
    let place = socket().await;
    let offered = within(place.host.environment()).await.unwrap();
    let path = offered.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    assert_eq!(path, std::env::var_os("PATH"));
    assert!(offered.iter().all(|(name, _)| ambient::host::env::may_inherit(name)));
}
