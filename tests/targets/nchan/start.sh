#!/bin/sh
# Starts nginx with nchan in the foreground, in a run folder of its own that goes with it.
# Stopping this process stops nginx.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
run=$(mktemp -d "${TMPDIR:-/tmp}/pushbench-nchan.XXXXXX")
chmod 755 "$run" # started as root, workers are another user and must reach their body folder

ulimit -n "$(ulimit -Hn)" # a descriptor for each client
nginx -p "$run/" -c "$here/nginx.conf" -g 'daemon off;' &
nginx=$!
# A signal ends `wait` early; nginx is then told to stop, and waited for before its folder goes.
trap 'kill -TERM "$nginx" 2>/dev/null || true' TERM INT HUP
code=0
wait "$nginx" || code=$?
if kill -0 "$nginx" 2>/dev/null; then
    code=0
    wait "$nginx" || code=$?
fi
rm -rf "$run"
exit "$code"
