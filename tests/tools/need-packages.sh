#!/usr/bin/env bash
# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# See that the programs which a group of tests runs are there; as root, install the Debian packages that have them.
# This is the one list of what the tests need beyond git, make and Python.
set -euo pipefail

case ${1:-} in
    receiver) needs=(initdb=postgresql ssh-keygen=openssh-client sshd=openssh-server) ;;
    bench) needs=(wrk=wrk webhook=webhook cc=gcc c99=libc6-dev initdb=postgresql) ;;
    sanity) needs=(shellcheck=shellcheck) ;;
    role) needs=(systemd-nspawn=systemd-container mmdebstrap=mmdebstrap ssh=openssh-client nsenter=util-linux) ;;
    *)
        echo "usage: need-packages.sh receiver|bench|sanity|role" >&2
        exit 2
        ;;
esac

PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
for each in /usr/lib/postgresql/*/bin; do PATH=$PATH:$each; done
missing=()
for need in "${needs[@]}"; do
    if ! type -P "${need%%=*}" >/dev/null; then missing+=("${need#*=}"); fi
done
if ((${#missing[@]} == 0)); then exit 0; fi

if ((EUID != 0)) || ! type -P apt-get >/dev/null; then
    echo "The $1 tests need the Debian package(s): ${missing[*]}. Install them as root:" >&2
    echo "    apt-get update && apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
echo "-- Installing for the $1 tests: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update -qq && apt-get install -qq --yes --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    echo "apt-get could not install ${missing[*]}, which the $1 tests need: see its messages above." >&2
    exit 1
fi
