#!/usr/bin/env bash
# Usage: setup-dev-environment.sh [OPTION | SERVICE]…
#
# Starts the local MLOps stack: makes .venv beside this script with what the stack needs (from a Python >= 3.11,
# without root), then runs `mmp-dev up` with all arguments: on Docker Compose when an engine answers, else natively.
# To run it again is safe and takes no time; it deletes no data. Its options: .venv/bin/mmp-dev up --help
#
# Copied into another repository it does the same with the mmp-local-dev that lies beside that repository, and
# clones it there first if need be.
#
#   PYTHON              the Python to use; otherwise the first that serves of python3.13, 3.12, 3.11, python3
#   MMP_DEV_RUNTIME     native or compose: how a new stack is to run; otherwise by what this machine has
#   MMP_LOCAL_DEV_REPO  where a copy clones mmp-local-dev from: a git URL or a folder
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
me=$here/$(basename -- "${BASH_SOURCE[0]}")
sibling=$(dirname -- "$here")/mmp-local-dev

fail() {
  printf 'error: %s\n' "$1" >&2
  [ $# -eq 1 ] || printf '%s\n' "${@:2}" >&2
  exit 3
}

is_mmp_local_dev() { [ -f "$1/dev-contract.yml" ] && [ -d "$1/src/mmp_local_dev" ]; }

clone_sibling() {
  local parent name=${sibling##*/}
  parent=$(dirname -- "$sibling")
  [ -n "${MMP_LOCAL_DEV_REPO:-}" ] ||
    fail "there is no $sibling, and MMP_LOCAL_DEV_REPO does not say where to clone it from." \
      "To mend it: MMP_LOCAL_DEV_REPO=<git URL or folder of mmp-local-dev> $(printf %q "$me")"
  # Beside its place, then renamed: whatever happens meanwhile, there is a whole clone or none.
  half=$(mktemp -d "$parent/.$name.XXXXXX") || fail "mmp-local-dev cannot be cloned into $parent."
  trap 'rm -rf "$half"' EXIT
  echo "Cloning mmp-local-dev to $sibling …" >&2
  git clone -- "$MMP_LOCAL_DEV_REPO" "$half/$name" ||
    fail "mmp-local-dev could not be cloned; the reason stands above." \
      "To mend it: let MMP_LOCAL_DEV_REPO name something that 'git clone' can read, and run this again."
  is_mmp_local_dev "$half/$name" ||
    fail "MMP_LOCAL_DEV_REPO names something else than mmp-local-dev: no dev-contract.yml, no src/mmp_local_dev."
  mv "$half/$name" "$parent/" || [ -d "$sibling" ] # somebody else was quicker: theirs stays, and is looked at
  rm -rf "$half"
  trap - EXIT
}

case ${1:-} in
  -h | --help)
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit
    ;;
esac

if ! is_mmp_local_dev "$here"; then
  [ -e "$sibling" ] || [ -L "$sibling" ] || clone_sibling
  is_mmp_local_dev "$sibling" || fail "$sibling exists, but is not a clone of mmp-local-dev; it is left as it is." \
    "To mend it: mv $(printf '%q %q' "$sibling" "$sibling.old") and run this again."
  exec "$sibling/setup-dev-environment.sh" "$@"
fi
"$here/scripts/install.sh" native
cd "$here"
exec .venv/bin/mmp-dev up "$@"
