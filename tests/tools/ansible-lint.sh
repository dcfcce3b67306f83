#!/usr/bin/env bash
# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Run ansible-lint where the collection is found under its own name, so that its modules and roles resolve.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
scratch=$(mktemp -d "${TMPDIR:-/tmp}/playhook-ansible-lint.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
"$top/tests/tools/copy-tree.sh" "$scratch/ansible_collections/playhook/webhooks"
cd "$scratch/ansible_collections/playhook/webhooks"
export PATH=$top/.venv/bin:$PATH ANSIBLE_COLLECTIONS_PATH=$scratch
if [[ -t 1 ]]; then color=(); else color=(--nocolor); fi
# Those playbooks are of awx.awx, which is not installed here; their tests run them.
ansible-lint "${color[@]}" --offline --profile production --strict --exclude receiver/tests/clients/playbooks
