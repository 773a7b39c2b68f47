//! What the agent may do, and what this process does for it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ambient::{
    agui::{Id, Tool},
    bridge::{
        Ending, FailureKind, PermissionMode, SessionSpec, SystemPrompt,
        tools::{Called, ToolServer},
    },
    host::BoxFuture,
};
use serde_json::{Value, json};

use crate::{
    ends::failed,
    rig::{Place, Rig, Took, prompt},
};

/// Writes a file with the shell and one with the tool for it, both at once.
const WRITES: &str = r#"
rules:
  - when: {step: 0}
    reply:
      - {tool: Bash, input: {command: 'sh -c "echo x > by-shell.txt"', description: Write}}
      - {tool: Write, input: {file_path: WORK/by-tool.txt, content: x}}
  - {when: {step: any}, reply: [{text: So be it.}]}
"#;

pub(crate) async fn row_06_permission_modes(place: Place) {
    let script = WRITES.replace("WORK", &place.path("work").display().to_string());
    let rig = Rig::new(place, &script);
    let cases = [
        (PermissionMode::Default, false, false),
        (PermissionMode::AcceptEdits, false, true),
        (PermissionMode::DontAsk, false, false),
        (PermissionMode::BypassPermissions, true, true),
    ];
    for (mode, shell, tool) in cases {
        for file in ["by-shell.txt", "by-tool.txt"] {
            std::fs::remove_file(rig.work().join(file)).ok();
        }
        let session = SessionSpec { permission_mode: mode, allowed_tools: Some(Vec::new()), ..rig.spec() };
        let took = rig.take(session, prompt("write")).await;
        assert_eq!(took.end.ending, Ending::Completed, "{mode:?}");
        let exists = |file: &str| rig.work().join(file).exists();
        assert_eq!(
            (exists("by-shell.txt"), exists("by-tool.txt")),
            (shell, tool),
            "{mode:?}: {:#?}",
            took.all("TOOL_CALL_RESULT")
        );
        let refused = took.all("TOOL_CALL_RESULT").iter().filter(|result| result.get("metadata").is_some()).count();
        assert_eq!(refused, usize::from(!shell) + usize::from(!tool), "{mode:?}");
    }
}

pub(crate) async fn row_06_what_is_refused_says_so_to_the_agent(place: Place) {
    let rig = Rig::new(place, &WRITES.replace("WORK", "/nowhere"));
    let session =
        SessionSpec { permission_mode: PermissionMode::Default, allowed_tools: Some(Vec::new()), ..rig.spec() };
    rig.take(session, prompt("write")).await;
    let heard = serde_json::to_string(&rig.model.conversations().last().unwrap().messages).unwrap();
    assert!(heard.contains("Bash was not permitted") && heard.contains("Write was not permitted"), "{heard}");
}

pub(crate) async fn row_07_hooks(place: Place) {
    let script = "
rules:
  - {when: {step: 0}, reply: [{tool: Bash, input: {command: echo hooked, description: Say}}]}
  - {when: {step: 1}, reply: [{text: Done.}]}
";
    let rig = Rig::with(place, script, |config| {
        config.observed_hooks = ["PreToolUse", "PostToolUse", "Stop"].map(str::to_owned).to_vec();
    });
    let took = rig.say("go").await;
    let hooks = took.custom("ambient:hook");
    let names: Vec<_> = hooks.iter().map(|hook| hook["hook_event_name"].as_str().unwrap()).collect();
    assert_eq!(names, ["PreToolUse", "PostToolUse", "Stop"]);
    assert_eq!(hooks[0]["tool_input"]["command"], "echo hooked");
    assert!(hooks.iter().all(|hook| hook.get("transcript_path").is_none()));
}

/// A server whose slow tool must run twice at once to get on.
#[derive(Default)]
struct Clock {
    running: AtomicUsize,
    together: tokio::sync::Notify,
}

impl ToolServer for Clock {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn tools(&self) -> Vec<Tool> {
        let tool = |name: &str, read_only: bool| Tool {
            name: name.to_owned(),
            description: "A tool of the test.".to_owned(),
            parameters: Some(json!({ "type": "object", "properties": { "zone": { "type": "string" } } })),
            metadata: Some([("readOnly".to_owned(), json!(read_only))].into_iter().collect()),
        };
        vec![tool("meet", true), tool("break", false)]
    }

    fn call<'a>(&'a self, thread: &'a Id, tool: &'a str, arguments: Value) -> BoxFuture<'a, Result<Called, String>> {
        Box::pin(async move {
            if tool == "break" {
                return Err("The clock is broken.".to_owned());
            }
            if self.running.fetch_add(1, Ordering::SeqCst) == 1 {
                self.together.notify_one();
            } else {
                self.together.notified().await;
            }
            Ok(format!("{thread} in {}", arguments["zone"].as_str().unwrap_or("no zone")).into())
        })
    }
}

