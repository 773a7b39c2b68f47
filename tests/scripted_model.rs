//! The scripted model: which rule answers, how it streams, and how it fails.

#[path = "scripted_model/client.rs"]
mod client;
#[path = "scripted_model/faults.rs"]
mod faults;
#[path = "scripted_model/matching.rs"]
mod matching;
#[path = "support/model.rs"]
mod model;
#[path = "scripted_model/streaming.rs"]
mod streaming;
