#!/bin/sh
# Answers git's question for a user name or password, for the one host that the credential belongs to: after a redirect
# git asks in the name of another host, which must get nothing. The values come from the environment of the git process.
case "$1" in
    "Username for '$AMBIENT_GIT_ORIGIN': " | \
    "Username for '$AMBIENT_GIT_SCHEME://"*"@$AMBIENT_GIT_AUTHORITY': ")
        printf '%s\n' "$AMBIENT_GIT_USERNAME" ;;
    "Password for '$AMBIENT_GIT_ORIGIN': " | \
    "Password for '$AMBIENT_GIT_SCHEME://"*"@$AMBIENT_GIT_AUTHORITY': ")
        printf '%s\n' "$AMBIENT_GIT_PASSWORD" ;;
    *)
        exit 1 ;;
esac
