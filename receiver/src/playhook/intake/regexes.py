# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions over hostile text: the worst patterns are refused when they are saved, and time is limited.

The pattern is the operator's, the text is the sender's. `(a+)+` needs time that doubles with each letter, so a repeat
without a limit inside another one is refused; what is left is stopped after LIMIT. The library `regex` is used because
Python's own `re` cannot be stopped.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import regex

from playhook.intake.deadline import TooSlow

LIMIT: Final = 0.05  # seconds; a harmless pattern over the longest text needs less than one thousandth
LONGEST_PATTERN: Final = 500
LONGEST_TEXT: Final = 64 * 1024  # GitHub's longest comment

# Python's own parser of patterns is not a public module, and there is no other one.
_parser: Final = importlib.import_module("re._parser")
_REPEATS: Final = {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}


class SafePattern:
    """A compiled pattern that is searched for in at most LONGEST_TEXT characters and LIMIT seconds."""

    def __init__(self, source: str) -> None:
        """Compile. Raises ValueError with a sentence that says where the pattern is wrong."""
        if len(source) > LONGEST_PATTERN:
            raise ValueError(f"the pattern has {len(source)} characters; {LONGEST_PATTERN} are allowed")
        try:
            parsed = _parser.parse(source)
            self._compiled: regex.Pattern[str] = regex.compile(source, regex.VERSION0)
        except re.error as error:
            column = "" if error.pos is None else f"column {error.pos + 1}: "
            raise ValueError(f"{column}{error.msg}") from None
        except regex.error as error:
            raise ValueError(str(error)) from None
        except (RecursionError, OverflowError):
            raise ValueError("the pattern is nested too deeply or repeats too often") from None
        if _has_nested_repeat(parsed):
            raise ValueError(
                "a repeat without a limit inside another one, as in (a+)+, can take for ever; write it with one repeat"
            )
        self.source = source
        self.groups = tuple(self._compiled.groupindex)

    def search(self, text: str, limit: float = LIMIT) -> dict[str, str | None] | None:
        """Return the named groups of the first match, None where there is none. Raises TooSlow.

        Other threads run meanwhile.
        """
        try:
            found = self._compiled.search(text[:LONGEST_TEXT], timeout=limit, concurrent=True)
        except TimeoutError:
            raise TooSlow(f"the pattern {self.source} took longer than {limit * 1000:.0f} ms") from None
        return None if found is None else found.groupdict()


def _has_nested_repeat(parsed: Iterable[Any], *, inside: bool = False) -> bool:
    for operation, argument in parsed:
        name = str(operation)
        if name in _REPEATS:
            least, most, body = argument
            unbounded = most is _parser.MAXREPEAT and least != most
            if (inside and unbounded) or _has_nested_repeat(body, inside=inside or unbounded):
                return True
        elif any(_has_nested_repeat(body, inside=inside) for body in _bodies(argument)):
            return True
    return False


def _bodies(argument: Any) -> Iterator[Iterable[Any]]:
    """Find the sequences within what the parser says of an operation, in whatever tuple or list they are."""
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, list | tuple):
        for each in argument:
            yield from _bodies(each)
