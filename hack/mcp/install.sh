#!/usr/bin/env bash
# Installs the pinned MCP servers from PyPI below FOLDER, each with its own packages: FOLDER/bin/mcp-server-fetch and so on.
# Wheels only, nothing is built; for Python 3.11, that of the agent's image.
#   hack/mcp/install.sh FOLDER UV PYTHON    PYTHON is what the launchers name, UV the program that installs
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 uv=$2 python=$3
servers=(mcp-server-fetch mcp-atlassian workspace-mcp)
# The descriptions of Google's services that workspace-mcp has tools for; the client library ships those of all, 100 MB.
keep='calendar|chat|customsearch|docs|drive|forms|gmail|people|script|sheets|slides|tasks'

mkdir -p "$folder"
for server in "${servers[@]}"; do
  "$uv" pip install -q --no-config --target "$folder/$server" --python-version 3.11 --python-platform x86_64-manylinux_2_36 \
    --only-binary :all: --require-hashes --link-mode copy -r "$here/$server.txt"
  rm -rf "${folder:?}/$server/bin" "$folder/$server/.lock"
done
find "$folder/workspace-mcp/googleapiclient/discovery_cache/documents" -name '*.json' \
  -regextype posix-extended ! -regex ".*/($keep)\.[^/]*" -delete
# Not by their time: an image's files have none.
python3.11 -m compileall -q -j 2 --invalidation-mode unchecked-hash "$folder" || true
"$here/launchers.sh" "$folder" "$python"
