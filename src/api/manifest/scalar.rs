//! What an unquoted YAML value means: the core schema of YAML 1.2, and where `kubectl`, which reads YAML 1.1, differs.

/// What a scalar is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Meaning {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number; it may be infinite or not a number.
    Float(f64),
    /// Text.
    Text,
}

/// The meaning of an unquoted value without a tag.
pub(super) fn of_plain(text: &str) -> Meaning {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Meaning::Null,
        "true" | "True" | "TRUE" => Meaning::Bool(true),
        "false" | "False" | "FALSE" => Meaning::Bool(false),
        _ => number(text).unwrap_or(Meaning::Text),
    }
}

fn number(text: &str) -> Option<Meaning> {
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => return Some(Meaning::Float(f64::INFINITY)),
        ".nan" | ".NaN" | ".NAN" => return Some(Meaning::Float(f64::NAN)),
        _ => {}
    }
    let has_digit = unsigned.bytes().any(|b| b.is_ascii_digit());
    let starts_well = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let only_numeric = unsigned.bytes().all(|b| b.is_ascii_digit() || b"eE.+-".contains(&b));
    if !(has_digit && starts_well && only_numeric) {
        return None;
    }
    text.parse().map(Meaning::Int).or_else(|_| text.parse().map(Meaning::Float)).ok()
}

fn radix(digits: &str, radix: u32) -> Option<Meaning> {
    let digits = Some(digits).filter(|digits| !digits.starts_with(['-', '+']))?;
    i64::from_str_radix(digits, radix).ok().map(Meaning::Int)
}

/// What `kubectl` takes an unquoted text for that YAML 1.2 takes for a string; nothing where they agree.
pub(super) fn in_kubectl(text: &str) -> Option<&'static str> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Some("true"),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Some("false"),
        _ => {}
    }
    let plain = text.strip_prefix(['-', '+']).unwrap_or(text);
    let binary = plain.strip_prefix("0b").is_some_and(|digits| is_made_of(digits, "01_"));
    let spaced = plain.contains('_') && number(&plain.replace('_', "")).is_some();
    (binary || spaced).then_some("a number")
}

/// Whether `kubectl` reads an unquoted number with another value: a leading zero makes it octal.
pub(super) fn is_octal_in_kubectl(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    digits.len() > 1 && digits.starts_with('0') && is_made_of(digits, "01234567")
}

fn is_made_of(text: &str, allowed: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| allowed.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unquoted_values_mean_what_yaml_1_2_says() {
        for (text, meaning) in [
            ("", Meaning::Null),
            ("null", Meaning::Null),
            ("True", Meaning::Bool(true)),
            ("12", Meaning::Int(12)),
            ("-3", Meaning::Int(-3)),
            ("0o17", Meaning::Int(15)),
            ("0xff", Meaning::Int(255)),
            ("1.0", Meaning::Float(1.0)),
            ("1e3", Meaning::Float(1000.0)),
            (".5", Meaning::Float(0.5)),
            ("+.inf", Meaning::Float(f64::INFINITY)),
            ("1.2.3", Meaning::Text),
            ("yes", Meaning::Text),
            ("2024-01-01", Meaning::Text),
            ("e3", Meaning::Text),
            ("inf", Meaning::Text),
            ("-", Meaning::Text),
            ("0x", Meaning::Text),
        ] {
            assert_eq!(of_plain(text), meaning, "{text:?}");
        }
    }

    #[test]
    fn traps_are_values_that_kubectl_reads_otherwise() {
        assert_eq!(in_kubectl("on"), Some("true"));
        assert_eq!(in_kubectl("No"), Some("false"));
        assert_eq!(in_kubectl("1_000"), Some("a number"));
        assert_eq!(in_kubectl("0b11"), Some("a number"));
        assert_eq!(in_kubectl("snake_case"), None);
        assert_eq!(in_kubectl("main"), None);
        assert!(is_octal_in_kubectl("0644"));
        assert!(!is_octal_in_kubectl("0") && !is_octal_in_kubectl("10"));
    }
}
