//! Redaction of whole texts and documents.

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use serde_json::{Map, Value};

use super::{
    Credential, credentials_from_env, is_secret_value,
    lane::{self, Lane},
    prefix::State,
    rules::Rules,
};

/// Pieces in which a long text is read, in bytes: what is held in memory twice.
const PIECE: usize = 16 * 1024;

/// So many values that became known while the process runs are looked for; those that were added
/// longest ago go first. Tokens that live an hour are known for days.
const MAX_ADDED: usize = 128;

/// Replaces secrets by `[redacted:NAME]`.
///
/// A secret is the value of a known credential, as it is or encoded (JSON string once or twice, JSON pointer, percent,
/// hexadecimal, base64 at any alignment; the last two in lines of any width too), or text of a well-known shape (provider keys, tokens of code hosts, JSON Web Tokens, PEM
/// private keys, passwords in URLs …). A replacement is never changed by redacting again.
///
/// Values can be added at any time ([`Redactor::add`]); texts that are under way take them up with their next piece.
pub struct Redactor {
    rules: RwLock<Arc<Rules>>,
    known: Mutex<Known>,
}

/// The values that are looked for.
struct Known {
    /// Known from the start.
    first: Vec<Credential>,
    /// Added since, those that were added last (again) at the end.
    added: Vec<Credential>,
}

impl Known {
    /// Takes up a value; whether it is new.
    fn add(&mut self, credential: Credential) -> bool {
        let value = credential.value.expose().trim();
        let is_same = |old: &Credential| old.value.expose().trim() == value;
        if !is_secret_value(value) || self.first.iter().any(is_same) {
            return false;
        }
        let known = self.added.iter().position(is_same).map(|at| self.added.remove(at));
        self.added.push(credential);
        known.is_none()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("patterns", &self.rules().patterns.len()).finish()
    }
}

impl Redactor {
    /// Looks for these credentials and for the well-known shapes. Values that [`super::is_secret_value`] refuses are
    /// ignored; of several names of one value the first counts.
    pub fn new(credentials: impl IntoIterator<Item = Credential>) -> Self {
        let first: Vec<Credential> = credentials.into_iter().collect();
        let rules = RwLock::new(Arc::new(Rules::new(first.iter().cloned())));
        Self { rules, known: Mutex::new(Known { first, added: Vec::new() }) }
    }

    /// Looks for these values too, from now on. Known ones, and those that [`super::is_secret_value`] refuses, change
    /// nothing; of more than 128 added ones those that were added longest ago are forgotten. Takes a few milliseconds when
    /// something is new.
    pub fn add(&self, credentials: impl IntoIterator<Item = Credential>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = credentials.into_iter().filter_map(|credential| known.add(credential).then_some(())).count();
        if new == 0 {
            return;
        }
        let surplus = known.added.len().saturating_sub(MAX_ADDED);
        known.added.drain(..surplus);
        let rules = Arc::new(Rules::new(known.first.iter().chain(&known.added).cloned()));
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// Looks for the credentials among these environment variables (see [`credentials_from_env`]) and for the
    /// well-known shapes.
    pub fn from_env<K, V>(vars: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: AsRef<str>,
        V: AsRef<str>,
    {
        Self::new(credentials_from_env(vars))
    }

    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether these are the rules of now.
    pub(crate) fn is_current(&self, rules: &Arc<Rules>) -> bool {
        Arc::ptr_eq(rules, &self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The text without its secrets; borrowed if there are none.
    #[must_use]
    pub fn redact_str<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let bytes = text.as_bytes();
        let rules = self.rules();
        let (state, _) = rules.prefixes.skip(State::default(), bytes);
        if !state.is_hit() {
            return Cow::Borrowed(text);
        }
        match redact_bytes(&rules, bytes) {
            Some(redacted) => Cow::Owned(lane::text(redacted)),
            None => Cow::Borrowed(text),
        }
    }

    /// A line of a process's output without its secrets; bytes that are not UTF-8 become U+FFFD.
    #[must_use]
    pub fn redact_bytes_lossy(&self, line: &[u8]) -> String {
        let text = String::from_utf8_lossy(line);
        match self.redact_str(&text) {
            Cow::Owned(redacted) => redacted,
            Cow::Borrowed(_) => text.into_owned(),
        }
    }

    /// Replaces the secrets in all strings and keys of a document. A number becomes a string if it is a known value.
    pub fn redact_json(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.redact_string(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.redact_json(item)),
            Value::Object(map) => self.redact_map(map),
            Value::Number(number) if self.rules().numeric => {
                if let Cow::Owned(redacted) = self.redact_str(&number.to_string()) {
                    *value = Value::String(redacted);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Replaces the secrets in all members of an object and in their keys. A key that would meet another one gets a
    /// number.
    pub fn redact_map(&self, map: &mut Map<String, Value>) {
        map.values_mut().for_each(|value| self.redact_json(value));
        let is_secret = |key: &&String| matches!(self.redact_str(key), Cow::Owned(_));
        let secret: Vec<String> = map.keys().filter(is_secret).cloned().collect();
        for key in secret {
            let redacted = self.redact_str(&key).into_owned();
            let numbered = (2..).map(|n| format!("{redacted}#{n}"));
            let free = [redacted.clone()].into_iter().chain(numbered).find(|name| !map.contains_key(name));
            if let (Some(value), Some(name)) = (map.remove(&key), free) {
                map.insert(name, value);
            }
        }
    }

    /// Replaces the secrets in a text in place.
    pub fn redact_string(&self, text: &mut String) {
        if let Cow::Owned(redacted) = self.redact_str(text) {
            *text = redacted;
        }
    }
}

/// The bytes without their secrets, or `None` if there are none.
fn redact_bytes(rules: &Rules, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut lane = Lane::default();
    let mut out = Vec::with_capacity(bytes.len());
    for piece in bytes.chunks(PIECE) {
        lane.push_bytes(rules, piece, &mut out);
    }
    lane.flush(rules, &mut out);
    lane.has_redacted().then_some(out)
}
