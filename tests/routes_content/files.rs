//! Listing, reading, writing and deleting, when all is well.

use serde_json::json;

use crate::rig::{Rig, names};

#[tokio::test]
async fn a_directory_is_listed_by_name() {
    let rig = Rig::new();
    rig.put("b.txt", "four");
    rig.put("a/inner", "x");
    rig.put("link", "-> b.txt");
    rig.put(".ambient-0123456789abcdef0123456789abcdef", "a write under way");
    let (status, answer) = rig.get("/content/list").await;
    assert_eq!(status, 200);
    let names: Vec<&str> = answer["items"].as_array().unwrap().iter().map(|i| i["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a", "b.txt", "link"]);
    let shown = |i: usize| ["path", "isDir", "size"].map(|member| answer["items"][i][member].clone());
    assert_eq!(shown(1), [json!("/b.txt"), json!(false), json!(4)]);
    assert_eq!(shown(2), [json!("/link"), json!(false), json!(4)]);
    assert_eq!(answer["items"][0]["isDir"], json!(true));
    let modified = answer["items"][0]["modifiedAt"].as_str().unwrap();
    assert!(
        modified.parse::<jiff::Timestamp>().is_ok() && modified.len() == "2026-01-31T12:00:00Z".len(),
        "{modified}"
    );
    assert_eq!(answer.get("truncated"), None);
}

#[tokio::test]
async fn a_path_that_a_listing_told_can_be_listed_and_read() {
    let rig = Rig::new();
    rig.put("a/b/c d.txt", "text");
    let (_, listing) = rig.get("/content/list?path=/a/b").await;
    assert_eq!(listing["items"][0]["path"], json!("/a/b/c d.txt"));
    let (status, body) = rig.send("GET", "/content/file?path=/a/b/c%20d.txt", "").await;
    assert_eq!((status.as_u16(), &body[..]), (200, &b"text"[..]));
    let (_, one) = rig.get("/content/list?path=a/b/c+d.txt").await;
    assert_eq!(one["items"][0]["path"], json!("/a/b/c d.txt"));
    assert_eq!(one["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_large_directory_is_listed_up_to_the_limit() {
    let limits = ambient::runner::content::Limits { entries: 300, ..Default::default() };
    let rig = Rig::with(limits);
    for i in 0..310 {
        rig.put(&format!("many/{i}"), "");
    }
    let (_, answer) = rig.get("/content/list?path=many").await;
    assert_eq!((answer["items"].as_array().unwrap().len(), &answer["truncated"]), (300, &json!(true)));
    for i in 0..10 {
        std::fs::remove_file(rig.root().join(format!("many/{i}"))).unwrap();
    }
    let (_, answer) = rig.get("/content/list?path=many").await;
    assert_eq!((answer["items"].as_array().unwrap().len(), answer.get("truncated")), (300, None));
}

#[tokio::test]
async fn a_file_is_written_with_its_directories_and_read_back() {
    let rig = Rig::new();
    let text = "line\n\"quoted\" \\ \u{1} é 😀 \u{2028}";
    let written = rig.write(&json!({ "path": "new/dir/file.txt", "content": text })).await;
    assert_eq!(written, (200, json!({ "message": "ok" })));
    let (status, body) = rig.send("GET", "/content/file?path=new/dir/file.txt", "").await;
    assert_eq!((status.as_u16(), std::str::from_utf8(&body).unwrap()), (200, text));
    assert_eq!(rig.write(&json!({ "content": "", "path": "/new/dir/file.txt" })).await.0, 200);
    assert_eq!(rig.text("new/dir/file.txt"), "");
    assert_eq!(rig.all_names(), ["new", "dir", "file.txt"]);
}

#[tokio::test]
async fn base64_is_decoded_wherever_the_encoding_stands() {
    let rig = Rig::new();
    let bodies = [
        r#"{"encoding":"base64","content":"AP+A","path":"f"}"#,
        r#"{"content":"AP+A","path":"f","encoding":"base64"}"#,
        r#"{"path":"f","content":"\u0041P+A","encoding":"base64","more":[1,{"path":null}]}"#,
        r#"{"content":"not this one","content":"AP+A","path":"g","path":"f","encoding":"base64"}"#,
    ];
    for body in bodies {
        assert_eq!(rig.send("POST", "/content/write", body).await.0, 200, "{body}");
        assert_eq!(std::fs::read(rig.root().join("f")).unwrap(), [0, 255, 128], "{body}");
        std::fs::remove_file(rig.root().join("f")).unwrap();
    }
    assert_eq!(rig.all_names(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_is_written_again_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let rig = Rig::new();
    let path = rig.put("run.sh", "old");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).unwrap();
    assert_eq!(rig.write(&json!({ "path": "run.sh", "content": "new" })).await.0, 200);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o750);
    assert_eq!(rig.text("run.sh"), "new");
}

#[tokio::test]
async fn a_file_is_deleted() {
    let rig = Rig::new();
    rig.put("a/file", "x");
    assert_eq!(rig.delete("/a/file").await, (200, json!({ "message": "file deleted successfully" })));
    assert_eq!(rig.all_names(), ["a"]);
}

#[tokio::test]
async fn a_link_is_deleted_and_what_it_leads_to_is_not() {
    let rig = Rig::new();
    rig.put("kept", "x");
    rig.put("inside", "-> kept");
    rig.put("out", &format!("-> {}", rig.outside().join("secret").display()));
    for link in ["inside", "out"] {
        assert_eq!(rig.delete(link).await.0, 200, "{link}");
    }
    assert_eq!((rig.all_names(), names(&rig.outside())), (vec!["kept".to_owned()], vec!["secret".to_owned()]));
}
