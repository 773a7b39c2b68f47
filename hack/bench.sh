#!/usr/bin/env bash
# Measures release builds: `hack/bench.sh` everything, `hack/bench.sh start turns` some of it.
# Called by `make bench`, which has installed the agent CLI.
set -euo pipefail
cd "$(dirname "$0")/.."

${CARGO:-cargo} build --locked --release --bin ambient --example fake_claude --example scripted_model --example bench

# A thousand readers are a thousand connections, in the runner and in the driver.
ulimit -n "$(ulimit -Hn)"
binaries="${CARGO_TARGET_DIR:-target}/release"
exec "$binaries/examples/bench" --binaries "$binaries" "$@"
