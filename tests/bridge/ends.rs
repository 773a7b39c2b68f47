//! How turns end when something is wrong.

use ambient::bridge::{Ending, FailureKind};

use crate::rig::{Place, Rig};

/// The kind and the message of a failed turn.
pub(crate) fn failed(ending: &Ending) -> (&FailureKind, &str) {
    match ending {
        Ending::Failed { kind, message } => (kind, message),
        other => panic!("expected a failure, got {other:?}"),
    }
}

pub(crate) async fn row_22_a_start_that_fails_says_its_stderr(place: Place) {
    let fake = script_file(&place, "echo 'no such flag: --verbose' >&2; exit 3");
    let rig = Rig::with(place, "rules: []", |config| config.command = fake.into());
    let took = rig.say("hi").await;
    let (kind, message) = failed(&took.end.ending);
    assert_eq!(*kind, FailureKind::SetupFailed);
    assert!(message.contains("exit code 3") && message.contains("no such flag: --verbose"), "{message}");

    let rig = Rig::with(rig.place, "rules: []", |config| {
        config.command = "no-such-agent".into();
    });
    let took = rig.say("hi").await;
    let (kind, message) = failed(&took.end.ending);
    assert_eq!(*kind, FailureKind::SetupFailed);
    assert!(message.contains("no-such-agent"), "{message}");
}

/// An executable shell script.
pub(crate) fn script_file(place: &Place, text: &str) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = place.path("fake-agent");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub(crate) async fn bug_09_retries_of_the_provider_are_told_in_the_stream(place: Place) {
    let script = "
rules:
  - {when: {}, times: 1, error: 529}
  - {when: {}, reply: [{text: At last.}]}
";
    let took = Rig::new(place, script).say("hi").await;
    assert_eq!((took.text().as_str(), &took.end.ending), ("At last.", &Ending::Completed));
    let retries = took.custom("ambient:retry");
    assert_eq!((&retries[0]["attempt"], &retries[0]["status"]), (&1.into(), &529.into()));
}

pub(crate) async fn row_17_a_provider_that_fails_for_good(place: Place) {
    let rig = Rig::with(place, "rules: [{when: {}, error: 529}]", |config| {
        config.max_retries = Some(1);
    });
    let took = rig.say("hi").await;
    let (kind, message) = failed(&took.end.ending);
    assert_eq!(*kind, FailureKind::ProviderError, "{message}");
    assert_eq!(took.custom("ambient:retry").len(), 1);
}

pub(crate) async fn row_24_a_bad_key(place: Place) {
    let rig = Rig::new(place, "rules: [{when: {}, error: 401}]");
    let took = rig.say("hi").await;
    let (kind, message) = failed(&took.end.ending);
    assert_eq!(*kind, FailureKind::AuthFailed);
    assert!(message.contains("ANTHROPIC_API_KEY"), "{message}");
    assert!(rig.model.conversations().len() <= 2, "it is not tried for minutes");
}

pub(crate) async fn row_25_a_provider_limit(place: Place) {
    let script = "rules: [{when: {}, error: {status: 429, retry_after: 3600, message: used up}}]";
    let took = Rig::new(place, script).say("hi").await;
    let (kind, message) = failed(&took.end.ending);
    assert!(matches!(kind, FailureKind::ProviderLimit { .. }), "{kind:?} {message}");
}

pub(crate) async fn row_25_a_limit_that_says_when_it_is_over(place: Place) {
    let script = "rules: [{when: {}, error: {status: 429, retry_after: 40, message: used up}}]";
    let rig = Rig::with(place, script, |config| {
        config.timing.provider_wait = std::time::Duration::from_secs(30);
    });
    let before = jiff::Timestamp::now().as_second();
    let took = rig.say("hi").await;
    let (FailureKind::ProviderLimit { resume_at: Some(at) }, message) = failed(&took.end.ending) else {
        panic!("{:?}", took.end.ending)
    };
    // The request was made between the two; the CLI adds a little to what it was told.
    let after = jiff::Timestamp::now().as_second();
    assert!((before + 35..=after + 60).contains(at), "{at} is not 40 s after {before} to {after}; {message}");
}
