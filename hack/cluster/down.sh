#!/usr/bin/env bash
# Removes a ring, whatever is left of it: `hack/cluster/down.sh [NAME…]`, all rings of this checkout unless named.
# Everything is killed, since nothing of a ring is worth keeping and a crash is then no other case. Logs stay until the next up.
set -euo pipefail
locked=
[ "${*: -1}" != --locked ] || { locked=yes; set -- "${@:1:$#-1}"; }
if [ $# = 0 ]; then
  for folder in "$(dirname "$0")"/../../target/cluster/*/; do
    [ ! -d "$folder" ] || "$0" "$(basename "$folder")"
  done
  exit 0
fi
if [ $# -gt 1 ]; then
  for name in "$@"; do "$0" "$name"; done
  exit 0
fi
ring=$1
# shellcheck source=hack/cluster/lib.sh
source "$(dirname "$0")/lib.sh"
[ -n "$locked" ] || lock

# gone WHAT COMMAND: kills the processes that the command prints, until it prints none.
gone() {
  local what=$1 deadline=$((SECONDS + 30)) found
  shift
  while found=$("$@") && [ -n "$found" ]; do
    # shellcheck disable=SC2086
    kill -KILL $found 2>/dev/null || true
    [ $SECONDS -lt $deadline ] || { echo "error: ring $ring: $what do not end: "$found >&2; exit 1; }
    sleep 0.02
  done
}

cgroups() { find /sys/fs/cgroup -depth -type d -path "*/ambient-ring-$id*" 2>/dev/null || true; }
in_cgroups() { cgroups | sed 's|$|/cgroup.procs|' | xargs -r cat 2>/dev/null | sort -u || true; }
mounts() { awk '{print $5}' /proc/self/mountinfo | grep -E "^($run|$data)/" | tac || true; }

gone "its processes" processes
if [ "$(id -u)" = 0 ]; then
  gone "its pods' processes" in_cgroups
  cgroups | xargs -r rmdir 2>/dev/null || true
  # A shim that was killed leaves its socket; its bundle says which.
  for file in "$run"/containerd/io.containerd.runtime.v2.task/k8s.io/*/address; do
    [ ! -e "$file" ] || rm -f "$(sed 's|^unix://||' "$file")"
  done
  # Lazily: a process of somebody else may look into a mount.
  mounts | xargs -r umount --lazy
  [ ! -e "/run/netns/$netns" ] || ip netns delete "$netns"
  if [ -e "$state/sysctls" ]; then
    while read -r file value; do echo "$value" >"$file"; done <"$state/sysctls"
  fi
  rm -rf "$run" "$data" /var/lib/cni/results/"$netns"-*
  find /var/log/containers -lname "$state/*" -delete 2>/dev/null || true
fi
find "$state" -mindepth 1 -maxdepth 1 ! -name logs -exec rm -rf {} + 2>/dev/null || true
[ -z "$locked" ] || rm -rf "$state"
