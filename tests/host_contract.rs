//! What every host promises; each sentence holds on both of them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic, and so may its helpers")]

#[macro_use]
mod host_support;

use ambient::host::{Exit, ProcessSpec, Signal};
use host_support::{Place, alive, dead, exit, line, odd, text, within, write};
use rustix::process::{Pid, kill_process};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

on_every_host!(
    the_environment_is_exact,
    bytes_of_any_value_pass_through_arguments_and_environment,
    the_working_directory_is_the_given_one,
    eight_megabytes_pass_in_both_directions_at_once,
    stderr_is_apart_from_stdout,
    the_process_sees_the_end_of_its_input,
    exit_codes_are_reported,
    a_signal_that_ended_the_process_is_reported,
    every_signal_reaches_the_whole_group,
    a_kill_reaches_descendants_in_sessions_of_their_own,
    commands_of_a_killed_process_end_with_it,
    what_a_process_left_running_on_purpose_goes_on,
    dropping_the_handle_kills_the_process_and_its_children,
    what_is_left_of_the_group_dies_with_its_leader,
    many_tasks_may_wait_before_and_after_the_end,
    a_signal_to_a_process_that_is_gone_is_no_error,
    many_processes_run_at_once,
    peak_memory_is_reported,
    no_descriptor_of_the_runner_reaches_the_process,
);

async fn the_environment_is_exact(place: Place) {
    let spec = ProcessSpec {
        program: "/usr/bin/env".into(),
        args: vec!["-0".into()],
        env: vec![("B".into(), "2 = two\nlines".into()), ("A".into(), "".into())],
        cwd: "/".into(),
    };
    let mut process = place.start(spec).await;
    let printed = text(&mut process.stdout).await;
    let (marks, given): (Vec<_>, Vec<_>) =
        printed.split_terminator('\0').partition(|entry| entry.starts_with("AMBIENT_PROCESS="));
    assert_eq!(given, ["A=", "B=2 = two\nlines"]);
    assert_eq!(marks.iter().map(|mark| mark.len()).collect::<Vec<_>>(), [16 + 32]);
}

async fn bytes_of_any_value_pass_through_arguments_and_environment(place: Place) {
    let mut spec = place.script("printf '%s' \"$1$ODD\"");
    spec.args.extend(["sh".into(), odd(b"\xff\xfe\x01")]);
    spec.env.push(("ODD".into(), odd(b"\x80\n\x7f")));
    let mut process = place.start(spec).await;
    let mut bytes = Vec::new();
    within(process.stdout.read_to_end(&mut bytes)).await.unwrap();
    assert_eq!(bytes, b"\xff\xfe\x01\x80\n\x7f");
}

async fn the_working_directory_is_the_given_one(place: Place) {
    let mut process = place.run("pwd -P").await;
    let expected = place.dir.path().canonicalize().unwrap();
    assert_eq!(text(&mut process.stdout).await.trim(), expected.to_str().unwrap());
}

async fn eight_megabytes_pass_in_both_directions_at_once(place: Place) {
    let mut process = place.run("cat").await;
    let sent: Vec<u8> = (0..8_u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let expected = sent.clone();
    let mut stdin = process.stdin;
    let writer = tokio::spawn(async move { stdin.write_all(&sent).await });
    let mut received = Vec::new();
    within(process.stdout.read_to_end(&mut received)).await.unwrap();
    within(writer).await.unwrap().unwrap();
    assert!(received == expected, "{} bytes came back changed", received.len());
}

async fn stderr_is_apart_from_stdout(place: Place) {
    let mut process = place.run("echo out; echo err >&2").await;
    assert_eq!(text(&mut process.stdout).await, "out\n");
    assert_eq!(text(&mut process.stderr).await, "err\n");
}

async fn the_process_sees_the_end_of_its_input(place: Place) {
    let mut process = place.run("cat; exit 3").await;
    write(&mut process, b"bye").await;
    drop(process.stdin);
    assert_eq!(text(&mut process.stdout).await, "bye");
    assert_eq!(within(process.control.wait()).await.unwrap().code, Some(3));
}

async fn exit_codes_are_reported(place: Place) {
    for code in [0, 1, 255] {
        let process = place.run(&format!("exit {code}")).await;
        let Exit { code: found, signal, oom_kills, .. } = exit(&process).await;
        assert_eq!((found, signal, oom_kills), (Some(code), None, 0));
    }
}

async fn a_signal_that_ended_the_process_is_reported(place: Place) {
    let process = place.run("kill -SEGV $$").await;
    let Exit { code, signal, .. } = exit(&process).await;
    assert_eq!((code, signal), (None, Some(11)));
}

async fn every_signal_reaches_the_whole_group(place: Place) {
    // Tests that a shell started in its background ignore SIGINT, and so would their children; a handler is not inherited.
    let _handled = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).unwrap();
    for (signal, number) in [(Signal::Interrupt, 2), (Signal::Terminate, 15), (Signal::Kill, 9)] {
        // A background job of a shell ignores SIGINT, so the child is one in the foreground.
        let mut process = place.run("echo ready; sh -c 'echo $$ > child; exec sleep 600'").await;
        line(&mut process).await;
        let child = place.number_in("child").await;
        assert!(alive(child));
        process.control.signal(signal).unwrap();
        assert_eq!(exit(&process).await.signal, Some(number));
        dead(child).await;
        std::fs::remove_file(place.path("child")).unwrap();
    }
}

