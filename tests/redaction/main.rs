//! Redaction: secrets never get out, however they are written and wherever the text is cut, and ordinary text stays.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod added;
mod cuts;
mod fields;
mod lanes;
mod log_lines;
mod ordinary;
mod samples;
mod speed;
mod split;
mod texts;
mod wrapped;
