# SPDX-FileCopyrightText: Playhook contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`awx export` of everything, and `awx import` of it into an empty receiver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import SITE, serve
from tests.clients.natural_keys import find_differences, read_everything
from tests.clients.test_awx_command import Awx, make_awx
from tests.clients.warehouse import SECRET, build_warehouse
from tests.integration.worker.repositories import Repository
from tests.live import LiveReceiver
from tests.tls import Tls

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def full(receiver: LiveReceiver, tmp_path_factory: pytest.TempPathFactory) -> LiveReceiver:
    """A receiver that has one of everything."""
    repository = Repository(tmp_path_factory.mktemp("repository") / "site", {"site.yml": SITE})
    build_warehouse(receiver, f"file://{repository.path}")
    return receiver


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, tls: Tls) -> Iterator[LiveReceiver]:
    """A receiver that nobody has used."""
    with serve(tmp_path_factory.mktemp("empty"), tls) as live:
        yield live


@pytest.fixture(scope="module")
def exported(full: LiveReceiver, awx_command: Path, tls: Tls) -> str:
    """What the command exports."""
    return make_awx(awx_command, full, tls)("export")


@pytest.fixture(scope="module")
def imported(exported: str, empty: LiveReceiver, awx_command: Path, tls: Tls) -> Awx:
    """The command for the second receiver, which has imported what the first one exported.

    Twice: the command makes organizations before the execution environments that they may have, and finds them then.
    """
    awx = make_awx(awx_command, empty, tls)
    awx("import", stdin=exported)
    awx("import", stdin=exported)
    return awx


def test_an_export_holds_no_secret(exported: str) -> None:
    assert SECRET not in exported


def test_both_receivers_have_the_same_objects(imported: Awx, full: LiveReceiver, empty: LiveReceiver) -> None:
    assert list(find_differences(read_everything(full), read_everything(empty))) == []


def test_the_second_receiver_exports_the_same(imported: Awx, exported: str) -> None:
    again = json.loads(imported("export"))
    assert list(find_differences(by_key(json.loads(exported)), by_key(again))) == []


def by_key(value: Any) -> Any:
    """Return it with its lists as dictionaries, by natural key where there is one: the order of ids differs."""
    if isinstance(value, dict):
        return {name: by_key(each) for name, each in value.items()}
    if isinstance(value, list):
        return {repr(each.get("natural_key", each)) if isinstance(each, dict) else each: by_key(each) for each in value}
    return value
