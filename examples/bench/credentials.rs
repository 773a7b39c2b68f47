//! A warm turn of a session whose credentials come from a slow backend.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    figures::{Figure, Figures, Goal},
    frames::is,
    place::Place,
    runner::Runner,
    stats::Sample,
};

const TURNS: usize = 30;
const DELAY: Duration = Duration::from_millis(100);

pub(crate) fn measure(place: &Place, figures: &mut Figures) -> Result<()> {
    let backend = format!("http://{}/api", backend()?);
    let env = [
        ("BACKEND_API_URL", OsStr::new(&backend)),
        ("PROJECT_NAME", OsStr::new("bench")),
        ("AGENTIC_SESSION_NAME", OsStr::new("bench")),
        ("BOT_TOKEN", OsStr::new("a-bot-token-of-no-value-0123456789")),
    ];
    let mut runner = Runner::start_with(place, &place.fake_claude, env)?;
    runner.at_rest()?;
    let mut client = runner.client()?;
    let mut starts = Vec::new();
    for turn in 0..=TURNS {
        let begun = Instant::now();
        let mut started = None;
        runner.run(&mut client, "echo a short answer", |event| {
            if started.is_none() && is(event, "RUN_STARTED") {
                started = Some(begun.elapsed());
            }
            Ok(())
        })?;
        let started = started.ok_or("no RUN_STARTED")?;
        // The first one finds nothing warm.
        if turn > 0 {
            starts.push(started.as_secs_f64() * 1e3);
        }
    }
    let sample = Sample::of(starts);
    figures.add(Figure {
        name: "RUN_STARTED of a warm turn, 7 credentials at 100 ms".to_owned(),
        value: sample.median(),
        unit: "ms",
        goal: Some(Goal::AtMost(5.0)),
        original: Some(218.0),
        note: sample.spread(2),
    });
    Ok(())
}

/// A backend that has every credential and takes its time.
fn backend() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().map_while(std::result::Result::ok) {
            thread::spawn(move || serve(stream).ok());
        }
    });
    Ok(address)
}

fn serve(stream: TcpStream) -> Result<()> {
    let mut answers = stream.try_clone()?;
    let mut requests = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            if line.trim().is_empty() {
                break;
            }
        }
        requests.by_ref().take(length).read_to_end(&mut Vec::new())?;
        thread::sleep(DELAY);
        let body = r#"{"token": "not-a-token-but-as-long-as-one-0123456789", "provider": "any"}"#;
        write!(
            answers,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
    }
}
