#!/usr/bin/env bash
# Resolves hack/mcp/*.in anew into *.txt: every package with its version and hashes, for the Python of the agent's image.
# Needs what `hack/tools.sh mcp` has installed.
set -euo pipefail
cd "$(dirname "$0")"
for from in *.in; do
  to=${from%.in}.txt
  {
    echo "# Made by hack/mcp/pin.sh from $(cat "$from"); do not edit."
    ../../target/tools/uv/bin/uv pip compile -q --generate-hashes --no-annotate --no-header --only-binary :all: \
      --python-version 3.11 --python-platform x86_64-manylinux_2_36 "$from"
  } >"$to.new"
  mv "$to.new" "$to"
done
