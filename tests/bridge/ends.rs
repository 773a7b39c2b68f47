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
    assert!(
        message.contains("exit code 3") && message.contains("no such flag: --verbose"),
        "{message}"
    );

    let rig = Rig::with(rig.place, "rules: []", |config| {
        config.command = "no-such-agent".into()
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
