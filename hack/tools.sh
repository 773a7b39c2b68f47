#!/usr/bin/env bash
# Installs the pinned tools that tests and the demo need into target/tools: `hack/tools.sh claude agui mcp deny` (or one).
# A tool whose pin has not changed is left alone, so a second call takes a moment.
set -euo pipefail
cd "$(dirname "$0")/.."
tools="$PWD/target/tools"

need() { command -v "$1" >/dev/null || { echo "error: $1 is missing; install $2, then try again" >&2; exit 3; }; }

# npm_tool NAME FOLDER: the packages of FOLDER/package-lock.json, without running install scripts.
npm_tool() {
  local name=$1 from=$2 to="$tools/$1" stamp
  stamp=$(cat "$from/package.json" "$from/package-lock.json" | sha256sum | cut -d' ' -f1)
  [ "$(cat "$to/.stamp" 2>/dev/null)" = "$stamp" ] && return 0
  need npm "Node.js 20 or later"
  echo "installing $name into target/tools/$name" >&2
  rm -rf "$to" && mkdir -p "$to"
  cp "$from/package.json" "$from/package-lock.json" "$to/"
  (cd "$to" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2
  echo "$stamp" >"$to/.stamp"
}

claude() {
  npm_tool claude hack/tools/claude
  local found
  found=$(find "$tools/claude/node_modules/@anthropic-ai" -maxdepth 2 -name claude -type f -path '*claude-code-*' | head -n 1)
  [ -n "$found" ] || { echo "error: the pinned CLI has no build for $(uname -sm)" >&2; exit 3; }
  mkdir -p "$tools/bin" && ln -sfn "$found" "$tools/bin/claude"
}

agui() { npm_tool agui tests/agui; }

# The MCP servers of the agent's image, for the Python of this machine.
mcp() {
  local stamp to="$tools/mcp"
  stamp=$(cat hack/mcp/*.txt hack/mcp/install.sh hack/mcp/launchers.sh hack/mcp/launch.py | sha256sum | cut -d' ' -f1)
  [ "$(cat "$to/.stamp" 2>/dev/null)" = "$stamp" ] && return 0
  need python3.11 "Python 3.11 with its module venv"
  echo "installing the MCP servers into target/tools/mcp" >&2
  rm -rf "$to" "$tools/uv"
  python3.11 -m venv "$tools/uv" >&2
  "$tools/uv/bin/pip" install -q --disable-pip-version-check --require-hashes --only-binary :all: -r hack/mcp/uv.txt >&2
  hack/mcp/install.sh "$to" "$tools/uv/bin/uv" "$(python3.11 -c 'import sys; print(sys.executable)')" >&2
  echo "$stamp" >"$to/.stamp"
}

deny() {
  local version=0.20.2
  [ "$("$tools/bin/cargo-deny" --version 2>/dev/null)" = "cargo-deny $version" ] && return 0
  echo "building cargo-deny $version into target/tools" >&2
  cargo install --quiet --locked --debug --root "$tools" --target-dir "$tools/build" --version "$version" cargo-deny >&2
  rm -rf "$tools/build"
}

for tool in "$@"; do
  case "$tool" in
    claude | agui | mcp | deny) "$tool" ;;
    *) echo "usage: hack/tools.sh [claude] [agui] [mcp] [deny]" >&2; exit 2 ;;
  esac
done
