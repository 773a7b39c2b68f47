#!/usr/bin/env bash
# Builds the project's images from the Dockerfile with buildah: no daemon, no registry. Called by `make image`.
#
#   target/images/{ambient,agent}.tar   docker-archives, which every container runtime imports
#   target/images/{ambient,agent}.ref   the names in them: localhost/<name>:<version>-<id>
#
# The id is a hash of what goes in: the same inputs have the same name, and a call that finds their archives ends at once.
# PROFILE=release takes a release build of the binary; the default is the build that the tests make anyway.
# Exit codes: 1 a step failed (its last lines are shown), 3 something is missing on this machine.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${PROFILE:-dev}
images=$PWD/target/images
[ "$profile" = dev ] && folder=debug || folder=$profile
binary=${CARGO_TARGET_DIR:-target}/$folder/ambient
cli=target/tools/bin/claude

main() {
  [ "$(id -u)" = 0 ] || missing "building images without a daemon needs root: sudo -E make image (or use docker build, see docs/image.md)"
  mkdir -p "$images/log"
  step packages hack/cluster/packages.sh image
  exec 9>"$images/.lock"
  flock --wait 1800 9 || missing "another hack/image.sh has been at work for half an hour: end it, then try again"
  step binary build_binary
  step cli hack/tools.sh claude
  step mcp hack/tools.sh mcp
  step strip strip_binary
  step mcp-context mcp_context
  [ -e "$images/base/bookworm.tar" ] || new_base
  local version
  version=$(version)
  up_to_date "$version" || build "$version"
  cat "$images/ambient.ref" "$images/agent.ref"
}

new_base() {
  need_space
  step base hack/image/base.sh "$images/base"
}

build() {
  need_space
  # What an interrupted call has left.
  step clean buildah_here rm --all
  step base-image base_image
  image ambient ambient "$1"
  image agent ambient-agent "$1"
}

# image TARGET NAME VERSION: one target of the Dockerfile, built, and written to its archive.
image() {
  local target=$1 ref=localhost/$2:$3
  step "$target" build_target "$target" "$ref" "$3"
  step "$target-archive" write_archive "$target" "$ref"
  # The layers that the new image shares with older ones stay.
  step "$target-old" forget_older "localhost/$2" "$ref"
  echo "$ref" >"$images/$target.ref"
}

build_target() {
  local cache=--layers
  # Copies of a whole image for each line are too much.
  [ "$(driver)" = overlay ] || cache=--layers=false
  buildah_here bud --isolation chroot --network host --pull-never $cache --timestamp 0 \
    --build-context "binary=$images/context" --build-context "cli=$(dirname "$(readlink -f "$cli")")" \
    --build-context "mcp=$images/mcp" \
    --build-arg "VERSION=$3" --target "$1" --tag "$2" .
}

# Moved into place when it is whole: somebody may import it at any moment.
write_archive() {
  rm -f "$images/$1.tar.new"
  buildah_here push "$2" "docker-archive:$images/$1.tar.new:$2"
  mv "$images/$1.tar.new" "$images/$1.tar"
}

forget_older() {
  local ref
  buildah_here images --format '{{.Name}}:{{.Tag}}' --filter "reference=$1" | while read -r ref; do
    [ "$ref" = "$2" ] || buildah_here rmi "$ref"
  done
}

# What the Dockerfile's own FROM resolves to.
base_image() {
  local name=docker.io/library/debian:bookworm-slim id
  id=$(cat "$images/base/bookworm.sha256")
  [ "$(buildah_here inspect --type image --format '{{index .OCIv1.Config.Labels "base"}}' "$name" 2>/dev/null)" = "$id" ] && return
  printf 'FROM scratch\nADD bookworm.tar /\nLABEL base=%s\nCMD ["bash"]\n' "$id" |
    buildah_here bud --isolation chroot --timestamp 0 --tag "$name" -f - "$images/base"
}

# With an example, since that makes cargo choose the features that tests have: the dependencies are built once for both.
build_binary() {
  local also=()
  [ "$profile" != dev ] || also=(--example scripted_model)
  ${CARGO:-cargo} build --locked --profile "$profile" --bin ambient "${also[@]}"
}

# Most of a debug build is for debuggers.
strip_binary() {
  local to=$images/context/ambient
  [ "$to" -nt "$binary" ] && [ "$(cat "$images/profile" 2>/dev/null)" = "$profile" ] && return
  mkdir -p "$images/context"
  strip -o "$to" "$binary"
  echo "$profile" >"$images/profile"
}

# The servers of `make tools`, for the image's Python.
mcp_context() {
  local from=target/tools/mcp to=$images/mcp
  [ "$(cat "$to/.stamp" 2>/dev/null)" = "$(cat "$from/.stamp")" ] && return
  rm -rf "$to"
  mkdir -p "$to/opt"
  cp -rL --no-preserve=ownership "$from" "$to/opt/mcp.new"
  rm -rf "$to"/opt/mcp.new/bin/* "$to/opt/mcp.new/.stamp"
  hack/mcp/launchers.sh "$to/opt/mcp.new" /usr/bin/python3.11
  mv "$to/opt/mcp.new" "$to/opt/mcp"
  cp "$from/.stamp" "$to/.stamp"
}

version() {
  local number id
  number=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
  id=$(sha256sum "$images/context/ambient" Dockerfile .dockerignore hack/image.sh hack/tools/claude/package-lock.json \
    "$images/mcp/.stamp" "$images/base/bookworm.sha256" | cut -d' ' -f1 | sha256sum | cut -c1-12)
  echo "$number-$id"
}

up_to_date() {
  local target
  for target in ambient agent; do
    [ -e "$images/$target.tar" ] && [[ "$(cat "$images/$target.ref" 2>/dev/null)" == *":$1" ]] || return 1
  done
}

buildah_here() {
  timeout 1200 buildah --root "$images/storage" --runroot "$images/storage/run" --storage-driver "$(driver)" "$@"
}

# Overlay file systems where the kernel lets us mount them. Copies are slow and large, but work in every container.
driver() {
  local file=$images/driver probe
  if [ ! -e "$file" ]; then
    probe=$(mktemp -d "$images/probe.XXXXXX")
    mkdir "$probe/low" "$probe/up" "$probe/work" "$probe/all"
    if unshare --mount mount -t overlay -o "lowerdir=$probe/low,upperdir=$probe/up,workdir=$probe/work" overlay "$probe/all" 2>/dev/null; then
      echo overlay >"$file"
    else
      echo vfs >"$file"
    fi
    rm -rf "$probe"
  fi
  cat "$file"
}

# Two images of 0.2 and 1.1 GB, in steps of their own, and once more as archives.
need_space() {
  local free
  free=$(df --output=avail --block-size=1M "$images" | tail -n 1)
  [ "$free" -ge 6000 ] || missing "target/images needs 6000 MB of free disk, there are $((free)): free some, then try again"
}

# step NAME COMMAND…: its output goes to a log; when it fails, the last lines say why.
step() {
  local name=$1 log=$images/log/$1.log started=$SECONDS code=0
  shift
  "$@" >"$log" 2>&1 9>&- || code=$?
  if [ "$code" != 0 ]; then
    echo "error: make image: the step '$name' failed. Its last lines ($log):" >&2
    tail -n 15 "$log" | sed 's/^/  /' >&2
    [ "$code" = 3 ] || code=1
    exit "$code"
  fi
  [ $((SECONDS - started)) -lt 2 ] || echo "image: $name $((SECONDS - started)) s" >&2
}

missing() {
  echo "error: $1" >&2
  exit 3
}

main
