//! The reader of a write's body agrees with `serde_json`, wherever the body is cut.

use ambient::runner::content::json::{Decoded, Fault, Members, Reader};
use proptest::prelude::*;
use serde_json::Value;

/// What the body says, when it comes in pieces that end at these places.
fn read(body: &[u8], cuts: &[prop::sample::Index]) -> Result<(Members, Vec<u8>), Fault> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    ends.push(body.len());
    ends.sort_unstable();
    let (mut reader, mut decoded, mut content, mut from) = (Reader::default(), Decoded::default(), Vec::new(), 0);
    for end in ends {
        reader.feed(&body[from..end], &mut decoded)?;
        assert!(decoded.bytes.len() <= body.len(), "nothing is held that did not come");
        if std::mem::take(&mut decoded.restarted) {
            content.clear();
        }
        content.append(&mut decoded.bytes);
        from = end;
    }
    Ok((reader.finish()?, content))
}

/// What `serde_json` makes of it; nothing when it is no body of a write.
fn expected(body: &[u8]) -> Option<(Members, Vec<u8>)> {
    if body.trim_ascii().is_empty() && body.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
        return Some((Members::default(), Vec::new()));
    }
    let Ok(Pairs(pairs)) = serde_json::from_slice(body) else { return None };
    let (mut members, mut content) = (Members::default(), String::new());
    for (name, value) in pairs {
        match (name.as_str(), value) {
            ("path", Value::String(text)) => members.path = Some(text),
            ("encoding", Value::String(text)) => members.encoding = Some(text),
            ("encoding", Value::Null) => members.encoding = None,
            ("content", Value::String(text)) => (members.has_content, content) = (true, text),
            ("path" | "encoding" | "content", _) => return None,
            _ => {}
        }
    }
    Some((members, content.into_bytes()))
}

/// The members of an object in their order, also those that come twice.
struct Pairs(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Collect)
    }
}

struct Collect;

impl<'de> serde::de::Visitor<'de> for Collect {
    type Value = Pairs;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "\\PC{0,8}",
        "[a-z\"\\\\\n\t]{0,20}".prop_map(|text: String| text.replace(['\n', '\t'], "n").replace('"', "\\\"")),
        "(\\\\u[0-9a-fA-F]{4}){0,3}",
        Just("\\ud83d\\ude00".to_owned()),
        "\\\\[\"/bfnrtux]",
        "[\u{0}-\u{1f}]",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn valid_string() -> impl Strategy<Value = String> {
    prop_oneof![
        "(\\PC|[\"\\\\\n\u{7}é😀]){0,20}".prop_map(|text| Value::from(text).to_string()),
        "(\\\\u00[0-9a-f]{2}|\\\\n|é|a|\\\\ud83d\\\\ude00){0,8}".prop_map(|text| format!("\"{text}\"")),
    ]
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => valid_string(),
        1 => "-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,3})?([eE][+-]?[0-9])?",
        1 => prop::sample::select(vec!["true", "false", "null"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::vec((valid_string(), inner), 0..3).prop_map(|members| object(&members)),
        ]
    })
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{{{}}}", members.join(","))
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let key = prop::sample::select(vec!["\"path\"", "\"content\"", "\"encoding\"", "\"p\\u0061th\"", "\"other\""]);
    let member = (key.prop_map(str::to_owned), prop_oneof![6 => valid_string(), 1 => value(), 1 => string()]);
    prop::collection::vec(member, 0..5).prop_map(|members| object(&members).into_bytes())
}

fn damaged() -> impl Strategy<Value = Vec<u8>> {
    (body(), any::<prop::sample::Index>(), any::<u8>(), 0..4_u8).prop_map(|(mut body, at, byte, how)| {
        let at = at.index(body.len());
        match how {
            0 => body[at] = byte,
            1 => body.insert(at, byte),
            2 => drop(body.remove(at)),
            _ => body.truncate(at),
        }
        body
    })
}

fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_body_says_the_same_wherever_it_is_cut(body in prop_oneof![body(), damaged()], cuts in cuts()) {
        let shown = String::from_utf8_lossy(&body).into_owned();
        // Values that nobody reads may be any number.
        let any_number = serde_json::from_slice::<Value>(&body).is_err_and(|error| error.to_string().contains("out of range"));
        if !any_number {
            prop_assert_eq!(read(&body, &cuts).ok(), expected(&body), "{}", shown);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..200), cuts in cuts()) {
        let _ = read(&body, &cuts);
    }
}

#[test]
fn values_in_each_other_have_a_limit() {
    let deep = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(read(deep(100).as_bytes(), &[]).is_ok());
    assert!(read(deep(100_000).as_bytes(), &[]).is_err());
}
