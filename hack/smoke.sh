#!/usr/bin/env bash
# A session's pod on the node ring: the images of this checkout, the real agent CLI, a scripted model. Prints the run's
# outcome, the file that the agent wrote, and what the official AG-UI client says of the stream. The ring stays up.
set -euo pipefail
cd "$(dirname "$0")/.."
hack/tools.sh claude agui
hack/image.sh
hack/cluster/up.sh node
# A test that is skipped would look like one that passed.
CI=true cargo test --locked --quiet --test cluster_pod -- --nocapture --exact \
  run::a_run_through_the_service_streams_the_real_agent_which_writes_a_file
