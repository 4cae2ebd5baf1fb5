#!/usr/bin/env bash
# Runs a command with a throw-away PostgreSQL beside it.
#
#   scripts/with-postgres.sh [--durable] COMMAND [ARGUMENT…]
#
# The server listens on a free loopback port, its data lies in a temporary directory, and both are
# gone when the command ends, whose exit code this returns. The command finds the server's address
# in OSTIARY_TEST_POSTGRES_URL. The server also speaks TLS, as "localhost", when openssl is there to
# make it a certificate; the authority that vouches for it is then in OSTIARY_TEST_POSTGRES_AUTHORITY.
#
# --durable   write to disk as a production server does, for measuring; tests do without.
#
# The PostgreSQL programs are looked for in PATH and in Debian's directories, and installed when they
# are missing, this is Debian and the caller is root.
set -euo pipefail

settings=(-c "listen_addresses=127.0.0.1" -c "unix_socket_directories=" -c "max_connections=200")
if [[ "${1-}" == "--durable" ]]; then
    shift
else
    settings+=(-c "fsync=off" -c "synchronous_commit=off" -c "full_page_writes=off")
fi
if (($# == 0)); then
    echo "usage: $0 [--durable] COMMAND [ARGUMENT…]" >&2
    exit 2
fi

find_programs() {
    local found
    found=$(command -v initdb) || found=$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
    [[ -n "$found" ]] && programs=$(dirname "$(readlink -f "$found")")
}

if ! find_programs; then
    if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
        echo "$0: PostgreSQL is not installed (initdb is neither in PATH nor in /usr/lib/postgresql)" >&2
        exit 1
    fi
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql >&2
    find_programs
fi

directory=$(mktemp -d "${TMPDIR:-/tmp}/ostiary-postgres.XXXXXX")
as_server=()
if ((EUID == 0)); then
    # The server refuses to run as root.
    owner=postgres
    id "$owner" >/dev/null 2>&1 || owner=nobody
    chown "$owner" "$directory"
    as_server=(setpriv "--reuid=$owner" "--regid=$(id -g "$owner")" --clear-groups --)
fi

stop() {
    if [[ -f "$directory/data/postmaster.pid" ]]; then
        "${as_server[@]}" "$programs/pg_ctl" --pgdata="$directory/data" --mode=immediate --silent stop >&2 || true
    fi
    rm -rf "$directory"
}
trap stop EXIT

# Text sorts by the rules of a language, as on most servers in use, so that a test notices code which
# relies on the order of bytes.
initialize() {
    "${as_server[@]}" "$programs/initdb" --pgdata="$directory/data" --username=ostiary --auth=trust \
        --encoding=UTF8 --no-sync --locale=C.UTF-8 "$@" >"$directory/initdb.log" 2>&1
}
if ! initialize --locale-provider=icu --icu-locale=en-US; then
    rm -rf "$directory/data"
    initialize || { cat "$directory/initdb.log" >&2; exit 1; }
fi

make_certificate() {
    cd "$directory"
    local key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
    openssl req -x509 "${key[@]}" -days 2 -subj "/CN=Throw-away authority" -keyout authority.key -out authority.pem
    openssl req "${key[@]}" -subj "/CN=localhost" -keyout data/server.key -out server.csr
    openssl x509 -req -in server.csr -CA authority.pem -CAkey authority.key -days 2 \
        -extfile <(echo "subjectAltName=DNS:localhost") -out data/server.crt
    chmod 600 data/server.key
    if ((EUID == 0)); then chown "$owner" data/server.key data/server.crt; fi
}
if command -v openssl >/dev/null; then
    (make_certificate) >"$directory/openssl.log" 2>&1 || { cat "$directory/openssl.log" >&2; exit 1; }
    settings+=(-c "ssl=on")
    export OSTIARY_TEST_POSTGRES_AUTHORITY="$directory/authority.pem"
fi

# Whether a port is free shows only when the server takes it.
for attempt in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 30000))
    if "${as_server[@]}" "$programs/pg_ctl" --pgdata="$directory/data" --log="$directory/data/log" --silent --wait \
        --options="$(printf '%q ' "${settings[@]}" -p "$port")" start >/dev/null 2>&1; then
        break
    fi
    if ((attempt == 5)); then
        cat "$directory/data/log" >&2
        exit 1
    fi
done

# In the background, because only `wait` lets a signal reach the trap while the command runs.
export OSTIARY_TEST_POSTGRES_URL="postgres://ostiary@127.0.0.1:$port/postgres?sslmode=disable"
"$@" <&0 &
command=$!
trap 'kill -TERM "$command" 2>/dev/null || true' INT TERM
status=0
wait "$command" || status=$?
# A trapped signal ends `wait` before the command, which is then waited for again.
while kill -0 "$command" 2>/dev/null; do
    status=0
    wait "$command" || status=$?
done
exit "$status"
