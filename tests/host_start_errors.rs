//! What a host says about a process that cannot be started: which part is wrong and what to do; the same on both hosts.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic, and so may its helpers")]

#[macro_use]
mod host_support;

use std::os::unix::fs::PermissionsExt;

use ambient::host::{AgentProcess, HostError, ProcessSpec};
use host_support::{Place, exit};

on_every_host!(
    a_missing_program_is_named_with_the_places_that_were_searched,
    a_file_that_is_not_executable_is_named,
    a_missing_working_directory_is_named,
    a_program_without_its_interpreter_is_explained,
    a_relative_program_is_refused,
    a_relative_path_entry_is_never_searched,
    a_broken_variable_is_named_without_its_value,
    too_long_arguments_are_explained,
);

fn failure(place: Result<AgentProcess, HostError>) -> String {
    match place {
        Err(error @ HostError::Start { .. }) => error.to_string(),
        Err(error) => panic!("another kind of error: {error}"),
        Ok(_) => panic!("it started"),
    }
}

async fn a_missing_program_is_named_with_the_places_that_were_searched(place: Place) {
    let spec = ProcessSpec { program: "no-such-agent".into(), ..place.script("") };
    let message = failure(place.host.start(spec).await);
    assert!(message.contains("no-such-agent") && message.contains("/usr/local/bin:/usr/bin:/bin"), "{message}");
    let spec = ProcessSpec { program: "/no/such/agent".into(), ..place.script("") };
    assert!(failure(place.host.start(spec).await).contains("/no/such/agent"));
    let spec = ProcessSpec { env: vec![], ..place.script("") };
    assert!(failure(place.host.start(spec).await).contains("no PATH"));
}

async fn a_file_that_is_not_executable_is_named(place: Place) {
    let file = place.path("agent");
    std::fs::write(&file, "").unwrap();
    let by_path = ProcessSpec { program: file.clone().into(), ..place.script("") };
    let env = vec![("PATH".into(), place.dir.path().into())];
    let by_name = ProcessSpec { program: "agent".into(), env, ..place.script("") };
    for spec in [by_path, by_name] {
        let message = failure(place.host.start(spec).await);
        assert!(message.contains(file.to_str().unwrap()) && message.contains("chmod +x"), "{message}");
    }
    let spec = ProcessSpec { program: place.dir.path().into(), ..place.script("") };
    assert!(failure(place.host.start(spec).await).contains("not a file"));
}

async fn a_missing_working_directory_is_named(place: Place) {
    for cwd in ["/no/such/place", "relative", "/etc/passwd"] {
        let spec = ProcessSpec { cwd: cwd.into(), ..place.script("") };
        let message = failure(place.host.start(spec).await);
        assert!(message.contains(cwd) && message.contains("working directory"), "{message}");
    }
}

async fn a_program_without_its_interpreter_is_explained(place: Place) {
    let file = place.path("agent");
    // Another process of this test must not inherit the file open for writing, so the shell writes it.
    exit(&place.run("printf '#!/no/such/interpreter\\n' > agent; chmod 755 agent").await).await;
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    let spec = ProcessSpec { program: file.into(), ..place.script("") };
    let message = failure(place.host.start(spec).await);
    assert!(message.contains("interpreter"), "{message}");
}

async fn a_relative_program_is_refused(place: Place) {
    for program in ["bin/agent", "./agent", ""] {
        let spec = ProcessSpec { program: program.into(), ..place.script("") };
        let message = failure(place.host.start(spec).await);
        assert!(message.contains("absolute path"), "{message}");
    }
}

async fn a_relative_path_entry_is_never_searched(place: Place) {
    exit(&place.run("printf '#!/bin/sh\\n' > agent; chmod 755 agent").await).await;
    let env = vec![("PATH".into(), ":.:/nowhere".into())];
    let spec = ProcessSpec { program: "agent".into(), env, ..place.script("") };
    assert!(failure(place.host.start(spec).await).contains("not found in PATH"));
}

async fn a_broken_variable_is_named_without_its_value(place: Place) {
    for (name, value) in [("TOKEN", "hush\0hush"), ("TO=KEN", "hush"), ("", "hush")] {
        let mut spec = place.script("");
        spec.env.push((name.into(), value.into()));
        let message = failure(place.host.start(spec).await);
        assert!(message.contains(name) && !message.contains("hush"), "{message}");
    }
}

async fn too_long_arguments_are_explained(place: Place) {
    let mut spec = place.script("");
    spec.args.push("x".repeat(200 << 10).into());
    let message = failure(place.host.start(spec).await);
    assert!(message.contains("larger"), "{message}");
    let mut spec = place.script("");
    spec.args.extend(std::iter::repeat_n("x".repeat(100 << 10).into(), 40));
    let message = failure(place.host.start(spec).await);
    assert!(message.contains("larger") || message.contains("long"), "{message}");
}
