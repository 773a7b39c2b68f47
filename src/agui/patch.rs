//! JSON Patch (RFC 6902): a patch applies as a whole or changes nothing.

use serde_json::Value;

/// Why a patch was not applied. The document is what it was before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The list's entry at this position is not an operation of RFC 6902.
    #[error("operation {0} is malformed; expected op, path and what the op needs")]
    Malformed(usize),
    /// An operation points at nothing.
    #[error("nothing is at {0:?}; expected an existing place")]
    NoSuchPlace(String),
    /// A value would move into itself.
    #[error("{0:?} cannot move into itself")]
    IntoItself(String),
    /// A `test` did not hold.
    #[error("the value at {0:?} is not the one that was expected")]
    TestFailed(String),
}

/// One operation, read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation<'a> {
    Add { path: &'a str, value: &'a Value },
    Remove { path: &'a str },
    Replace { path: &'a str, value: &'a Value },
    Move { from: &'a str, path: &'a str },
    Copy { from: &'a str, path: &'a str },
    Test { path: &'a str, value: &'a Value },
}

/// How to take an operation back.
enum Undo {
    Set(String, Value),
    Insert(String, Value),
    Remove(String),
}

/// Applies a patch to a document, without copying it.
pub fn apply(document: &mut Value, patch: &[Value]) -> Result<(), PatchError> {
    let mut undo = Vec::new();
    for operation in parse(patch)? {
        if let Err(reason) = step(document, operation, &mut undo) {
            roll_back(document, undo);
            return Err(reason);
        }
    }
    Ok(())
}

/// Reads a patch. Members that an operation does not define are ignored, as the RFC demands.
pub(super) fn parse(patch: &[Value]) -> Result<Vec<Operation<'_>>, PatchError> {
    let operations = patch.iter().enumerate();
    operations.map(|(at, value)| operation(value).ok_or(PatchError::Malformed(at))).collect()
}

fn operation(value: &Value) -> Option<Operation<'_>> {
    let path = pointer(value, "path")?;
    let from = pointer(value, "from");
    let operand = value.get("value");
    Some(match value.get("op")?.as_str()? {
        "add" => Operation::Add { path, value: operand? },
        "remove" => Operation::Remove { path },
        "replace" => Operation::Replace { path, value: operand? },
        "move" => Operation::Move { from: from?, path },
        "copy" => Operation::Copy { from: from?, path },
        "test" => Operation::Test { path, value: operand? },
        _ => return None,
    })
}

fn pointer<'a>(operation: &'a Value, member: &str) -> Option<&'a str> {
    let text = operation.get(member)?.as_str()?;
    let is_rooted = text.is_empty() || text.starts_with('/');
    let mut after_tildes = text.split('~').skip(1);
    let is_escaped = after_tildes.all(|rest| rest.starts_with(['0', '1']));
    (is_rooted && is_escaped).then_some(text)
}

fn step(document: &mut Value, operation: Operation<'_>, undo: &mut Vec<Undo>) -> Result<(), PatchError> {
    match operation {
        Operation::Add { path, value } => undo.push(insert(document, path, value.clone())?),
        Operation::Remove { path } => {
            let old = remove(document, path)?;
            undo.push(Undo::Insert(path.to_owned(), old));
        }
        Operation::Replace { path, value } => {
            let place = document.pointer_mut(path).ok_or_else(|| no_such_place(path))?;
            let old = std::mem::replace(place, value.clone());
            undo.push(Undo::Set(path.to_owned(), old));
        }
        Operation::Move { from, path } => {
            if path.strip_prefix(from).is_some_and(|rest| rest.starts_with('/')) {
                return Err(PatchError::IntoItself(from.to_owned()));
            }
            let value = remove(document, from)?;
            undo.push(Undo::Insert(from.to_owned(), value.clone()));
            undo.push(insert(document, path, value)?);
        }
        Operation::Copy { from, path } => {
            let value = document.pointer(from).ok_or_else(|| no_such_place(from))?.clone();
            undo.push(insert(document, path, value)?);
        }
        Operation::Test { path, value } => {
            let found = document.pointer(path).ok_or_else(|| no_such_place(path))?;
            if !equal(found, value) {
                return Err(PatchError::TestFailed(path.to_owned()));
            }
        }
    }
    Ok(())
}

/// Puts a value where the path says: into an object, before a list's item, or after its last (`-`).
fn insert(document: &mut Value, path: &str, value: Value) -> Result<Undo, PatchError> {
    let Some((parent, key)) = path.rsplit_once('/') else {
        return Ok(Undo::Set(String::new(), std::mem::replace(document, value)));
    };
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            let path = path.to_owned();
            Ok(match members.insert(unescaped(key), value) {
                Some(old) => Undo::Set(path, old),
                None => Undo::Remove(path),
            })
        }
        Some(Value::Array(items)) => {
            let end = items.len();
            let at = if key == "-" { Some(end) } else { index(key) };
            let at = at.filter(|at| *at <= end).ok_or_else(|| no_such_place(path))?;
            items.insert(at, value);
            Ok(Undo::Remove(format!("{parent}/{at}")))
        }
        _ => Err(no_such_place(path)),
    }
}

fn remove(document: &mut Value, path: &str) -> Result<Value, PatchError> {
    let Some((parent, key)) = path.rsplit_once('/') else {
        return Ok(document.take());
    };
    let removed = match document.pointer_mut(parent) {
        Some(Value::Object(members)) => members.remove(&unescaped(key)),
        Some(Value::Array(items)) => {
            let at = index(key).filter(|at| *at < items.len());
            at.map(|at| items.remove(at))
        }
        _ => None,
    };
    removed.ok_or_else(|| no_such_place(path))
}

fn roll_back(document: &mut Value, undo: Vec<Undo>) {
    for step in undo.into_iter().rev() {
        // Each takes back what was just done, so its place exists.
        match step {
            Undo::Set(path, old) => {
                if let Some(place) = document.pointer_mut(&path) {
                    *place = old;
                }
            }
            Undo::Insert(path, old) => drop(insert(document, &path, old)),
            Undo::Remove(path) => drop(remove(document, &path)),
        }
    }
}

/// Equal as JSON: 1 and 1.0 are one number.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => x == y || x.as_f64() == y.as_f64(),
        (Value::Array(x), Value::Array(y)) => x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal(x, y)),
        (Value::Object(x), Value::Object(y)) => {
            let same = |(key, value): (&String, &Value)| y.get(key).is_some_and(|other| equal(value, other));
            x.len() == y.len() && x.iter().all(same)
        }
        _ => a == b,
    }
}

fn index(key: &str) -> Option<usize> {
    let is_canonical = key == "0" || !key.starts_with(['0', '+']);
    key.parse().ok().filter(|_| is_canonical)
}

fn unescaped(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

fn no_such_place(path: &str) -> PatchError {
    PatchError::NoSuchPlace(path.to_owned())
}
