//! Values that become known while texts are under way.

use std::sync::Arc;

use ambient::security::{Credential, Redactor, StreamRedactor};
use proptest::prelude::*;

const OLD: &str = "old-hunter2-xyzzy";
const NEW: &str = "new-swordfish-4711";
/// A well-known shape, whose end only what follows tells.
const SHAPE: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

fn redactor() -> Arc<Redactor> {
    Arc::new(Redactor::new([Credential::new("OLD", OLD)]))
}

#[test]
fn a_value_is_looked_for_from_the_moment_it_is_added() {
    let redactor = redactor();
    assert_eq!(redactor.redact_str(NEW), NEW);
    redactor.add([Credential::new("NEW", NEW)]);
    assert_eq!(redactor.redact_str(&format!("{NEW} {OLD}")), "[redacted:NEW] [redacted:OLD]");
}

#[test]
fn values_that_were_replaced_by_newer_ones_are_still_redacted() {
    let redactor = redactor();
    let token = |number: usize| format!("token-number-{number}-x");
    for number in 0..100 {
        redactor.add([Credential::new("TOKEN", token(number))]);
    }
    for number in 0..100 {
        assert_eq!(redactor.redact_str(&token(number)), "[redacted:TOKEN]", "{number}");
    }
}

#[test]
fn of_too_many_added_values_the_oldest_go_and_those_from_the_start_stay() {
    let redactor = redactor();
    redactor.add((0..600).map(|number| Credential::new("TOKEN", format!("token-number-{number}-x"))));
    assert_eq!(redactor.redact_str("token-number-599-x"), "[redacted:TOKEN]");
    assert_eq!(redactor.redact_str("token-number-1-x"), "token-number-1-x");
    assert_eq!(redactor.redact_str(OLD), "[redacted:OLD]");
}

#[test]
fn a_value_that_is_added_again_and_again_is_never_forgotten() {
    let redactor = redactor();
    for number in 0..300 {
        redactor.add([Credential::new("USED", NEW), Credential::new("TOKEN", format!("token-number-{number}-x"))]);
    }
    assert_eq!(redactor.redact_str(NEW), "[redacted:USED]");
}

#[test]
fn what_is_not_secret_is_not_added() {
    let redactor = redactor();
    redactor.add([Credential::new("FLAG", "true"), Credential::new("EMPTY", "")]);
    assert_eq!(redactor.redact_str("true"), "true");
}

fn cuts(text: &str, at: &[usize]) -> Vec<String> {
    let mut ends: Vec<usize> = at.iter().map(|at| at % (text.len() + 1)).collect();
    ends.extend([0, text.len()]);
    ends.sort_unstable();
    ends.windows(2).map(|pair| text[pair[0]..pair[1]].to_owned()).collect()
}

proptest! {
    /// However the text is cut, and at whatever piece before its first mention the value is added.
    #[test]
    fn a_text_under_way_takes_up_what_is_added(
        before in prop::collection::vec(prop::sample::select(vec![OLD, SHAPE, "ghp_", "old-hunt", "words ", "://a:", "k"]), 0..6),
        after in prop::collection::vec(prop::sample::select(vec![NEW, OLD, SHAPE, "new-", "old-", " words ", "@", "x"]), 1..6),
        at in prop::collection::vec(0_usize..500, 0..12),
    ) {
        let redactor = redactor();
        let mut stream = StreamRedactor::new(Arc::clone(&redactor));
        let mut out = String::new();
        for piece in cuts(&before.join(" "), &at) {
            out.push_str(&stream.push(&piece));
        }
        redactor.add([Credential::new("NEW", NEW)]);
        // Whatever came before ends here: a word begins.
        for piece in cuts(&format!(" {} ", after.join(" ")), &at) {
            out.push_str(&stream.push(&piece));
        }
        out.push_str(&stream.finish());
        for secret in [OLD, NEW, SHAPE] {
            prop_assert!(!out.contains(secret), "{secret} in {out}");
        }
        let count = |wanted: &str| after.iter().filter(|part| **part == wanted).count();
        prop_assert!(out.matches("[redacted:NEW]").count() >= count(NEW), "{out}");
    }
}
