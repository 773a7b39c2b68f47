#!/bin/sh
# The fake agent CLI, behind an agent that works on files: AGENT_DOES is a shell command, AGENT_IS the CLI.
sh -c "$AGENT_DOES" || exit 1
exec "$AGENT_IS" "$@"
