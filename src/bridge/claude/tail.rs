//! The last lines of a process's stderr.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{io::AsyncRead, task::JoinHandle};

use super::line::Lines;

/// How many lines are kept, and how many characters of each.
const LINES: usize = 20;
const WIDTH: usize = 400;

/// Drains a stream for ever, and keeps its end.
pub(crate) struct Tail {
    kept: Arc<Mutex<VecDeque<String>>>,
    drain: JoinHandle<()>,
}

impl Tail {
    /// Starts to drain.
    pub(crate) fn of(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let drain = tokio::spawn(drain(stream, Arc::clone(&kept)));
        Self { kept, drain }
    }

    /// What was written last. Waits a moment for a process that has just ended, whose last words are still in the pipe.
    pub(crate) async fn last_words(&mut self, patience: std::time::Duration) -> String {
        tokio::time::timeout(patience, &mut self.drain).await.ok();
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.drain.abort();
    }
}

async fn drain(stream: impl AsyncRead + Unpin, kept: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = Lines::new(stream);
    loop {
        while let Some(line) = lines.buffered() {
            keep(&kept, line);
        }
        if !lines.fill().await.unwrap_or(false) {
            break;
        }
    }
    if let Some(line) = lines.rest() {
        keep(&kept, line);
    }
}

fn keep(kept: &Mutex<VecDeque<String>>, line: &[u8]) {
    let line: String = String::from_utf8_lossy(line).trim_end().chars().take(WIDTH).collect();
    if line.is_empty() {
        return;
    }
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() == LINES {
        kept.pop_front();
    }
    kept.push_back(line);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn only_the_end_is_kept() {
        let input = (0..100).map(|number| format!("line {number}")).collect::<Vec<_>>().join(
            "
",
        );
        let mut tail = Tail::of(std::io::Cursor::new(input.into_bytes()));
        let words = tail.last_words(Duration::from_secs(5)).await;
        assert_eq!(words.lines().count(), LINES);
        assert!(words.starts_with("line 80") && words.ends_with("line 99"), "{words}");
    }
}
