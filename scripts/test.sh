#!/usr/bin/env bash
# Installs what is needed, then lints, checks types and runs the tests; arguments go to pytest:
#
#   scripts/test.sh                        everything
#   scripts/test.sh tests/unit -k ports    the tests that match (linters and types as always)
#
# Exits with pytest's code, or 1 if the tests passed and something else did not.
set -euo pipefail

workers=${MMP_TEST_WORKERS:-} # tests at a time: one, because real services compete for the processors

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
scripts/install.sh dev
export PATH=$root/.venv/bin:$PATH

code=0
ruff check --no-cache || code=1 # its cache does not notice that a module of ours moved
ruff format --check || code=1
mypy || code=1
shellcheck setup-dev-environment.sh scripts/*.sh .ci/run || code=1

coverage erase
# shellcheck disable=SC2086  # two words, or none
coverage run -m pytest ${workers:+-n $workers} "$@" || code=$?
if coverage combine --quiet; then coverage report || true; fi # measured, not demanded
exit "$code"
