#!/usr/bin/env bash
# Builds the cluster's programs into target/tools/cluster, pinned by hack/cluster/tools/go.sum. A second call takes a moment.
# Exit code 3 when a person has to install something.
set -euo pipefail
cd "$(dirname "$0")/tools"
to="$(cd ../../.. && pwd)/target/tools/cluster"
version=$(sed -n 's|.*k8s.io/kubernetes v||p' go.mod | head -n 1)

mkdir -p "$to"
exec 9>"$to/.lock"
flock 9
stamp=$(cat ../tools.sh go.mod go.sum ./*/*.go 2>/dev/null | sha256sum | cut -d' ' -f1)
# The stamp is written last, so what was built by half is built again.
[ "$(cat "$to/.stamp" 2>/dev/null)" = "$stamp" ] && exit 0

wanted=$(sed -n 's/^go //p' go.mod)
command -v go >/dev/null || { echo "error: go is missing; install Go $wanted or later (https://go.dev/dl), then try again" >&2; exit 3; }
found=$(GOTOOLCHAIN=local go env GOVERSION)
if [ "$(printf '%s\n' "$wanted" "${found#go}" | sort -V | head -n 1)" != "$wanted" ]; then
  echo "error: Go $wanted or later is needed, found ${found#go}; install it (https://go.dev/dl), then try again" >&2
  exit 3
fi
free=$(df --output=avail -BM "$to" | tail -n 1 | tr -dc 0-9)
[ "$free" -ge 6000 ] || { echo "error: $to has $free MB free; the build needs 6000 MB" >&2; exit 3; }

echo "building Kubernetes $version and CoreDNS into target/tools/cluster (some minutes the first time)" >&2
rm -rf "$to/.stamp" "$to/new" && mkdir "$to/new"
number=k8s.io/component-base/version
export CGO_ENABLED=0 GOFLAGS="-buildvcs=false -mod=readonly"
nice -n 10 go build -p "$(nproc)" -trimpath -o "$to/new/" -ldflags \
  "-s -w -X $number.gitVersion=v$version -X $number.gitMajor=${version%%.*} -X $number.gitMinor=$(cut -d. -f2 <<<"$version")" \
  ./kubernetes ./coredns ./volumes ./pod >&2 9>&- ||
  { echo "error: the build failed, see above; the modules come from $(go env GOPROXY)" >&2; exit 3; }
mv "$to/new/"* "$to/" && rmdir "$to/new"
echo "$stamp" >"$to/.stamp"
