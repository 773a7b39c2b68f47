//! What the real CLI does in the background, as clients see it.

use ambient::agui::{Event, EventKind};
use serde_json::{Value, json};

use crate::{
    claude::claude,
    model::Model,
    rig::{Runner, SOON, Session, Stream, THREAD, client, input, outcome, valid},
};

/// A command that waits for a file, and what is said of it.
const SCRIPT: &str = "
rules:
  - when: {prompt: start it, step: 0}
    reply: [{tool: Bash, input: {command: 'echo first; until [ -e go ]; do sleep 0.1; done; echo last', description: Wait for it, run_in_background: true}}]
  - {when: {tool: Bash, prompt: start it}, reply: [{text: It runs.}]}
  - {when: {step: any}, reply: [{text: It has ended.}]}
";

/// A session of the real CLI whose agent has a command in the background, and that task.
async fn in_background() -> Option<(Session, Model, Runner, Value)> {
    in_background_of(Session::new()).await
}

async fn in_background_of(session: Session) -> Option<(Session, Model, Runner, Value)> {
    let (cli, model) = (claude()?, Model::start(SCRIPT));
    let session = session.env("AMBIENT_AGENT_COMMAND", cli.to_str().unwrap());
    let session = session.env("ANTHROPIC_BASE_URL", &model.url);
    let runner = session.start();
    let request = client().post(format!("{}/run", runner.url)).header("X-Current-User-Id", "alice");
    let events = Stream::of(request.json(&input("r1", "start it")).send().await.unwrap()).rest().await;
    assert_eq!(outcome(&events)["reason"], "Completed");
    let tasks = tasks(&runner).await;
    assert_eq!(tasks.len(), 1, "{tasks:?}");
    Some((session, model, runner, tasks[0].clone()))
}

async fn tasks(runner: &Runner) -> Vec<Value> {
    let answer: Value = runner.get("/tasks").await.json().await.unwrap();
    answer["tasks"].as_array().unwrap().clone()
}

async fn output(runner: &Runner, id: &str) -> (u16, Value) {
    let answer = runner.get(&format!("/tasks/{id}/output")).await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Reads the thread from its beginning until something is there.
async fn until(runner: &Runner, wanted: impl Fn(&EventKind) -> bool) -> Vec<Event> {
    let mut stream = Stream::of(runner.get(&format!("/events/{THREAD}?after=0")).await);
    stream.until(wanted).await
}

fn is_end_of_task(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Raw { event, .. } if event["subtype"] == "task_notification")
}

/// The file that the CLI named for a task, as its events tell it.
fn file_of(events: &[Event], id: &str) -> String {
    let told = serde_json::to_string(events).unwrap();
    let name = format!("/tasks/{id}.output");
    let end = told.find(&name).unwrap() + name.len();
    let begin = told[..end].rfind([' ', '"']).unwrap() + 1;
    told[begin..end].to_owned()
}

#[tokio::test]
async fn bug_08_a_task_that_ends_between_runs_is_told_in_a_run_of_its_own() {
    let Some((session, _model, runner, task)) = in_background().await else { return };
    assert_eq!((&task["status"], &task["description"]), (&json!("running"), &json!("Wait for it")));
    assert_eq!((&task["task_type"], &task["thread_id"]), (&json!("local_bash"), &json!(THREAD)));
    std::fs::write(session.path("ws/go"), "").unwrap();
    let mut events = until(&runner, is_end_of_task).await;
    assert_eq!(tasks(&runner).await[0]["status"], "completed");
    let followed = tokio::time::timeout(SOON, async {
        let whole = |events: &[Event]| {
            events.iter().filter(|event| matches!(event.kind, EventKind::RunFinished { .. })).count() == 2
        };
        while !whole(&events) {
            events =
                until(&runner, |kind| matches!(kind, EventKind::RunFinished { run_id, .. } if *run_id != "r1".into()))
                    .await;
        }
    });
    followed.await.unwrap();
    valid(&events);
}

