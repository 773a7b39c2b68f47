//! Bodies that are too long to be held, and clients that go away in the middle of them.

use std::{convert::Infallible, time::Duration};

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::rig::{Rig, SOON, detail};

/// A text with everything that JSON escapes, of about so many bytes.
fn text(length: usize) -> String {
    "a line of text, \"quoted\"\n\tund ein Umlaut: ü 😀 \\ \u{7}".repeat(length / 50)
}

fn in_pieces(body: &str, size: usize) -> Body {
    let pieces: Vec<Bytes> = body.as_bytes().chunks(size).map(Bytes::copy_from_slice).collect();
    Body::from_stream(stream::iter(pieces).map(Ok::<_, Infallible>))
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

#[tokio::test]
async fn a_long_text_is_written_and_read_back_in_pieces_of_any_size() {
    let rig = Rig::new();
    let text = text(1_000_000);
    let bodies = [
        json!({ "path": "dir/f", "content": text }).to_string(),
        format!(r#"{{"content":{},"path":"dir/f"}}"#, json!(text)),
        format!(r#"{{"content":{},"content":{},"path":"dir/f"}}"#, json!("x".repeat(500_000)), json!(text)),
    ];
    for (body, size) in bodies.iter().zip([1009, 65_536, 10_000_000]) {
        assert_eq!(rig.send("POST", "/content/write", in_pieces(body, size)).await.0, 200);
        let (_, read) = rig.send("GET", "/content/file?path=dir/f", "").await;
        assert!(read == text.as_bytes(), "what is read is what was written");
        std::fs::remove_file(rig.root().join("dir/f")).unwrap();
    }
    assert_eq!(rig.all_names(), ["dir"]);
}

#[tokio::test]
async fn long_base64_is_decoded_wherever_the_encoding_stands() {
    let rig = Rig::new();
    let bytes: Vec<u8> = (0..1_000_001_u32).map(|i| u8::try_from(i * 7 % 256).unwrap()).collect();
    let content = base64(&bytes);
    for body in [
        format!(r#"{{"path":"f","content":"{content}","encoding":"base64"}}"#),
        format!(r#"{{"encoding":"base64","content":"{content}","path":"f"}}"#),
    ] {
        assert_eq!(rig.send("POST", "/content/write", in_pieces(&body, 40_000)).await.0, 200);
        assert!(std::fs::read(rig.root().join("f")).unwrap() == bytes);
    }
    let broken = format!(r#"{{"path":"f","content":"{content}*","encoding":"base64"}}"#);
    assert_eq!(rig.send("POST", "/content/write", in_pieces(&broken, 40_000)).await.0, 400);
    assert_eq!(rig.all_names(), ["f"]);
    assert!(std::fs::read(rig.root().join("f")).unwrap() == bytes, "a refused write changes nothing");
}

#[tokio::test]
async fn a_connection_that_breaks_leaves_the_old_file_and_nothing_else() {
    let rig = Rig::new();
    rig.put("f", "old");
    let start = format!(r#"{{"path":"f","content":"{}"#, "x".repeat(500_000));
    let pieces = [Ok(Bytes::from(start)), Err(std::io::Error::other("reset"))];
    let (status, answer) = rig.send("POST", "/content/write", Body::from_stream(stream::iter(pieces))).await;
    assert_eq!(status.as_u16(), 400);
    assert!(detail(&serde_json::from_slice(&answer).unwrap()).contains("did not arrive whole"));
    assert_eq!((rig.text("f"), rig.all_names()), ("old".to_owned(), vec!["f".to_owned()]));
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing() {
    let rig = Rig::new();
    for path_first in [true, false] {
        let path = if path_first { r#""path":"f","# } else { "" };
        let start = format!(r#"{{{path}"content":"{}"#, "x".repeat(500_000));
        let pieces = stream::iter([Ok::<_, Infallible>(Bytes::from(start))]).chain(stream::pending());
        let write = rig.send("POST", "/content/write", Body::from_stream(pieces));
        let draft = async {
            while rig.all_names().is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            answer = write => panic!("the body goes on: {answer:?}"),
            began = tokio::time::timeout(SOON, draft) => began.expect("the content is written as it comes"),
        }
        // A piece that is being written when the client goes is written first.
        let gone = async {
            while !rig.all_names().is_empty() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(SOON, gone).await.expect("nothing is left");
    }
}

#[tokio::test]
async fn a_client_that_sends_nothing_more_is_told_so() {
    let limits = ambient::runner::content::Limits { patience: Duration::from_millis(50), ..Default::default() };
    let rig = Rig::with(limits);
    let pieces = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"{\"path\":"))]).chain(
        // Longer than the patience, and then its end, so that the rest of the body is not waited for.
        stream::once(async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            Ok(Bytes::from_static(b"\"f\"}"))
        }),
    );
    let (status, answer) = rig.send("POST", "/content/write", Body::from_stream(pieces)).await;
    assert_eq!(status.as_u16(), 400, "{answer:?}");
    assert_eq!(rig.all_names(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_that_shrinks_while_it_is_read_does_not_pass_for_whole() {
    use ambient::runner::content::Download;
    let rig = Rig::new();
    let path = rig.put("f", &"x".repeat(400_000));
    let file = std::fs::File::open(&path).unwrap();
    let mut pieces = std::pin::pin!(Download::pieces(file, 400_000));
    assert!(pieces.next().await.unwrap().is_ok());
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(150_000).unwrap();
    let rest: Vec<_> = pieces.collect().await;
    assert!(rest.last().unwrap().is_err(), "the client sees a broken answer");
}
