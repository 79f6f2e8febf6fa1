#!/bin/sh
# Starts the server, after installing `ws` when it is missing. Stopping this process stops it.
set -eu
cd "$(dirname "$0")"
if [ ! -d node_modules/ws ]; then
    npm ci --no-audit --no-fund --loglevel=error >&2
fi
exec node server.js