async fn a_kill_reaches_descendants_in_sessions_of_their_own(place: Place) {
    let process = place.run("setsid sh -c 'echo $$ > far; sleep 600; :' ; :").await;
    let far = place.number_in("far").await;
    process.control.signal(Signal::Kill).unwrap();
    exit(&process).await;
    dead(far).await;
}

async fn commands_of_a_killed_process_end_with_it(place: Place) {
    let process = place.run("setsid sh -c 'echo $$ > far; sleep 600; :' ; :").await;
    let far = place.number_in("far").await;
    // Not by its host: the kernel, out of memory, say.
    let leader = Pid::from_raw(process.control.pid().cast_signed()).unwrap();
    kill_process(leader, rustix::process::Signal::KILL).unwrap();
    assert_eq!(exit(&process).await.signal, Some(9));
    dead(far).await;
}

async fn what_a_process_left_running_on_purpose_goes_on(place: Place) {
    let process = place
        .run("mkfifo fifo; setsid sh -c 'echo $$ > far; read x < fifo' & until [ -s far ]; do sleep 0.01; done")
        .await;
    let far = place.number_in("far").await;
    assert_eq!(exit(&process).await.code, Some(0));
    assert!(alive(far));
    std::fs::write(place.path("fifo"), "\n").unwrap();
    dead(far).await;
}

async fn dropping_the_handle_kills_the_process_and_its_children(place: Place) {
    let process = place.run("trap '' TERM INT HUP; sh -c 'echo $$ > child; exec sleep 600'; :").await;
    let child = place.number_in("child").await;
    let leader = process.control.pid();
    assert!(alive(leader) && alive(child));
    drop(process);
    dead(leader).await;
    dead(child).await;
}

async fn what_is_left_of_the_group_dies_with_its_leader(place: Place) {
    let mut process = place.run("sleep 600 & echo $! > child; exit 4").await;
    let child = place.number_in("child").await;
    assert_eq!(exit(&process).await.code, Some(4));
    dead(child).await;
    // The child held the other end.
    assert_eq!(text(&mut process.stdout).await, "");
}

async fn many_tasks_may_wait_before_and_after_the_end(place: Place) {
    let mut process = place.run("read x; exit 7").await;
    let control = std::sync::Arc::new(process.control);
    let waiters: Vec<_> = (0..20)
        .map(|_| {
            let control = std::sync::Arc::clone(&control);
            tokio::spawn(async move { control.wait().await.unwrap().code })
        })
        .collect();
    within(process.stdin.write_all(b"\n")).await.unwrap();
    for waiter in waiters {
        assert_eq!(within(waiter).await.unwrap(), Some(7));
    }
    assert_eq!(within(control.wait()).await.unwrap().code, Some(7));
}

async fn a_signal_to_a_process_that_is_gone_is_no_error(place: Place) {
    let process = place.run("exit 0").await;
    exit(&process).await;
    for signal in [Signal::Interrupt, Signal::Terminate, Signal::Kill] {
        process.control.signal(signal).unwrap();
    }
    assert_eq!(exit(&process).await.code, Some(0));
}

async fn many_processes_run_at_once(place: Place) {
    let mut processes = Vec::new();
    for _ in 0..60 {
        processes.push(place.run("read x; exit $x").await);
    }
    for (code, process) in processes.iter_mut().enumerate() {
        write(process, format!("{code}\n").as_bytes()).await;
    }
    for (code, process) in processes.iter().enumerate() {
        assert_eq!(exit(process).await.code, i32::try_from(code).ok());
    }
}

async fn peak_memory_is_reported(place: Place) {
    let process = place.run("x=$(head -c 40000000 /dev/zero | tr '\\0' x); echo ${#x} > size").await;
    let exit = exit(&process).await;
    assert!(exit.peak_memory.is_some_and(|bytes| (40_000_000..2_000_000_000).contains(&bytes)), "{exit:?}");
}

async fn no_descriptor_of_the_runner_reaches_the_process(place: Place) {
    let _open = std::fs::File::open("/etc/passwd").unwrap();
    // What the test was started with, by a terminal or an editor, is not the host's.
    let (_, foreign): (Vec<u32>, Vec<u32>) = descriptors().partition(|number| closes_on_exec(*number));
    let mut process = place.run("exec ls /proc/self/fd").await;
    let seen = text(&mut process.stdout).await;
    let mut seen: Vec<u32> = seen.lines().map(|number| number.parse().unwrap()).collect();
    seen.retain(|number| *number < 3 || !foreign.contains(number));
    seen.sort_unstable();
    // The last is the folder that `ls` itself reads.
    assert_eq!((&seen[..3], seen.len()), (&[0, 1, 2][..], 4));
}

fn descriptors() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn closes_on_exec(number: u32) -> bool {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    // Gone meanwhile: it was another test's.
    flags.is_none_or(|flags| u32::from_str_radix(flags.trim(), 8).unwrap() & 0o2_000_000 != 0)
}
