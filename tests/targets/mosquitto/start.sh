#!/bin/sh
# Starts mosquitto in the foreground: MQTT over WebSocket on PORT (18202), over TCP on
# 127.0.0.1:TCP_PORT (18201). Stopping this process stops it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
run=$(mktemp -d "${TMPDIR:-/tmp}/pushbench-mosquitto.XXXXXX")
chmod 755 "$run" # started as root, mosquitto becomes another user
sed -e "s/18201/${TCP_PORT:-18201}/" -e "s/listener 18202/listener ${PORT:-18202}/" \
    "$here/mosquitto.conf" >"$run/mosquitto.conf"
PATH=$PATH:/usr/sbin
ulimit -n "$(ulimit -Hn)"
mosquitto -c "$run/mosquitto.conf" &
server=$!
trap 'kill -TERM "$server" 2>/dev/null || true' TERM INT HUP
code=0
while :; do
    code=0
    wait "$server" || code=$?
    kill -0 "$server" 2>/dev/null || break
done
rm -rf "$run"
exit "$code"
