# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWX's modules make and delete a token around every task; `make bench` has the figures, this has the bound."""

from __future__ import annotations

import time
import timeit

from bench.tokens import measure_token_pairs
from tests.acceptance.conftest import Installation
from tests.live import ADMIN_PASSWORD

from playhook.store.users import hash_password, verify_password

_PATIENCE = 45.0  # seconds; on a busy machine most pairs wait for others, and the quickest tells what one costs


def test_tokens_are_cheap_after_the_first(installation: Installation) -> None:
    """A pair takes less than half of what it takes to look at a password, on this machine."""
    known = hash_password(ADMIN_PASSWORD)
    bound = min(timeit.repeat(lambda: verify_password(known, ADMIN_PASSWORD), number=1, repeat=20)) * 1000 / 2
    deadline = time.monotonic() + _PATIENCE
    _first, pairs = measure_token_pairs(installation, 60)
    while min(pairs) >= bound and time.monotonic() < deadline:
        pairs += measure_token_pairs(installation, 60)[1]
    assert min(pairs) < bound, (bound, sorted(pairs)[:10])
