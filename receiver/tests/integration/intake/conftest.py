# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An intake on a real store, with the service of the tests' own under two names."""

from __future__ import annotations

import pytest
from tests.integration.intake.plain import Plain

from playhook.intake.receive import Intake
from playhook.store.store import Store


@pytest.fixture
def intake(store: Store) -> Intake:
    return Intake(store, {"plain": Plain(), "other": Plain()})
