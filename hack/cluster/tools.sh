#!/usr/bin/env bash
# Builds programs into target/tools/cluster, each pinned by the go.sum beside its go.mod: `hack/cluster/tools.sh [kwok] [versitygw]`.
# Without a name: what the rings need. A second call takes a moment. Exit code 3 when a person has to install something.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
to=$(cd "$here/../.." && pwd)/target/tools/cluster
export CGO_ENABLED=0 GOFLAGS="-buildvcs=false -mod=readonly" GOTOOLCHAIN=local

# build SET FOLDER LDFLAGS PACKAGE…: unless it is there as its sources want it.
build() {
  local set=$1 stamp
  cd "$here/$2"
  stamp=$(cat go.mod go.sum $(find . -name '*.go') | sha256sum | cut -d' ' -f1)
  # The stamp is written last, so what was built by half is built again.
  [ "$(cat "$to/.stamp-$set" 2>/dev/null)" = "$stamp" ] && return 0
  enough
  echo "building $set into target/tools/cluster (some minutes the first time)" >&2
  rm -rf "$to/.stamp-$set" "$to/new" && mkdir "$to/new"
  nice -n 10 go build -trimpath -o "$to/new/" -ldflags "-s -w $3" "${@:4}" >&2 9>&- ||
    { echo "error: the build of $set failed, see above; modules come from $(go env GOPROXY)" >&2; exit 3; }
  mv "$to/new/"* "$to/" && rmdir "$to/new"
  echo "$stamp" >"$to/.stamp-$set"
}

# enough: Go and disk.
enough() {
  local wanted found free
  wanted=$(sed -n 's/^go //p' go.mod)
  command -v go >/dev/null || { echo "error: go is missing; install Go $wanted or later (https://go.dev/dl), then try again" >&2; exit 3; }
  found=$(go env GOVERSION)
  if [ "$(printf '%s\n' "$wanted" "${found#go}" | sort -V | head -n 1)" != "$wanted" ]; then
    echo "error: Go $wanted or later is needed, found ${found#go}; install it (https://go.dev/dl), then try again" >&2
    exit 3
  fi
  free=$(df --output=avail -BM "$to" | tail -n 1 | tr -dc 0-9)
  [ "$free" -ge 6000 ] || { echo "error: the disk of $to has $free MB free; the build needs 6000 MB" >&2; exit 3; }
}

rings() {
  local version number=k8s.io/component-base/version
  version=$(sed -n 's|.*k8s.io/kubernetes v||p' "$here/tools/go.mod" | head -n 1)
  # Without its version, Kubernetes says that it is v0.0.0.
  build rings tools "-X $number.gitVersion=v$version -X $number.gitMajor=${version%%.*} -X $number.gitMinor=$(cut -d. -f2 <<<"$version")" \
    ./kubernetes ./coredns ./volumes ./pod
}

mkdir -p "$to"
command -v flock >/dev/null || { echo "error: flock is missing; install the package util-linux, then try again" >&2; exit 3; }
exec 9>"$to/.lock"
flock 9
[ $# -gt 0 ] || set -- rings
for name in "$@"; do
  case "$name" in
    rings) rings ;;
    kwok) build kwok tools/kwok "" sigs.k8s.io/kwok/cmd/kwok ;;
    versitygw) build versitygw tools/versitygw "" github.com/versity/versitygw/cmd/versitygw ;;
    *) echo "usage: hack/cluster/tools.sh [rings] [kwok] [versitygw]" >&2; exit 2 ;;
  esac
done
