//! The lists of a request: what their items are, and what is wrong with one that cannot be read.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::agui::{ContextItem, Id, Message, ResumeItem, Tool};

const ROLES: [&str; 7] = ["developer", "system", "user", "assistant", "tool", "activity", "reasoning"];

/// An item of one of the lists of a request.
pub(super) trait Element: DeserializeOwned {
    /// Whether an object in place of the list is dropped without an error.
    const OBJECT_IS_DROPPED: bool = false;

    /// The member that says what kind of item this is; `diagnose` judges it.
    const TAG: Option<&str> = None;

    /// Fills in what a client may leave out.
    fn prepare(_item: &mut Value) {}

    /// What is wrong, when this kind of item knows better than the decoder.
    fn diagnose(_item: &Value) -> Option<Problem> {
        None
    }
}

/// What is wrong with an item.
pub(super) struct Problem {
    pub(super) kind: &'static str,
    pub(super) member: Option<String>,
    pub(super) msg: String,
    pub(super) input: Value,
}

impl Element for Message {
    const TAG: Option<&str> = Some("role");

    fn prepare(item: &mut Value) {
        if let Value::Object(members) = item {
            let id = members.entry("id").or_insert(Value::Null);
            if id.is_null() {
                *id = Value::from(Id::random().as_str());
            }
        }
    }

    fn diagnose(item: &Value) -> Option<Problem> {
        let role = item.as_object()?.get("role")?;
        let known = role.as_str().is_some_and(|role| ROLES.contains(&role));
        (!known).then(|| Problem {
            kind: "union_tag_invalid",
            member: Some("role".into()),
            msg: format!("unknown role {role}; expected one of {}", ROLES.join(", ")),
            input: role.clone(),
        })
    }
}

impl Element for Tool {}

impl Element for ContextItem {
    const OBJECT_IS_DROPPED: bool = true;
}

impl Element for ResumeItem {}

/// Says what is wrong with an item, given the decoder's reason.
pub(super) fn describe<T: Element>(item: &Value, reason: &str) -> Problem {
    if !item.is_object() {
        return invalid(None, "expected an object".into(), item);
    }
    T::diagnose(item)
        .or_else(|| missing_member::<T>(item, reason))
        .or_else(|| wrong_member::<T>(item, reason))
        .unwrap_or_else(|| invalid(None, reason.to_owned(), item))
}

fn wrong_member<T: Element>(item: &Value, reason: &str) -> Option<Problem> {
    let name = culprit::<T>(item)?;
    let msg = format!("{name}: {reason}");
    let value = item.get(&name)?;
    Some(invalid(Some(name), msg, value))
}

fn invalid(member: Option<String>, msg: String, input: &Value) -> Problem {
    Problem { kind: "invalid", member, msg, input: input.clone() }
}

/// A member that the item itself lacks, not something inside it: with any value there, the decoder says something else.
fn missing_member<T: Element>(item: &Value, reason: &str) -> Option<Problem> {
    let name = reason.strip_prefix("missing field `")?.strip_suffix('`')?;
    let mut filled = item.clone();
    filled.as_object_mut()?.insert(name.to_owned(), Value::Null);
    let is_own = T::deserialize(&filled).map_or_else(|other| other.to_string() != reason, |_| true);
    is_own.then(|| Problem {
        kind: "missing",
        member: Some(name.to_owned()),
        msg: format!("Field required: {name}"),
        input: Value::Null,
    })
}

/// The member without which the item can be read, or lacks only that member: the one that is wrong. The decoder of
/// tagged types does not tell. Runs only for a request that is refused.
fn culprit<T: Element>(item: &Value) -> Option<String> {
    let members = item.as_object()?;
    let is_culprit = |name: &&String| {
        let mut rest = members.clone();
        rest.remove(*name);
        match T::deserialize(&Value::Object(rest)) {
            Ok(_) => true,
            Err(reason) => reason.to_string() == format!("missing field `{name}`"),
        }
    };
    let mut suspects = members.keys().filter(|name| T::TAG != Some(name.as_str()));
    suspects.find(is_culprit).cloned()
}
