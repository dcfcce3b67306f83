#!/usr/bin/env bash
# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Make .venv: the receiver (editable), its test tools and the collection's. Run again after a dependency changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

is_good() { "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    local name
    # The system's own Python first: tests that drop privileges cannot read one that lives in a home directory.
    for name in ${PYTHON:-/usr/bin/python3 python3 python3.13 python3.12 python3.11}; do
        if is_good "$name"; then
            printf '%s\n' "$name"
            return
        fi
    done
    cat >&2 <<EOF
No Python 3.11 or newer with venv was found (looked at: ${PYTHON:-/usr/bin/python3, python3, python3.13, python3.12, python3.11}).
On Debian or Ubuntu:  apt-get install python3 python3-venv
On Fedora or RHEL:    dnf install python3.12
If you have one elsewhere, name it:  make PYTHON=/path/to/python3.12 ${MAKECMDGOALS:-test}
EOF
    return 1
}

begin=$SECONDS
if ! { [[ -x .venv/bin/pip ]] && is_good .venv/bin/python; }; then
    python=$(find_python)
    printf -- '-- Making .venv with %s\n' "$("$python" -c 'import platform, sys; print(sys.executable, platform.python_version())')"
    "$python" -m venv --clear .venv
fi

# uv installs the set in seconds where pip needs tens of them; both read the same files.
knows_groups() { "$@" pip install --help 2>/dev/null | grep -q -- --group; }
wanted=(--editable receiver --group receiver/pyproject.toml:test --requirement tests/requirements.txt)
uv=
if knows_groups uv; then
    uv=uv
elif [[ -x .venv/bin/uv ]] || .venv/bin/pip install --quiet --disable-pip-version-check uv; then
    uv=.venv/bin/uv
fi
if [[ -n $uv ]]; then
    printf -- '-- Installing the receiver and the test tools with uv\n'
    # Its progress is for a person to see.
    [[ -t 2 ]] || wanted+=(--quiet)
    # Compiled now, as pip does: else each of the many programs that tests start compiles what it imports.
    "$uv" pip install --python .venv/bin/python --compile-bytecode "${wanted[@]}"
else
    printf -- '-- Installing the receiver and the test tools with pip (a minute or two)\n'
    .venv/bin/pip install --quiet --upgrade 'pip>=25.1' # the first that knows --group
    .venv/bin/pip install "${wanted[@]}"
fi
touch .venv/installed
printf -- '-- .venv is ready (%d s)\n' $((SECONDS - begin))
