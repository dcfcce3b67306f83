# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where something in a template's `playhook` object is wrong: `filters.when[1]`, and the sentences said of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

MOST_ENTRIES: Final = 100
LONGEST_TEXT: Final = 255


class Place:
    """A part of the object, and a way to complain about it; all places below one root share its `problems`."""

    def __init__(self, path: str = "", problems: dict[str, list[str]] | None = None) -> None:
        self.path = path
        self.problems: dict[str, list[str]] = {} if problems is None else problems

    def key(self, name: str) -> Place:
        return Place(f"{self.path}.{name}" if self.path else name, self.problems)

    def item(self, index: int) -> Place:
        return Place(f"{self.path}[{index}]", self.problems)

    def refuse(self, message: str) -> None:
        self.problems.setdefault(self.path, []).append(message)

    def mapping(self, value: Any) -> Mapping[str, Any]:
        """Return `value` if it is an object, else complain and return {}."""
        if isinstance(value, Mapping):
            return value
        self.refuse(f"An object is wanted, not {_name(value)}.")
        return {}

    def entries(self, value: Any, what: str = "texts", most: int = MOST_ENTRIES) -> Iterator[tuple[Place, Any]]:
        """Yield each entry of a list with its place; complain where it is no list, empty or too long."""
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.refuse(f"A list of {what} is wanted, not {_name(value)}.")
        elif not value:
            self.refuse("The list is empty, so nothing would ever pass; leave the rule out to let everything pass.")
        elif len(value) > most:
            self.refuse(f"The list has {len(value)} entries; {most} are allowed.")
        else:
            yield from ((self.item(index), each) for index, each in enumerate(value))

    def texts(self, value: Any) -> list[tuple[Place, str]]:
        """Return each text of a list with its place."""
        return [(at, text) for at, each in self.entries(value) if (text := at.text(each)) is not None]

    def text(self, value: Any, longest: int = LONGEST_TEXT) -> str | None:
        """Return `value` if it is a text that may be used, else complain and return None."""
        if not isinstance(value, str):
            self.refuse(f"A text is wanted, not {_name(value)}.")
        elif not value.strip():
            self.refuse("The text is empty.")
        elif len(value) > longest:
            self.refuse(f"The text has {len(value)} characters; {longest} are allowed.")
        else:
            return value
        return None

    def number(self, value: Any, least: int, most: int) -> int | None:
        """Return `value` if it is a whole number within the bounds, else complain and return None."""
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(f"A whole number from {least} to {most} is wanted.")
            return None
        return value

    def flag(self, value: Any) -> bool:
        """Return `value` if it is true or false, else complain."""
        if not isinstance(value, bool):
            self.refuse(f"true or false is wanted, not {_name(value)}.")
        return bool(value)


def _name(value: Any) -> str:
    if value is None:
        return "null"
    names = ((bool, "true or false"), (int | float, "a number"), (str, "a text"), (Mapping, "an object"))
    return next((name for kind, name in names if isinstance(value, kind)), "a list")
