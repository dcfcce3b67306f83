# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people may write where it becomes an option of ansible-playbook or a name for git (SECURITY S16)."""

from __future__ import annotations

import re
from typing import Final

# Ansible reads hosts from the file that a part `@file` names, and quotes what it finds there. It takes brackets that
# do not match for a separator (`split_host_pattern` in ansible.inventory.manager).
_FILE_OF_HOSTS: Final = re.compile(r"(?:^|[\s,:\[\]])@")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# git check-ref-format, and nothing that could be taken for an option or a range.
_REF: Final = re.compile(r"(?![-/.])(?!.*(?:\.\.|//|@\{|\.lock(?:/|$)|/\.))[^\x00-\x20\x7f~^:?*\[\\]+(?<![/.])")


def complain_of_line(text: str) -> str | None:
    """Say why a text cannot be an option's value, or None."""
    return "Control characters and line breaks are not allowed." if _CONTROL.search(text) else None


def complain_of_limit(text: str) -> str | None:
    """Say why a text cannot be a limit, or None."""
    if _FILE_OF_HOSTS.search(text):
        return "A limit cannot name a file with @; write the names of hosts and groups."
    return complain_of_line(text)


def is_ref(text: str) -> bool:
    """Say whether a text can be the name of a branch, tag or commit."""
    return _REF.fullmatch(text) is not None


def complain_of_ref(text: str) -> str | None:
    """Say why a text cannot be a branch, tag or commit, or None; empty means the default branch."""
    return None if not text or is_ref(text) else f'"{text}" is not something that git can fetch.'
