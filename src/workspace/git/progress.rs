//! Reading what `git clone --progress` writes to stderr.

/// What git is doing, in the order in which it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// The server looks for what to send.
    Counting,
    /// The server packs it.
    Compressing,
    /// Bytes arrive.
    Receiving,
    /// The pack is indexed.
    Resolving,
    /// The files are written.
    CheckingOut,
}

/// A line such as `Receiving objects:  42% (42/100), 1.20 MiB | 800 KiB/s`; `None` for every other line.
#[must_use]
pub fn parse(line: &str) -> Option<(Phase, u8)> {
    let line = line.trim_start();
    let line = line.strip_prefix("remote: ").unwrap_or(line);
    let (title, rest) = line.split_once(':')?;
    let phase = match title {
        "Counting objects" => Phase::Counting,
        "Compressing objects" => Phase::Compressing,
        "Receiving objects" => Phase::Receiving,
        "Resolving deltas" => Phase::Resolving,
        "Updating files" | "Checking out files" => Phase::CheckingOut,
        _ => return None,
    };
    let (percent, _) = rest.trim_start().split_once('%')?;
    let percent = percent.parse().ok().filter(|percent| *percent <= 100)?;
    Some((phase, percent))
}

/// Whether a line only tells of progress, so that it has no place in an error message.
#[must_use]
pub fn is_chatter(line: &str) -> bool {
    const CHATTER: [&str; 4] = ["Cloning into", "remote: Enumerating", "remote: Total", "Switched to"];
    parse(line).is_some() || CHATTER.iter().any(|start| line.starts_with(start))
}
