//! Redaction: secrets never get out, however they are written and wherever the text is cut, and ordinary text stays.

mod cuts;
mod fields;
mod lanes;
mod log_lines;
mod ordinary;
mod samples;
mod split;
mod texts;
