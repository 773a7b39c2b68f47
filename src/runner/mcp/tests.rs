//! Configuration: what is merged, expanded, checked, and what is told of the rest.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn variable(name: &str) -> Option<String> {
    let value = match name {
        "JIRA_URL" => "https://jira.example",
        "JIRA_API_TOKEN" | "GITHUB_TOKEN" => "a-token-of-the-session",
        "JIRA_EMAIL" => "",
        "AGUI_TOKEN" | "ANTHROPIC_API_KEY" | "BOT_TOKEN" => "the-platforms-own",
        _ => return None,
    };
    Some(value.to_owned())
}

fn custom(value: &Value) -> Configured {
    configure(vec![Layer::read("CUSTOM_MCP_SERVERS", Shape::Custom, &json!({ "custom": value }).to_string())], variable)
}

fn names(configured: &Configured) -> Vec<&str> {
    configured.servers.0.keys().map(String::as_str).collect()
}

#[test]
fn later_layers_win_and_what_one_disables_is_gone_from_all_before_it() {
    let file =
        json!({ "mcpServers": { "a": { "command": "file" }, "b": { "command": "file" }, "c": { "command": "file" } } });
    let project =
        json!({ "custom": { "b": { "command": "project" }, "d": { "command": "project" } }, "disabled": ["a"] });
    let own = json!({ "custom": { "a": { "command": "own" } }, "disabled": ["d", "unknown"] });
    let configured = configure(
        vec![
            Layer::read("file", Shape::File, &file.to_string()),
            Layer::read("project", Shape::Custom, &project.to_string()),
            Layer::read("own", Shape::Custom, &own.to_string()),
        ],
        variable,
    );
    assert_eq!(configured.faults, []);
    let commands: Vec<_> =
        configured.servers.0.iter().map(|(name, server)| format!("{name} {}", server["command"])).collect();
    assert_eq!(commands, [r#"a "own""#, r#"b "project""#, r#"c "file""#]);
}

#[test]
fn a_broken_server_is_left_out_and_told_of_with_its_source_and_stops_no_other() {
    let configured = custom(&json!({
        "good": { "command": "tool", "args": ["-v"], "env": { "A": "1" }, "timeout": 5 },
        "nothing": {}, "both": { "command": "x", "url": "http://h/" }, "list": [], "kind": { "type": "sdk", "name": "x" },
        "args": { "command": "x", "args": "-v" }, "number": { "command": "x", "env": { "A": 1 } },
        "scheme": { "url": "file:///etc/passwd" }, "password": { "url": "https://me:it@host/" },
        "smuggled": { "url": "http://host/", "headers": { "A": "b\r\nC: d" } },
        "a b": { "command": "x" }, "a__b": { "command": "x" }, "session": { "command": "x" }, "": { "command": "x" },
    }));
    assert_eq!(names(&configured), ["good"]);
    assert_eq!(configured.servers.0["good"]["timeout"], 5, "what only the agent knows is handed on");
    assert_eq!(configured.faults.len(), 13);
    let told: Vec<String> = configured.faults.iter().map(Fault::to_string).collect();
    for expected in [
        "CUSTOM_MCP_SERVERS: MCP server 'args': args: expected a list of at most 256 strings",
        "CUSTOM_MCP_SERVERS: MCP server 'nothing': it has neither a command nor a url",
        "CUSTOM_MCP_SERVERS: MCP server 'session': this name belongs to the platform's own tools; rename it",
    ] {
        assert!(told.iter().any(|one| one == expected), "{expected} is missing in {told:#?}");
    }
    assert!(!told.iter().any(|one| one.contains("me:it")), "values are not shown");
}

#[test]
fn a_source_that_cannot_be_read_is_named_and_stops_no_other() {
    let layer = |source: &str, text: &str| Layer::read(source, Shape::Custom, text);
    let configured = configure(
        vec![
            layer("one", "{\"custom\": {\"secret-text\""),
            layer("two", "[]"),
            layer("three", r#"{"custom": [], "disabled": 3}"#),
            layer("four", "  "),
            layer("five", r#"{"custom": {"good": {"command": "x"}}}"#),
        ],
        variable,
    );
    assert_eq!(names(&configured), ["good"]);
    let told: Vec<String> = configured.faults.iter().map(Fault::to_string).collect();
    assert_eq!(
        told,
        [
            "one: it is not JSON (line 1, column 25)",
            r#"two: expected {"custom": {…}, "disabled": […]}"#,
            "three: custom: expected an object of servers by name",
            "three: disabled: expected a list of names",
        ]
    );
}

#[test]
fn variables_are_expanded_in_every_value_and_only_those_of_the_allow_list() {
    let configured = custom(&json!({ "jira": {
        "command": "x", "args": ["--url=${JIRA_URL}/x", "$HOME", "${JIRA_EMAIL:-nobody}"],
        "env": { "TOKEN": "${JIRA_API_TOKEN}", "${JIRA_URL}": "name" },
    } }));
    let server = &configured.servers.0["jira"];
    assert_eq!(server["args"], json!(["--url=https://jira.example/x", "$HOME", "nobody"]));
    assert_eq!(server["env"], json!({ "TOKEN": "a-token-of-the-session", "${JIRA_URL}": "name" }));
    for refused in
        ["${AGUI_TOKEN}", "${ANTHROPIC_API_KEY:-x}", "${BOT_TOKEN}", "${GITLAB_TOKEN}", "${JIRA_URL", "${}", "${A B}"]
    {
        let configured = custom(&json!({ "one": { "command": "x", "env": { "A": refused } } }));
        assert_eq!((names(&configured).len(), configured.faults.len()), (0, 1), "{refused}");
        assert!(!configured.faults[0].to_string().contains("the-platforms-own"));
    }
}

#[test]
fn what_a_variable_holds_is_not_expanded_again() {
    let hostile = |name: &str| (name == "JIRA_URL").then(|| "${JIRA_URL}".to_owned());
    assert_eq!(expand::text("${JIRA_URL}", &hostile).unwrap(), "${JIRA_URL}");
}

#[test]
fn an_address_has_the_transport_that_it_names() {
    let configured = custom(&json!({
        "a": { "url": "https://host/mcp" }, "b": { "url": "http://host/sse" },
        "c": { "type": "streamable-http", "url": "http://host/" }, "d": { "type": "sse", "url": "http://host/" },
    }));
    let kinds: Vec<_> = configured.servers.0.values().map(|server| server["type"].clone()).collect();
    assert_eq!(kinds, ["http", "sse", "http", "sse"]);
}

#[test]
fn values_under_a_credentials_name_are_secrets_and_debug_shows_none_of_them() {
    let configured = custom(&json!({
        "a": { "command": "x", "env": { "API_TOKEN": "value-one-of-the-test", "MODE": "an-ordinary-setting" } },
        "b": { "url": "http://h/", "headers": { "Authorization": "Bearer value-two-of-the-test" } },
    }));
    let found: Vec<_> = configured.secrets.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!(found, ["a:API_TOKEN", "b:Authorization"]);
    assert!(!format!("{configured:?}").contains("of-the-test"));
    let redactor = crate::security::Redactor::new(configured.secrets);
    assert!(!redactor.redact_str("it is value-two-of-the-test").contains("value-two"));
}

#[test]
fn credentials_bring_their_servers_from_the_image_or_from_beside_it() {
    let here = configure(vec![builtin::layer("", &variable)], variable);
    assert_eq!(names(&here), ["mcp-atlassian"], "there is no Google account");
    assert_eq!(here.servers.0["mcp-atlassian"]["command"], "mcp-atlassian");
    let env = &here.servers.0["mcp-atlassian"]["env"];
    assert_eq!((&env["READ_ONLY_MODE"], &env["JIRA_USERNAME"]), (&json!("true"), &json!("")));
    let urls =
        r#"{"jira": "http://127.0.0.1:8080/", "google": "http://127.0.0.1:8081/mcp", "other": "http://127.0.0.1:9"}"#;
    let beside = configure(vec![builtin::layer(urls, &variable)], variable);
    assert_eq!(names(&beside), ["google-workspace", "mcp-atlassian", "other"]);
    assert_eq!(
        beside.servers.0["mcp-atlassian"],
        json!({ "type": "sse", "url": "http://127.0.0.1:8080/sse" }),
        "as the original does"
    );
    assert_eq!(beside.servers.0["google-workspace"]["type"], "http");
    assert_eq!(configure(vec![builtin::layer("[1]", &variable)], variable).faults.len(), 1);
}

#[test]
fn with_a_backend_the_servers_are_everybodys_and_their_configuration_holds_no_credential() {
    let with_backend = |name: &str| match name {
        "BACKEND_API_URL" => Some("http://backend.ns.svc".to_owned()),
        "USER_GOOGLE_EMAIL" => Some("session@example.org".to_owned()),
        other => variable(other),
    };
    let configured = configure(vec![builtin::layer("", &with_backend)], with_backend);
    assert_eq!((names(&configured), configured.faults.len()), (vec!["google-workspace", "mcp-atlassian"], 0));
    let text = format!("{:?}", configured.servers.0);
    for value in ["a-token-of-the-session", "https://jira.example", "session@example.org", "GOOGLE_MCP_CREDENTIALS_DIR"]
    {
        assert!(!text.contains(value), "{text}");
    }
    assert_eq!(configured.servers.0["mcp-atlassian"]["env"]["READ_ONLY_MODE"], "true");
}

#[test]
fn a_session_has_a_bounded_number_of_servers() {
    let many: serde_json::Map<_, _> = (0..70).map(|n| (format!("s{n:02}"), json!({ "command": "x" }))).collect();
    let configured = custom(&Value::Object(many));
    assert_eq!((configured.servers.0.len(), configured.faults.len()), (MAX_SERVERS, 6));
}

#[test]
fn a_status_without_an_agent_lists_what_is_configured_and_what_is_broken() {
    let configured = custom(&json!({ "good": { "command": "x" }, "bad": {} }));
    let report = status::report(None, &configured.servers, &configured.faults);
    assert_eq!(report["totalCount"], 2);
    assert_eq!(
        report["servers"][1],
        json!({ "name": "good", "displayName": "good", "status": "pending", "version": "", "tools": [] })
    );
    assert_eq!(report["servers"][0]["status"], "failed");
    assert!(report["servers"][0]["error"].as_str().unwrap().contains("CUSTOM_MCP_SERVERS"));
    assert_eq!(report["message"], status::NO_AGENT);
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z$:{}-]{0,12}".prop_map(Value::from),
        Just(json!("${JIRA_URL}")),
        Just(json!("${AGUI_TOKEN:-x}")),
        Just(json!("https://host/mcp")),
    ];
    let member = prop_oneof![
        Just("command".to_owned()),
        Just("args".to_owned()),
        Just("env".to_owned()),
        Just("url".to_owned()),
        Just("type".to_owned()),
        Just("headers".to_owned()),
        Just("custom".to_owned()),
        Just("disabled".to_owned()),
        Just("mcpServers".to_owned()),
        "[a-z_ -]{0,6}",
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(member.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_configuration_gives_checked_servers_or_reasons_and_never_a_platforms_secret(
        servers in prop::collection::btree_map("[a-z_-]{0,5}", anything(), 0..5), whole in anything(),
    ) {
        let given = servers.len();
        let servers: serde_json::Map<_, _> = servers.into_iter().collect();
        let configured = custom(&Value::Object(servers));
        prop_assert_eq!(configured.servers.0.len() + configured.faults.len(), given);
        let text = format!("{:?} {:?}", configured.servers.0, configured.faults);
        prop_assert!(!text.contains("the-platforms-own"));
        for server in configured.servers.0.values() {
            prop_assert!(server["command"].is_string() ^ server["url"].is_string());
        }
        for shape in [Shape::File, Shape::Custom] {
            let read = configure(vec![Layer::read("any", shape, &whole.to_string())], variable);
            let text = format!("{:?}", read.servers.0);
            prop_assert!(!text.contains("the-platforms-own"));
        }
    }

    #[test]
    fn any_text_is_expanded_or_refused_without_a_value(text in "[ -~${}:A-Z_-]{0,40}") {
        match expand::text(&text, &variable) {
            Ok(expanded) => {
                let names_any = text.contains("${");
                prop_assert!(names_any || expanded == text);
            }
            Err(reason) => prop_assert!(!reason.contains("a-token-of-the-session")),
        }
    }
}
