//! Redaction: secrets never get out, however they are written and wherever the text is cut, and ordinary text stays.

mod samples;
mod split;
mod texts;
