#!/usr/bin/env bash
# Every test, in one go. Called by `make test`, which has installed the tools.
set -euo pipefail
cd "$(dirname "$0")/.."
export AMBIENT_AGENT_COMMAND="${AMBIENT_AGENT_COMMAND:-$PWD/target/tools/bin/claude}"
# In CI a verdict depends on the change alone: property tests draw the same inputs every time. `make fuzz` draws new ones.
if [[ "${CI:-}" == true ]]; then
    export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-20260817}"
fi
cargo test --locked --no-fail-fast "$@"
