# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds who holds a text in this process: what was imported must not remember where."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence


def find_holders(text: str, expected: Sequence[object], ignored: tuple[type, ...]) -> list[str]:
    """Return descriptions of the objects that hold a string with `text` in it, but for the expected ones."""
    known = {id(each) for each in expected}
    names = {id(vars(module)): name for name, module in list(sys.modules.items()) if hasattr(module, "__dict__")}
    everything = gc.get_objects()
    seen = {id(each) for each in everything} | {id(everything)}
    found = []
    while everything:
        holder = everything.pop()
        ours = id(holder) in known or isinstance(holder, ignored)
        for each in gc.get_referents(holder):
            if isinstance(each, str | bytes):
                if not ours and text in (each if isinstance(each, str) else each.decode("latin-1")):
                    found.append(names.get(id(holder)) or _name_entry(holder, each))
            elif id(each) not in seen:  # what holds only plain values is not in the collector's own list
                seen.add(id(each))
                everything.append(each)
    return found


def _name_entry(holder: object, text: str | bytes) -> str:
    keys = [key for key, value in holder.items() if value is text] if isinstance(holder, dict) else []
    return f"{type(holder).__name__}{keys[:1] or ''}"
