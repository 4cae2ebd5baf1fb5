#!/usr/bin/env bash
# Measures what a request costs, prints the tables and writes them to bench/results.md.
#
#   bench/run.sh [ARGUMENT…]      arguments of `ostiary-bench run`, such as `--rounds 3`
#
# PostgreSQL is started by scripts/with-postgres.sh, writing to disk as a production server does.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --release -p ostiary -p ostiary-bench
directory=$(mktemp -d "${TMPDIR:-/tmp}/ostiary-bench.XXXXXX")
trap 'rm -rf "$directory"' EXIT
scripts/with-postgres.sh --durable target/release/ostiary-bench run \
    --directory "$directory" --results bench/results.md "$@"
