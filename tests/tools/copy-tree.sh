#!/usr/bin/env bash
# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Copy the project's files, as they are in the working tree and without what git ignores, to a new directory.
set -euo pipefail
destination=${1:?usage: copy-tree.sh DIRECTORY}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p "$destination"
git ls-files -z --cached --others --exclude-standard --deduplicate |
    while IFS= read -r -d '' file; do
        # A file that was deleted and not yet committed is still listed.
        if [[ -e $file ]]; then printf '%s\0' "$file"; fi
    done |
    tar --create --null --files-from=- | tar --extract --directory="$destination"
