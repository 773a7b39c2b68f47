#!/usr/bin/env bash
# Makes FOLDER/bin: a program for each server in FOLDER, which PYTHON runs. `hack/mcp/launchers.sh FOLDER PYTHON`
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 python=$2
mkdir -p "$folder/bin"
{ echo "#!$python"; cat "$here/launch.py"; } >"$folder/bin/launch"
chmod 755 "$folder/bin/launch"
for server in mcp-server-fetch mcp-atlassian workspace-mcp; do
  ln -sfn launch "$folder/bin/$server"
done
