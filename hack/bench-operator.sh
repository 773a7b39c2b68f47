#!/usr/bin/env bash
# Measures the operator on an API server with fake nodes: `hack/bench-operator.sh` everything, `hack/bench-operator.sh pods rest`
# some of it. `--profile dev` first: with a debug build, to see that it works; its figures count for nothing.
# What follows is for the benchmark itself (`--many 1000`, `--readers 500`, `--window 10`).
set -euo pipefail
cd "$(dirname "$0")/.."

profile=release
if [ "${1:-}" = --profile ]; then
  profile=$2
  shift 2
fi
folder=$profile
[ "$profile" != dev ] || folder=debug
${CARGO:-cargo} build --locked --profile "$profile" --bin ambient --example bench_operator --example fake_claude
binaries="${CARGO_TARGET_DIR:-target}/$folder"

ring=bench-operator
state=target/cluster/$ring
hack/cluster/tools.sh rings kwok
hack/cluster/down.sh "$ring"
trap 'kill "${kwok:-}" 2>/dev/null || true; hack/cluster/down.sh "$ring"' EXIT
RING_OWNER=$$ hack/cluster/up.sh control-plane "$ring"
kubectl() { RING=$ring hack/cluster/kubectl "$@"; }
kubectl apply --server-side -k manifests/operator >/dev/null
kubectl wait --for=condition=Established --timeout=60s -f crds >/dev/null

target/tools/cluster/kwok --kubeconfig "$state/kubeconfig" --config hack/bench-operator/kwok.yaml \
  --manage-all-nodes=false --manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake \
  --node-lease-duration-seconds=40 >"$state/logs/kwok.log" 2>&1 &
kwok=$!
kubectl apply --server-side -f hack/bench-operator/node.yaml >/dev/null
kubectl wait --for=condition=Ready --timeout=60s nodes --all >/dev/null

ulimit -n "$(ulimit -Hn)"
rm -rf target/bench/events
"$binaries/examples/bench_operator" --ambient "$binaries/ambient" --fake-claude "$binaries/examples/fake_claude" --kubeconfig "$state/kubeconfig" "$@"
