//! The result does not depend on where the text was cut.

use std::borrow::Cow;

use ambient::security::{Redactor, StreamRedactor};
use proptest::prelude::*;

use crate::samples;

/// Parts of texts: secrets, halves of secrets, what looks like their start, and ordinary text.
fn fragment() -> impl Strategy<Value = String> {
    let mut secrets: Vec<String> = samples::known().into_iter().map(|(_, value)| value).collect();
    secrets.extend(samples::shapes().into_iter().map(|(_, text, _)| text));
    let cut = (proptest::sample::select(secrets.clone()), 0.0..1.0, 0.0..1.0).prop_map(|(text, from, to)| {
        let place = |share: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            text.floor_char_boundary((text.len() as f64 * share) as usize)
        };
        text[place(f64::min(from, to))..place(f64::max(from, to))].to_owned()
    });
    let words =
        ["sk-", " ", "\n", "\\", "\\n", "\"", ".", "-----", "://", "a:b@", "eyJ", "ü→", "abcd", "Bearer ", "x", "%3D"];
    prop_oneof![
        2 => proptest::sample::select(secrets),
        2 => cut,
        3 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9_.=/ -]{0,12}",
        1 => any::<String>().prop_map(|text| text.chars().take(4).collect()),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(fragment(), 0..12).prop_map(|parts| parts.concat())
}

fn in_pieces(redactor: &std::sync::Arc<Redactor>, text: &str, cuts: &[usize]) -> String {
    let mut stream = StreamRedactor::new(redactor.clone());
    let (mut out, mut at) = (String::new(), 0);
    for cut in cuts {
        out.push_str(&stream.push(&text[at..*cut]));
        at = *cut;
    }
    out.push_str(&stream.push(&text[at..]));
    out.push_str(&stream.finish());
    out
}

fn cuts(text: &str, places: &[prop::sample::Index]) -> Vec<usize> {
    let mut cuts: Vec<usize> =
        places.iter().map(|place| text.floor_char_boundary(place.index(text.len() + 1))).collect();
    cuts.sort_unstable();
    cuts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn pieces_join_to_the_redacted_whole(text in text(), places in prop::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let redactor = samples::redactor();
        let whole = redactor.redact_str(&text);
        prop_assert_eq!(&in_pieces(&redactor, &text, &cuts(&text, &places)), &whole);
        let every: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        prop_assert_eq!(&in_pieces(&redactor, &text, &every), &whole);
    }

    #[test]
    fn no_known_value_is_left_and_a_second_pass_changes_no_replacement(text in text()) {
        let redactor = samples::redactor();
        let once = redactor.redact_str(&text).into_owned();
        for (name, value) in samples::known() {
            prop_assert!(!once.contains(value.trim()), "{} in {}", name, once);
        }
        let twice = redactor.redact_str(&once);
        let markers = |text: &str| text.matches("[redacted:").count();
        prop_assert!(markers(&twice) >= markers(&once), "{} became {}", once, twice);
    }

    #[test]
    fn what_comes_out_is_never_longer_than_its_replacements(text in text()) {
        let redactor = samples::redactor();
        let redacted = redactor.redact_str(&text);
        let markers = redacted.matches("[redacted:").count();
        prop_assert!(redacted.len() <= text.len() + markers * 80);
    }
}

#[test]
fn a_clean_piece_comes_back_as_it_is() {
    let mut stream = StreamRedactor::new(samples::shapes_only());
    for piece in ["The tests", " pass now, ", "fine: 12 of 12.", "\n\n"] {
        assert!(matches!(stream.push(piece), Cow::Borrowed(same) if same == piece), "{piece}");
    }
    assert_eq!(stream.finish(), "");
}

#[test]
fn only_what_may_be_the_start_of_a_secret_waits() {
    let redactor = samples::shapes_only();
    for (piece, waits) in [
        ("see https://github.com", ""),
        ("see https://user:pass", "pass"),
        ("tokens: ghp", "ghp"),
        ("tokens: ghp_abc.", ""),
        ("through", ""),
        ("a rule: -----", "-----"),
        ("a rule: --------------------", "-----"),
        ("Authorization: Bearer ", ""),
        ("Authorization: Bearer abc", "abc"),
    ] {
        let mut stream = StreamRedactor::new(redactor.clone());
        let now = stream.push(piece).into_owned();
        assert_eq!(stream.finish(), waits, "{piece}");
        assert_eq!(format!("{now}{waits}"), piece);
    }
}

#[test]
fn a_secret_that_a_flush_cuts_is_replaced_from_there_on() {
    for (name, value) in samples::known() {
        let value = value.trim();
        for cut in (1..value.len()).filter(|cut| value.is_char_boundary(*cut)) {
            let mut stream = StreamRedactor::new(samples::redactor());
            let mut out = stream.push(&value[..cut]).into_owned();
            out.push_str(&stream.flush());
            out.push_str(&stream.push(&value[cut..]));
            out.push_str(&stream.push(" and more"));
            out.push_str(&stream.finish());
            assert!(!out.contains(value), "{name} cut at {cut}: {out}");
            assert!(out.ends_with(" and more"), "{name} cut at {cut}: {out}");
        }
    }
}
