#!/bin/sh
# Runs one PostgreSQL for the tests and ends it when standard input closes: at the end of the test process, however it ends.
#
#   cluster.sh BIN DIRECTORY PORT
#
# BIN holds initdb and postgres. DIRECTORY is made, owned by the server's user, and removed at the end; it receives the socket and the
# log. The files server.crt and server.key must lie beside it, in DIRECTORY.tls. Prints `ready` once a query works.
set -eu
bin=$1 directory=$2 port=$3

# Words before a command that make it run as the server's user: PostgreSQL refuses root.
as_server=
if [ "$(id -u)" = 0 ]; then
    user=nobody
    if id postgres >/dev/null 2>&1; then user=postgres; fi
    as_server="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups --"
    mkdir -p "$directory"
    cp "$directory.tls/server.crt" "$directory.tls/server.key" "$directory"
    chown -R "$user" "$directory"
else
    mkdir -p "$directory"
    cp "$directory.tls/server.crt" "$directory.tls/server.key" "$directory"
fi
chmod 700 "$directory"
chmod 600 "$directory/server.key"
cd "$directory"

server=
stop() {
    if [ -n "$server" ]; then
        kill -INT "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    cd /
    rm -rf "$directory" "$directory.tls"
}
trap stop EXIT
trap 'exit 1' INT TERM

$as_server "$bin/initdb" --pgdata="$directory/data" --username=root --auth=trust --encoding=UTF8 --locale=C --no-sync \
    >"$directory/log" 2>&1 || { cat "$directory/log" >&2; exit 1; }
cat >"$directory/data/pg_hba.conf" <<HBA
local all all trust
host  all all 127.0.0.1/32 scram-sha-256
HBA
$as_server "$bin/postgres" -D "$directory/data" -k "$directory" -p "$port" -c listen_addresses=127.0.0.1 \
    -c default_transaction_isolation=serializable -c max_connections=300 -c shared_buffers=64MB \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
    -c ssl=on -c ssl_cert_file="$directory/server.crt" -c ssl_key_file="$directory/server.key" \
    >>"$directory/log" 2>&1 </dev/null &
server=$!

until $as_server "$bin/pg_isready" --quiet --username=root --dbname=postgres --host="$directory" --port="$port"; do
    kill -0 "$server" 2>/dev/null || { cat "$directory/log" >&2; exit 1; }
    sleep 0.02
done
echo ready
cat >/dev/null
