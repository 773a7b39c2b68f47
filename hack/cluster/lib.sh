# shellcheck shell=bash
# What the scripts of a ring share. Sourced, with the ring's name in $ring.
#
# A ring keeps its state in target/cluster/NAME. Each of its processes has RING_PROCESS=ID/COMPONENT in its environment: that
# finds them whatever was killed, and a number that the system gave to somebody else is never mistaken for one of them.
set -Eeuo pipefail
trap 'echo "error: ring $ring: line $LINENO of ${BASH_SOURCE[0]##*/} failed: ${BASH_COMMAND%%$'"'\\n'"'*}; see $state/logs" >&2' ERR
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
tools=$root/target/tools/cluster
state=$root/target/cluster/$ring
id=$(sha256sum <<<"$state" | cut -c1-8)
PATH=$PATH:/usr/sbin:/sbin
# Where sockets, and what is too big or too deep for the state, go in a node ring.
run=/run/ambient-ring-$id
data=/var/lib/ambient-ring-$id
netns=ambient-$id
inside=()
[ ! -e "/run/netns/$netns" ] || inside=(nsenter "--net=/run/netns/$netns")

case "$ring" in *[!a-z0-9-]* | "") echo "error: a ring's name has letters, digits and dashes: '$ring'" >&2; exit 2 ;; esac

# lock: one script at a time works on a ring.
lock() {
  mkdir -p "$root/target/cluster"
  exec 9>"$root/target/cluster/$ring.lock"
  flock --wait 180 9 || { echo "error: another up or down works on the ring $ring since 180 s" >&2; exit 1; }
}

# processes [COMPONENT]: the numbers of the ring's living processes.
processes() {
  { grep -lsaz "^RING_PROCESS=$id/${1:+$1\$}" /proc/[0-9]*/environ || true; } | cut -d/ -f3
}

# running COMPONENT
running() {
  local pid
  pid=$(cat "$state/pids/$1" 2>/dev/null) && grep -qsaz "^RING_PROCESS=$id/$1\$" "/proc/$pid/environ"
}

# start COMPONENT COMMAND…: in the background and in the ring's network, unless it runs.
start() {
  local component=$1 pid
  shift
  running "$component" && return 0
  env -i "PATH=$PATH" "HOME=$state" "RING_PROCESS=$id/$component" setsid "${inside[@]}" "$@" \
    </dev/null >>"$state/logs/$component.log" 2>&1 9>&- &
  pid=$!
  echo "$pid" >"$state/pids/$component"
  # Until the new program is in place, the process looks like this script.
  while kill -0 "$pid" 2>/dev/null && ! running "$component"; do sleep 0.01; done
}

# broken COMPONENT WHY: ends the script, with what the component said last.
broken() {
  echo "error: ring $ring: $1: $2" >&2
  echo "last lines of $state/logs/$1.log:" >&2
  tail -n 12 "$state/logs/$1.log" 2>/dev/null | cut -c1-400 | sed 's/^/  /' >&2 || true
  echo "the other components' logs are beside it; \`make cluster-down\` removes the ring" >&2
  exit 1
}

# await SECONDS COMPONENT WHAT COMMAND…: until the command succeeds. What ended meanwhile is named, else the component.
await() {
  local deadline=$((SECONDS + $1)) limit=$1 component=$2 what=$3 file
  shift 3
  until "$@" >/dev/null 2>"$state/logs/await.log"; do
    for file in "$state/pids/"*; do
      running "${file##*/}" || broken "${file##*/}" "ended (waiting until $what)"
    done
    [ $SECONDS -lt "$deadline" ] || broken "$component" "$what: not within $limit s ($(tail -n 1 "$state/logs/await.log" | cut -c1-300))"
    sleep 0.1
  done
}

kubectl() { "${inside[@]}" "$tools/kubernetes" kubectl --kubeconfig "$state/kubeconfig" --request-timeout=10s "$@"; }

# free_port: below the ports that the system gives out by itself, so that only another ring could take it meanwhile.
free_port() {
  local port
  for _ in {1..200}; do
    port=$((15000 + RANDOM % 17000))
    (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
  done
  echo "error: no free port on 127.0.0.1 between 15000 and 32000" >&2
  return 1
}

# enough_space FOLDER MEGABYTES
enough_space() {
  local free
  free=$(df --output=avail -BM "$1" | tail -n 1 | tr -dc 0-9)
  [ "$free" -ge "$2" ] || { echo "error: the disk of $1 has $free MB free; a ring needs $2 MB" >&2; exit 3; }
}