#[tokio::test]
async fn an_agent_with_a_task_in_the_background_is_not_idle() {
    let session = Session::new().env("AMBIENT_IDLE_AGENTS", "0");
    let Some((session, _model, runner, _task)) = in_background_of(session).await else { return };
    let mut elsewhere = input("r2", "hello");
    elsewhere["threadId"] = "other".into();
    Stream::of(runner.post("/", &elsewhere).await).rest().await;
    assert_eq!(tasks(&runner).await[0]["status"], "running");
    std::fs::write(session.path("ws/go"), "").unwrap();
    until(&runner, is_end_of_task).await;
    assert_eq!(tasks(&runner).await[0]["status"], "completed", "it has ended by itself");
}

#[tokio::test]
async fn bug_08_a_task_that_was_stopped_between_runs_is_told_in_a_run_of_its_own() {
    let Some((_session, _model, runner, task)) = in_background().await else { return };
    let stop = runner.post(&format!("/tasks/{}/stop", task["task_id"].as_str().unwrap()), &json!({})).await;
    assert_eq!(stop.status(), 200);
    let is_own = |kind: &EventKind| matches!(kind, EventKind::RunFinished { run_id, .. } if *run_id != "r1".into());
    let events = until(&runner, is_own).await;
    valid(&events);
    assert!(events.iter().any(|event| is_end_of_task(&event.kind)));
    let said = "A background task has ended (stopped): Wait for it";
    assert!(
        matches!(&events.last().unwrap().kind, EventKind::RunFinished { result, .. } if *result == Some(json!(said)))
    );
    assert_eq!(tasks(&runner).await[0]["status"], "stopped");
    let later = runner.run("r2", "and now?").await;
    assert!(!later.iter().any(|event| is_end_of_task(&event.kind)), "it is told");
}

#[tokio::test]
async fn bug_07_the_output_of_a_task_is_the_file_that_the_cli_named() {
    let Some((session, _model, runner, task)) = in_background().await else { return };
    let id = task["task_id"].as_str().unwrap();
    let first = tokio::time::timeout(SOON, async {
        loop {
            // The command may not have written yet.
            let (status, body) = output(&runner, id).await;
            if status == 200 && body["output"] != json!([]) {
                return body;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    assert_eq!(first.await.unwrap(), json!({"task_id": id, "output": [{"raw": "first"}]}));
    assert_eq!(output(&runner, "unknown").await.0, 404);
    assert_eq!(output(&runner, "ambient_github_token").await.0, 404);
    assert_eq!(output(&runner, "a.b").await.0, 400);
    std::fs::write(session.path("ws/go"), "").unwrap();
    let events = until(&runner, is_end_of_task).await;
    // The CLI adds a line of its own, at about the time when it tells of the end.
    let lines = output(&runner, id).await.1["output"].clone();
    assert_eq!(lines.as_array().unwrap()[..2], [json!({"raw": "first"}), json!({"raw": "last"})]);

    let file = file_of(&events, id);
    std::fs::File::options().write(true).open(&file).unwrap().set_len(10 * 1024 * 1024 + 1).unwrap();
    assert_eq!(output(&runner, id).await.0, 413);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(output(&runner, id).await.0, 404, "it is gone");
    let secret = session.path("secret");
    std::fs::write(&secret, "not for clients").unwrap();
    std::os::unix::fs::symlink(&secret, &file).unwrap();
    assert_eq!(output(&runner, id).await.0, 404, "a link is not followed");
}

#[tokio::test]
async fn a_task_is_stopped_once() {
    let Some((_session, _model, runner, task)) = in_background().await else { return };
    let stop = format!("/tasks/{}/stop", task["task_id"].as_str().unwrap());
    let bob = client().post(format!("{}{stop}", runner.url)).header("X-Current-User-Id", "bob").send().await.unwrap();
    assert_eq!(bob.status(), 403);
    let answer = runner.post(&stop, &json!({})).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"message": "stop signal sent"}));
    let stopped = tokio::time::timeout(SOON, async {
        while tasks(&runner).await[0]["status"] == "running" {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    stopped.await.unwrap();
    let again = runner.post(&stop, &json!({})).await.json::<Value>().await.unwrap();
    assert_eq!(again, json!({"message": "Task already stopped"}));
    assert_eq!(runner.post("/tasks/unknown/stop", &json!({})).await.status(), 404);
}
