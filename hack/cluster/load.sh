#!/usr/bin/env bash
# Loads image archives (as `docker save` writes them) into a node ring: `hack/cluster/load.sh [NAME] FILE…`.
# What has been loaded before is left alone.
ring=node
case "${1:-}" in */* | "") ;; *) ring=$1; shift ;; esac
# shellcheck source=hack/cluster/lib.sh
source "$(dirname "$0")/lib.sh"
[ -S "$run/containerd.sock" ] || { echo "error: the ring $ring is not up: run \`make cluster-up RING=$ring\`" >&2; exit 1; }

for archive in "$@"; do
  [ -e "$archive" ] || continue
  mark="$(readlink -f "$archive") $(stat -c '%s %Y' "$archive")"
  grep -qsxF "$mark" "$state/images" && continue
  ctr -a "$run/containerd.sock" -n k8s.io images import "$archive" >"$state/logs/import.log" 2>&1 ||
    { echo "error: ring $ring: $archive could not be loaded: $(tail -n 3 "$state/logs/import.log")" >&2; exit 1; }
  echo "$mark" >>"$state/images"
done
