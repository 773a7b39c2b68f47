#!/usr/bin/env bash
# Measures what make targets take and writes the table of docs/development.md: `hack/times.sh [TARGET…]`. Called by `make times`.
#
# Each target runs twice in a fresh clone of HEAD of its own: cold with empty build caches (what package registries gave stays
# where Cargo, Go and npm keep it), warm right after it. A target that is not named keeps its row.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
table=docs/development.md
log=$PWD/target/times
mkdir -p "$log"
[ $# -gt 0 ] || set -- build tools demo cluster-tools image cluster-up test lint

# seconds TARGET RUN: runs it in the clone; stops with the last lines of what it said when it fails.
seconds() {
  local begun=$SECONDS
  if ! make -C "$clone" "$1" >"$log/$1-$2.log" 2>&1; then
    echo "error: make $1 failed; last lines of $log/$1-$2.log:" >&2
    tail -n 12 "$log/$1-$2.log" >&2
    exit 1
  fi
  echo $((SECONDS - begun))
}

clock() { printf '%d:%02d' $(($1 / 60)) $(($1 % 60)); }

# row TARGET COLD WARM: replaces the target's row, or adds it as the last one.
row() {
  local new
  new="| \`make $1\` | $2 | $3 | $(date -u +%F) |"
  awk -v new="$new" -v begin="| \`make $1\` |" '
    /<!-- times: end -->/ && !done { print new; done = 1 }
    index($0, begin) == 1 { if (!done) print new; done = 1; next }
    { print }' "$root/$table" >"$log/table.md"
  mv "$log/table.md" "$root/$table"
}

leave() { make -C "$clone" cluster-down >/dev/null 2>&1 || true; rm -rf "$clone" "$cache"; }

for target in "$@"; do
  clone=$(mktemp -d "$log/clone.XXXX") cache=$(mktemp -d "$log/cache.XXXX")
  trap leave EXIT
  git clone -q . "$clone"
  export GOCACHE=$cache
  echo "make $target, cold" >&2
  cold=$(seconds "$target" cold)
  row "$target" "$(clock "$cold")" "not yet"
  [ "$target" != cluster-up ] || make -C "$clone" cluster-down >/dev/null
  echo "make $target, warm (cold: $cold s)" >&2
  warm=$(seconds "$target" warm)
  row "$target" "$(clock "$cold")" "$(clock "$warm")"
  leave
  trap - EXIT
done
