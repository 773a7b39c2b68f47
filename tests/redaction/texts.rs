//! Every form of a secret is found in a whole text.

use serde_json::{Value, json};

use crate::samples;

#[test]
fn every_well_known_shape_is_replaced_by_its_name() {
    let redactor = samples::redactor();
    for (label, text, secret) in samples::shapes() {
        let marker = format!("[redacted:{label}]");
        for (before, after) in
            [("", ""), ("see ", " there"), ("\"", "\","), ("=", "\n"), ("\\n", "\\n"), ("%3D", "%0A")]
        {
            let around = format!("{before}{text}{after}");
            let expected = format!("{before}{}{after}", text.replace(&secret, &marker));
            assert_eq!(redactor.redact_str(&around), expected, "{label}");
        }
    }
}

#[test]
fn a_known_value_is_replaced_in_every_form() {
    let redactor = samples::redactor();
    for (name, value) in samples::known().into_iter().filter(|(name, _)| *name != "LONGER_TOKEN") {
        let value = value.trim();
        let once = Value::from(value).to_string();
        let twice = Value::from(once.as_str()).to_string();
        for text in [value.to_owned(), format!("x{value}y"), once, twice] {
            let redacted = redactor.redact_str(&text);
            assert!(redacted.contains(&format!("[redacted:{name}]")), "{name}: {redacted}");
            assert!(redacted.len() <= name.len() + 16 + 8, "{name}: {redacted}");
        }
    }
}

#[test]
fn of_two_values_with_the_same_start_nothing_is_left() {
    let redactor = samples::redactor();
    let known = samples::known();
    let longer = &known[4].1;
    assert_eq!(redactor.redact_str(longer), "[redacted:SHORT_TOKEN]");
    assert_eq!(redactor.redact_str(&format!("{}.", known[3].1)), "[redacted:SHORT_TOKEN].");
}

#[test]
fn a_known_value_keeps_its_name_where_a_shape_would_match_too() {
    let key = &samples::known()[0].1;
    let text = format!("curl -H 'x-api-key: {key}' https://u:{key}@host -H 'Authorization: Bearer {key}'");
    let marker = "[redacted:ANTHROPIC_API_KEY]";
    let expected = format!("curl -H 'x-api-key: {marker}' https://u:{marker}@host -H 'Authorization: Bearer {marker}'");
    assert_eq!(samples::redactor().redact_str(&text), expected);
}

#[test]
fn base64_of_a_known_value_is_found_at_every_alignment() {
    let key = &samples::known()[0].1;
    for user in ["", "x-access-token:", "u:", "me:"] {
        let encoded = openssl_base64(&format!("{user}{key}\n"));
        let redacted = samples::redactor().redact_str(&encoded).into_owned();
        assert!(redacted.contains("[redacted:ANTHROPIC_API_KEY]"), "{user}: {redacted}");
        assert!(redacted.len() < 70, "{user}: {redacted}");
    }
}

/// Base64 by a table of its own, so that the test does not trust the code under test.
pub(crate) fn openssl_base64(text: &str) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let n = chunk.iter().fold(0_u32, |n, byte| n << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4_usize {
            let sextet = n >> (18 - 6 * digit) & 63;
            out.push(if digit <= chunk.len() { char::from(alphabet[sextet as usize]) } else { '=' });
        }
    }
    out
}

#[test]
fn a_key_file_is_found_with_numbered_lines() {
    let redactor = samples::redactor();
    for separator in ["\u{2192}", "\t", ": "] {
        let lines = samples::pem();
        let numbered: Vec<String> =
            lines.lines().enumerate().map(|(n, line)| format!("{:>6}{separator}{line}", n + 1)).collect();
        let text = format!("{}\n     9{separator}end", numbered.join("\n"));
        let redacted = redactor.redact_str(&text);
        assert_eq!(redacted, format!("     1{separator}[redacted:private-key]\n     9{separator}end"));
    }
}

#[test]
fn a_key_without_its_closing_line_ends_at_the_quote() {
    let key = samples::pem();
    let cut = key.split("\n-----END").next().unwrap().replace('\n', "\\n");
    let text = format!(r#"{{"key":"{cut}\n","said":"\"{cut}\" it is"}}"#);
    let redacted = samples::redactor().redact_str(&text).into_owned();
    assert_eq!(redacted, r#"{"key":"[redacted:private-key]","said":"\"[redacted:private-key]\" it is"}"#);
    assert!(serde_json::from_str::<Value>(&redacted).is_ok());
}

#[test]
fn documents_lose_secrets_in_values_and_keys() {
    let redactor = samples::redactor();
    let key = &samples::known()[0].1;
    let mut document =
        json!({"a": [key, {"b": format!("x {key}")}], (key): 1, "[redacted:ANTHROPIC_API_KEY]": 2, "n": 5});
    redactor.redact_json(&mut document);
    let marker = "[redacted:ANTHROPIC_API_KEY]";
    let expected =
        json!({"a": [marker, {"b": format!("x {marker}")}], (format!("{marker}#2")): 1, (marker): 2, "n": 5});
    assert_eq!(document, expected);
}

#[test]
fn a_number_that_is_a_known_value_is_replaced() {
    let redactor = ambient::security::Redactor::from_env([("DB_PASSWORD", "8361927450")]);
    let mut document = json!({"pin": 8_361_927_450_u64, "port": 5432});
    redactor.redact_json(&mut document);
    assert_eq!(document, json!({"pin": "[redacted:DB_PASSWORD]", "port": 5432}));
}

#[test]
fn output_of_a_process_is_redacted_although_it_is_not_utf8() {
    let key = &samples::known()[0].1;
    let line = [b"\xff\xfe key ".as_slice(), key.as_bytes()].concat();
    assert_eq!(samples::redactor().redact_bytes_lossy(&line), "\u{fffd}\u{fffd} key [redacted:ANTHROPIC_API_KEY]");
}

#[test]
fn a_redactor_shows_no_value() {
    let shown = format!("{:?} {:?}", samples::redactor(), ambient::security::Secret::from("hunter2-hunter2"));
    assert!(shown.starts_with("Redactor") && shown.ends_with(" [secret]"));
    assert!(samples::known().iter().all(|(_, value)| !shown.contains(value)));
}

#[test]
fn a_text_made_of_the_starts_of_secrets_takes_linear_time() {
    let start = std::time::Instant::now();
    for start in ["-sk-ant-", "-eyJ", "://a:", "-----BEGIN PRIVATE KEY-----\n", "Bearer ", "abcd", "\\n", "AKIA"] {
        assert!(!samples::redactor().redact_str(&start.repeat(1_000_000 / start.len())).is_empty());
    }
    // Quadratic time would be hours.
    assert!(start.elapsed().as_secs() < 60);
}
