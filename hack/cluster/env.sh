#!/usr/bin/env bash
# Prints what a shell needs to talk to a ring: `eval "$(hack/cluster/env.sh [NAME])"`. The node ring unless named.
ring=${1:-node}
# shellcheck source=hack/cluster/lib.sh
source "$(dirname "$0")/lib.sh"
[ -e "$state/kubeconfig" ] || { echo "error: the ring $ring is not up: run \`make cluster-up RING=$ring\`" >&2; exit 1; }
printf 'export RING=%q KUBECONFIG=%q PATH=%q:$PATH\n' "$ring" "$state/kubeconfig" "$here"
