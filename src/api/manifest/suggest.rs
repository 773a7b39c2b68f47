//! What a person may have meant.

/// The candidate that is most like a word, if one is like it.
pub(super) fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = normal(word);
    let scored = candidates.into_iter().filter_map(|candidate| {
        let known = normal(candidate);
        let distance = distance(&wanted, &known);
        let near = distance <= known.len().max(wanted.len()) / 3;
        let part = wanted.len().min(known.len()) >= 4 && (known.contains(&wanted) || wanted.contains(&known));
        (near || part).then_some((distance, candidate))
    });
    scored.min_by_key(|&(distance, _)| distance).map(|(_, candidate)| candidate)
}

/// Case, `-` and `_` are the usual mistakes.
fn normal(word: &str) -> String {
    // Longer words are no typing errors, and the distance takes quadratic time.
    let letters = word.chars().take(64).filter(|c| !matches!(c, '-' | '_'));
    letters.flat_map(char::to_lowercase).collect()
}

/// How many characters must be inserted, deleted or replaced (Levenshtein).
fn distance(one: &str, two: &str) -> usize {
    let two: Vec<char> = two.chars().collect();
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &b) in two.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[two.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    const FIELDS: [&str; 5] = ["url", "branch", "autoPush", "initialPrompt", "name"];

    #[test]
    fn typing_errors_other_cases_and_parts_are_recognised() {
        for (word, meant) in [
            ("autopush", "autoPush"),
            ("auto_push", "autoPush"),
            ("brnach", "branch"),
            ("prompt", "initialPrompt"),
            ("URL", "url"),
        ] {
            assert_eq!(closest(word, FIELDS), Some(meant));
        }
    }

    #[test]
    fn something_else_is_not_guessed_at() {
        assert_eq!(closest("replicas", FIELDS), None);
        assert_eq!(closest("x", FIELDS), None);
    }
}
