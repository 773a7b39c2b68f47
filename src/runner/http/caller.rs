//! Who is behind a request, as the platform's headers say.

use axum::http::HeaderMap;

use super::HttpError;
use crate::runner::Caller;

/// The user's id.
const USER_ID: &str = "x-current-user-id";
/// The user's name.
const USER_NAME: &str = "x-current-user-name";
/// What the user's credentials are fetched with.
const TOKEN: &str = "x-caller-token";

/// Whether the caller may stop what belongs to a user (`what`: "the run"). One that names nobody is the platform's own and may
/// stop anything; so may anybody what belongs to nobody in particular.
pub(super) fn may_stop(caller: &Caller, owner: Option<&str>, what: &str) -> Result<(), HttpError> {
    match (owner, caller.user_id.as_deref()) {
        (Some(owner), Some(user)) if owner != user => Err(HttpError::Forbidden(format!(
            "{what} belongs to {owner}: only they, or the platform without a user's name, can stop it"
        ))),
        _ => Ok(()),
    }
}

/// The caller that the headers name; bytes that are no text become U+FFFD, which is never part of an id.
pub(super) fn of(headers: &HeaderMap) -> Caller {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let [id, name, token] = [USER_ID, USER_NAME, TOKEN].map(|header| text(header).unwrap_or_default());
    Caller::new(&id, &name, &token)
}
