//! Where the real CLI is.

#![allow(dead_code, reason = "each test uses its part")]

use std::path::{Path, PathBuf};

use crate::needs;

/// Where the CLI is below the crate when `make tools` has installed it.
const INSTALLED: &str = "target/tools/claude/node_modules/@anthropic-ai/claude-code-linux-x64/claude";

/// The real CLI. Without it a test is skipped, and says so; in CI it fails.
pub(crate) fn claude() -> Option<PathBuf> {
    needs::tool("AMBIENT_AGENT_COMMAND", INSTALLED, Path::is_file)
}

/// What a scripted model answers the real CLI in tests that kill something: 4 s of text, or the prompt.
pub(crate) const TALKS: &str = "
rules:
  - {when: {prompt: work}, reply: [{text: 'word ', repeat: 400, per_second: 100}]}
  - {when: {step: any}, reply: [{text: 'I heard: ${prompt}'}]}
";
