//! What those get who have no business here, and what nonsense gets.

use serde_json::{Value, json};

use crate::{
    client::Client,
    rig::{Rig, customs, end},
};

fn call() -> Value {
    let arguments = json!({ "correction_type": "style", "agent_action": "x", "user_correction": "y" });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "log_correction", "arguments": arguments } })
}

#[tokio::test]
async fn without_the_threads_secret_nothing_is_answered() {
    let mut rig = Rig::new().await;
    let (ticket, going) = rig.begin("t", "r1").await;
    let client = Client::new(&going.endpoint);
    let secret = going.endpoint.bearer.clone();
    let missing = client.bare().body(call().to_string()).send().await.unwrap();
    assert_eq!((missing.status().as_u16(), &missing.headers()["www-authenticate"]), (401, &"Bearer".parse().unwrap()));
    for wrong in ["x", &secret[1..], &secret.to_uppercase(), &format!("{secret}0")] {
        assert_eq!(client.with_secret(wrong).send(&call()).await.status(), 401, "{wrong}");
    }
    let basic = client.bare().basic_auth("x", Some(&secret)).body(call().to_string()).send().await.unwrap();
    assert_eq!(basic.status(), 401);
    let body = basic.text().await.unwrap();
    assert!(!body.contains(&secret), "{body}");
    assert_eq!(customs(&end(ticket, going).await, "ambient:correction"), Vec::<Value>::new());
}

#[tokio::test]
async fn a_page_that_was_led_here_by_another_name_gets_nothing_even_with_the_secret() {
    let mut rig = Rig::new().await;
    let (ticket, going) = rig.begin("t", "r1").await;
    let client = Client::new(&going.endpoint);
    for (header, value) in [
        ("host", "evil.example"),
        ("host", "127.0.0.1.evil.example:80"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
    ] {
        let refused = client.request().header(header, value).body(call().to_string()).send().await.unwrap();
        assert_eq!(refused.status(), 403, "{header}: {value}");
    }
    assert_eq!(customs(&end(ticket, going).await, "ambient:correction"), Vec::<Value>::new());
}

#[tokio::test]
async fn nonsense_is_an_error_of_the_client_and_the_next_request_is_answered() {
    let mut rig = Rig::new().await;
    let (_ticket, going) = rig.begin("t", "r1").await;
    let client = Client::new(&going.endpoint);
    for body in
        ["", "{", "[]", "null", "{}", r#"{"jsonrpc":"1.0"}"#, r#"{"jsonrpc":"2.0","id":{},"method":7}"#, "\u{0}"]
    {
        let answer = client.request().body(body).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{body:?}: {}", answer.status());
    }
    let long = client.request().body(vec![b' '; 2 * 1024 * 1024]).send().await.unwrap();
    assert_eq!(long.status(), 413);
    let text = client.request().header("content-type", "text/plain").body("{}").send().await.unwrap();
    assert!(text.status().is_client_error(), "{}", text.status());
    let url = &going.endpoint.url;
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    for (method, path, expected) in [("GET", "", 405), ("DELETE", "", 405), ("PUT", "", 405), ("POST", "/else", 404)] {
        let request =
            plain.request(method.parse().unwrap(), format!("{url}{path}")).bearer_auth(&going.endpoint.bearer);
        assert_eq!(request.send().await.unwrap().status(), expected, "{method} {path}");
    }
    let unknown = client.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/destroy" })).await;
    assert!(unknown.json::<Value>().await.unwrap()["error"]["code"].is_number());
    assert_eq!(client.tools().await.len(), 3);
}

/// Requests that are nearly right: each has one place of a good one changed.
fn nearly_right() -> Vec<Value> {
    let odd = [
        json!(null),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("\u{0}"),
        json!([]),
        json!({}),
        json!([[[]]]),
        json!(true),
    ];
    let places: [&[&str]; 8] = [
        &["jsonrpc"],
        &["id"],
        &["method"],
        &["params"],
        &["params", "name"],
        &["params", "arguments"],
        &["params", "arguments", "correction_type"],
        &["params", "_meta"],
    ];
    let changed = |place: &[&str], value: &Value| {
        let mut message = call();
        let mut at = &mut message;
        for step in place {
            at = &mut at[*step];
        }
        *at = value.clone();
        message
    };
    places.iter().flat_map(|place| odd.iter().map(move |value| changed(place, value))).collect()
}

#[tokio::test]
async fn what_is_nearly_right_is_no_fault_of_the_server() {
    let mut rig = Rig::new().await;
    let (ticket, going) = rig.begin("t", "r1").await;
    let client = Client::new(&going.endpoint);
    for message in nearly_right() {
        let answer = client.send(&message).await;
        assert!(!answer.status().is_server_error(), "{message}: {}", answer.status());
    }
    assert_eq!(client.send(&call()).await.status(), 200);
    let told = customs(&end(ticket, going).await, "ambient:correction");
    assert!(told.iter().all(|value| value["payload"]["correctionType"] == "style"), "{told:?}");
}

#[tokio::test]
async fn a_runner_that_has_ended_its_agents_serves_them_no_tools() {
    let mut rig = Rig::new().await;
    let (ticket, going) = rig.begin("t", "r1").await;
    let client = Client::new(&going.endpoint);
    end(ticket, going).await;
    rig.engine.shutdown().await;
    assert_eq!(client.send(&call()).await.status(), 401);
}
