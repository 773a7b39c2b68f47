#!/usr/bin/env bash
# Every test, in one go. Called by `make test`, which has installed the tools.
set -euo pipefail
cd "$(dirname "$0")/.."
export AMBIENT_AGENT_COMMAND="${AMBIENT_AGENT_COMMAND:-$PWD/target/tools/bin/claude}"
cargo test --locked --no-fail-fast "$@"
