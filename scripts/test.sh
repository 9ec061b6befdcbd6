#!/usr/bin/env bash
# Installs what is needed, then lints, checks types and runs the tests; arguments go to pytest:
#
#   scripts/test.sh                        everything
#   scripts/test.sh tests/unit -k ports    the tests that match (linters and types as always)
#
# MMP_TEST_WORKERS says how many files are tested at a time: 2, or 0 for a debugger. Exits with pytest's code, or 1 if
# the tests passed and something else did not.
set -euo pipefail

root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
scripts/install.sh dev
export PATH=$root/.venv/bin:$PATH

code=0
ruff check --no-cache || code=1 # its cache does not notice that a module of ours moved
ruff format --check || code=1
mypy || code=1
shellcheck setup-dev-environment.sh scripts/*.sh .ci/run || code=1

# Two passes. Servers wait more than they compute, so two files at a time take little longer than one; the tests of a
# file share a stack and stay together. Those marked `alone` would end what the others run, so they come afterwards.
skipped=$(mktemp)
trap 'rm -f "$skipped"' EXIT
pass() { coverage run -m pytest "--did-not-run=$skipped" "$@"; }

coverage erase
most=0 alone=0
pass --alone=no -n "${MMP_TEST_WORKERS:-2}" --dist loadfile "$@" || most=$?
case $most in
  0 | 1 | 5) pass --alone=yes "$@" || alone=$? ;; # 2, 3, 4: interrupted, or no arguments for pytest
esac
case $most,$alone in
  5,5) code=5 ;; # nothing matched: of one pass alone that is no failure
  [05],[05]) ;;
  [05],*) code=$alone ;;
  *) code=$most ;;
esac

if coverage combine --quiet; then coverage report || true; fi # measured, not demanded
if [ -s "$skipped" ]; then
  echo "Did not run: $(wc -l <"$skipped")"
  sed 's/^/  /' "$skipped"
else
  echo "Did not run: nothing; every test ran"
fi
exit "$code"
