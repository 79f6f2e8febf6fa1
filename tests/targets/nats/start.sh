#!/bin/sh
# Starts nats-server in the foreground: WebSocket on 127.0.0.1:PORT (18212), plain on
# 127.0.0.1:TCP_PORT (18211). Stopping this process stops it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
run=$(mktemp -d "${TMPDIR:-/tmp}/pushbench-nats.XXXXXX")
sed -e "s/18211/${TCP_PORT:-18211}/" -e "s/127\.0\.0\.1:18212/127.0.0.1:${PORT:-18212}/" \
    "$here/nats.conf" >"$run/nats.conf"
PATH=$PATH:/usr/sbin
ulimit -n "$(ulimit -Hn)"
nats-server -c "$run/nats.conf" >"$run/log" 2>&1 &
server=$!
stopped=
trap 'stopped=yes; kill -TERM "$server" 2>/dev/null || true' TERM INT HUP
code=0
while :; do
    code=0
    wait "$server" || code=$?
    kill -0 "$server" 2>/dev/null || break
done
if [ -n "$stopped" ]; then
    code=0
elif [ "$code" != 0 ]; then
    cat "$run/log" >&2
fi
rm -rf "$run"
exit "$code"
