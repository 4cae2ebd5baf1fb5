#!/usr/bin/env bash
# Runs the official, unmodified SDKs against a started `ostiary dev`.
#
#   ENGINES=sqlite,postgres   databases to run on (default sqlite; postgres needs OSTIARY_TEST_POSTGRES_URL)
#   SUITES=node,python,browser
#   OSTIARY_BIN=…             the server (default target/debug/ostiary)
set -euo pipefail
cd "$(dirname "$0")"

engines=${ENGINES:-sqlite}
suites=${SUITES:-node,python,browser}

# Installs what the lock file says, unless that is done already.
install() {
  [[ $1/node_modules/.package-lock.json -nt $1/package-lock.json ]] || npm ci --prefix "$1" --no-fund --no-audit
}

install .
[[ $suites == *browser* ]] && install ../examples/nextjs
if [[ $suites == *python* && ! .venv/installed -nt requirements.txt ]]; then
  python3 -m venv .venv
  .venv/bin/pip install --quiet --requirement requirements.txt
  touch .venv/installed
fi

failed=()
run() {
  echo "== $1 on $ENGINE"
  "${@:2}" || failed+=("$1 on $ENGINE")
}

for ENGINE in ${engines//,/ }; do
  export ENGINE
  [[ $suites == *node* ]] && run node node --test --test-concurrency=2 node/*.test.mjs
  [[ $suites == *python* ]] && run python .venv/bin/pytest -q python
  # One at a time: each of these files has a browser of its own.
  [[ $suites == *browser* ]] && run browser node --test --test-concurrency=1 browser/*.test.mjs
done

if ((${#failed[@]})); then
  printf 'failed: %s\n' "${failed[@]}"
  exit 1
fi
