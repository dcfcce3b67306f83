#!/usr/bin/env bash
# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Run `make SECTION` for each section, stop at the first that fails, and close with the count and the times.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
skip=" $1 "
shift

times=()
passed=0
failed=0
skipped=0
close() {
    printf '\n==== %s (%d s) ====\n' "${times[*]}" "$SECONDS"
    if ((failed)); then printf 'Run it alone with: make %s\n' "$section"; fi
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
}

for section in "$@"; do
    if [[ $skip == *" $section "* ]]; then
        printf '\n==== %s: skipped, as SKIP says ====\n' "$section"
        skipped=$((skipped + 1))
        continue
    fi
    printf '\n==== %s ====\n' "$section"
    begin=$SECONDS
    if "${MAKE:-make}" "$section"; then
        times+=("$section $((SECONDS - begin)) s,")
        passed=$((passed + 1))
    else
        times+=("$section FAILED after $((SECONDS - begin)) s,")
        failed=1
        close
        exit 1
    fi
done
close
