#!/usr/bin/env bash
# Makes .venv hold what requirements/NAME.txt lists, and this project itself, editable:
#
#   scripts/install.sh native|dev
#
# Does nothing when that is so already; finishes what an interrupted run left half done. PYTHON names the
# Python to use.
set -euo pipefail

name=${1:?'usage: scripts/install.sh native|dev'}
root=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv
stamp=$venv/.installed # first line: the folder .venv was made in; second line: what it holds

say() { printf '%s\n' "$@" >&2; }
fail() {
  say "error: $1" "${@:2}"
  exit 3
}

# Prints the version of a Python. Fails when that does not serve, and prints why if it runs at all.
probe() {
  "$1" -E -S -c '
import sys
old = sys.version_info < (3, 11)
if not old:
    from importlib.util import find_spec
lack = " is too old" if old else "" if find_spec("ensurepip") else " is without venv"
print("%d.%d.%d" % sys.version_info[:3] + lack)
sys.exit(bool(lack))
' 2>/dev/null
}

find_python() {
  local candidate answer tried='' package=python3-venv sudo='sudo ' repair
  if [ -n "${PYTHON:-}" ]; then set -- "$PYTHON"; else set -- python3.13 python3.12 python3.11 python3; fi
  for candidate; do
    if answer=$(probe "$candidate"); then
      "$candidate" -c 'import sys; print(sys.executable)' # an absolute path
      return
    fi
    case $answer in
      *venv) package=python$(cut -d. -f1,2 <<<"$answer")-venv ;;
      *old) [ "$package" != python3-venv ] || package=python3.11-venv ;;
      *) answer='is not there, or does not run' ;;
    esac
    tried+="${tried:+; }$candidate $answer"
  done
  if [ -n "${PYTHON:-}" ] && [[ $answer != *venv ]]; then
    fail "PYTHON has to name a Python >= 3.11, and $tried." 'To mend it: unset PYTHON, or let it name another.'
  fi
  [ "$(id -u)" -ne 0 ] || sudo=''
  if command -v apt-get >/dev/null; then
    repair="${sudo}apt-get install $package"
  elif command -v brew >/dev/null; then
    repair='brew install python@3.13'
  else
    repair='install Python 3.13 from your system'\''s packages'
  fi
  fail "this needs Python >= 3.11 with venv, and found none: $tried" "To mend it: $repair" \
    'Where it is installed but not on PATH: PYTHON=/path/to/python3.13 ./setup-dev-environment.sh'
}

# Whether .venv can be used as it is: sets its `version`, or else its `flaw`.
venv_serves() {
  local made_in=$root
  flaw='its Python is gone, replaced or too old'
  version=$(probe "$venv/bin/python") && [ -d "$venv/lib/python${version%.*}" ] || return
  flaw="it has Python $version, and PYTHON asks for another"
  [ -z "${PYTHON:-}" ] || [ "$(probe "$PYTHON")" = "$version" ] || return
  flaw='it was made in another folder, and a virtual environment cannot be moved'
  [ ! -f "$stamp" ] || read -r made_in <"$stamp"
  [ "$made_in" = "$root" ]
}

wanted() { printf '%s %s %s\n' "$version" "$(cat "$root"/requirements/*.txt "$root/pyproject.toml" | cksum)" "$1"; }

installed() {
  local held
  venv_serves || return
  held=$(tail -n +2 "$stamp" 2>/dev/null) || return
  [ "$held" = "$(wanted "$name")" ] || [ "$held" = "$(wanted dev)" ] # dev.txt is native.txt and more
}

make_venv() {
  if [ -f "$venv/pyvenv.cfg" ]; then
    say "Making .venv anew: $flaw."
    "$python" -m venv --clear "$venv"
  else
    "$python" -m venv "$venv"
  fi
}

has_installer() { command -v uv || "$venv/bin/python" -m pip --version; } >/dev/null 2>&1

install() {
  if command -v uv >/dev/null; then
    uv pip install --quiet --python "$venv/bin/python" "$@"
  else
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile "$@"
  fi
}

installed && exit
python=$venv/bin/python
venv_serves || python=$(find_python)
cd "$root"

# One installation at a time: the kernel keeps this lock while this script or a child that outlives it runs.
exec 9>>pyproject.toml # changes nothing; to be locked on NFS it has to be open for writing
"$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null || {
  say 'Waiting for another installation into this .venv to end …'
  "$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
}
installed && exit

if command -v uv >/dev/null; then using='uv: half a minute'; else using='pip: two minutes'; fi
say "Installing requirements/$name.txt into .venv, with $using, more on a slow network …"
again='Once that is mended, run the same command again: it goes on from here.'
venv_serves || make_venv || fail "$venv could not be made; the reason stands above." "$again"
venv_serves || fail "$venv does not serve: $flaw." "To mend it: remove $venv and run the same command again."
holds=$(wanted "$name")
printf '%s\n' "$root" >"$stamp"

# pip and uv take a package whose installation was cut short for an installed one; INSTALLER comes last.
for package in "$venv"/lib/python*/site-packages/*.dist-info; do
  [ -e "$package/INSTALLER" ] || rm -rf "$package"
done
has_installer || "$venv/bin/python" -m ensurepip >/dev/null || fail 'pip could not be put into .venv.' "$again"
if ! { install --require-hashes -r "requirements/$name.txt" &&
  install --no-deps --no-build-isolation --editable .; }; then
  fail 'not everything could be installed; the reason stands above.' "$again"
fi
# Without bytecode the first start takes 20 s longer. Not left to the installers: pip compiles on one core only,
# and uv does not make up for an interrupted run. A file that does not compile concerns its package alone.
"$venv/bin/python" -m compileall -qq -j 0 -x 'site-packages/.*/tests/' "$venv/lib" src || true
printf '%s\n%s\n' "$root" "$holds" >"$stamp"
