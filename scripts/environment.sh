# Makes the project's Python environment; sourced by the scripts beside it.
#
# Needs nothing but Python >= 3.11 with venv and pip.  The environment is .venv in
# the checkout, or where VENV_FOLDER says.  It is used again as long as
# pyproject.toml and the Python that made it stay the same.
# shellcheck shell=bash

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
venv="${VENV_FOLDER:-$root/.venv}"
export PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }

# Prints the first Python >= 3.11 of this machine; PYTHON overrides the search.
find_python() {
  local name
  for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  say "voxpeer needs Python 3.11 or later, and none was found."
  say "Install it, or name one: PYTHON=/path/to/python3.12 $0"
  return 1
}

# Prints what the environment was made from, to know when it is stale.
fingerprint() {
  "$1" -c 'import hashlib, pathlib, sys
content = pathlib.Path(sys.argv[1]).read_bytes()
print(sys.version_info[:2], hashlib.sha256(content).hexdigest())' "$root/pyproject.toml"
}

# make_environment [EXTRA]: installs voxpeer, editable, with one of its extras.
make_environment() {
  local extra="${1:-}" stamp="$venv/made-from" python print
  python="$(find_python)" || return 1
  print="$(fingerprint "$python")"
  if [[ ! -f "$stamp" || "$(head -n 1 "$stamp")" != "$print" ]]; then
    say "Making the environment in $venv (a minute or two, the first time only) ..."
    if ! "$python" -m venv --clear "$venv"; then
      say "This Python cannot make environments."
      say "On Debian and Ubuntu: apt install python3-venv"
      return 1
    fi
  elif grep -qx "with:$extra" "$stamp"; then
    return
  else
    say "Adding what '${extra:-running}' needs to the environment in $venv ..."
  fi
  "$venv/bin/python" -m pip install --quiet --editable "$root${extra:+[$extra]}"
  [[ -f "$stamp" ]] || printf '%s\n' "$print" > "$stamp"
  # Every extra brings along what running needs.
  printf 'with:%s\nwith:\n' "$extra" >> "$stamp"
}
