# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SQLite's REGEXP, with a limit of time: the pattern is a user's, and it is run against every row of a table.

SQLAlchemy registers one that is Python's `re`, which cannot be stopped and lets no other thread run meanwhile: one
list with `(a+)+$` would stall every request and every delivery.
"""

from __future__ import annotations

import time
from typing import Final

import regex

ROW_LIMIT: Final = 0.05  # seconds for one value
TOTAL_LIMIT: Final = 1.0  # seconds of one read transaction, thus of one request
_SHORTEST: Final = 0.001  # the library takes no timeout of nothing


class Regexp:
    """The function REGEXP of one connection, used by one thread at a time."""

    def __init__(self) -> None:
        self._left = TOTAL_LIMIT
        self.is_too_slow = False

    def begin(self) -> None:
        """Give a new transaction the whole time."""
        self._left = TOTAL_LIMIT
        self.is_too_slow = False

    def __call__(self, pattern: str, value: str | None) -> bool | None:
        """Say whether the pattern is found. Raises TimeoutError, which SQLite tells as an error of its own."""
        if value is None:
            return None
        started = time.monotonic()
        try:
            compiled = regex.compile(pattern, regex.VERSION0)  # the library keeps what it has compiled
            limit = max(min(ROW_LIMIT, self._left), _SHORTEST)
            found = compiled.search(value, timeout=limit, concurrent=True) is not None
        except TimeoutError:
            self.is_too_slow = True
            raise
        finally:
            self._left -= time.monotonic() - started
        if self._left <= 0:
            self.is_too_slow = True
            raise TimeoutError(f"all values together took longer than {TOTAL_LIMIT} s")
        return found
