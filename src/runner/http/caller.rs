//! Who is behind a request, as the platform's headers say.

use axum::http::HeaderMap;

use crate::runner::Caller;

/// The user's id.
const USER_ID: &str = "x-current-user-id";
/// The user's name.
const USER_NAME: &str = "x-current-user-name";
/// What the user's credentials are fetched with.
const TOKEN: &str = "x-caller-token";

/// The caller that the headers name; bytes that are no text become U+FFFD, which is never part of an id.
pub(super) fn of(headers: &HeaderMap) -> Caller {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let [id, name, token] = [USER_ID, USER_NAME, TOKEN].map(|header| text(header).unwrap_or_default());
    Caller::new(&id, &name, &token)
}