pub(crate) async fn row_08_tools_of_this_process(place: Place) {
    let script = "
rules:
  - when: {step: 0}
    reply:
      - {tool: mcp__clock__meet, input: {zone: here}}
      - {tool: mcp__clock__meet, input: {zone: there}}
  - {when: {step: 1}, reply: [{tool: mcp__clock__break, input: {}}]}
  - {when: {step: 2}, reply: [{text: Enough.}]}
";
    let rig = Rig::with(place, script, |config| {
        config.tool_servers.push(Arc::new(Clock::default()));
    });
    let took = rig.say("go").await;
    assert_eq!(took.end.result.as_deref(), Some("Enough."));
    let mut results: Vec<_> = took.all("TOOL_CALL_RESULT").iter().map(|result| result["content"].clone()).collect();
    assert_eq!(results.pop().unwrap(), "The clock is broken.");
    results.sort_by_key(Value::to_string);
    assert_eq!(results, ["thread in here", "thread in there"]);
    assert_eq!(took.all("TOOL_CALL_START")[0]["toolCallName"], "mcp__clock__meet");
    assert!(rig.model.conversations()[0].tools.contains(&"mcp__clock__break".to_owned()));
}

fn tool_results(took: &Took) -> String {
    took.all("TOOL_CALL_RESULT").iter().map(|result| result["content"].to_string()).collect()
}

pub(crate) async fn row_11_allowed_and_disallowed_tools(place: Place) {
    let script = "
rules:
  - {when: {step: 0}, reply: [{tool: Bash, input: {command: 'touch allowed.txt', description: Touch}}, {tool: Bash, input: {command: 'rm -f x', description: Remove}}]}
  - {when: {step: 1}, reply: [{text: Done.}]}
";
    let rig = Rig::new(place, script);
    let session = SessionSpec {
        allowed_tools: Some(vec!["Bash(touch:*)".to_owned()]),
        disallowed_tools: vec!["Write".to_owned(), "Bash(rm:*)".to_owned()],
        ..rig.spec()
    };
    let took = rig.take(session, prompt("go")).await;
    assert!(rig.work().join("allowed.txt").exists(), "{}", tool_results(&took));
    let offered = &rig.model.conversations()[0].tools;
    assert!(offered.contains(&"Bash".to_owned()) && !offered.contains(&"Write".to_owned()), "{offered:?}");
    assert_eq!(took.all("TOOL_CALL_RESULT").iter().filter(|result| result.get("metadata").is_some()).count(), 1);
}

pub(crate) async fn row_11_max_turns(place: Place) {
    let script =
        "rules: [{when: {step: any}, reply: [{tool: Bash, input: {command: echo again, description: Again}}]}]";
    let rig = Rig::new(place, script);
    let took = rig.take(SessionSpec { max_turns: Some(2), ..rig.spec() }, prompt("go")).await;
    let (kind, message) = failed(&took.end.ending);
    assert_eq!(*kind, FailureKind::MaxTurns, "{message}");
    assert_eq!(rig.model.conversations().len(), 2);
}

pub(crate) async fn row_11_model_and_system_prompt(place: Place) {
    let rig = Rig::new(place, "rules: [{when: {step: any}, reply: [{text: Yes.}]}]");
    let session = |model: &str, text: &str| SessionSpec {
        model: Some(model.to_owned()),
        system_prompt: SystemPrompt::Append(text.to_owned()),
        ..rig.spec()
    };
    let first = rig.take(session("claude-haiku-4-5", "Mind the FIRST rule."), prompt("one")).await;
    let second = rig.take(session("claude-sonnet-4-5", "Mind the FIRST rule."), prompt("two")).await;
    let third = rig.take(session("claude-sonnet-4-5", "Mind the SECOND rule."), prompt("three")).await;
    let asked: Vec<_> = rig.model.conversations().into_iter().filter(|request| !request.tools.is_empty()).collect();
    let models: Vec<_> = asked.iter().map(|request| request.model.as_str()).collect();
    assert_eq!(models, ["claude-haiku-4-5", "claude-sonnet-4-5", "claude-sonnet-4-5"]);
    assert!(asked[1].system.contains("Mind the FIRST rule."));
    assert!(asked[2].system.contains("Mind the SECOND rule.") && !asked[2].system.contains("Mind the FIRST rule."));
    assert!(asked[2].system.len() > 1000, "the CLI's own prompt is still there");
    assert_eq!(first.end.agent_session_id, second.end.agent_session_id);
    assert_eq!(first.end.agent_session_id, third.end.agent_session_id, "one conversation");

    let replaced = SessionSpec {
        system_prompt: SystemPrompt::Replace("Only THIS.".to_owned()),
        thread_id: "other".into(),
        ..rig.spec()
    };
    rig.take(replaced, prompt("four")).await;
    let system = rig.model.conversations().last().unwrap().system.clone();
    assert!(system.contains("Only THIS."), "{system}");
}

pub(crate) async fn row_12_structured_output(place: Place) {
    let script = "
rules:
  - {when: {step: 0}, reply: [{tool: StructuredOutput, input: {answer: 42}}]}
  - {when: {step: any}, reply: [{text: Done.}]}
";
    let rig = Rig::new(place, script);
    let schema = json!({ "type": "object", "properties": { "answer": { "type": "integer" } }, "required": ["answer"] });
    let took = rig.take(SessionSpec { output_schema: Some(schema), ..rig.spec() }, prompt("the answer?")).await;
    assert_eq!(took.end.structured_output, Some(json!({ "answer": 42 })));
    assert_eq!(took.end.ending, Ending::Completed);
}
