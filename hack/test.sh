#!/usr/bin/env bash
# Every test, in one go. Called by `make test`, which has installed the tools. Arguments go to `cargo test`.
#
# The tests of clusters join two rings that are started here. What a machine cannot start, its tests say: they are skipped on a
# developer's machine and fail in CI.
set -euo pipefail
cd "$(dirname "$0")/.."
export AMBIENT_AGENT_COMMAND="${AMBIENT_AGENT_COMMAND:-$PWD/target/tools/bin/claude}"
# In CI a verdict depends on the change alone: property tests draw the same inputs every time. `make fuzz` draws new ones.
if [[ "${CI:-}" == true ]]; then
    export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-20260817}"
fi
mkdir -p target/cluster
export AMBIENT_TESTS_OF_RINGS="$PWD/target/cluster/tests.txt"
: >"$AMBIENT_TESTS_OF_RINGS"

# Rings that somebody uses are left alone.
started=()
end() { [ ${#started[@]} = 0 ] || hack/cluster/down.sh "${started[@]}" || true; }
trap end EXIT
ring() {
  [ -e "target/cluster/$1/kubeconfig" ] || started+=("$1")
  hack/cluster/up.sh "$1"
}

# Go and Rust compile side by side.
{ hack/cluster/tools.sh && { hack/cluster/tools.sh versitygw || echo "no versitygw, see above" >&2; }; } &
building=$!
cargo test --locked --no-run "$@"
if wait "$building"; then
  ring control-plane || echo "no control-plane ring, see above" >&2
  [ "$(id -u)" != 0 ] || hack/image.sh || echo "no images, see above" >&2
  [ "$(id -u)" != 0 ] || ring node || echo "no node ring, see above" >&2
fi

failed=0
cargo test --locked --no-fail-fast "$@" || failed=$?
for name in control-plane node; do
  echo "ring $name: $(grep -c "^$name " "$AMBIENT_TESTS_OF_RINGS" || true) tests"
done
exit "$failed"
