#!/usr/bin/env bash
# The real agent CLI repairs the project of examples/fix-bug.yaml, against a scripted model on this machine: no key, no
# network. With your own key: ambient run examples/fix-bug.yaml
#
# AMBIENT_DEMO_DIR says where (target/demo), AMBIENT_DEMO_BIN where the debug binaries are; without it they are built.
set -euo pipefail
cd "$(dirname "$0")/.."

hack/tools.sh claude
bin=${AMBIENT_DEMO_BIN:-target/debug}
[ -n "${AMBIENT_DEMO_BIN:-}" ] || cargo build --locked --quiet --bin ambient --example scripted_model

dir=${AMBIENT_DEMO_DIR:-target/demo}
rm -rf "$dir" && mkdir -p "$dir"
mkfifo "$dir/model.url"
exec 3<>"$dir/model.url"
"$bin/examples/scripted_model" --listen 127.0.0.1:0 --script examples/scripts/fix-bug.yaml >&3 2>"$dir/model.log" &
model=$!
trap 'kill $model 2>/dev/null || true' EXIT

# The server says where it listens in its first line.
read -r -t 60 line <&3 && url=$(grep -o 'http://[^ ]*' <<<"$line") || {
  echo "error: the scripted model did not start:" >&2
  cat "$dir/model.log" >&2
  exit 3
}

# Nothing of the caller's own account reaches the demo.
env -u ANTHROPIC_AUTH_TOKEN -u CLAUDE_CODE_OAUTH_TOKEN -u USE_VERTEX -u CLAUDE_CODE_USE_VERTEX \
  ANTHROPIC_API_KEY=offline-demo-key ANTHROPIC_BASE_URL="$url" AMBIENT_AGENT_COMMAND="$PWD/target/tools/bin/claude" \
  "$bin/ambient" run examples/fix-bug.yaml --dir "$dir/session" "$@"

echo
echo "The test of the repaired project, run once more:"
(cd "$dir/session/workspace/calculator" && sh ./test.sh)
