# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures that every tier shares: settings in a temporary directory, and an open store with its first rows."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import insert

from playhook.settings import Settings
from playhook.store import tables as t
from playhook.store.migrate import migrate
from playhook.store.store import Store, open_store
from playhook.store.writer import Tx

# A busy machine is slow, which says nothing about the code.
hypothesis_settings.register_profile("playhook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("playhook")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings that touch nothing outside the test's directory."""
    return Settings(home=tmp_path / "home", base_url="https://playhook.example.com")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """A migrated SQLite store with an installation row and nothing else."""
    settings.home.mkdir(parents=True)
    migrate(settings.database)
    opened = open_store(settings)
    opened.write(_install)
    yield opened
    opened.close()


def _install(tx: Tx) -> None:
    tx.connection.execute(insert(t.installation).values(uuid=str(uuid.uuid4()), created=datetime.now(UTC)))
