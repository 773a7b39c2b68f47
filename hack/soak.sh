#!/usr/bin/env bash
# Kills the operator at random points: `hack/soak.sh [POINTS]` (100). The seed is printed; AMBIENT_SOAK_SEED=… takes it again.
set -euo pipefail
cd "$(dirname "$0")/.."
export AMBIENT_SOAK_POINTS=${1:-100} AMBIENT_TEST_LIMIT_MINUTES=${AMBIENT_TEST_LIMIT_MINUTES:-30}
exec "${CARGO:-cargo}" test --locked --test operator -- --nocapture soak::
