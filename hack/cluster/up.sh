#!/usr/bin/env bash
# Starts a ring, or what is missing of it: `hack/cluster/up.sh control-plane|node [NAME]`. NAME is the kind unless given.
#
# control-plane  etcd, API server, controller manager and scheduler on loopback; no privileges; several side by side
# node           that and a node that runs pods, in a network namespace of its own; needs root
#
# RING_OWNER=PID ends the ring with that process. Exit codes: 1 broken, 2 wrong use, 3 a person has to install something.
kind=${1:-}
ring=${2:-$kind}
case "$kind" in control-plane | node) ;; *) echo "usage: hack/cluster/up.sh control-plane|node [NAME]" >&2; exit 2 ;; esac
# shellcheck source=hack/cluster/lib.sh
source "$(dirname "$0")/lib.sh"
source "$here/pki.sh"
source "$here/control-plane.sh"
source "$here/node.sh"

begun=$(date +%s%N)
if [ "$kind" = node ] && [ "$(id -u)" != 0 ]; then
  echo "error: a node ring needs root: it makes a network namespace, mounts and cgroups; run it with sudo" >&2
  exit 3
fi
"$here/packages.sh" "$kind"
"$here/tools.sh"
lock
if [ "$(cat "$state/kind" 2>/dev/null || echo "$kind")" != "$kind" ]; then
  echo "error: the ring $ring is a $(cat "$state/kind") ring; \`make cluster-down RING=$ring\` first" >&2
  exit 2
fi
# A ring that was left half made, or whose network is gone, is not worth healing.
[ -e "$state/kubeconfig" ] && whole || "$here/down.sh" "$ring" --locked
mkdir -p "$state/logs" "$state/pids"
echo "$kind" >"$state/kind"
# What was killed is started again below, and must not look as if it had ended meanwhile.
for file in "$state/pids/"*; do
  running "${file##*/}" || rm -f "$file"
done
enough_space "$state" 2000

case "$kind" in
  control-plane) control_plane_ring ;;
  node) node_ring ;;
esac
if [ -n "${RING_OWNER:-}" ]; then
  start owner bash -c "tail --pid=$RING_OWNER -f /dev/null; exec env -u RING_PROCESS '$here/down.sh' '$ring'"
fi
printf 'ring %s is ready after %d.%d s: KUBECONFIG=%s\n' "$ring" $((($(date +%s%N) - begun) / 1000000000)) \
  $((($(date +%s%N) - begun) / 100000000 % 10)) "$state/kubeconfig" >&2
