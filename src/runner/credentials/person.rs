//! Whose a credential is: the name and the mail address that commits carry.

use crate::security::sanitise;

/// The longest name or address, in bytes.
const MAX: usize = 256;
/// What the platform says where it knows no address.
const PLACEHOLDER: &str = "user@example.com";
/// Whose commits are when nobody says it: the original's.
const NOBODY: (&str, &str) = ("Ambient Code Bot", "bot@ambient-code.local");

/// A person, as a provider says; each part harmless in a file of git's, in a commit, and as a file's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// The name.
    pub name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
}

impl Person {
    /// A person as somebody says it. What is no name or no address is absent.
    pub(super) fn told(name: Option<&str>, email: Option<&str>) -> Self {
        Self { name: name.and_then(harmless), email: email.and_then(address) }
    }

    /// Whether nothing is missing.
    pub(super) fn is_whole(&self) -> bool {
        self.name.is_some() && self.email.is_some()
    }

    /// What is missing is the other's.
    pub(super) fn or(self, other: Self) -> Self {
        Self { name: self.name.or(other.name), email: self.email.or(other.email) }
    }

    /// Git's settings for this person, below those of the machine. A person's or a repository's own settings win.
    pub(super) fn git_config(&self) -> String {
        let name = self.name.as_deref().unwrap_or(NOBODY.0);
        let email = self.email.as_deref().unwrap_or(NOBODY.1);
        format!("[include]\n\tpath = /etc/gitconfig\n[user]\n\tname = {}\n\temail = {}\n", quoted(name), quoted(email))
    }
}

/// A text of one line without the characters that git keeps for itself.
fn harmless(text: &str) -> Option<String> {
    let kept: String = text.chars().filter(|char| !char.is_control() && !matches!(char, '<' | '>')).collect();
    let kept = sanitise::truncate(kept.trim(), MAX).trim();
    // Git refuses a name of nothing but such characters.
    kept.chars().any(char::is_alphanumeric).then(|| kept.to_owned())
}

/// A mail address that is also a plain file name.
fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let is_plain = |char: char| char.is_alphanumeric() || "@.!#$%&'*+-=?^_{|}~".contains(char);
    let shaped = text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    let usable = shaped && text.len() <= MAX && text.chars().all(is_plain) && !text.starts_with(['.', '-']);
    (usable && text != PLACEHOLDER).then(|| text.to_owned())
}

/// A value of a git configuration.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn person(name: &str, email: &str) -> Person {
        Person::told(Some(name), Some(email))
    }

    #[test]
    fn names_and_addresses_are_one_harmless_line() {
        let evil = person("Eve <root@host>\n[core]\n\tsshCommand = rm", "eve@example.org");
        assert_eq!(evil.name.as_deref(), Some("Eve root@host[core]sshCommand = rm"));
        assert_eq!(person("Jörg \"J\" Müller", "j@m.de").name.as_deref(), Some("Jörg \"J\" Müller"));
        for email in ["", "nobody", "@", "a@", "user@example.com", "a@b\n", "../a@b", "a/b@c", ".a@b", "a<b@c", "a b@c"]
        {
            assert_eq!(person("", email).email.as_deref(), (email == "a@b\n").then_some("a@b"), "{email:?}");
        }
        assert_eq!(person(" <>\u{7f} ", "").name, None);
    }

    #[test]
    fn what_one_provider_does_not_say_another_does() {
        let both = Person::told(Some("Ann"), None).or(person("Other", "ann@example.org"));
        assert_eq!(both, person("Ann", "ann@example.org"));
        assert!(both.is_whole() && !Person::told(Some("Ann"), None).is_whole());
    }

    #[test]
    fn commits_of_nobody_in_particular_are_the_platforms() {
        let config = Person::default().git_config();
        assert!(
            config.contains("name = \"Ambient Code Bot\"") && config.contains("bot@ambient-code.local"),
            "{config}"
        );
    }

    proptest! {
        #[test]
        fn any_person_is_five_lines_of_git_configuration(name in "\\PC*|[\n\t\"\\\\<>a]{0,20}", email in "[ -~\n]{0,12}@[a-z\\\\\"]{0,4}") {
            let config = person(&name, &email).git_config();
            prop_assert_eq!(config.lines().count(), 5, "{}", config);
            prop_assert!(!config.contains(['<', '>', '\0', '\r']));
        }
    }
}
