//! What redaction costs. Meaningful in a release build only:
//! `cargo test --release --test redaction -- --ignored --nocapture`.

use std::{hint::black_box, time::Instant};

use ambient::{
    agui::{Event, EventKind, Id},
    runner::redact::EventRedactor,
    security::{Redactor, StreamRedactor},
};

use crate::samples;

/// A redactor with as many credentials as a runner may have.
fn redactor() -> std::sync::Arc<Redactor> {
    let names = ["ANTHROPIC_API_KEY", "GITHUB_TOKEN", "GITLAB_TOKEN", "JIRA_API_TOKEN", "AGUI_TOKEN", "BOT_TOKEN"];
    let value = |n| format!("{}{}", ["sk-ant-api03-", "ghp_", ""][n % 3], samples::noise(samples::ALNUM, 90, n as u64));
    std::sync::Arc::new(Redactor::from_env(names.iter().enumerate().map(|(n, name)| (*name, value(n)))))
}

/// Nanoseconds for each of `count` units of work; the best of several tries.
fn nanoseconds(count: usize, mut work: impl FnMut()) -> f64 {
    (0..20).map(|_| nanoseconds_once(count, &mut work)).fold(f64::MAX, f64::min)
}

const PROSE: &str = "The operator writes what it observed, and nothing else; a reader sees each event once. ";

fn deltas(count: usize) -> Vec<Event> {
    let id = Id::random();
    let text: Vec<char> = PROSE.chars().collect();
    let delta = |n: usize| text.iter().cycle().skip(n * 12 % text.len()).take(12).collect();
    (0..count).map(|n| Event::from(EventKind::TextMessageContent { message_id: id.clone(), delta: delta(n) })).collect()
}

#[test]
#[ignore = "measures a release build"]
fn a_clean_text_costs_a_few_nanoseconds_a_byte() {
    let redactor = redactor();
    for (name, text) in [
        ("prose", PROSE.repeat(20_000)),
        ("digits and blanks", "0123 4567 ".repeat(200_000)),
        ("base64", samples::noise(samples::ALNUM, 2_000_000, 5)),
        ("dashes", "-".repeat(2_000_000)),
        ("urls", "https://github.com/a/b ".repeat(80_000)),
    ] {
        let cost = nanoseconds(text.len(), || {
            black_box(redactor.redact_str(black_box(&text)));
        });
        println!("{name}: {cost:.2} ns a byte");
        assert!(cost < 40.0, "{name}: {cost} ns a byte");
    }
}

#[test]
#[ignore = "measures a release build"]
fn hostile_text_costs_a_bounded_time_a_byte() {
    let redactor = redactor();
    for start in ["-sk-ant-", "-eyJ", "://a:", "-----BEGIN PRIVATE KEY-----\n", "Bearer ", "-glpat--xoxb--sk-proj-"] {
        let text = start.repeat(1_000_000 / start.len());
        let cost = nanoseconds(text.len(), || {
            black_box(redactor.redact_str(black_box(&text)));
        });
        println!("{start:?}: {cost:.2} ns a byte");
        assert!(cost < 500.0, "{start}: {cost} ns a byte");
    }
}

#[test]
#[ignore = "measures a release build"]
fn a_redactor_is_made_in_a_few_milliseconds() {
    let cost = nanoseconds(1, || {
        black_box(redactor());
    });
    println!("a redactor: {:.2} ms", cost / 1e6);
    assert!(cost < 20e6, "{cost} ns");
}

#[test]
#[ignore = "measures a release build"]
fn a_clean_delta_costs_less_than_150_nanoseconds() {
    let redactor = redactor();
    let count = 1_000;
    let pieces: Vec<String> = deltas(count).into_iter().map(delta_of).collect();
    let mut stream = StreamRedactor::new(redactor.clone());
    let cost = nanoseconds(count, || {
        for piece in &pieces {
            black_box(stream.push(black_box(piece)));
        }
    });
    let waiting = pieces.iter().filter(|piece| !stream.push(piece).ends_with(piece.as_str())).count();
    println!("stream: {cost:.0} ns a piece of 12 bytes, text waits after {waiting} of {count}");
    assert!(cost < 150.0, "{cost} ns");
    let mut events = EventRedactor::new(redactor);
    let with = each_event(|event, out| events.apply(event, out));
    let without = each_event(|event, out| out.push(event));
    println!("event: {:.0} ns a delta of 12 bytes", with - without);
    assert!(with - without < 150.0, "{with} - {without} ns");
}

/// The best of many tries, in nanoseconds for each event; making and freeing the events is not counted.
fn each_event(mut work: impl FnMut(Event, &mut Vec<Event>)) -> f64 {
    let count = 500;
    let tries = (0..500).map(|_| {
        let (input, mut out) = (deltas(count), Vec::with_capacity(2 * count));
        nanoseconds_once(count, || {
            for event in input {
                work(event, &mut out);
            }
            black_box(&out);
        })
    });
    tries.fold(f64::MAX, f64::min)
}

#[expect(clippy::cast_precision_loss, reason = "a count of units")]
fn nanoseconds_once(count: usize, work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e9 / count as f64
}

fn delta_of(event: Event) -> String {
    match event.kind {
        EventKind::TextMessageContent { delta, .. } => delta,
        other => unreachable!("{other:?}"),
    }
}
