//! Ids and names from outside are harmless afterwards.

use std::borrow::Cow;

use ambient::security::sanitise::{MAX_DISPLAY_NAME, MAX_USER_ID, display_name, truncate, user_id};
use proptest::prelude::*;

#[test]
fn ordinary_user_ids_stay_as_they_are() {
    for id in [
        "alice",
        "bob+x@example.com",
        "system:serviceaccount:ns:name",
        "6f1c2b52-7e0c-4b0a-9a53-2f5a5d7a0c11",
        "CN=alice",
        "https://issuer.example/users/7",
        "~alice",
        "",
    ] {
        assert!(matches!(user_id(id), Cow::Borrowed(same) if same == id), "{id}");
    }
}

#[test]
fn a_user_id_loses_what_could_do_harm() {
    for (raw, clean) in [
        ("alice\r\nX-Admin: yes", "aliceX-Admin:yes"),
        ("alice\0", "alice"),
        ("$(reboot)`id`", "rebootid"),
        ("<script>", "script"),
        ("\u{430}lice", "lice"),
        ("a\u{202e}ecila", "aecila"),
        ("ａｌｉｃｅ", ""),
    ] {
        assert!(matches!(user_id(raw), Cow::Owned(id) if id == clean), "{raw:?}");
    }
}

#[test]
fn ordinary_names_stay_as_they_are() {
    for name in ["Alice Example", "Зоя Петрова", "山田 太郎", "Seán O'Connor-Smith, Jr.", "Zoë 👋"] {
        assert!(matches!(display_name(name), Cow::Borrowed(same) if same == name), "{name}");
    }
}

#[test]
fn a_name_becomes_one_line_of_visible_text() {
    for (raw, clean) in [
        ("  Alice \t\r\n Example  ", "Alice Example"),
        ("Alice\r\nAuthor: Bob", "Alice Author: Bob"),
        ("Alice\u{202e}elpmaxE", "AliceelpmaxE"),
        ("A\u{200b}l\u{feff}ice\u{2066}", "Alice"),
        ("Alice \u{200b} Example", "Alice Example"),
        ("\u{1b}[31mred", "[31mred"),
        ("\u{e0041}\u{2028}", ""),
    ] {
        assert_eq!(display_name(raw), clean, "{raw:?}");
    }
}

#[test]
fn text_is_cut_between_characters() {
    assert_eq!(truncate("äöü", 5), "äö");
    assert_eq!(truncate("äöü", 6), "äöü");
    assert_eq!(truncate("äöü", 0), "");
}

proptest! {
    #[test]
    fn what_comes_out_is_clean_short_and_final(raw in any::<String>(), times in 1_usize..40) {
        let raw = raw.repeat(times);
        let id = user_id(&raw).into_owned();
        prop_assert!(id.len() <= MAX_USER_ID && id.is_ascii() && !id.contains(char::is_whitespace));
        prop_assert!(matches!(user_id(&id), Cow::Borrowed(_)));
        let name = display_name(&raw).into_owned();
        prop_assert!(name.len() <= MAX_DISPLAY_NAME && !name.contains(char::is_control) && name.trim() == name);
        prop_assert!(matches!(display_name(&name), Cow::Borrowed(_)), "{:?}", name);
    }
}
