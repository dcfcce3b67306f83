# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes that a running job insists on: a database that is away for a while must not end a playbook."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

import stamina

from playhook.errors import StoreUnavailable
from playhook.store.store import Store
from playhook.store.tx import Tx

P = ParamSpec("P")
R = TypeVar("R")
_PATIENCE: Final = 600.0  # seconds


def persist(store: Store, function: Callable[Concatenate[Tx, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Write, and try again while the store is unavailable. Raises StoreUnavailable after ten minutes."""
    for attempt in stamina.retry_context(StoreUnavailable, attempts=None, timeout=_PATIENCE, wait_max=10.0):
        with attempt:
            return store.write(function, *args, **kwargs)
    raise AssertionError("stamina ends by returning or raising")
