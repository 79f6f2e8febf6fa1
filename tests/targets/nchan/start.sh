#!/bin/sh
# Starts nginx with nchan in the foreground on 127.0.0.1:PORT (18080), in a run folder of its own
# that goes with it. Stopping this process stops nginx; a HUP is passed on, which is how nginx is
# told to reload (it lets every subscriber go).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
run=$(mktemp -d "${TMPDIR:-/tmp}/pushbench-nchan.XXXXXX")
chmod 755 "$run" # started as root, workers are another user and must reach their body folder
sed "s/127\.0\.0\.1:18080/127.0.0.1:${PORT:-18080}/" "$here/nginx.conf" >"$run/nginx.conf"

ulimit -n "$(ulimit -Hn)" # a descriptor for each client
nginx -p "$run/" -c "$run/nginx.conf" -g 'daemon off;' &
nginx=$!
# A signal ends `wait` early; nginx is then told to stop, and waited for before its folder goes.
trap 'kill -TERM "$nginx" 2>/dev/null || true' TERM INT
trap 'kill -HUP "$nginx" 2>/dev/null || true' HUP
code=0
while :; do
    code=0
    wait "$nginx" || code=$?
    kill -0 "$nginx" 2>/dev/null || break
done
rm -rf "$run"
exit "$code"
