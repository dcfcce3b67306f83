# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Typed reading of decoded payloads. Everything in them is hostile: what has the wrong type is None, nothing raises."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

_FULL_SHA: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_ZEROS: Final = re.compile(r"0{40}(?:0{24})?")


def look(value: Any, *path: str | int) -> Any:
    """Return what is at `path`, numbers counting in lists, or None as soon as something on the way is not there."""
    for name in path:
        if isinstance(name, int):
            value = value[name] if isinstance(value, list) and name < len(value) else None
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return value


def text(value: Any, *path: str | int) -> str | None:
    """Return the string at `path`. One with a NUL is none: no service has such names, and databases refuse them."""
    found = look(value, *path)
    return found if isinstance(found, str) and "\0" not in found else None


def number(value: Any, *path: str | int) -> int | None:
    """Return the integer at `path`."""
    found = look(value, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def flag(value: Any, *path: str | int) -> bool | None:
    """Return the boolean at `path`."""
    found = look(value, *path)
    return found if isinstance(found, bool) else None


def texts(value: Any, *path: str | int, key: str) -> tuple[str, ...] | None:
    """Return the strings under `key` of each object in the list at `path`, as in the names of labels."""
    found = look(value, *path)
    if not isinstance(found, list):
        return None
    return tuple(name for item in found if (name := text(item, key)) is not None)


def identifier(value: Any, *path: str | int) -> str | None:
    """Return the service's own id at `path`, a number there, as text."""
    found = number(value, *path)
    return None if found is None else str(found)


def ref_name(value: Any, *path: str | int) -> str | None:
    """Return the ref, tag or SHA at `path`; forty zeros, which stand for a deleted or new ref, are None."""
    found = text(value, *path)
    return None if found is None or _ZEROS.fullmatch(found) else found


def sha(value: Any, *path: str | int) -> str | None:
    """Return the full SHA at `path`; anything else, and a SHA of zeros, is None."""
    found = ref_name(value, *path)
    return found if found is not None and is_full_sha(found) else None


def is_full_sha(name: str) -> bool:
    """Tell whether `name` is a full SHA-1 or SHA-256 of git in lower case."""
    return _FULL_SHA.fullmatch(name) is not None


def is_zeros(name: str | None) -> bool:
    """Tell whether `name` is the SHA of zeros, which stands for a ref that is new or gone."""
    return name is not None and _ZEROS.fullmatch(name) is not None


def branch_of(ref: str | None) -> str | None:
    """Return the branch that a full ref names."""
    return _below("refs/heads/", ref)


def tag_of(ref: str | None) -> str | None:
    """Return the tag that a full ref names."""
    return _below("refs/tags/", ref)


def _below(prefix: str, ref: str | None) -> str | None:
    return ref[len(prefix) :] if ref is not None and ref.startswith(prefix) and len(ref) > len(prefix) else None


def changed_paths(commits: Any) -> tuple[str, ...] | None:
    """Return the paths that the commits of a push touch, each once; None where a commit does not list its paths."""
    if not isinstance(commits, list):
        return None
    lists = [look(commit, kind) for commit in commits for kind in ("added", "modified", "removed")]
    if not all(isinstance(names, list) for names in lists):
        return None
    return tuple(dict.fromkeys(_texts_in(name for names in lists for name in names)))


def _texts_in(values: Iterable[Any]) -> Iterable[str]:
    return (value for value in values if isinstance(value, str) and "\0" not in value)
