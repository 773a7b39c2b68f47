#!/usr/bin/env bash
# Explores: every property test on random inputs, PROPTEST_CASES of each. `hack/fuzz.sh FILTER` takes those with FILTER in
# their names. Called by `make fuzz`.
set -euo pipefail
cd "$(dirname "$0")/.."
export PROPTEST_CASES="${PROPTEST_CASES:-20000}"

# Test binaries with properties: tests/NAME.rs and tests/NAME/.
targets=(--lib)
for name in $(grep -rl 'proptest!' tests --include '*.rs' | sed -E 's#^tests/([^/.]+).*#\1#' | sort -u); do
    targets+=(--test "$name")
done
exec "${CARGO:-cargo}" test --locked --no-fail-fast "${targets[@]}" "$@"
