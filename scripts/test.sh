#!/usr/bin/env bash
# The one test command: everything that has to be good before a change is taken.
#
#   scripts/test.sh            all parts
#   scripts/test.sh rust sdk   some of them
#
#   format   cargo fmt --check
#   clippy   lints of all crates, warnings are errors
#   rust     all Rust tests, on SQLite and PostgreSQL
#   web      pages and mails in headless Chromium
#   sdk      the official Node, Python and browser SDKs against `ostiary dev`, on SQLite and PostgreSQL
#
# All parts run even when one fails; the last lines say how each went. Needs Rust with clippy and
# rustfmt, and Node 20.11 or newer. What else is missing (a C compiler, PostgreSQL, Chromium, Python's
# venv) is installed on Debian when the caller is root, and named otherwise. Packages come from
# crates.io, npm and PyPI. Nothing is changed outside of target/, node_modules/ and sdk-tests/.venv/.
set -uo pipefail
cd "$(dirname "$0")/.."

known=(format clippy rust web sdk)
chosen=("$@")
((${#chosen[@]})) || chosen=("${known[@]}")
for part in "${chosen[@]}"; do
    if [[ " ${known[*]} " != *" $part "* ]]; then
        echo "$0: there is no part $part; the parts are ${known[*]}" >&2
        exit 2
    fi
done

needs() { # whether one of the named parts was chosen
    local part
    for part in "$@"; do [[ " ${chosen[*]} " == *" $part "* ]] && return 0; done
    return 1
}

# The Debian packages of what is missing for the chosen parts.
missing_packages() {
    command -v cc >/dev/null || echo build-essential
    if needs rust sdk; then
        { command -v initdb || compgen -G "/usr/lib/postgresql/*/bin/initdb"; } >/dev/null || echo postgresql
    fi
    if needs sdk; then
        command -v psql >/dev/null || echo postgresql-client
        python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
    fi
    if needs web sdk; then
        [[ -x ${CHROMIUM:-/usr/bin/chromium} ]] || echo chromium
    fi
}

install_missing() {
    local tool packages
    for tool in cargo node npm; do
        command -v "$tool" >/dev/null || { echo "$0: $tool is not installed" >&2; return 1; }
    done
    mapfile -t packages < <(missing_packages)
    ((${#packages[@]})) || return 0
    if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
        echo "$0: not installed: ${packages[*]} (names of Debian packages)" >&2
        return 1
    fi
    echo "== installing ${packages[*]}"
    apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}" >/dev/null
}

part_format() {
    cargo fmt --all --check
}

part_clippy() {
    cargo clippy --quiet --workspace --all-targets -- -D warnings
}

part_rust() {
    if cargo nextest --version >/dev/null 2>&1; then
        scripts/with-postgres.sh cargo nextest run --workspace --no-fail-fast &&
            cargo test --quiet --workspace --doc
    else
        scripts/with-postgres.sh cargo test --workspace --no-fail-fast
    fi
}

part_web() {
    # What the lock file says, unless that is installed already.
    [[ web-tests/node_modules/.package-lock.json -nt web-tests/package-lock.json ]] ||
        npm ci --prefix web-tests --no-fund --no-audit --silent || return
    npm test --prefix web-tests --silent
}

part_sdk() {
    cargo build --quiet --package ostiary &&
        ENGINES=sqlite,postgres scripts/with-postgres.sh sdk-tests/run.sh
}

install_missing || exit 2
export NEXT_TELEMETRY_DISABLED=1

results=() failed=()
for part in "${known[@]}"; do
    needs "$part" || continue
    echo "== $part"
    start=$SECONDS
    if "part_$part"; then result=passed; else result=FAILED failed+=("$part"); fi
    results+=("$(printf '%-8s %s  %4d s' "$part" "$result" $((SECONDS - start)))")
done

echo "== summary"
printf '%s\n' "${results[@]}"
if ((${#failed[@]})); then
    echo "failed: ${failed[*]}"
    exit 1
fi
