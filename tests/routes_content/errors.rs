//! Each refusal says what is wrong, with the status of its kind.

use serde_json::{Value, json};

use crate::rig::{Rig, detail};

#[tokio::test]
async fn what_is_not_there_is_404() {
    let rig = Rig::new();
    for uri in ["/content/list?path=none", "/content/file?path=none", "/content/file?path=none/at/all"] {
        let (status, answer) = rig.get(uri).await;
        assert_eq!(status, 404, "{uri}");
        assert!(detail(&answer).contains("not found"), "{answer}");
    }
    let (status, answer) = rig.delete("none").await;
    assert_eq!((status, detail(&answer)), (404, "file not found"));
}

#[tokio::test]
async fn bug_17_a_directory_is_no_file_and_the_answer_says_so() {
    let rig = Rig::new();
    rig.put("a/b/file", "x");
    for path in ["a", "a/b/", "/a/b", "/", "."] {
        for (status, answer) in [
            rig.get(&format!("/content/file?path={path}")).await,
            rig.delete(path).await,
            rig.write(&json!({ "path": path, "content": "x" })).await,
        ] {
            assert_eq!(status, 400, "{path}: {answer}");
            assert!(detail(&answer).starts_with("invalid path: "), "{answer}");
        }
    }
    assert_eq!(rig.text("a/b/file"), "x");
}

#[tokio::test]
async fn bug_17_bad_json_is_422_and_names_the_place() {
    let rig = Rig::new();
    for body in ["{", "nope", "[]", "{\"path\":}", "{\"path\":\"a\",\"content\":\"x\"", "{\"path\":\"a\nb\"}", "{}{}"] {
        for (method, uri) in
            [("POST", "/content/write"), ("DELETE", "/content/delete"), ("POST", "/content/git-configure-remote")]
        {
            let (status, answer) = rig.send(method, uri, body).await;
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            assert_eq!(status.as_u16(), 422, "{uri} {body}: {answer}");
            let first = &answer["detail"][0];
            assert!(first["type"].is_string() && first["loc"][0] == "body" && first["msg"].is_string(), "{answer}");
        }
    }
}

#[tokio::test]
async fn bug_17_members_of_a_wrong_type_are_422() {
    let rig = Rig::new();
    for body in [
        json!({ "path": 1, "content": "x" }),
        json!({ "path": null, "content": "x" }),
        json!({ "path": "f", "content": {} }),
        json!({ "path": "f", "content": "x", "encoding": ["base64"] }),
        json!({ "path": "f" }),
    ] {
        let (status, answer) = rig.write(&body).await;
        assert_eq!((status, answer["detail"].is_array()), (422, true), "{body}: {answer}");
    }
    assert_eq!(rig.all_names(), Vec::<String>::new());
}

#[tokio::test]
async fn bug_18_base64_by_any_other_letter_is_refused_and_changes_nothing() {
    let rig = Rig::new();
    rig.put("kept", "old");
    for content in ["!!AAAA!!", "AAA", "AA\nAA", "AB==", "_-__"] {
        let (status, answer) = rig.write(&json!({ "path": "kept", "content": content, "encoding": "base64" })).await;
        assert_eq!(status, 400, "{content}");
        assert_eq!(detail(&answer), "invalid base64 content");
    }
    let (status, answer) = rig.write(&json!({ "path": "kept", "content": "AAAA", "encoding": "base32" })).await;
    assert!(status == 400 && detail(&answer).contains("base32"), "{answer}");
    assert_eq!((rig.text("kept"), rig.all_names()), ("old".to_owned(), vec!["kept".to_owned()]));
}

#[tokio::test]
async fn what_is_needed_and_missing_is_named() {
    let rig = Rig::new();
    let nothing = json!({});
    for (method, uri, body, name) in [
        ("POST", "/content/write", json!({ "content": "x" }), "path"),
        ("POST", "/content/write", json!({ "path": "", "content": "x" }), "path"),
        ("DELETE", "/content/delete", nothing.clone(), "path"),
        ("GET", "/content/file", nothing.clone(), "path"),
        ("GET", "/content/workflow-metadata", nothing.clone(), "session"),
        ("POST", "/content/git-configure-remote", json!({ "path": "a" }), "remoteUrl"),
    ] {
        let (status, answer) = rig.json(method, uri, &body).await;
        assert_eq!(status, 400, "{uri}");
        assert!(detail(&answer).contains(name), "{answer}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_and_leaves_nothing() {
    let limits = ambient::runner::content::Limits { body: 300_000, ..Default::default() };
    let rig = Rig::with(limits);
    let (status, answer) = rig.write(&json!({ "path": "big", "content": "x".repeat(300_000) })).await;
    assert_eq!(status, 413);
    assert!(detail(&answer).contains("300000 bytes"), "{answer}");
    assert_eq!(rig.all_names(), Vec::<String>::new());
    assert_eq!(rig.write(&json!({ "path": "big", "content": "x".repeat(299_000) })).await.0, 200);
}
