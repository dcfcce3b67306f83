#!/usr/bin/env bash
# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Run ansible-test where it agrees to run: in a directory that is physically …/ansible_collections/playhook/webhooks.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/playhook-ansible-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
collection=$scratch/ansible_collections/playhook/webhooks
"$top/tests/tools/copy-tree.sh" "$collection"

# pyenv's shims answer to every version's name and then fail, so ansible-test gets links to the Pythons that do run.
mkdir "$scratch/pythons"
for name in python3.{8..14}; do
    for candidate in $(type -ap "$name") "${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/"$name"; do
        [[ $candidate != "$top"/.venv/* ]] || continue
        real=$("$candidate" -c 'import sys; print(sys.executable)' 2>/dev/null) || continue
        ln -s "$real" "$scratch/pythons/$name"
        break
    done
done
PATH=$scratch/pythons:$top/.venv/bin:$(tr : '\n' <<<"$PATH" | grep -v '/shims/*$' | paste -sd :)
export PATH

# `--venv` downloads a script that installs pip from a host of its own. The package index has the same pip, and is
# often the only host that a CI machine reaches, so a script that asks there is put into ansible-test's cache.
cache=$HOME/.ansible/test/cache
mkdir -p "$cache"
requirements=$("$top/.venv/bin/python" -c 'import ansible_test; print(ansible_test.__path__[0])')/_internal/python_requirements.py
for version in $(grep -oE "pip='[0-9.]+'" "$requirements" | tr -dc '0-9.\n' | sort -u); do
    [[ -e $cache/get_pip_${version//./_}.py ]] || cat >"$cache/get_pip_${version//./_}.py" <<EOF
import subprocess, sys
for arguments in (["ensurepip", "--default-pip"], ["pip", "install", "--quiet", "pip==$version"]):
    subprocess.check_call([sys.executable, "-m", *arguments])
EOF
done

cd "$collection"
if [[ $1 == units ]]; then
    # Each Python takes a quarter of a minute: the oldest and the newest that are here say what those between would.
    mapfile -t versions < <(find "$scratch/pythons" -name 'python3.*' -printf '%f\n' | sed 's/^python//' | sort -V)
    for version in $(printf '%s\n' "${versions[0]}" "${versions[-1]}" | uniq); do
        ansible-test "$@" --python "$version"
    done
else
    ansible-test "$@"
fi
