#!/usr/bin/env bash
# Runs the demo and puts what it prints into README.md, between the markers of the recording.
set -euo pipefail
cd "$(dirname "$0")/.."

printed=$(mktemp) && trap 'rm -f "$printed"' EXIT
echo '$ make demo' >"$printed"
# Not a terminal: plain lines of a fixed width, without colours.
hack/demo.sh >>"$printed"

next=$(mktemp README.XXXXXX) && trap 'rm -f "$printed" "$next"' EXIT
awk -v printed="$printed" '
  /^<!-- recording: / {
    print; print "```text"
    while ((getline line < printed) > 0) print line
    print "```"; skipping = 1; found = 1
  }
  /^<!-- end of the recording -->/ { skipping = 0 }
  !skipping && !/^<!-- recording: / { print }
  END { exit found ? 0 : 1 }
' README.md >"$next" || { echo "error: README.md has no line '<!-- recording: … -->'" >&2; exit 1; }
cat "$next" >README.md
