#!/bin/sh
# start.sh NAME: starts NAME.js on 127.0.0.1:PORT (each has a default of its own), after installing
# the packages when they are missing. Stopping this process stops it.
set -eu
cd "$(dirname "$0")"
if [ ! -d node_modules/socket.io ]; then
    npm ci --no-audit --no-fund --loglevel=error >&2
fi
exec node "$1.js"
