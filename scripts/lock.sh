#!/usr/bin/env bash
# Regenerates requirements/*.txt and mlflow/requirements.txt from pyproject.toml. Versions already locked stay, unless asked otherwise:
#
#   scripts/lock.sh                           after a change in pyproject.toml
#   scripts/lock.sh --upgrade                 everything to its newest
#   scripts/lock.sh --upgrade-package mlflow  one package
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v uv >/dev/null; then
  echo "error: uv is not on PATH; it is what locks the requirements. Install it with: pipx install uv" >&2
  exit 3
fi

# From within the checkout and with relative names, so that no path of this machine gets into the files.
lock() {
  local output=$1
  shift
  # The build backend is locked with the rest: the project itself is installed without build isolation.
  printf '%s\n' hatchling editables |
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
      --no-header --annotation-style line \
      --output-file "$output" "$@" pyproject.toml - >/dev/null
}

lock requirements/native.txt --extra native "$@"
# One virtual environment serves both files, so they agree on every version they share.
lock requirements/dev.txt --extra native --extra dev --constraint requirements/native.txt "$@"

# The image of MLflow's server holds the core too, so that the contract can be checked from a container.
uv pip compile --quiet --python-version 3.13 --python-platform linux --generate-hashes \
  --no-header --annotation-style line --constraint requirements/native.txt \
  --output-file mlflow/requirements.txt --extra server "$@" pyproject.toml >/dev/null
